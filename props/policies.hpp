// The three policies as the types of a typed suite.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/policy.hpp"

namespace trestle {

template <Policy P>
struct Under {
  static constexpr Policy kPolicy = P;
};
struct PolicyNames {
  template <class T>
  static std::string GetName(int) {
    return T::kPolicy.name;
  }
};
using EveryPolicy = testing::Types<Under<kFast>, Under<kHardened>, Under<kDebug>>;
using CheckedPolicies = testing::Types<Under<kHardened>, Under<kDebug>>;  // those with canary and poison
using MagazinePolicies = testing::Types<Under<kFast>, Under<kHardened>>;  // those whose freed slots rest in magazines

}  // namespace trestle
