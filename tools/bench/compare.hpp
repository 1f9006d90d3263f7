// `trestle bench` without a subcommand: the workloads on each allocator, side by side.
#pragma once

#include <CLI/CLI.hpp>

namespace trestle::tool {

// Puts the options into `bench`. `status` becomes 1 when a run failed.
void add_compare(CLI::App& bench, int& status);

}  // namespace trestle::tool
