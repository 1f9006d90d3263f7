// `trestle trace`: traces as text, as exercises' traces and back, and cut into programs for the fuzzer.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>

#include "commands.hpp"
#include "files.hpp"
#include "summary.hpp"
#include "trace/cut.hpp"
#include "trace/rep.hpp"
#include "trace/show.hpp"
#include "trace_end.hpp"

namespace trestle::tool {
namespace {

constexpr const char* kExamples = R"(Examples:
  trestle trace show lua.trace --head 20
  trestle trace show lua.trace --call realloc --thread 1
  trestle trace export lua.trace --rep lua.rep     one thread, without alignments and call sites
  trestle trace import --rep short1.rep -o short1.trace
  trestle trace cut lua.trace --from 1000 --count 60 -o lua.txt
  trestle ops make heap_ops lua.txt -o seed        that stretch as a seed of a fuzz target)";

struct ShowRequest {
  std::string trace;
  std::uint64_t from = 0;
  std::optional<std::uint64_t> head;
  std::optional<std::uint32_t> thread;
  std::optional<std::uint32_t> slot;
  std::string call;
};

bool is_wanted(const ShowRequest& request, const trace::Op& op) {
  return op.index >= request.from && (!request.thread || op.thread == *request.thread) &&
         (!request.slot || op.slot == *request.slot) &&
         (request.call.empty() || request.call == trace::shape_of(op.call).name);
}

void show(const ShowRequest& request) {
  trace::Reader reader(request.trace);
  warn_if_not_ended(reader);
  trace::Resolver resolver(reader);
  const trace::Sites sites(reader);
  std::uint64_t shown = 0;
  for (trace::Op op; (!request.head || shown < *request.head) && resolver.next(op);) {
    if (!is_wanted(request, op)) continue;
    std::cout << to_text(op, sites) << '\n';
    ++shown;
  }
  if (!std::cout.flush()) throw Failure(kOwnFailure, "trace: cannot write what is shown");
}

void add_show(CLI::App& trace) {
  const auto request = std::make_shared<ShowRequest>();
  CLI::App* const command = trace.add_subcommand("show", "A call a line");
  command->add_option("TRACE", request->trace)->required()->type_name("");
  command->add_option("--from", request->from, "Only from this call on, counted from 0")->type_name("N");
  command->add_option("--head", request->head, "So many lines")->type_name("N");
  command->add_option("--thread", request->thread, "Only this thread's")->type_name("N");
  command->add_option("--slot", request->slot, "Only what is about blocks in this slot")->type_name("N");
  std::vector<std::string> calls;
  for (const trace::CallShape& shape : trace::kShapes) calls.emplace_back(shape.name);
  command->add_option("--call", request->call, "Only calls of this function, as it is shown")
      ->check(CLI::IsMember(calls))
      ->type_name("NAME");
  command->callback([request] { show(*request); });
}

struct RepRequest {
  std::string trace;
  std::string rep;
};

void export_to(const RepRequest& request) {
  trace::Reader reader(request.trace);
  warn_if_not_ended(reader);
  std::ofstream out(request.rep, std::ios::trunc);
  const trace::RepLosses losses = export_rep(reader, out);
  out.close();
  if (!out) throw Failure(kOwnFailure, "trace: cannot write " + request.rep);
  const auto tell = [](std::uint64_t number, const char* what) {
    if (number != 0) std::cerr << "trestle: not in that format: " << with_commas(number) << ' ' << what << '\n';
  };
  tell(losses.threads > 1 ? losses.threads : 0, "threads, which became one");
  tell(losses.alignments, "alignments");
  tell(losses.failures, "calls that got no memory");
}

void import_from(const RepRequest& request) {
  std::ifstream in(request.rep);
  if (!in) throw Failure(kUsage, "trace: cannot read " + request.rep);
  trace::import_rep(in, request.rep, request.trace);
}

void add_rep(CLI::App& trace) {
  const auto request = std::make_shared<RepRequest>();
  CLI::App* const to = trace.add_subcommand("export", "As an exercise's .rep file");
  to->add_option("TRACE", request->trace)->required()->type_name("");
  to->add_option("--rep", request->rep, "The file to write")->required()->type_name("FILE");
  to->callback([request] { export_to(*request); });
  CLI::App* const from = trace.add_subcommand("import", "From an exercise's .rep file");
  from->add_option("--rep", request->rep, "The file to read")->required()->type_name("FILE");
  from->add_option("-o", request->trace, "The trace to write")->required()->type_name("TRACE");
  from->callback([request] { import_from(*request); });
}

struct CutRequest {
  std::string trace;
  std::uint64_t from = 0;
  std::uint64_t count = 60;
  std::string output;
};

void cut_out(const CutRequest& request) {
  trace::Reader reader(request.trace);
  warn_if_not_ended(reader);
  const trace::Cut cut = trace::cut(reader, request.from, request.count);
  if (cut.calls == 0)
    throw Failure(kUsage, "trace: " + request.trace + " has no call from " + std::to_string(request.from) +
                              " on that a program could make");
  if (cut.left_out != 0)
    std::cerr << "trestle: left out, for want of slots or since no op says it: " << with_commas(cut.left_out)
              << " calls\n";
  if (request.output.empty()) {
    std::cout << cut.text << std::flush;
  } else {
    write_file(request.output, cut.text);
  }
}

void add_cut(CLI::App& trace) {
  const auto request = std::make_shared<CutRequest>();
  CLI::App* const command = trace.add_subcommand("cut", "A stretch as a program of ops, for trestle ops make");
  command->add_option("TRACE", request->trace)->required()->type_name("");
  command->add_option("--from", request->from, "The first call, counted from 0")->type_name("N");
  command->add_option("--count", request->count, "How many; a fuzz target's inputs have up to 63 ops")
      ->check(CLI::PositiveNumber)
      ->type_name("M")
      ->capture_default_str();
  command->add_option("-o", request->output, "Write the text here")->type_name("FILE");
  command->callback([request] { cut_out(*request); });
}

}  // namespace

void add_trace(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("trace", "Show, convert and cut traces");
  command->require_subcommand(1);
  command->footer(kExamples);
  add_show(*command);
  add_rep(*command);
  add_cut(*command);
}

}  // namespace trestle::tool
