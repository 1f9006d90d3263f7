// Traces as exercises' texts and back, as programs of ops, and as plans.
#include <sstream>

#include "trace/cut.hpp"
#include "trace/plan.hpp"
#include "trace/rep.hpp"
#include "trace/traces_of_tests.hpp"

namespace trestle::trace {
namespace {

constexpr const char* kRep = "8192\n2\n5\n1\na 0 100\na 1 7\nr 0 5000\nf 0\nf 1\n";

std::string import_error(const std::string& text) {
  const TestFile file("t");
  std::istringstream in(text);
  try {
    import_rep(in, "x.rep", file.path());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Rep, ATraceIsExported) {
  const TestFile file("t");
  write_trace(file.path(), handed_over());
  Reader reader(file.path());
  std::ostringstream out;
  const RepLosses losses = export_rep(reader, out);
  EXPECT_EQ(out.str(), kRep);
  EXPECT_EQ(losses.alignments, 1U);
  EXPECT_EQ(losses.failures, 1U);
  EXPECT_EQ(losses.threads, 3U);
}

TEST(Rep, ABlockInASlotThatWasFreeHasAnIdOfItsOwn) {
  const TestFile file("t");
  write_trace(file.path(), {{0, {.call = Call::malloc, .size = 1, .after = 0x10}},
                            {0, {.call = Call::free, .before = 0x10}},
                            {0, {.call = Call::malloc, .size = 2, .after = 0x10}}});
  Reader reader(file.path());
  std::ostringstream out;
  export_rep(reader, out);
  EXPECT_EQ(out.str(), "4096\n2\n3\n1\na 0 1\nf 0\na 1 2\n");
}

TEST(Rep, WhatIsImportedIsExportedAsItWas) {
  const TestFile file("t");
  std::istringstream in(kRep);
  import_rep(in, "x.rep", file.path());
  Reader reader(file.path());
  std::ostringstream out;
  export_rep(reader, out);
  EXPECT_EQ(out.str(), kRep);
}

TEST(Rep, ErrorsNameTheirLines) {
  const std::string head = "10\n2\n1\n1\n";
  EXPECT_EQ(import_error(head + "a 0 1\n"), "");
  EXPECT_EQ(import_error(head + "\r\na 0 1 \r\n\n"), "");
  EXPECT_EQ(import_error("10\n2\n"), "x.rep:2: the text ends where the number of operations is wanted");
  EXPECT_EQ(import_error("10\nx\n1\n1\n"), "x.rep:2: 'x' is no number: the number of ids is wanted");
  EXPECT_EQ(import_error("10 2\n1\n1\n"), "x.rep:1: more than a heap size");
  EXPECT_EQ(import_error(head + "a 2 1\n"), "x.rep:5: 2 is too large: an id is at most 1");
  EXPECT_EQ(import_error(head + "b 0 1\n"), "x.rep:5: 'b' is no operation: a, r or f");
  EXPECT_EQ(import_error(head + "a 0\n"), "x.rep:5: a ID SIZE is wanted");
  EXPECT_EQ(import_error(head + "f 0 1\n"), "x.rep:5: f ID is wanted");
  EXPECT_EQ(import_error(head + "a 0 -1\n"), "x.rep:5: '-1' is no number: a size is wanted");
  EXPECT_EQ(import_error(head + "f 1\n"), "x.rep:5: block 1 does not live");
  EXPECT_EQ(import_error(head + "a 0 1\na 0 1\n"), "x.rep:6: block 0 lives already");
  EXPECT_EQ(import_error(head + "a 0 1\nf 0\n"), "x.rep:6: 2 operations, where the header says 1");
}

TEST(Cut, AStretchIsAProgram) {
  const TestFile file("t");
  write_trace(file.path(), handed_over());
  Reader reader(file.path());
  const Cut whole = cut(reader, 0, 100);
  EXPECT_EQ(whole.text.substr(whole.text.find('\n') + 1),
            "stage policy=hardened slot_limit=65536\n"
            "allocate slot=0 size=100 alignment=16 kind=malloc\n"
            "run_on thread=1\n"
            "allocate slot=1 size=7 alignment=64 kind=new\n"
            "reallocate slot=0 size=5000\n"
            "run_on thread=2\n"
            "free slot=0\n"
            "run_on thread=0\n"
            "sized_free slot=1\n");
  EXPECT_EQ(whole.calls, 5U);
  EXPECT_EQ(whole.left_out, 1U);
}

TEST(Cut, BlocksFromBeforeAreAllocatedFirst) {
  const TestFile file("t");
  write_trace(file.path(), handed_over());
  Reader reader(file.path());
  const Cut end = cut(reader, 3, 100);
  EXPECT_EQ(end.text.substr(end.text.find('\n') + 1),
            "stage policy=hardened slot_limit=65536\n"
            "allocate slot=0 size=5000 alignment=16 kind=malloc\n"
            "allocate slot=1 size=7 alignment=64 kind=new\n"
            "run_on thread=2\n"
            "free slot=0\n"
            "run_on thread=0\n"
            "sized_free slot=1\n");
}

TEST(Cut, BlocksWithoutASlotAreLeftOut) {
  const TestFile file("t");
  std::vector<Called> calls;
  for (std::uint64_t i = 1; i <= 65; ++i) calls.push_back({0, {.call = Call::malloc, .size = i, .after = i * 16}});
  for (std::uint64_t i = 1; i <= 65; ++i) calls.push_back({0, {.call = Call::free, .before = i * 16}});
  write_trace(file.path(), calls);
  Reader reader(file.path());
  const Cut all = cut(reader, 0, 1000);
  EXPECT_EQ(all.calls, 128U);
  EXPECT_EQ(all.left_out, 2U);
}

TEST(Cut, ASlotIsUsedAgain) {
  const TestFile file("t");
  std::vector<Called> calls;
  for (std::uint64_t i = 1; i <= 65; ++i) {
    calls.push_back({0, {.call = Call::malloc, .size = i, .after = 16}});
    calls.push_back({0, {.call = Call::free, .before = 16}});
  }
  write_trace(file.path(), calls);
  Reader reader(file.path());
  EXPECT_EQ(cut(reader, 0, 1000).left_out, 0U);
}

TEST(Plan, StepsOfABlockWaitForOtherThreads) {
  const TestFile file("t");
  const TestFile plan("plan");
  write_trace(file.path(), handed_over());
  Reader reader(file.path());
  const PlanSummary summary = write_plan(reader, plan.path());
  EXPECT_EQ(summary.header.calls, 6U);
  EXPECT_EQ(summary.header.threads, 3U);
  const std::string bytes = plan.read();
  std::vector<Step> steps((bytes.size() - sizeof(PlanHeader) - 3 * sizeof(Stream)) / sizeof(Step));
  std::memcpy(steps.data(), bytes.data() + sizeof(PlanHeader) + 3 * sizeof(Stream), steps.size() * sizeof(Step));
  std::string told;
  for (const Step& step : steps) {
    if (step.kind >= kCalls) continue;
    told += std::string(kShapes[step.kind].name) + (step.waits != 0 ? " waits" : "") +
            (step.is_awaited != 0 ? " is awaited" : "") + "; ";
  }
  EXPECT_EQ(
      told,
      "malloc is awaited; calloc; delete(align_val_t) waits; new(align_val_t) is awaited; realloc waits is awaited; "
      "free waits; ");
}

TEST(Plan, WhatNoHeapDoesIsRefusedByName) {
  const TestFile file("t");
  const TestFile plan("plan");
  write_trace(file.path(),
              {{0, {.call = Call::malloc, .size = 1, .after = 0x10}}, {1, {.call = Call::delete_one, .before = 0x20}}});
  Reader reader(file.path());
  try {
    static_cast<void>(write_plan(reader, plan.path()));
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.what(),
              file.path() + ": call 1, delete in thread 1: was given a block that the trace does not hold");
  }
}

}  // namespace
}  // namespace trestle::trace
