#include "ops/by_policy.hpp"
#include "ops/heap_host.hpp"
#include "ops/runners.hpp"

namespace trestle::ops {
namespace {

template <Policy P>
HeapHost<with_short_quarantines(P)>& host() {
  static HeapHost<with_short_quarantines(P)> one;
  return one;
}

}  // namespace

std::optional<Failure> run_on_heap(const Program& program) {
  return by_policy(program.stage.policy, [&]<Policy P> { return run(program, host<P>()); });
}

std::size_t os_calls_of_heap(PolicyName policy) {
  return by_policy(policy, []<Policy P> { return host<P>().os_calls(); });
}

}  // namespace trestle::ops
