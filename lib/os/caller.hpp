// Who calls: where its stack begins, and what its registers hold, for those who search both.
#pragma once

#include <array>
#include <cstdint>

namespace trestle::os {

// Taken at the edge, in whose frame it lies, above the stack pointer that it tells: who reads the stack reads the registers
// that a function leaves as they are, here or where the edge keeps those that it uses itself.
struct Caller {
  std::uintptr_t stack;
  std::array<std::uintptr_t, 12> registers;  // read as words of the stack

  [[gnu::always_inline]] static inline Caller here() noexcept {
    Caller taken{reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)), {}};
#if defined(__x86_64__)
    asm volatile(
        "mov %%rsp, 0(%0)\n\t"
        "mov %%rbx, 8(%0)\n\t"
        "mov %%rbp, 16(%0)\n\t"
        "mov %%r12, 24(%0)\n\t"
        "mov %%r13, 32(%0)\n\t"
        "mov %%r14, 40(%0)\n\t"
        "mov %%r15, 48(%0)"
        :
        : "r"(&taken)
        : "memory");
#elif defined(__aarch64__)
    asm volatile(
        "mov x9, sp\n\t"
        "stp x9, x19, [%0]\n\t"
        "stp x20, x21, [%0, 16]\n\t"
        "stp x22, x23, [%0, 32]\n\t"
        "stp x24, x25, [%0, 48]\n\t"
        "stp x26, x27, [%0, 64]\n\t"
        "stp x28, x29, [%0, 80]"
        :
        : "r"(&taken)
        : "memory", "x9");
#endif
    return taken;
  }
};

}  // namespace trestle::os
