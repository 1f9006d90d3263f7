#include "trace/reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace trestle::trace {
namespace {

// Of a chunk's used bytes, its state among them.
std::uint32_t sum_of_chunk(const std::vector<unsigned char>& used) {
  Sum sum;
  for (std::size_t at = 0; at <= used.size(); at += kWord) {
    if (at == offsetof(ChunkHeader, state)) continue;
    std::uint64_t word = 0;
    if (at < used.size()) std::memcpy(&word, &used[at], std::min<std::size_t>(kWord, used.size() - at));
    sum.add(word);
  }
  return sum.with(static_cast<std::uint32_t>(used.size()));
}

bool is_zero(std::span<const unsigned char> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](unsigned char byte) { return byte == 0; });
}

std::uint32_t used_of(const ChunkHeader& header) { return static_cast<std::uint32_t>(header.state); }

}  // namespace

Reader::Reader(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "rbe"), &std::fclose) {
  struct stat status = {};
  if (file_ == nullptr || fstat(fileno(file_.get()), &status) != 0) throw Error(path + ": " + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) throw Error(path + ": is no file");
  size_ = static_cast<std::uint64_t>(status.st_size);
  read_header();
  look_through();
  rewind();
}

void Reader::refuse(std::uint64_t offset, const std::string& what) const { throw Error(path_, offset, what); }

void Reader::read(std::uint64_t offset, void* to, std::size_t bytes) const {
  auto* at = static_cast<unsigned char*>(to);
  while (bytes > 0) {
    const ssize_t got = pread(fileno(file_.get()), at, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(offset, std::strerror(errno));
    if (got == 0) refuse(offset, "the file ends here");
    at += got;
    bytes -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
}

void Reader::read_header() {
  const auto page = std::make_unique<FileHeader>();
  if (size_ < sizeof page->magic) refuse(size_, "no trace: it ends within the first bytes");
  read(0, page.get(), std::min<std::uint64_t>(size_, kPage));
  if (page->magic != kMagic) refuse(0, "no trace");
  if (size_ < kPage) refuse(size_, "the header is cut off");
  if (page->byte_order != kByteOrder) refuse(offsetof(FileHeader, byte_order), "of another byte order, or damaged");
  if (page->version != kVersion)
    refuse(offsetof(FileHeader, version),
           "of version " + std::to_string(page->version) + "; this reads " + std::to_string(kVersion));
  lost_ = page->lost;
  if (sum_of(*page) != page->sum) refuse(offsetof(FileHeader, sum), "the header is damaged: its sum is another");
  if (!Extent::is_one(page->state))
    refuse(offsetof(FileHeader, state), "the header is damaged: the sum of the file's extent is another");
  extent_ = Extent::of(page->state);
  process_ = page->process;
  page->program.back() = '\0';
  program_ = page->program.data();
}

ChunkHeader Reader::header_at(std::uint64_t offset) const {
  ChunkHeader header;
  if (size_ - offset < sizeof header) refuse(size_, "a chunk's header is cut off");
  read(offset, &header, sizeof header);
  if (header.magic != kChunkMagic) refuse(offset, "no chunk begins here");
  if (header.bytes < sizeof header || header.bytes % kPage != 0 || header.bytes > kLargestChunk)
    refuse(offset + offsetof(ChunkHeader, bytes), "a chunk of " + std::to_string(header.bytes) + " bytes");
  if (header.bytes > size_ - offset)
    refuse(size_, "cut off: the chunk at byte " + std::to_string(offset) + " is of " + std::to_string(header.bytes) +
                      " bytes");
  check_place(header, offset);
  if (used_of(header) < sizeof header || used_of(header) > header.bytes)
    refuse(offset + offsetof(ChunkHeader, state), std::to_string(used_of(header)) + " bytes of a chunk are used");
  return header;
}

// Were a chunk taken out of the file, or put into it, those behind it would not lie where they did.
void Reader::check_place(const ChunkHeader& header, std::uint64_t offset) const {
  if (header.offset == offset) return;
  const std::string lay = "this chunk was at byte " + std::to_string(header.offset) + ": ";
  refuse(offset, header.offset < offset
                     ? lay + "what is before it was not"
                     : lay + std::to_string(header.offset - offset) + " bytes are missing before it");
}

// The process was killed after it had made room for a chunk, and before it began it: all zeros to the file's end.
bool Reader::is_end(std::uint64_t offset) const {
  std::uint32_t magic = 0;
  if (size_ - offset > kLargestChunk || size_ - offset < sizeof magic) return false;
  read(offset, &magic, sizeof magic);
  if (magic != 0) return false;
  std::vector<unsigned char> rest(size_ - offset);
  read(offset, rest.data(), rest.size());
  return is_zero(rest);
}

void Reader::look_through() {
  for (std::uint64_t offset = kPage; offset < size_ && !is_end(offset);) {
    const ChunkHeader header = header_at(offset);
    if (header.kind == static_cast<std::uint32_t>(ChunkKind::calls)) {
      add(header, offset);
    } else if (header.kind != static_cast<std::uint32_t>(ChunkKind::modules)) {
      refuse(offset + offsetof(ChunkHeader, kind), "a chunk of kind " + std::to_string(header.kind));
    } else {
      try {
        const std::vector<unsigned char> bytes = load(offset);
        for (Module& one : decode_modules(std::span(bytes).subspan(sizeof header))) modules_.push_back(std::move(one));
      } catch (const Flaw& flaw) {
        refuse(offset + sizeof header + flaw.at, flaw.what);
      }
    }
    offset += header.bytes;
    stop_ = offset;
  }
  if (const std::uint64_t whole = std::uint64_t{extent_.pages} * kPage; size_ < whole)
    refuse(size_, "cut off: there were " + std::to_string(whole) + " bytes");
}

void Reader::add(const ChunkHeader& header, std::uint64_t offset) {
  // Each thread has begun one with a chunk of its own, so their numbers have no more gaps than there are chunks.
  if (header.thread > size_ / kPage)
    refuse(offset + offsetof(ChunkHeader, thread),
           "thread " + std::to_string(header.thread) + " of a file of " + std::to_string(size_) + " bytes");
  if (header.thread >= cursors_.size()) cursors_.resize(header.thread + std::size_t{1});
  cursors_[header.thread].chunks.push_back({offset, header.after});
}

std::vector<unsigned char> Reader::load(std::uint64_t offset) const {
  const ChunkHeader header = header_at(offset);
  std::vector<unsigned char> bytes(used_of(header));
  read(offset, bytes.data(), bytes.size());
  if (sum_of_chunk(bytes) != header.state >> 32) refuse(offset, "a chunk is damaged: its sum is another");
  return bytes;
}

void Reader::load_chunk(Cursor& cursor) const {
  const Place place = cursor.chunks[cursor.chunk];
  if (cursor.chunk != 0 && place.after != cursor.last)
    refuse(place.offset + offsetof(ChunkHeader, after),
           "the thread's last event before this chunk has number " + std::to_string(place.after) +
               ", but what is there ends with " + std::to_string(cursor.last));
  cursor.bytes = load(place.offset);
  cursor.decoder = Decoder(std::span<const unsigned char>(cursor.bytes).subspan(sizeof(ChunkHeader)), place.after);
  cursor.is_loaded = true;
}

// Puts the thread where its next event is. Of a chunk that is not loaded it is known from where on its events are.
void Reader::queue_next(std::uint32_t thread) {
  Cursor& cursor = cursors_[thread];
  if (cursor.is_loaded && cursor.decoder.is_at_end()) {
    cursor.bytes = {};
    cursor.is_loaded = false;
    ++cursor.chunk;
  }
  if (cursor.chunk == cursor.chunks.size()) return;
  if (!cursor.is_loaded) return turns_.push({cursor.chunks[cursor.chunk].after, thread});
  const std::size_t start = cursor.decoder.at();
  try {
    cursor.record = cursor.decoder.take();
  } catch (const Flaw& flaw) {
    refuse(cursor.chunks[cursor.chunk].offset + sizeof(ChunkHeader) + std::max(flaw.at, start), flaw.what);
  }
  cursor.last = cursor.record.end;
  turns_.push({cursor.record.begin, thread});
}

bool Reader::next(Event& event) {
  while (!turns_.empty()) {
    const Turn turn = turns_.top();
    turns_.pop();
    Cursor& cursor = cursors_[turn.thread];
    if (!cursor.is_loaded) {
      load_chunk(cursor);
      queue_next(turn.thread);
      continue;
    }
    const bool first_of_two = shape_of(cursor.record.call).two_events() && !cursor.is_begun;
    event = {cursor.record, turn.thread, !first_of_two};
    cursor.is_begun = first_of_two;
    if (first_of_two) {
      turns_.push({cursor.record.end, turn.thread});
    } else {
      queue_next(turn.thread);
    }
    return true;
  }
  return false;
}

void Reader::rewind() {
  turns_ = {};
  for (std::uint32_t thread = 0; thread < cursors_.size(); ++thread) {
    Cursor& cursor = cursors_[thread];
    cursor = Cursor{.chunks = std::move(cursor.chunks), .bytes = {}, .decoder = {}, .record = {}};
    queue_next(thread);
  }
}

}  // namespace trestle::trace
