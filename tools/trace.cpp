// `trestle trace`: traces as text, to and from other formats.
#include <CLI/CLI.hpp>

#include "commands.hpp"
namespace trestle::tool {
void add_trace(CLI::App& app) { app.add_subcommand("trace", "Look at traces"); }
}  // namespace trestle::tool
