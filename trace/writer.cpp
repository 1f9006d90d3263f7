#include "trace/writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace trestle::trace {

Writer::Writer(const std::string& path, const std::string& program)
    : path_(path), file_(path, std::ios::binary | std::ios::trunc) {
  const auto page = std::make_unique<FileHeader>();
  page->magic = kMagic;
  page->version = kVersion;
  page->byte_order = kByteOrder;
  program.copy(page->program.data(), page->program.size() - 1);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(page.get());
  std::uint32_t sum = kEmptySum;
  for (std::uint32_t i = 0; i < kPage; ++i) sum = add_to_sum(sum, bytes[i]);
  page->sum = sum;
  if (!file_.write(reinterpret_cast<const char*>(bytes), kPage))
    throw Error(path_ + ": cannot be written: " + std::strerror(errno));
}

void Writer::put(std::uint32_t thread, Record record) {
  while (threads_.size() <= thread) {
    threads_.emplace_back();
    begin_chunk(static_cast<std::uint32_t>(threads_.size() - 1));
  }
  Encoder& encoder = threads_[thread].encoder;
  if (!encoder.has_room()) {
    write_chunk(thread);
    begin_chunk(thread);
  }
  record.begin = ++number_;
  record.end = shape_of(record.call).two_events() ? ++number_ : number_;
  encoder.put(record);
}

void Writer::begin_chunk(std::uint32_t thread) {
  Thread& one = threads_[thread];
  std::ranges::fill(one.words, 0);
  one.encoder.begin(reinterpret_cast<unsigned char*>(one.words.data()), kUsualChunk, thread);
}

// No longer than it has to be: its length is in its sum, so it is begun anew in as many pages as it used.
void Writer::write_chunk(std::uint32_t thread) {
  auto* const chunk = reinterpret_cast<unsigned char*>(threads_[thread].words.data());
  const std::uint32_t used = threads_[thread].encoder.chunk().used();
  const std::uint32_t bytes = (used + kPage - 1) / kPage * kPage;
  ChunkHeader header;
  std::memcpy(&header, chunk, sizeof header);
  ChunkWriter shorter;
  shorter.begin(chunk, bytes, ChunkKind::calls, thread, header.after);
  for (std::uint32_t at = sizeof header; at < used; ++at) shorter.put_byte(chunk[at]);
  shorter.publish();
  file_.write(reinterpret_cast<const char*>(chunk), bytes);
}

void Writer::finish() {
  for (std::uint32_t thread = 0; thread < threads_.size(); ++thread) write_chunk(thread);
  file_.close();
  if (!file_) throw Error(path_ + ": cannot be written: " + std::strerror(errno));
}

}  // namespace trestle::trace
