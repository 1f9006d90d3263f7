// The kind of machine that the library is built for.
#pragma once

namespace trestle {

#if defined(__x86_64__)
inline constexpr bool kIsX86 = true;
#else
inline constexpr bool kIsX86 = false;
#endif

}  // namespace trestle
