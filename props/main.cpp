// The units and properties. Returns non-zero on a failure, whether GoogleTest or RapidCheck found it.
#include <gtest/gtest.h>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
