// The calls of the system that the C library makes points of cancellation, as none: a thread that was asked to end may not do
// so inside of the library, where it may hold a lock for which all others would wait for ever. They set errno.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>

namespace trestle::os {

inline int open_file(const char* path, int flags, unsigned mode = 0) noexcept {
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
inline ssize_t read_file(int file, void* to, std::size_t bytes) noexcept { return syscall(SYS_read, file, to, bytes); }
inline ssize_t read_file_at(int file, void* to, std::size_t bytes, off_t at) noexcept {
  return syscall(SYS_pread64, file, to, bytes, at);
}
inline ssize_t write_file(int file, const void* from, std::size_t bytes) noexcept {
  return syscall(SYS_write, file, from, bytes);
}
// To a socket. Does not wait for room, and sends no signal.
inline ssize_t send_at_once(int file, const void* from, std::size_t bytes) noexcept {
  return syscall(SYS_sendto, file, from, bytes, MSG_DONTWAIT | MSG_NOSIGNAL, nullptr, 0);
}
inline void close_file(int file) noexcept { syscall(SYS_close, file); }
inline void sleep_once(const timespec& time) noexcept { syscall(SYS_nanosleep, &time, nullptr); }
// Until the file is ready, as poll.
inline int await_file(pollfd& file, const timespec& most) noexcept {
  timespec left = most;  // the kernel writes what is left of it
  return static_cast<int>(syscall(SYS_ppoll, &file, 1, &left, nullptr, 0));
}
// Until that child has ended; the number of its process, or -1.
inline pid_t await_child(pid_t child, int options) noexcept {
  return static_cast<pid_t>(syscall(SYS_wait4, child, nullptr, options, nullptr));
}
inline ssize_t random_bytes(void* to, std::size_t bytes, unsigned flags) noexcept {
  return syscall(SYS_getrandom, to, bytes, flags);
}

}  // namespace trestle::os
