// The program `ops`: a fuzz target's input as text that people read and edit, and back; its minimal form; and a C++ test.
#include <CLI/CLI.hpp>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "ops/ddmin.hpp"
#include "ops/program.hpp"
#include "rerun.hpp"

namespace {

namespace fs = std::filesystem;
using namespace trestle::ops;
using Bytes = std::vector<std::uint8_t>;

struct Request {
  std::string target;
  std::string file;
  std::string output;
  std::string name;
};

struct Target {
  const char* name;
  const Vocabulary& vocabulary;
  const char* runner;
  bool runs_on_either = false;  // in a buffer, if the stage has one
};
const Target kTargets[] = {{"heap_ops", kHeapVocabulary, "run_on_heap"},
                           {"block_heap_ops", kBufferVocabulary, "run_on_buffer"},
                           {"bitmap_heap_ops", kBitmapVocabulary, "run_on_bitmap"},
                           {"misuse", kMisuseVocabulary, "run_on_heap", true},
                           {"corrupt", kCorruptVocabulary, "run_on_heap", true},
                           {"oom", kOomVocabulary, "run_on_heap"},
                           {"threads", kThreadsVocabulary, "run_on_threads"}};

const Target& target_of(const std::string& name) {
  std::string known;
  for (const Target& target : kTargets) {
    if (name == target.name) return target;
    known += std::string(" ") + target.name;
  }
  throw std::runtime_error("'" + name + "' is no target of op programs:" + known);
}

std::string read(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Program program_of(const Request& request) {
  const std::string bytes = read(request.file);
  Program program;
  decode(target_of(request.target).vocabulary, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
         program);
  return program;
}

Bytes encoded(const Request& request, const Program& program) {
  const std::optional<Bytes> bytes = encode(target_of(request.target).vocabulary, program);
  if (!bytes)
    throw std::runtime_error(request.file + ": " + request.target +
                             " has no input for its stage, or an op or a size in it");
  return *bytes;
}

// To the output asked for, or to stdout.
void write(const Request& request, const std::string& text) {
  if (request.output.empty()) {
    std::cout << text << std::flush;
    return;
  }
  std::ofstream out(request.output, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + request.output);
}

void make(const Request& request) {
  const std::variant<Program, TextError> parsed = parse(read(request.file));
  if (const auto* const error = std::get_if<TextError>(&parsed))
    throw std::runtime_error(request.file + ":" + std::to_string(error->line) + ": " + error->what);
  const Bytes bytes = encoded(request, std::get<Program>(parsed));
  write(request, {bytes.begin(), bytes.end()});
}

void shrink_failure(const Request& request) {
  const trestle::fuzz::Rerun target(fs::read_symlink("/proc/self/exe").parent_path() / request.target);
  const Program program = program_of(request);
  const std::string wanted = target.failure_of(encoded(request, program));
  if (wanted.empty()) throw std::runtime_error(request.file + " does not fail under " + request.target);
  const Program smallest =
      shrink(program, [&](const Program& part) { return target.failure_of(encoded(request, part)) == wanted; });
  if (!request.output.empty()) {
    const Bytes bytes = encoded(request, smallest);
    write(request, {bytes.begin(), bytes.end()});
  }
  std::cout << "# " << wanted << "\n" << to_text(smallest) << std::flush;
}

// A name in C++ out of any.
std::string identifier(const std::string& name) {
  std::string made;
  for (const char letter : name)
    if (std::isalnum(static_cast<unsigned char>(letter)) != 0) made += letter;
  return made.empty() || std::isdigit(static_cast<unsigned char>(made[0])) != 0 ? "Input" + made : made;
}

void print_cpp(const Request& request) {
  const Program program = program_of(request);
  const Target& target = target_of(request.target);
  const char* const runner = target.runs_on_either && program.stage.buffer_bytes != 0 ? "run_on_buffer" : target.runner;
  const std::string name = request.name.empty() ? fs::path(request.file).stem().string() : request.name;
  write(request,
        "#include <gtest/gtest.h>\n\n#include \"ops/runners.hpp\"\n\nnamespace trestle::ops {\nnamespace {\n\n"
        "TEST(Regression, " +
            identifier(name) + ") {\n  const Program program = " + to_cpp(program) +
            ";\n  const std::optional<Failure> failure = " + runner +
            "(program);\n"
            "  ASSERT_FALSE(failure.has_value()) << name_of(failure->what) << \": \" << failure->detail;\n"
            "}\n\n}  // namespace\n}  // namespace trestle::ops\n");
}

using Verb = void (*)(const Request&);

void add(CLI::App& app, const char* verb, const char* help, Request& request, Verb perform) {
  CLI::App* const command = app.add_subcommand(verb, help);
  command->add_option("target", request.target, "Fuzz target that the input is for")->required();
  command->add_option("file", request.file, "The input; for make, its text")->required()->check(CLI::ExistingFile);
  command->add_option("--output,-o", request.output, "Write there instead of to stdout; for shrink, the input as well");
  if (std::string(verb) == "cpp") command->add_option("--name", request.name, "Name of the test");
  command->callback([&request, perform] { perform(request); });
}

constexpr const char* kExamples = R"(Examples:
  ops show heap_ops crash-1234 > crash.txt     the program as text
  ops make heap_ops crash.txt -o edited        and back, when it was edited
  ops shrink heap_ops crash-1234               the fewest ops that fail in the same way
  ops cpp heap_ops crash-1234 --name LostTail  a test to put into props/ops, if of threads into props/stepped)";

int run(int argc, char** argv) {
  Request request;
  CLI::App app{"Inputs of the fuzz targets as text, minimal, and as C++.", "ops"};
  app.require_subcommand(1);
  app.footer(kExamples);
  add(app, "show", "Print an input as text", request, [](const Request& r) { write(r, to_text(program_of(r))); });
  add(app, "make", "Make an input from its text", request, make);
  add(app, "shrink", "Leave out what a failing input does not need to fail in the same way", request, shrink_failure);
  add(app, "cpp", "Print an input as a test in C++", request, print_cpp);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ops: %s\n", error.what());
    return 1;
  }
}
