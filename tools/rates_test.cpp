#include "rates.hpp"

#include <gtest/gtest.h>

#include "failure.hpp"

namespace trestle::tool {
namespace {

TEST(Rates, ReadLibFuzzersLastStatistics) {
  const std::string said =
      "Done 20000 runs\nstat::number_of_executed_units: 12837\nstat::average_exec_per_sec:     1426\n";
  EXPECT_EQ(statistic(said, "number_of_executed_units"), 12837U);
  EXPECT_EQ(statistic(said, "average_exec_per_sec"), 1426U);
}

TEST(Rates, ShowWhatWasSaidInsteadOfANumber) {
  for (const char* const said :
       {"", "ERROR: it died\n", "stat::new_units_added:  \n", "stat::new_units_added: none\n"}) {
    try {
      static_cast<void>(statistic(said, "new_units_added"));
      FAIL() << "read a number from: " << said;
    } catch (const Failure& failure) {
      EXPECT_NE(std::string(failure.what()).find(said), std::string::npos);
    }
  }
}

TEST(Rates, AreTheMiddleOnes) {
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({9, 1, 2}), 2);
  EXPECT_EQ(median({8, 1, 2, 4}), 3);
}

}  // namespace
}  // namespace trestle::tool
