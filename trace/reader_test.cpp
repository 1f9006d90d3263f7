// Traces are read as they were written; damaged ones end in an error that names the file and the byte.
#include "trace/reader.hpp"

#include <algorithm>
#include <filesystem>

#include "trace/traces_of_tests.hpp"

namespace trestle::trace {
namespace {

// What reading all of it comes to: "" or the error.
std::string outcome(const std::string& path) {
  try {
    static_cast<void>(ops_of(path));
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Reader, EventsComeInTheOrderOfTheirNumbers) {
  const TestFile file("t");
  write_trace(file.path(), handed_over());
  Reader reader(file.path());
  EXPECT_EQ(reader.program(), "/usr/bin/program");
  EXPECT_EQ(reader.threads(), 3U);
  for (int round = 0; round < 2; ++round) {
    std::vector<Call> calls;
    for (Event event; reader.next(event);) {
      EXPECT_EQ(event.is_over ? event.record.end : event.record.begin, calls.size() + 1);
      calls.push_back(event.record.call);
    }
    EXPECT_EQ(calls, (std::vector{Call::malloc, Call::new_aligned, Call::realloc, Call::realloc, Call::free,
                                  Call::calloc, Call::delete_aligned}));
    reader.rewind();
  }
}

TEST(Reader, ChunksOfAThreadFollowOneAnother) {
  const TestFile file("t");
  std::vector<Called> calls;
  for (std::uint64_t i = 0; i < 100000; ++i) {
    calls.push_back(
        {static_cast<std::uint32_t>(i / 3 % 2), {.call = Call::malloc, .size = i, .after = i * 0x12340 + 16}});
  }
  write_trace(file.path(), calls);
  const std::vector<Op> ops = ops_of(file.path());
  ASSERT_EQ(ops.size(), calls.size());
  for (std::size_t i = 0; i < ops.size(); ++i) ASSERT_EQ(ops[i].size, i);
}

TEST(Reader, EveryTruncationIsAReadingOrAnErrorWithTheByte) {
  const TestFile file("t");
  write_trace(file.path(), handed_over());
  const std::string whole = file.read();
  ASSERT_EQ(outcome(file.path()), "");
  for (std::size_t length = whole.size(); length-- > 0;) {
    std::filesystem::resize_file(file.path(), length);
    // Between two chunks the file could have ended: that a process was killed there is nothing wrong.
    const std::string expected = length >= kPage && length % kPage == 0 ? "" : file.path() + ": at byte ";
    ASSERT_TRUE(expected.empty() ? outcome(file.path()).empty() : outcome(file.path()).starts_with(expected))
        << "cut off after " << length << " bytes: " << outcome(file.path());
  }
}

TEST(Reader, EveryChangedByteOfARecordIsFound) {
  const TestFile file("t");
  write_trace(file.path(), handed_over());
  const std::string whole = file.read();
  const auto lost = [](std::size_t at) { return at >= offsetof(FileHeader, lost) && at < offsetof(FileHeader, sum); };
  for (std::size_t at = 0; at < whole.size(); ++at) {
    const auto byte = static_cast<unsigned char>(whole[at]);
    // Behind a chunk's used bytes nothing means anything.
    ChunkHeader header{};
    std::memcpy(&header, whole.data() + at / kPage * kPage, sizeof header);
    const bool is_used = at < kPage ? !lost(at) : at % kPage < static_cast<std::uint32_t>(header.state);
    for (const unsigned changed : {byte ^ 1U << at % 8, byte ^ 0xffU}) {
      file.change(at, static_cast<unsigned char>(changed));
      const std::string told = outcome(file.path());
      ASSERT_TRUE(is_used ? told.starts_with(file.path() + ": at byte ") : told.empty())
          << "byte " << at << " changed to " << changed << ": " << told;
    }
    file.change(at, byte);
  }
}

// A sum keeps no one from writing nonsense on purpose.
TEST(Reader, NonsenseWithARightSumIsRefused) {
  const TestFile file("t");
  write_trace(file.path(), {});
  const std::string head = file.read();
  const auto outcome_of = [&](std::uint32_t thread, std::uint64_t after, std::vector<unsigned char> records,
                              ChunkKind kind = ChunkKind::calls) {
    std::vector<std::uint64_t> words(kPage / 8);
    auto* const chunk = reinterpret_cast<unsigned char*>(words.data());
    ChunkWriter writer;
    writer.begin(chunk, kPage, kind, thread, after);
    for (const unsigned char byte : records) writer.put_byte(byte);
    writer.publish();
    file.write(head + std::string(chunk, chunk + kPage));
    const std::string told = outcome(file.path());
    return told.empty() ? told : told.substr(file.path().size());
  };
  EXPECT_EQ(outcome_of(0, 0, {0x3f}), ": at byte 4128: a call that there is not");
  EXPECT_EQ(outcome_of(0, 0, {0x20, 5}), ": at byte 4130: a record that is not whole");
  EXPECT_EQ(outcome_of(0, UINT64_MAX, {0x20, 5, 6, 7}), ": at byte 4129: an event's number of more than 64 bits");
  EXPECT_EQ(outcome_of(4000000000U, 0, {}), ": at byte 4108: thread 4000000000 of a file of 8192 bytes");
  EXPECT_EQ(outcome_of(0, 0, {}, ChunkKind{7}), ": at byte 4100: a chunk of kind 7");
  EXPECT_EQ(outcome_of(0, 0, {1, 2, 3, 100, 'x'}, ChunkKind::modules), ": at byte 4132: a text that is not whole");
  EXPECT_EQ(outcome_of(0, 0, {1, 2, 3, 1, 'x'}, ChunkKind::modules), "");
}

TEST(Reader, ZerosWhereAChunkWouldBeginAreTheEnd) {
  const TestFile file("t");
  write_trace(file.path(), handed_over());
  const std::string whole = file.read();
  const std::size_t calls = ops_of(file.path()).size();
  file.write(whole + std::string(kPage, '\0'));
  EXPECT_EQ(ops_of(file.path()).size(), calls);
  file.write(whole + std::string(kPage - 1, '\0') + "x");
  EXPECT_EQ(outcome(file.path()), file.path() + ": at byte " + std::to_string(whole.size()) + ": no chunk begins here");
}

TEST(Reader, WhatIsNoFileIsSaid) {
  EXPECT_EQ(outcome("/nonexistent"), "/nonexistent: No such file or directory");
  EXPECT_EQ(outcome("/tmp"), "/tmp: is no file");
}

}  // namespace
}  // namespace trestle::trace
