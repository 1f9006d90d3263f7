#include "trace/writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace trestle::trace {

Writer::Writer(const std::string& path, const std::string& program)
    : path_(path), file_(path, std::ios::binary | std::ios::trunc), header_(std::make_unique<FileHeader>()) {
  header_->magic = kMagic;
  header_->version = kVersion;
  header_->byte_order = kByteOrder;
  program.copy(header_->program.data(), header_->program.size() - 1);
  write_header({.pages = 1, .has_ended = false});
}

void Writer::write_header(Extent extent) {
  header_->sum = sum_of(*header_);
  header_->state = extent.as_number();
  file_.seekp(0);
  if (!file_.write(reinterpret_cast<const char*>(header_.get()), kPage))
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

// Where it will lie is not known yet.
void Writer::begin_chunk(std::uint32_t thread) {
  Thread& one = threads_[thread];
  std::ranges::fill(one.words, 0);
  ChunkWriter chunk;
  chunk.begin(reinterpret_cast<unsigned char*>(one.words.data()), kUsualChunk, ChunkKind::calls, thread, 0,
              one.encoder.number());
  one.encoder.begin(chunk);
}

// No longer than it has to be: its length is in its sum, so it is begun anew in as many pages as it used.
void Writer::write_chunk(std::uint32_t thread) {
  auto* const chunk = reinterpret_cast<unsigned char*>(threads_[thread].words.data());
  const std::uint32_t used = threads_[thread].encoder.chunk().used();
  const std::uint32_t bytes = (used + kPage - 1) / kPage * kPage;
  ChunkHeader header;
  std::memcpy(&header, chunk, sizeof header);
  const std::vector<unsigned char> records(chunk + sizeof header, chunk + used);
  ChunkWriter shorter;
  shorter.begin(chunk, bytes, ChunkKind::calls, thread, offset_, header.after);
  for (const unsigned char byte : records) shorter.put_byte(byte);
  shorter.publish();
  file_.write(reinterpret_cast<const char*>(chunk), bytes);
  offset_ += bytes;
}

void Writer::finish() {
  for (std::uint32_t thread = 0; thread < threads_.size(); ++thread) write_chunk(thread);
  write_header({.pages = static_cast<std::uint32_t>(offset_ / kPage), .has_ended = true});
  file_.close();
  if (!file_) throw Error(path_ + ": cannot be written: " + std::strerror(errno));
}

}  // namespace trestle::trace
