#include "ops/buffer_host.hpp"
#include "ops/by_policy.hpp"
#include "ops/runners.hpp"

namespace trestle::ops {

std::optional<Failure> run_on_buffer(const Program& program) {
  return by_policy(program.stage.policy, [&]<Policy P> {
    static BufferHeapHost<P> host;
    return run(program, host);
  });
}

}  // namespace trestle::ops
