#include "lines.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "failure.hpp"

namespace trestle::tool {
namespace {

// What was visited, with '|' before each end of a line and '~' before each part of one.
std::string visited(const std::string& bytes) {
  const int file = memfd_create("lines", MFD_CLOEXEC);
  EXPECT_EQ(write(file, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  lseek(file, 0, SEEK_SET);
  std::string all;
  for_each_line(file, "F",
                {.line = [&](std::string_view line, std::string_view end) { all.append(line).append("|").append(end); },
                 .piece = [&](std::string_view part) { all.append("~").append(part); },
                 .pause = [] {}});
  close(file);
  return all;
}

TEST(Lines, AreSeenWithTheirEnds) {
  EXPECT_EQ(visited(""), "");
  EXPECT_EQ(visited("a\n\nb\r\n\r\nc\r"), "a|\n|\nb|\r\n|\r\nc\r|");
  EXPECT_EQ(visited(std::string("a\0b\n", 4)), std::string("a\0b|\n", 5));
}

TEST(Lines, AreWholeWhereverTheyWereReadApart) {
  const std::string line(65535, 'x');
  for (const std::string end : {"\n", "\r\n"}) {
    EXPECT_EQ(visited(line + end + line + end + "y" + end), line + "|" + end + line + "|" + end + "y|" + end);
  }
  const std::string longer(3'000'000, 'x');
  EXPECT_EQ(visited(longer + "\n" + longer), longer + "|\n" + longer + "|");
}

TEST(Lines, ThatAreTooLongPassInParts) {
  const std::string line(kLongestLine + 200'000, 'x');
  std::string all = visited(line + "\nshort\n" + line);
  EXPECT_TRUE(all.starts_with("~"));
  EXPECT_NE(all.find("\nshort|\n~"), std::string::npos);
  EXPECT_EQ(all.find('|'), all.rfind('|')) << "a part is no line";
  std::erase(all, '~');
  std::erase(all, '|');
  EXPECT_TRUE(all == line + "\nshort\n" + line);
}

TEST(Lines, OfWhatCannotBeReadFail) {
  try {
    for_each_line(-1, "F", {});
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_STREQ(failure.what(), "cannot read F: Bad file descriptor");
    EXPECT_EQ(failure.status, 1);
  }
}

}  // namespace
}  // namespace trestle::tool
