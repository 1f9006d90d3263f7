// Writing a trace, as the recorder does it, from calls that were not recorded: another format's, or a test's.
#pragma once

#include <deque>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "trace/encode.hpp"
#include "trace/error.hpp"

namespace trestle::trace {

class Writer {
 public:
  // Begins the file. `program` is what the header names. Throws Error.
  Writer(const std::string& path, const std::string& program);

  // The call comes behind all others: its events get the next numbers.
  void put(std::uint32_t thread, Record record);

  // Writes what is left. Throws Error where anything could not be written.
  void finish();

 private:
  struct Thread {
    std::vector<std::uint64_t> words = std::vector<std::uint64_t>(kUsualChunk / sizeof(std::uint64_t));
    Encoder encoder;
  };

  // At the file's start; what is written next comes behind it.
  void write_header(Extent extent);
  void begin_chunk(std::uint32_t thread);
  void write_chunk(std::uint32_t thread);

  std::string path_;
  std::ofstream file_;
  std::unique_ptr<FileHeader> header_;
  std::uint64_t offset_ = kPage;
  std::deque<Thread> threads_;
  std::uint64_t number_ = 0;
};

}  // namespace trestle::trace
