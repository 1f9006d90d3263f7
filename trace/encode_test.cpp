// What is encoded is decoded.
#include "trace/encode.hpp"

#include <random>

#include "trace/traces_of_tests.hpp"

namespace trestle::trace {
namespace {

// Numbers of all lengths, the longest among them.
std::uint64_t any_number(std::mt19937_64& random) { return random() >> random() % 64; }

Record any_record(std::mt19937_64& random, std::uint64_t after) {
  Record record{.call = static_cast<Call>(random() % kCalls)};
  const CallShape& shape = shape_of(record.call);
  record.begin = after + 1 + (random() % 2 == 0 ? 0 : random() % 100000);
  record.end = record.begin + (shape.two_events() ? 1 + random() % 3 : 0);
  if (shape.size) record.size = any_number(random);
  if (shape.alignment) record.alignment = any_number(random);
  if (shape.before) record.before = any_number(random);
  if (shape.after) record.after = any_number(random);
  record.site = random() % 300;
  return record;
}

Encoder encoder_of(unsigned char* chunk, std::uint64_t after) {
  ChunkWriter begun;
  begun.begin(chunk, kPage, ChunkKind::calls, 3, kPage, after);
  Encoder encoder;
  encoder.resume(after);
  encoder.begin(begun);
  return encoder;
}

TEST(Encode, EveryRecordIsDecoded) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint64_t> words(kPage / 8);
    auto* const chunk = reinterpret_cast<unsigned char*>(words.data());
    const std::uint64_t after = any_number(random) >> 1;
    Encoder encoder = encoder_of(chunk, after);
    std::vector<Record> records;
    while (encoder.has_room()) {
      records.push_back(any_record(random, records.empty() ? after : records.back().end));
      if (random() % 2 == 0 || !encoder.put_short(records.back())) encoder.put(records.back());
    }
    Decoder decoder({chunk + sizeof(ChunkHeader), chunk + encoder.chunk().used()}, after);
    for (const Record& record : records) ASSERT_EQ(decoder.take(), record) << "round " << round;
    EXPECT_TRUE(decoder.is_at_end());
  }
}

TEST(Encode, NumbersOfEveryLengthAreDecoded) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    for (const std::uint64_t number : {power - 1, power, power + 1}) {
      std::vector<std::uint64_t> words(kPage / 8);
      auto* const chunk = reinterpret_cast<unsigned char*>(words.data());
      ChunkWriter writer;
      writer.begin(chunk, kPage, ChunkKind::calls, 0, 0, 0);
      writer.put_number(number);
      writer.publish();
      EXPECT_EQ(writer.used() - sizeof(ChunkHeader), bytes_of(number));
      Bytes bytes({chunk + sizeof(ChunkHeader), chunk + writer.used()});
      EXPECT_EQ(bytes.take_number(), number);
      EXPECT_TRUE(bytes.is_at_end());
    }
  }
}

// The room that a chunk is asked for is that of the longest record there can be.
TEST(Encode, TheLongestRecordHasRoom) {
  std::vector<std::uint64_t> words(kPage / 8);
  auto* const chunk = reinterpret_cast<unsigned char*>(words.data());
  Encoder encoder = encoder_of(chunk, 0);
  const std::uint32_t before = encoder.chunk().used();
  encoder.put({.call = Call::aligned_alloc,
               .begin = UINT64_MAX - 1,
               .end = UINT64_MAX - 1,
               .size = UINT64_MAX,
               .alignment = UINT64_MAX,
               .after = UINT64_MAX << 3,
               .site = UINT64_MAX});
  EXPECT_LE(encoder.chunk().used() - before, Encoder::kLongestRecord);
}

TEST(Encode, ADecoderRefusesWhatNoEncoderWrites) {
  const auto flaw_of = [](std::vector<unsigned char> bytes) -> std::string {
    try {
      Decoder decoder(bytes, 0);
      while (!decoder.is_at_end()) static_cast<void>(decoder.take());
    } catch (const Flaw& flaw) {
      return flaw.what;
    }
    return "";
  };
  EXPECT_EQ(flaw_of({0x20 | 22}), "a call that there is not");
  EXPECT_EQ(flaw_of({0x80}), "a call that there is not");
  EXPECT_EQ(flaw_of({0x20, 0x02}), "a record that is not whole");
  EXPECT_EQ(flaw_of({0x20, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), "a record that is not whole");
  EXPECT_EQ(flaw_of({0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}),
            "an event's number of more than 64 bits");
  EXPECT_EQ(flaw_of({0x60, 3, 5, 0}), "");
}

}  // namespace
}  // namespace trestle::trace
