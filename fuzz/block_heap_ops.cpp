// Op programs over BufferHeap, under each policy: buffers of a fixed size, growing, shrinking and relocated ones.
#include "ops/buffer_host.hpp"
#include "report.hpp"
#include "target.hpp"

namespace {

using namespace trestle;
using namespace trestle::ops;

template <Policy P>
void run_or_abort(const Program& program) {
  static BufferHeapHost<P> host;
  if (const std::optional<Failure> failure = run(program, host)) report_and_abort(program, *failure);
}

}  // namespace

const Vocabulary& trestle_fuzz_vocabulary = kBufferVocabulary;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Program program;
  decode(kBufferVocabulary, {data, size}, program);
  switch (program.stage.policy) {
    case PolicyName::fast:
      run_or_abort<kFast>(program);
      break;
    case PolicyName::hardened:
      run_or_abort<kHardened>(program);
      break;
    case PolicyName::debug:
      run_or_abort<kDebug>(program);
      break;
  }
  return 0;
}
