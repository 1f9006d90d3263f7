// What AddressSanitizer reports of the heap's bytes, where the library tells it whose they are.
#pragma once

namespace trestle {

// From now on its report of an access to bytes of the heap that are nobody's has ours behind it: which block it was, and who
// allocated and freed it. In builds without it nothing happens.
[[gnu::cold]] void accompany_asan_reports() noexcept;

}  // namespace trestle
