// Small traces, for the units.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "trace/resolve.hpp"
#include "trace/writer.hpp"

namespace trestle::trace {

// A file that goes when the object does.
class TestFile {
 public:
  explicit TestFile(const std::string& name)
      : path_(testing::TempDir() + "trestle-" + std::to_string(getpid()) + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->test_suite_name() + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->name() + "-" + name) {}
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;
  ~TestFile() { std::remove(path_.c_str()); }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string read() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  void write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  void change(std::size_t at, unsigned char byte) const {
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte));
  }

 private:
  std::string path_;
};

struct Called {
  std::uint32_t thread;
  Record record;
};

inline void write_trace(const std::string& path, const std::vector<Called>& calls) {
  Writer writer(path, "/usr/bin/program");
  for (const Called& one : calls) writer.put(one.thread, one.record);
  writer.finish();
}

inline std::vector<Op> ops_of(const std::string& path) {
  Reader reader(path);
  Resolver resolver(reader);
  std::vector<Op> ops;
  for (Op op; resolver.next(op);) ops.push_back(op);
  return ops;
}

// A block that one thread begins, another resizes and a third ends; and one of each kind of field.
inline std::vector<Called> handed_over() {
  return {{0, {.call = Call::malloc, .size = 100, .after = 0x1000, .site = 0x400100}},
          {1, {.call = Call::new_aligned, .size = 7, .alignment = 64, .after = 0x2000, .site = 0x400200}},
          {1, {.call = Call::realloc, .size = 5000, .before = 0x1000, .after = 0x8008, .site = 0x400300}},
          {2, {.call = Call::free, .before = 0x8008, .site = 0x400100}},
          {0, {.call = Call::calloc, .size = SIZE_MAX, .site = 0x400100}},
          {0, {.call = Call::delete_aligned, .size = 7, .alignment = 64, .before = 0x2000, .site = 0x400100}}};
}

}  // namespace trestle::trace
