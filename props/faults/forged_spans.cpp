//: options check_at_exit=1
//: fault fast hardened debug: uncoalesced spans in the check at exit
// A free span cut in two, every record of which is right.
#include "forge.hpp"

using namespace trestle;

int main() {
  SpanDescriptor& span = free_span();
  Region<LinuxOs>& all = region();
  const GranuleRange whole = span.range();
  const GranuleRange dirty = span.dirty_range();
  const Granules middle = whole.first + Granules{1};
  const auto age = all.remove_free(span);
  all.insert_free(all.write_free({whole.first, middle}, dirty), age);
  SpanDescriptor& second = all.write_free({middle, whole.end}, dirty);
  all.insert_free(second, all.young(age.since_ms));
  wrong_at(all.start_of(second));
  concerns(all.start_of(second), 0, 0);
  return ok();
}
