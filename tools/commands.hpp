// The subcommands of `trestle`, one file each. Each add_ function puts its subcommand, with its help, into `app`; when
// the command line names it, it does its work and leaves the program's exit status in `status`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "failure.hpp"

namespace trestle::tool {

// The command line after the first "--": CLI11 would read options out of it. `given` tells `tool run --` from `tool run`.
struct Rest {
  bool given = false;
  std::vector<std::string> words;
};

void add_run(CLI::App& app, const Rest& rest, int& status);
void add_record(CLI::App& app, const Rest& rest, int& status);
void add_replay(CLI::App& app);
void add_trace(CLI::App& app);
void add_test(CLI::App& app, int& status);
void add_fuzz(CLI::App& app, const Rest& rest, int& status);
void add_ops(CLI::App& app, const Rest& rest);
void add_props(CLI::App& app, int& status);
void add_bench(CLI::App& app, int& status);
void add_conform(CLI::App& app, int& status);
void add_coverage(CLI::App& app);
void add_mutants(CLI::App& app);
void add_container(CLI::App& app, const Rest& rest);
void add_report(CLI::App& app);
void add_symbolize(CLI::App& app, int& status);
void add_options(CLI::App& app, int& status);

}  // namespace trestle::tool
