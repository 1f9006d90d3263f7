// Reading a trace: untrusted. What is wrong with it is an Error with the file and the byte, and nothing worse. Memory: a few
// bytes a chunk of the file, and one chunk of each thread that is between its first event and its last.
#pragma once

#include <cstdio>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "trace/decode.hpp"
#include "trace/error.hpp"

namespace trestle::trace {

// Something that happened to blocks. A call that both ends a block and begins one happens twice: when it began, and when it
// was over.
struct Event {
  Record record;
  std::uint32_t thread = 0;
  bool is_over = true;  // false: the first of a call's two events
};

class Reader {
 public:
  // Opens the file and looks at the heads of all its chunks. Throws Error.
  explicit Reader(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& program() const { return program_; }
  [[nodiscard]] std::uint32_t process() const { return process_; }
  [[nodiscard]] std::uint32_t lost() const { return lost_; }
  // Whether the program ended in order; else what it did last may be missing.
  [[nodiscard]] bool has_ended() const { return extent_.has_ended; }
  // The byte behind the last chunk that was begun.
  [[nodiscard]] std::uint64_t stop() const { return stop_; }
  [[nodiscard]] std::uint32_t threads() const { return static_cast<std::uint32_t>(cursors_.size()); }
  [[nodiscard]] std::uint64_t bytes() const { return size_; }
  [[nodiscard]] const std::vector<Module>& modules() const { return modules_; }

  // The next event of all threads, in the order of their numbers. False: there is none. Throws Error.
  [[nodiscard]] bool next(Event& event);
  // next() begins with the first event again.
  void rewind();

 private:
  struct Place {
    std::uint64_t offset;
    std::uint64_t after;
  };
  struct Cursor {
    std::vector<Place> chunks;
    std::size_t chunk = 0;  // the one that is read, or will be
    bool is_loaded = false;
    std::vector<unsigned char> bytes;
    Decoder decoder;
    Record record;
    bool is_begun = false;   // the record's first event was told, its second was not
    std::uint64_t last = 0;  // number of the thread's events so far
  };
  struct Turn {
    std::uint64_t number;
    std::uint32_t thread;
    bool operator>(const Turn& other) const {
      return number != other.number ? number > other.number : thread > other.thread;
    }
  };

  void read_header();
  void look_through();
  [[nodiscard]] ChunkHeader header_at(std::uint64_t offset) const;
  void check_place(const ChunkHeader& header, std::uint64_t offset) const;
  [[nodiscard]] bool is_end(std::uint64_t offset) const;
  void add(const ChunkHeader& header, std::uint64_t offset);
  [[nodiscard]] std::vector<unsigned char> load(std::uint64_t offset) const;
  void read(std::uint64_t offset, void* to, std::size_t bytes) const;
  void queue_next(std::uint32_t thread);
  void load_chunk(Cursor& cursor) const;
  [[noreturn]] void refuse(std::uint64_t offset, const std::string& what) const;

  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::uint64_t size_ = 0;
  std::string program_;
  std::uint32_t process_ = 0;
  std::uint32_t lost_ = 0;
  Extent extent_;
  std::uint64_t stop_ = kPage;
  std::vector<Module> modules_;
  std::vector<Cursor> cursors_;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
};

}  // namespace trestle::trace
