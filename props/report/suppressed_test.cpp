// find_suppressed: which stacks the patterns of a file know, by objects and by what a symbolizer says of them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "child.hpp"
#include "report/report.hpp"
#include "report/stack_depot.hpp"
#include "script.hpp"

namespace trestle {
namespace {

const std::byte* code() { return reinterpret_cast<const std::byte*>(&getpid); }
[[gnu::noinline]] void own_function() { asm volatile(""); }
const std::byte* own_code() { return reinterpret_cast<const std::byte*>(&own_function); }

// A run of its own for each test, in a child: the process's patterns and its symbolizer are set once.
class Suppressed : public testing::Test {
 protected:
  const Trace* trace(std::vector<const void*> frames) { return depot_->find(depot_->put(frames)); }
  // Which are, as a word of y and n; by patterns, and with a symbolizer that answers so.
  std::string find(const std::string& patterns, const std::vector<const Trace*>& traces, const char* symbolizer = "") {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    EXPECT_EQ(run_in_child([&] {
                std::string path = "/tmp/suppressed-XXXXXX";
                const int file = mkstemp(path.data());
                std::ofstream(path) << patterns;
                static Suppressions chosen;
                const bool read = chosen.read(path.c_str());
                close(file);
                unlink(path.c_str());
                set_suppressions(&chosen);
                set_symbolizer(symbolizer);
                const auto found = std::make_unique<bool[]>(traces.size());
                std::memset(found.get(), 1, traces.size());
                find_suppressed(traces, {found.get(), traces.size()});
                std::string word;
                for (std::size_t i = 0; i < traces.size(); ++i) word += found[i] ? 'y' : 'n';
                return read && write(ends[1], word.data(), word.size()) == static_cast<ssize_t>(word.size()) ? 0 : 1;
              }),
              0);
    close(ends[1]);
    std::string word(traces.size() + 1, '\0');
    word.resize(static_cast<std::size_t>(std::max(read(ends[0], word.data(), word.size()), ssize_t{0})));
    close(ends[0]);
    return word;
  }

  std::unique_ptr<StackDepot> depot_ = std::make_unique<StackDepot>();
};

TEST_F(Suppressed, AreStacksThroughAnObject) {
  int local = 0;
  const std::vector<const Trace*> traces{trace({own_code() + 1, code() + 1}), trace({own_code() + 1}), trace({&local}),
                                         nullptr};
  EXPECT_EQ(find("libc.so", traces), "ynnn");
  EXPECT_EQ(find("^" + std::string(own_path()) + "$", traces), "yynn") << "the program's own path, in its frames alone";
  EXPECT_EQ(find("no such object", traces), "nnnn");
  EXPECT_EQ(find("# nothing\n", traces), "nnnn");
  EXPECT_EQ(find("", traces), "nnnn");
}

TEST_F(Suppressed, AreStacksThroughAFunctionOrAPlace) {
  // One answer for each address of a question, in the order of these.
  const Script script("addr2line", "shift 6; for at; do echo 0x1; echo \"at_$at\"; echo /src/parse.c:7; done");
  const auto name = [](const void* frame) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "at_0x%llx", static_cast<unsigned long long>(place_of_code(frame).offset));
    return std::string(text.data());
  };
  // A return address stands for the call before it.
  const std::vector<const Trace*> traces{trace({code() + 1, code() + 9}), trace({code() + 9}), trace({code() + 17}),
                                         nullptr};
  EXPECT_EQ(find("^" + name(code()) + "$", traces, script.path()), "ynnn");
  EXPECT_EQ(find("^" + name(code() + 8) + "$", traces, script.path()), "yynn");
  EXPECT_EQ(find("/parse.c:7$", traces, script.path()), "yyyn");
  EXPECT_EQ(find("/parse.c:8$", traces, script.path()), "nnnn");
  EXPECT_EQ(find("/parse.c:7$", traces, "/nonexistent"), "nnnn");
  EXPECT_EQ(find("libc.so", {traces[0], trace({own_code() + 1})}, script.path()), "yn") << "who asks changes nothing";
}

// More frames than the symbolizer is asked of at once.
TEST_F(Suppressed, AreAllThatThereAre) {
  const Script script("addr2line", "shift 6; for at; do echo 0x1; echo f; echo /src/parse.c:7; done");
  std::vector<const Trace*> traces;
  std::string wanted;
  for (std::size_t i = 0; i < 64; ++i) {
    std::vector<const void*> frames;
    for (std::size_t depth = 0; depth < StackDepot::kMaxDepth; ++depth)
      frames.push_back(own_code() + 1 + (i * StackDepot::kMaxDepth + depth) % 4096);
    traces.push_back(i % 3 == 0 ? nullptr : trace(frames));
    wanted += i % 3 == 0 ? 'n' : 'y';
  }
  EXPECT_EQ(find("^f$", traces, script.path()), wanted);
}

TEST_F(Suppressed, AreNoneUnlessThereArePatterns) {
  EXPECT_EQ(run_in_child([&] {
              bool found = true;
              const Trace* const one = trace({code() + 1});
              find_suppressed({&one, 1}, {&found, 1});
              return found ? 1 : 0;
            }),
            0);
}

}  // namespace
}  // namespace trestle
