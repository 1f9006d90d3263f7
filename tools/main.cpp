// The program `trestle`: runs programs on the allocator, and everything that the project proves it with.
#include <algorithm>
#include <cstring>
#include <exception>
#include <iostream>

#include "commands.hpp"

namespace {

constexpr const char* kExamples = R"(Examples:
  trestle run -- git log              git on the hardened heap, with a summary at its end
  trestle run --policy debug -- lua   every check there is, and a heap check at exit
  trestle record -- lua x.lua         a trace of the calls of malloc
  trestle replay lua.trace            that trace on glibc and on each policy
  trestle test                        build and run all tests
  trestle fuzz heap_ops --seconds 60  a fuzz target; trestle fuzz --list names them
  trestle props --minutes 30          the properties, with fresh seeds
  trestle bench                       programs on Trestle beside other allocators
  trestle bench harness               how fast the fuzz targets are
  trestle conform LIBRARY.so          how any malloc keeps the rules, and what it makes of misuse
  trestle coverage                    what of the library the harnesses reach
  trestle mutants --seconds 300       mistakes planted in the library, and who finds them
  trestle container -- fuzz heap_ops  the same in a container
  trestle report --sarif FILE         reports that were written as JSON, for code scanning
  trestle symbolize FILE              reports again, with functions and lines
  trestle options                     what TRESTLE_OPTIONS can say
  trestle run --help                  the options of one command, with examples)";

trestle::tool::Rest rest_of(int count, char** words) {
  char** const end = words + count;
  char** const dashes = std::find_if(words, end, [](const char* word) { return std::strcmp(word, "--") == 0; });
  if (dashes == end) return {};
  return {true, {dashes + 1, end}};
}

int run_tool(int count, char** words) {
  const trestle::tool::Rest rest = rest_of(count, words);
  for (const std::string_view name : {"replay", "trace", "test", "props", "bench", "conform", "coverage", "mutants",
                                      "report", "symbolize", "options"}) {
    if (!rest.words.empty() && words[1] == name)
      throw trestle::tool::Failure(trestle::tool::kUsage,
                                   std::string(name) + " takes nothing after --: " + rest.words[0]);
  }
  const int own_words = rest.given ? count - 1 - static_cast<int>(rest.words.size()) : count;
  int status = 0;
  CLI::App app{"Trestle: a hardened malloc that checks itself."};
  app.set_version_flag("--version", "trestle " TRESTLE_VERSION);
  app.require_subcommand(1);
  app.footer(kExamples);
  trestle::tool::add_run(app, rest, status);
  trestle::tool::add_record(app, rest, status);
  trestle::tool::add_replay(app);
  trestle::tool::add_trace(app);
  trestle::tool::add_test(app, status);
  trestle::tool::add_fuzz(app, rest, status);
  trestle::tool::add_ops(app, rest);
  trestle::tool::add_props(app, status);
  trestle::tool::add_bench(app, status);
  trestle::tool::add_conform(app, status);
  trestle::tool::add_coverage(app);
  trestle::tool::add_mutants(app);
  trestle::tool::add_container(app, rest);
  trestle::tool::add_report(app);
  trestle::tool::add_symbolize(app, status);
  trestle::tool::add_options(app, status);
  try {
    app.parse(own_words, words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : trestle::tool::kUsage;
  }
  return status;
}

}  // namespace

int main(int count, char** words) {
  try {
    return run_tool(count, words);
  } catch (const trestle::tool::Failure& failure) {
    std::cerr << "trestle: " << failure.what() << '\n';
    return failure.status;
  } catch (const std::exception& error) {
    std::cerr << "trestle: " << error.what() << '\n';
    return trestle::tool::kOwnFailure;
  }
}
