// `trestle run`: another program with the allocator preloaded.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>

#include "child.hpp"
#include "commands.hpp"
#include "preload.hpp"
#include "program_line.hpp"
#include "summary.hpp"

namespace trestle::tool {
namespace {

constexpr const char* kExamples = R"(Exit status:
  The program's own; 128 and the signal's number if a signal killed it; 127 if it was not found, 126 if it could not be
  started, 125 if trestle itself failed, 2 if the command line was wrong. With --leaks, where the program's is 0: 1 if a
  process leaked, 125 if none could look.

Examples:
  trestle run -- git log                          on the hardened heap
  trestle run --policy debug -- sqlite3 a.db      every mitigation and check
  trestle run --check -- python3 script.py        a full heap check when a process ends
  trestle run --check-every 1000 -- lua x.lua     and one every 1,000 operations
  trestle run --leaks -- ./server                 what no pointer leads to when a process ends
  trestle run --policy none -- git log            without Trestle, to compare
  TRESTLE_OPTIONS=decay_ms=0 trestle run -- make  with an option of the library's: see trestle options)";

constexpr int kLeaked = 1;

struct Request {
  std::string policy = "hardened";
  bool check = false;
  std::uint64_t check_every = 0;
  bool leaks = false;
  bool quiet = false;
  std::vector<std::string> program;
};

std::string from_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

// A file of its own for the processes' lines, which goes when the object does.
class LineFile {
 public:
  LineFile() {
    const std::string directory = from_environment("TMPDIR");
    const bool fits = !directory.empty() && directory.find(':') == std::string::npos;  // ':' parts two options
    path_ = (fits ? directory : "/tmp") + "/trestle-run-XXXXXX";
    const int file = mkstemp(path_.data());
    if (file < 0) throw Failure(kOwnFailure, "cannot make " + path_ + ": " + std::strerror(errno));
    close(file);
  }
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;
  ~LineFile() { unlink(path_.c_str()); }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The last summary= of the options is the one that counts. Empty: there is none.
std::string summary_path_in(const std::string& options) {
  constexpr std::string_view kKey = "summary=";
  const std::size_t at = (":" + options).rfind(":" + std::string(kKey));
  if (at == std::string::npos) return "";
  const std::size_t start = at + kKey.size();
  return options.substr(start, options.find(':', start) - start);
}

// One that the caller asked for still gets every line: an outer `trestle run` counts what an inner one counted.
void hand_on(const std::string& lines_path, const std::string& summary_path) {
  if (summary_path.empty()) return;
  std::ofstream to(summary_path, std::ios::app);
  std::ifstream from(lines_path);
  for (std::string line; std::getline(from, line);) to << line + '\n' << std::flush;
  if (!to) std::cerr << "trestle: cannot write the summary to " << summary_path << '\n';
}

void append(std::string& list, char separator, const std::string& item) {
  if (!list.empty()) list += separator;
  list += item;
}

Settings settings_for(const Request& request, const LineFile* lines) {
  std::string options = from_environment("TRESTLE_OPTIONS");
  if (request.check) append(options, ':', "check_at_exit=1");
  if (request.check_every > 0) append(options, ':', "check_every=" + std::to_string(request.check_every));
  if (request.leaks) append(options, ':', "leak_check=1");
  if (lines != nullptr) append(options, ':', "summary=" + lines->path());
  std::string preload = library_of(request.policy).string();
  const std::string others = from_environment("LD_PRELOAD");
  if (!others.empty()) append(preload, ':', others);
  return {{"LD_PRELOAD", preload}, {"TRESTLE_OPTIONS", options}};
}

void print_summary(const Summary& summary, const Ended& ended, const std::string& program) {
  const std::string why = ended.signal == 0 ? " left no line: it ended by _exit, or the allocator was not in it"
                                            : std::string(" was killed: ") + strsignal(ended.signal);
  if (summary.processes.empty() && summary.unreadable == 0) {
    std::cerr << "trestle: no process reported: " << program << why << '\n';
    return;
  }
  std::cerr << "trestle: " << describe(summary) << '\n';
  if (!summary.processes.contains(ended.pid)) std::cerr << "trestle: not counted: " << program << why << '\n';
}

int status_of_leaks(const Summary& summary, const Ended& ended, const std::string& program) {
  if (ended.status != 0) return ended.status;
  if (leaked_blocks(summary) != 0) return kLeaked;
  if (leak_searches(summary) != 0) return 0;
  throw Failure(kOwnFailure,
                program + ": leaks were not looked for: no process with the allocator in it ended by exit and could");
}

int run_on_trestle(const Request& request) {
  const std::string& program = request.program[0];
  if (const auto obstacle = obstacle_in(program)) {
    std::cerr << "trestle: " << program << ' ' << *obstacle << ": the loader keeps the allocator out of it\n";
  }
  const auto lines = request.quiet && !request.leaks ? nullptr : std::make_unique<LineFile>();
  const Ended ended = run_child(request.program, settings_for(request, lines.get()));
  if (lines == nullptr) return ended.status;
  hand_on(lines->path(), summary_path_in(from_environment("TRESTLE_OPTIONS")));
  std::ifstream file(lines->path());
  const Summary summary = read_summary(file);
  if (!request.quiet) print_summary(summary, ended, program);
  return request.leaks ? status_of_leaks(summary, ended, program) : ended.status;
}

int run(const Request& request) {
  if (request.policy != "none") return run_on_trestle(request);
  if (request.check || request.check_every > 0 || request.leaks) {
    throw Failure(kUsage, "--check, --check-every and --leaks need a policy that is not none");
  }
  return run_child(request.program, {}).status;
}

}  // namespace

void add_run(CLI::App& app, const Rest& rest, int& status) {
  const auto request = std::make_shared<Request>();
  CLI::App* const command = app.add_subcommand("run", "Run a program with the allocator preloaded");
  command->formatter(std::make_shared<ProgramHelp>("run"));
  command->add_option("--policy", request->policy, "Which heap: fast, hardened, debug, or none to run without")
      ->check(CLI::IsMember({"fast", "hardened", "debug", "none"}))
      ->capture_default_str();
  command->add_flag("--check", request->check, "Check the whole heap when a process ends");
  command->add_option("--check-every", request->check_every, "Check the whole heap every N operations")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  command->add_flag("--leaks", request->leaks, "Look for leaks when a process ends");
  command->add_flag("--quiet", request->quiet, "No summary at the end");
  command->prefix_command();
  command->footer(kExamples);
  command->callback([command, request, &rest, &status] {
    request->program = program_from("run", command->remaining(), rest);
    status = run(*request);
  });
}

}  // namespace trestle::tool
