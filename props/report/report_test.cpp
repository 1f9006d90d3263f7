#include "report/report.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "capture.hpp"

namespace trestle {
namespace {

std::string hex(std::uint64_t number) {
  std::ostringstream text;
  text << "0x" << std::hex << number;
  return text.str();
}
std::string hex(const void* at) { return hex(reinterpret_cast<std::uintptr_t>(at)); }

std::vector<std::string> lines_of(const Captured& captured) {
  std::vector<std::string> lines;
  std::istringstream text(captured.text);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

constexpr Call kFree{"free", nullptr, "hardened", {}};

Captured report(const Fault& fault, std::uint64_t offset, const Call& call, Severity severity = Severity::fatal) {
  return capture_stderr([&] { print_report(fault, offset, call, severity); });
}

TEST(Report, SaysAllThatIsKnownOfABlock) {
  alignas(16) std::array<char, 96> bytes{};
  const char* const block = bytes.data() + 32;
  const Fault fault{.kind = FaultKind::write_past_end,
                    .address = block + 26,
                    .block = block,
                    .requested = 24,
                    .served = 32,
                    .expected = 0x5A,
                    .found = 0x41};
  Call call = kFree;
  call.argument = block;
  const Captured captured = report(fault, 0x1234, call);
  const std::string pid = std::to_string(captured.pid);
  const std::vector<std::string> lines = lines_of(captured);
  ASSERT_EQ(lines.size(), 13U) << captured.text;
  EXPECT_EQ(lines[0], "==" + pid + "==ERROR: trestle: write past end in free(" + hex(block) + ")");
  EXPECT_EQ(lines[1], "  meaning    bytes after the end of the request were overwritten (invariant I5)");
  EXPECT_EQ(lines[2], "  address    " + hex(block + 26) + ", heap offset 0x1234");
  EXPECT_EQ(lines[3], "  block      " + hex(block) + ", 24 bytes requested, 32 served");
  EXPECT_EQ(lines[4], "  the address is byte 3 past the request's end");
  EXPECT_EQ(lines[5], "  expected   0x5a, found 0x41");
  EXPECT_EQ(lines[6], "  policy     hardened, thread " + pid);
  EXPECT_EQ(lines[7], "  likely     a buffer one too short, a missing byte for the terminating NUL, or a wrong index");
  EXPECT_EQ(lines[8], "  bytes around the address:");
}

TEST(Report, LeavesOutWhatIsNotKnown) {
  int local = 0;
  const Captured captured = report({.kind = FaultKind::wild_pointer, .address = &local}, UINT64_MAX, kFree);
  const std::string pid = std::to_string(captured.pid);
  EXPECT_EQ(captured.text, "==" + pid + "==ERROR: trestle: wild pointer in free\n" +
                               "  meaning    the pointer leads to memory that is not the heap's\n  address    " +
                               hex(&local) + "\n  policy     hardened, thread " + pid +
                               "\n  likely     the address of a local or global, memory of another allocator, or an "
                               "uninitialised pointer\n");
}

TEST(Report, SaysAWarningIsOne) {
  const Captured captured = report({.kind = FaultKind::kind_mismatch}, UINT64_MAX, kFree, Severity::warning);
  const std::string first = "==" + std::to_string(captured.pid) + "==WARNING: trestle: kind mismatch in free";
  EXPECT_EQ(lines_of(captured).at(0), first);
}

TEST(Report, SaysWhereTheAddressLies) {
  alignas(16) std::array<char, 96> bytes{};
  const char* const block = bytes.data() + 32;
  Fault fault{.kind = FaultKind::interior_pointer, .address = block + 7, .block = block, .requested = 24, .served = 32};
  EXPECT_NE(report(fault, 0, kFree).text.find("\n  the address lies 7 bytes into the block\n"), std::string::npos);
  fault.address = block - 3;
  EXPECT_NE(report(fault, 0, kFree).text.find("\n  the address lies 3 bytes before the block's start\n"),
            std::string::npos);
  fault.address = block;
  EXPECT_EQ(report(fault, 0, kFree).text.find("the address lies"), std::string::npos);
}

TEST(Report, ShowsTheBytesAroundTheAddress) {
  alignas(16) std::array<unsigned char, 96> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(i);
  const unsigned char* const at = bytes.data() + 48;
  const Captured captured =
      report({.kind = FaultKind::double_free, .address = at, .block = at, .served = 16}, 0, kFree);
  const std::vector<std::string> lines = lines_of(captured);
  ASSERT_GE(lines.size(), 4U);
  const std::vector<std::string> dump(lines.end() - 4, lines.end());
  EXPECT_EQ(dump[0], "    " + hex(at - 32) + "  10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f");
  EXPECT_EQ(dump[1], "    " + hex(at - 16) + "  20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f");
  EXPECT_EQ(dump[2], "    " + hex(at) + " [30]31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f");
  EXPECT_EQ(dump[3], "    " + hex(at + 16) + "  40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f");
}

std::string told(const History& history) {
  return capture_stderr([&] {
           set_symbolizer("");
           print_report({.kind = FaultKind::double_free}, UINT64_MAX, kFree, Severity::fatal, {history});
         })
      .text;
}

TEST(Report, TellsWhoAllocatedAndWhoFreedTheBlock) {
  static StackDepot depot;
  const auto* const code = reinterpret_cast<const std::byte*>(&getpid);
  const std::array<const void*, 2> born{code + 1, code + 2};
  int local = 0;
  const std::array<const void*, 3> ended{code + 3, &local, code + 4};
  const PastCall allocated{11, depot.find(depot.put(born))};
  const PastCall freed{12, depot.find(depot.put(ended))};
  const std::string both = told({allocated, freed});
  const std::string in_libc = R"( \(/[^ ]+\+0x[0-9a-f]+\)\n)";
  const std::string first =
      "  allocated by thread 11:\n    #0 " + hex(code) + in_libc + "    #1 " + hex(code + 1) + in_libc;
  const std::string second = "  freed by thread 12:\n    #0 " + hex(code + 2) + in_libc;
  EXPECT_TRUE(std::regex_search(both, std::regex("\\n" + first + second + "$")))
      << both << "what is no code, and all further out, is no frame";
  const std::string live = told({allocated, {}});
  EXPECT_TRUE(std::regex_search(live, std::regex(first + "$"))) << live;
  EXPECT_EQ(live.find("freed by"), std::string::npos);
  EXPECT_EQ(told({}).find("by thread"), std::string::npos);
}

std::string told_of_leak(const Leaked& leaked) {
  const Captured captured = capture_stderr(
      [&] { print_report({.kind = FaultKind::leak}, UINT64_MAX, kFree, Severity::warning, {{}, leaked}); });
  const std::size_t at = captured.text.find("\n  leaked ");
  return at == std::string::npos ? "" : captured.text.substr(at + 1, captured.text.find('\n', at + 1) - at - 1);
}

TEST(Report, SaysWhatLeaked) {
  EXPECT_EQ(told_of_leak({1, 1, 0, 0}), "  leaked     1 block, 1 byte");
  EXPECT_EQ(told_of_leak({2, 30, 1, 16}),
            "  leaked     2 blocks, 30 bytes; and what only they lead to: 1 block, 16 bytes");
  EXPECT_EQ(told_of_leak({1, 0, 5, 1}), "  leaked     1 block, 0 bytes; and what only they lead to: 5 blocks, 1 byte");
  EXPECT_EQ(told_of_leak({}), "");
}

// At the end of what can be read, one byte of it.
TEST(Report, ShowsTheLastByteThatCanBeRead) {
  constexpr std::size_t kPage = 4096;
  auto* const pages =
      static_cast<char*>(mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  ASSERT_EQ(mprotect(pages + kPage, kPage, PROT_NONE), 0);
  const char* const last = pages + kPage - 1;
  *(pages + kPage - 1) = '\x5c';
  const std::vector<std::string> lines =
      lines_of(report({.kind = FaultKind::double_free, .address = last, .block = last, .served = 16}, 0, kFree));
  EXPECT_EQ(lines.back(), "    " + hex(last) + " [5c]");
  munmap(pages, 2 * kPage);
}

TEST(Report, SurvivesAnAddressThatCannotBeRead) {
  const auto* const nowhere = reinterpret_cast<const void*>(std::uintptr_t{0x1000});
  const Captured captured = report({.kind = FaultKind::double_free, .address = nowhere, .block = nowhere}, 0, kFree);
  EXPECT_TRUE(WIFEXITED(captured.status));
  EXPECT_EQ(captured.text.substr(captured.text.rfind("  bytes")), "  bytes around the address: none can be read\n");
}

TEST(Report, PrintsEachKindByItsName) {
  for (int kind = 1; kind < TRESTLE_FAULT_KIND_COUNT; ++kind) {
    const auto which = static_cast<FaultKind>(kind);
    const Captured captured = report({.kind = which}, UINT64_MAX, kFree);
    EXPECT_NE(captured.text.find(std::string("ERROR: trestle: ") + traits_of(which).name + " in free\n"),
              std::string::npos)
        << kind;
  }
}

TEST(Report, PrintsALineOfPieces) {
  EXPECT_EQ(capture_stderr([] { print_line("one"); }).text, "trestle: one\n");
  EXPECT_EQ(capture_stderr([] { print_line("a", "b", "c", "d"); }).text, "trestle: abcd\n");
}

TEST(Report, PublishesAllFields) {
  int block = 0;
  const Fault fault{.kind = FaultKind::write_past_end,
                    .address = &block,
                    .block = &block,
                    .requested = 3,
                    .served = 4,
                    .expected = 0xAB,
                    .found = 0xCD};
  const trestle_fault out = publish(fault, 77);
  EXPECT_EQ(out.kind, TRESTLE_FAULT_WRITE_PAST_END);
  EXPECT_EQ(out.invariant, 5);
  EXPECT_EQ(out.address, &block);
  EXPECT_EQ(out.heap_offset, 77U);
  EXPECT_EQ(out.block, &block);
  EXPECT_EQ(out.requested, 3U);
  EXPECT_EQ(out.served, 4U);
  EXPECT_EQ(out.expected, 0xABU);
  EXPECT_EQ(out.found, 0xCDU);
  EXPECT_EQ(std::string(out.text),
            "write past end at " + hex(&block) +
                ": bytes after the end of the request were overwritten (expected 0xab, found 0xcd)");
}

// The longest sentence that a fault can make fits its room, as no cut number may pass for a whole one.
TEST(Report, PublishesWholeSentences) {
  for (int kind = 1; kind < TRESTLE_FAULT_KIND_COUNT; ++kind) {
    const auto* const far = reinterpret_cast<const void*>(UINTPTR_MAX);
    const Fault fault{
        .kind = static_cast<FaultKind>(kind), .address = far, .expected = UINT64_MAX, .found = UINT64_MAX - 1};
    const trestle_fault out = publish(fault, 0);
    EXPECT_EQ(out.text[std::strlen(out.text) - 1], ')') << out.text;
  }
}

}  // namespace
}  // namespace trestle
