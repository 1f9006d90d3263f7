// System calls that touch nothing of the thread's but its registers: neither errno nor a point of cancellation.
#pragma once

#include <cerrno>

namespace trestle::os {

// What the kernel answers: negative is an error's number. For a task that shares another's thread-local storage.
[[gnu::always_inline]] inline long system_call(long number, long first = 0, long second = 0, long third = 0,
                                               long fourth = 0, long fifth = 0, long sixth = 0) noexcept {
#if defined(__x86_64__)
  long answer = number;
  register long r10 asm("r10") = fourth;
  register long r8 asm("r8") = fifth;
  register long r9 asm("r9") = sixth;
  asm volatile("syscall"
               : "+a"(answer)
               : "D"(first), "S"(second), "d"(third), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return answer;
#elif defined(__aarch64__)
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = first;
  register long x1 asm("x1") = second;
  register long x2 asm("x2") = third;
  register long x3 asm("x3") = fourth;
  register long x4 asm("x4") = fifth;
  register long x5 asm("x5") = sixth;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#else
  return -ENOSYS;  // how the kernel is called on this machine is not known
#endif
}

}  // namespace trestle::os
