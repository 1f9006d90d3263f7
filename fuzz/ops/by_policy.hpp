// A policy that a program names at run time, as an argument of a template.
#pragma once

#include "base/policy.hpp"
#include "ops/program.hpp"

namespace trestle::ops {

// visit.operator()<P>() of the policy of that name.
template <class Visit>
decltype(auto) by_policy(PolicyName policy, Visit visit) {
  switch (policy) {
    case PolicyName::fast:
      return visit.template operator()<kFast>();
    case PolicyName::hardened:
      return visit.template operator()<kHardened>();
    case PolicyName::debug:
      return visit.template operator()<kDebug>();
  }
  __builtin_unreachable();
}

}  // namespace trestle::ops
