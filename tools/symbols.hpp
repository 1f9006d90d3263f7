// What offsets in objects are in the source, told by llvm-symbolizer or addr2line: one process for each object, asked once for
// each offset.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "dialogue.hpp"
#include "frames.hpp"

namespace trestle::tool {

// The path of the symbolizer of that name, searched for in PATH; of the library's choice where it is empty. Throws Failure:
// kNotFound, kNotExecutable.
[[nodiscard]] std::string path_of_symbolizer(const std::string& name);

class Symbols {
 public:
  struct Source {
    std::string symbolizer;  // its path
    std::string root;        // the folder below which the objects lie; empty: that of the system
    std::chrono::milliseconds patience;
  };
  explicit Symbols(Source source) : source_(std::move(source)) {}

  // Empty where nothing is known; the reason is then among the warnings. Lasts until the next call.
  [[nodiscard]] const Places& places_of(const std::string& object, const std::string& offset);
  // The reports come from that file from now on, and were all written by then. Empty: it is not known when.
  void reports_are_of(const std::string& file, timespec written);

  // A line for each object whose frames stay as they are, and for each that changed after its report was written.
  [[nodiscard]] std::vector<std::string> warnings() const;

 private:
  struct Object {
    std::string path;
    std::unique_ptr<Dialogue> dialogue;
    std::uint64_t last_asked = 0;
    timespec changed{};
    std::unordered_map<std::string, Places> known;
    std::string obstacle;     // why nobody is asked about it any more
    std::size_t unknown = 0;  // frames
    std::string reason;       // why the first of them is
    std::string older_file;   // of reports
  };
  Object& object_of(const std::string& name);
  void open(Object& object, const std::string& name) const;
  void ask(Object& object, const std::string& offset);
  void start(Object& object);
  void end_the_oldest();

  Source source_;
  std::map<std::string, Object> objects_;
  std::uint64_t questions_ = 0;
  std::string file_;
  timespec written_{};
  std::string too_slow_;  // the object over which the symbolizer took too long
  Places none_;
};

}  // namespace trestle::tool
