// `trestle record`: another program with the recorder preloaded, and what its traces hold.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>

#include "child.hpp"
#include "commands.hpp"
#include "preload.hpp"
#include "program_line.hpp"
#include "summary.hpp"
#include "trace/resolve.hpp"
#include "trace_end.hpp"

namespace trestle::tool {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExamples =
    R"(Each process, and each program that one becomes by exec, writes a trace of its own: the first one FILE, others FILE.PID.
A child that fork made and that does not exec writes none. docs/traces.md tells the format. Exit status: as trestle run's.

Examples:
  trestle record -- lua x.lua                 lua.trace
  trestle record -o run.trace -- git log      run.trace
  LD_PRELOAD=./libmine.so trestle record -- a the calls that libmine serves)";

struct Request {
  std::string output;
  bool quiet = false;
  std::vector<std::string> program;
};

// FILE.PID and FILE.PID.N that are there.
std::set<fs::path> traces_beside(const fs::path& first) {
  std::set<fs::path> found;
  const std::string start = first.filename().string() + ".";
  std::error_code unseen;
  for (const fs::directory_entry& entry : fs::directory_iterator(first.parent_path(), unseen)) {
    const std::string name = entry.path().filename().string();
    const bool is_numbered =
        name.starts_with(start) && name.find_first_not_of("0123456789.", start.size()) == name.npos;
    if (is_numbered) found.insert(entry.path());
  }
  return found;
}

// An old trace makes way; what is none stays.
void make_way(const fs::path& path) {
  std::error_code unseen;
  if (!fs::exists(path, unseen)) return;
  try {
    const trace::Reader old(path);
  } catch (const trace::Error& error) {
    if (std::string(error.what()).ends_with("no trace"))
      throw Failure(kUsage, "record: " + path.string() + " is there, and is no trace");
  }
  if (!fs::remove(path, unseen)) throw Failure(kOwnFailure, "record: cannot replace " + path.string());
}

void describe(const fs::path& path) {
  trace::Reader reader(path);
  trace::Resolver resolver(reader);
  trace::Op op;
  std::uint64_t calls = 0;
  while (resolver.next(op)) ++calls;
  std::cerr << "trestle: " << path.string() << ": " << with_commas(calls) << " calls, " << reader.threads()
            << (reader.threads() == 1 ? " thread, peak " : " threads, peak ") << bytes_as_text(resolver.peak_bytes())
            << ", " << bytes_as_text(reader.bytes()) << " of trace, " << reader.program() << '\n';
  warn_if_not_ended(reader);
  if (reader.lost() != 0) std::cerr << "trestle: not recorded, since there was no room: " << reader.lost() << '\n';
}

int record(const Request& request) {
  const std::string& program = request.program[0];
  const fs::path name = request.output.empty() ? fs::path(program).filename().string() + ".trace" : request.output;
  const fs::path output = fs::absolute(name).lexically_normal();
  if (const auto obstacle = obstacle_in(program))
    std::cerr << "trestle: " << program << ' ' << *obstacle << ": the loader keeps the recorder out of it\n";
  make_way(output);
  const std::set<fs::path> before = traces_beside(output);
  std::string preload = library_named("libtrestle-record.so").string();
  if (const char* const others = std::getenv("LD_PRELOAD"); others != nullptr && *others != '\0')
    preload += ":" + std::string(others);
  const Ended ended = run_child(request.program, {{"LD_PRELOAD", preload}, {"TRESTLE_TRACE", output.string()}});
  std::error_code unseen;
  if (!fs::exists(output, unseen)) {
    std::cerr << "trestle: no trace: " << program << " did not have the recorder in it\n";
    return ended.status;
  }
  if (request.quiet) return ended.status;
  describe(output);
  for (const fs::path& path : traces_beside(output)) {
    if (!before.contains(path)) describe(path);
  }
  return ended.status;
}

}  // namespace

void add_record(CLI::App& app, const Rest& rest, int& status) {
  const auto request = std::make_shared<Request>();
  CLI::App* const command = app.add_subcommand("record", "Run a program and write a trace of its calls of malloc");
  command->formatter(std::make_shared<ProgramHelp>("record"));
  command->add_option("-o", request->output, "The trace; PROGRAM.trace where nothing is said")->type_name("FILE");
  command->add_flag("--quiet", request->quiet, "Say nothing of the traces");
  command->prefix_command();
  command->footer(kExamples);
  command->callback([command, request, &rest, &status] {
    request->program = program_from("record", command->remaining(), rest);
    status = record(*request);
  });
}

}  // namespace trestle::tool
