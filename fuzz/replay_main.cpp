// A fuzz target without libFuzzer: runs the inputs of a corpus, and random ones, so that any compiler and ctest can.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ops/generate.hpp"
#include "target.hpp"
#include "text.hpp"

namespace {

namespace fs = std::filesystem;
using trestle::ops::PolicyName;
using trestle::ops::Program;

struct Options {
  std::vector<std::string> paths;
  std::size_t random = 0;
  std::uint64_t seed = 1;
  std::size_t ops = 63;
  std::optional<PolicyName> policy;
  bool print = false;
};

// The files, and those in the directories, in the order of their names.
std::vector<fs::path> files_of(const std::vector<std::string>& paths) {
  std::vector<fs::path> files;
  for (const std::string& path : paths) {
    if (!fs::is_directory(path)) {
      files.emplace_back(path);
      continue;
    }
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file() && entry.path().filename().string()[0] != '.') files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::uint8_t> read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw CLI::ValidationError(path.string(), "cannot be read");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string shown(const std::vector<std::uint8_t>& bytes) {
  if (trestle_fuzz_input.vocabulary == nullptr) return {bytes.begin(), bytes.end()};
  Program program;
  decode(*trestle_fuzz_input.vocabulary, bytes, program);
  return to_text(program);
}

std::vector<std::uint8_t> random_input(trestle::ops::Random& random, const Options& options) {
  if (trestle_fuzz_input.vocabulary == nullptr) {
    const std::string text =
        trestle::fuzz::random_text(trestle_fuzz_input.words, random, random.below(options.ops + 1));
    return {text.begin(), text.end()};
  }
  Program program = generate(*trestle_fuzz_input.vocabulary, random, options.ops);
  program.stage.policy = options.policy.value_or(program.stage.policy);
  return encode(*trestle_fuzz_input.vocabulary, program).value();
}

void perform(const std::vector<std::uint8_t>& bytes, const Options& options) {
  if (options.print) {
    std::fputs((shown(bytes) + "\n").c_str(), stdout);
    std::fflush(stdout);
  }
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

void perform_all(const Options& options) {
  for (const fs::path& path : files_of(options.paths)) {
    std::printf("%s\n", path.c_str());
    std::fflush(stdout);
    perform(read(path), options);
  }
  trestle::ops::Random random(options.seed);
  const auto began = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < options.random; ++i) perform(random_input(random, options), options);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
  if (options.random != 0)
    std::printf("%zu random inputs, %.0f a second\n", options.random,
                static_cast<double>(options.random) / taken.count());
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"Runs inputs of a fuzz target. A violated expectation prints ERROR and the input, and aborts."};
  app.add_option("paths", options.paths, "Files of inputs, and directories of them")->check(CLI::ExistingPath);
  app.add_option("--random", options.random, "Run this many random inputs");
  app.add_option("--seed", options.seed, "Seed of the random inputs")->capture_default_str();
  app.add_option("--ops", options.ops, "Ops in each random program, or words at most in each random text")
      ->capture_default_str();
  const std::map<std::string, PolicyName> policies{
      {"fast", PolicyName::fast}, {"hardened", PolicyName::hardened}, {"debug", PolicyName::debug}};
  app.add_option("--policy", options.policy, "Policy of the random programs, instead of any")
      ->transform(CLI::CheckedTransformer(policies, CLI::ignore_case).description("fast, hardened or debug"));
  app.add_flag("--print", options.print, "Print each input as text before it runs");
  app.footer("Example: heap_ops fuzz/corpus/heap_ops --random 1000 --seed 7");
  try {
    app.parse(argc, argv);
    if (options.policy && trestle_fuzz_input.vocabulary == nullptr)
      throw CLI::ValidationError("--policy", "this target's inputs are text, which has no policy");
    if (options.paths.empty() && options.random == 0)
      throw CLI::ValidationError("nothing to run", "give paths or --random");
    perform_all(options);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
}
