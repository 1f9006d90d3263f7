#include "child.hpp"

#include <gtest/gtest.h>

namespace trestle::tool {
namespace {

TEST(Child, IsHeardOnBothOfItsStreams) {
  const Heard heard = listen_to_child({"sh", "-c", "echo $WORD; echo cry >&2; exit 7"}, {{"WORD", "say"}});
  EXPECT_EQ(heard.out, "say\n");
  EXPECT_EQ(heard.err, "cry\n");
  EXPECT_EQ(heard.ended.status, 7);
}

TEST(Child, IsHeardToItsEnd) {
  const Heard heard =
      listen_to_child({"sh", "-c", "i=0; while [ $i -lt 2000 ]; do echo 12345678; i=$((i+1)); done"}, {});
  EXPECT_EQ(heard.out.size(), 2000U * 9U);
}

}  // namespace
}  // namespace trestle::tool
