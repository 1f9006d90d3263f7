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

void set_extent(const TestFile& file, Extent extent) {
  std::string bytes = file.read();
  const std::uint64_t number = extent.as_number();
  std::memcpy(bytes.data() + offsetof(FileHeader, state), &number, sizeof number);
  file.write(bytes);
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
    ASSERT_TRUE(outcome(file.path()).starts_with(file.path() + ": at byte "))
        << "cut off after " << length << " bytes: " << outcome(file.path());
  }
}

// Of a program that was killed, too.
TEST(Reader, AFileThatIsShorterThanItWasIsCutOff) {
  const TestFile file("t");
  write_trace(file.path(), handed_over());
  set_extent(file, {.pages = 4, .has_ended = false});
  EXPECT_EQ(outcome(file.path()), "");
  EXPECT_FALSE(Reader(file.path()).has_ended());
  std::filesystem::resize_file(file.path(), std::uintmax_t{3} * kPage);
  EXPECT_EQ(outcome(file.path()), file.path() + ": at byte 12288: cut off: there were 16384 bytes");
}

// A killed process had no time to say that there is one chunk more.
TEST(Reader, AFileMayBeLongerThanItSays) {
  const TestFile file("t");
  write_trace(file.path(), handed_over());
  EXPECT_TRUE(Reader(file.path()).has_ended());
  set_extent(file, {.pages = 3, .has_ended = false});
  EXPECT_EQ(ops_of(file.path()).size(), handed_over().size());
}

std::string thread_chunk(const std::string& whole, std::size_t number) { return whole.substr(number * kPage, kPage); }

TEST(Reader, AChunkThatIsMissingOrMovedIsTold) {
  const TestFile file("t");
  write_trace(file.path(), handed_over());
  const std::string whole = file.read();
  const std::string head = thread_chunk(whole, 0);
  const std::string first = thread_chunk(whole, 1);
  const std::string second = thread_chunk(whole, 2);
  const std::string third = thread_chunk(whole, 3);
  file.write(head + first + third);
  EXPECT_EQ(outcome(file.path()),
            file.path() + ": at byte 8192: this chunk was at byte 12288: 4096 bytes are missing before it");
  file.write(head + second + first + third);
  EXPECT_EQ(outcome(file.path()),
            file.path() + ": at byte 4096: this chunk was at byte 8192: 4096 bytes are missing before it");
  file.write(head + first + first + second + third);
  EXPECT_EQ(outcome(file.path()),
            file.path() + ": at byte 8192: this chunk was at byte 4096: what is before it was not");
}

// Each chunk in its place, and yet one of another run.
TEST(Reader, AGapInAThreadsNumbersIsTold) {
  const TestFile file("t");
  const std::string& path = file.path();
  Writer writer(path, "/usr/bin/program");
  for (std::uint64_t i = 0; i < 100000; ++i) writer.put(0, {.call = Call::malloc, .size = 1, .after = i * 16 + 16});
  writer.finish();
  std::string whole = file.read();
  ChunkHeader header{};
  std::memcpy(&header, whole.data() + kPage, sizeof header);
  const std::size_t second = kPage + header.bytes;
  const std::vector<unsigned char> records(whole.begin() + static_cast<std::ptrdiff_t>(second + sizeof header),
                                           whole.end());
  std::memcpy(&header, whole.data() + second, sizeof header);
  std::vector<std::uint64_t> words(header.bytes / 8);
  auto* const chunk = reinterpret_cast<unsigned char*>(words.data());
  ChunkWriter anew;
  anew.begin(chunk, header.bytes, ChunkKind::calls, 0, second, header.after + 1);
  for (std::size_t at = 0; at < static_cast<std::uint32_t>(header.state) - sizeof header; ++at)
    anew.put_byte(records[at]);
  anew.publish();
  file.write(whole.replace(second, header.bytes, std::string(chunk, chunk + header.bytes)));
  EXPECT_EQ(outcome(path), path + ": at byte " + std::to_string(second + offsetof(ChunkHeader, after)) +
                               ": the thread's last event before this chunk has number " +
                               std::to_string(header.after + 1) + ", but what is there ends with " +
                               std::to_string(header.after));
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
  const auto outcome_of = [&](std::uint32_t thread, std::uint64_t after, const std::vector<unsigned char>& records,
                              ChunkKind kind = ChunkKind::calls) {
    std::vector<std::uint64_t> words(kPage / 8);
    auto* const chunk = reinterpret_cast<unsigned char*>(words.data());
    ChunkWriter writer;
    writer.begin(chunk, kPage, kind, thread, head.size(), after);
    for (const unsigned char byte : records) writer.put_byte(byte);
    writer.publish();
    file.write(head + std::string(chunk, chunk + kPage));
    const std::string told = outcome(file.path());
    return told.empty() ? told : told.substr(file.path().size());
  };
  EXPECT_EQ(outcome_of(0, 0, {0x3f}), ": at byte 4136: a call that there is not");
  EXPECT_EQ(outcome_of(0, 0, {0x20, 11}), ": at byte 4138: a record that is not whole");
  EXPECT_EQ(outcome_of(0, UINT64_MAX, {0x20, 11, 13, 15}), ": at byte 4137: an event's number of more than 64 bits");
  EXPECT_EQ(outcome_of(4000000000U, 0, {}), ": at byte 4108: thread 4000000000 of a file of 8192 bytes");
  EXPECT_EQ(outcome_of(0, 0, {}, ChunkKind{7}), ": at byte 4100: a chunk of kind 7");
  EXPECT_EQ(outcome_of(0, 0, {3, 5, 7, 201, 'x'}, ChunkKind::modules), ": at byte 4140: a text that is not whole");
  EXPECT_EQ(outcome_of(0, 0, {3, 5, 7, 3, 'x'}, ChunkKind::modules), "");
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
