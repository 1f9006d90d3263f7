// Op programs over the whole heap, under each policy, on an operating system of the harness's own.
#include "ops/heap_host.hpp"
#include "report.hpp"
#include "target.hpp"

namespace {

using namespace trestle;
using namespace trestle::ops;

template <Policy P>
void run_or_abort(const Program& program) {
  static HeapHost<P> host;
  if (const std::optional<Failure> failure = run(program, host)) report_and_abort(program, *failure);
}

}  // namespace

const Vocabulary& trestle_fuzz_vocabulary = kHeapVocabulary;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Program program;
  decode(kHeapVocabulary, {data, size}, program);
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
