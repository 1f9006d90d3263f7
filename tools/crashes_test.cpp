#include "crashes.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

namespace trestle::tool {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOverflow = R"(INFO: Seed: 1
=================================================================
==12==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000071 at pc 0x55 bp 0x7f sp 0x7e
WRITE of size 1 at 0x602000000071 thread T0
    #0 0x55d7 in __asan_memcpy (/t/heap_ops+0x1)
    #1 0x55d8 in trestle::Bins::take(unsigned long) /s/lib/block/bins.hpp:12:3
    #2 0x55d9 in trestle::BlockHeap::allocate(unsigned long) /s/lib/block/heap.hpp:34:5
    #3 0x55da in LLVMFuzzerTestOneInput /s/fuzz/heap_ops.cpp:9:3

0x602000000071 is located 0 bytes after 1-byte region
    #0 0x55db in malloc (/t/heap_ops+0x2)
)";

TEST(Signature, IsTheKindAndTheFramesOfTheFirstStackThatAreOurs) {
  const Signature signature = signature_of(kOverflow, 1);
  EXPECT_EQ(signature.what, "AddressSanitizer: heap-buffer-overflow");
  EXPECT_EQ(signature.frames, (std::vector<std::string>{"trestle::Bins::take", "trestle::BlockHeap::allocate"}));
  EXPECT_EQ(text_of(signature),
            "AddressSanitizer: heap-buffer-overflow in trestle::Bins::take < trestle::BlockHeap::allocate");
}

TEST(Signature, IsWhatTheOracleNamesWithoutItsNumbers) {
  const Signature one = signature_of("ERROR: lost tail (byte 12 of slot 3) op #4 free 3\nPROGRAM\n", 77);
  EXPECT_EQ(one.what, "lost tail");
  EXPECT_EQ(one, signature_of("ERROR: lost tail (byte 7 of slot 1) op #9 free 1\nOTHER\n", 77));
  EXPECT_EQ(signature_of("/s/a.cpp:3:4: runtime error: load of value 190, which is not valid\n", 1).what,
            "load of value");
  EXPECT_EQ(signature_of("==1== ERROR: libFuzzer: out-of-memory (used: 2049Mb)\n", 71).what,
            "libFuzzer: out-of-memory");
}

TEST(Signature, HasOffsetsWhereNoFunctionIsKnown) {
  EXPECT_EQ(
      signature_of("ERROR: x\n    #0 0x11 (/lib/libc.so.6+0x1)\n    #1 0x12 (/t/heap_ops+0x34) (BuildId: 56)\n", 1)
          .frames,
      std::vector<std::string>{"heap_ops+0x34"});
}

TEST(Signature, IsTheStatusWithoutAReportAndNothingWithoutAFailure) {
  EXPECT_EQ(signature_of("says nothing\n", 9).what, "exit status 9");
  EXPECT_EQ(signature_of("ERROR: said in passing\n", 0), Signature{});
  EXPECT_EQ(signature_of("ERROR: \n", 3).what, "exit status 3");
}

TEST(Signature, MakesAFilesName) {
  EXPECT_EQ(slug_of({"AddressSanitizer: heap-use-after-free", {}}), "addresssanitizer-heap-use-after-free");
  EXPECT_EQ(slug_of({"../lost  tail!", {}}), "lost-tail");
  EXPECT_EQ(slug_of({"", {}}), "input");
}

TEST(Groups, AreOfTheSameSignatureAndTellTheSmallestFirst) {
  std::string name = testing::TempDir() + "trestle-crashes-XXXXXX";
  const fs::path directory = mkdtemp(name.data());
  const std::map<std::string, Signature> failures{
      {"a", {"lost tail", {"f"}}}, {"b", {"lost tail", {"g"}}}, {"c", {"lost tail", {"f"}}}, {"d", {}}, {"e", {}}};
  std::vector<fs::path> inputs;
  for (const auto& [input, signature] : failures) {
    inputs.push_back(directory / input);
    std::ofstream(inputs.back()) << std::string(input == "a" ? 9 : 3, 'x');
  }
  int asked = 0;
  const std::vector<CrashGroup> groups =
      grouped(inputs, [&](const fs::path& input) { return ++asked, failures.at(input.filename()); });
  EXPECT_EQ(asked, 5);
  ASSERT_EQ(groups.size(), 4U);  // those that did not fail again have nothing in common
  EXPECT_EQ(groups[0].inputs, (std::vector<fs::path>{directory / "c", directory / "a"}));
  EXPECT_EQ(groups[1].inputs, std::vector<fs::path>{directory / "b"});
  fs::remove_all(directory);
}

}  // namespace
}  // namespace trestle::tool
