#include "limits.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <cinttypes>
#include <initializer_list>

#include "broad.hpp"
#include "support.h"

namespace outside {
namespace {

constexpr unsigned kPatience = 60;  // seconds for one run
constexpr rlim_t kMiB = rlim_t{1} << 20;

int status_of(pid_t child) {
  int status = 0;
  must(child > 0 && waitpid(child, &status, 0) == child);
  return status;
}
bool passed(const char* what, rlim_t limit, int status) {
  if (status == 0) return true;
  print(STDERR_FILENO, "%s of %" PRIu64 " MiB: status 0x%x\n", what, limit / kMiB, (unsigned)status);
  return false;
}

// A number out of /proc; 0: it cannot be read.
std::uint64_t number_in(const char* path) {
  char text[32] = {};
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t length = read(file, text, sizeof text - 1);
  (void)close(file);
  return length > 0 ? strtoull(text, nullptr, 10) : 0;
}

void set_soft(int resource, rlim_t soft) {
  rlimit limit{};
  must(getrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0);
  limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
  must(setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0);
}

int live_under(int resource, rlim_t soft) {
  alarm(kPatience);
  set_soft(resource, soft);
  use_broadly({});
  lift_limits();
  must_serve_all();
  return 0;
}

// The heap has reserved its region: what is refused are further mappings, and moves.
bool holds_in_address_space() {
  const rlim_t now = number_in("/proc/self/statm") * 4096;
  constexpr rlim_t kMebibytes[] = {0, 1, 4, 16, 64};
  for (const rlim_t more : kMebibytes) {
    const pid_t child = fork();
    if (child == 0) _exit(live_under(RLIMIT_AS, now + more * kMiB));
    if (!passed("more address space", more * kMiB, status_of(child))) return false;
  }
  return true;
}
// Here memory that was reserved cannot be made writable.
bool holds_in_data() {
  constexpr rlim_t kMebibytes[] = {0, 2, 4, 8, 16, 32, 64};
  for (const rlim_t most : kMebibytes) {
    const pid_t child = fork();
    if (child == 0) _exit(live_under(RLIMIT_DATA, most * kMiB));
    if (!passed("writable memory", most * kMiB, status_of(child))) return false;
  }
  return true;
}
// From the start: the region is as large as it can be. Where the loader itself has no room it says so.
bool holds_from_start() {
  constexpr rlim_t kMebibytes[] = {6, 8, 10, 12, 16, 24, 32, 48, 64, 100, 128, 200, 256};
  for (const rlim_t most : kMebibytes) {
    const pid_t child = fork();
    if (child == 0) {
      const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
      set_soft(RLIMIT_AS, most * kMiB);
      (void)dup3(null, STDERR_FILENO, 0);
      execl("/proc/self/exe", "refused_calls", "live", static_cast<char*>(nullptr));
      _exit(kNotLoaded);
    }
    const int status = status_of(child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == kNotLoaded) continue;
    if (!passed("address space", most * kMiB, status)) return false;
  }
  return true;
}

// As many mappings as the kernel allows, then some of them given back.
int live_among_mappings(std::uint64_t most) {
  alarm(kPatience);
  const std::size_t bytes = 2 * (most + 16) * 4096;
  void* const all = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  must(all != MAP_FAILED);
  std::uint64_t made = 0;
  for (std::size_t at = 0; at < bytes; at += std::size_t{2} * 4096, made += 2)
    if (mprotect(static_cast<char*>(all) + at, 4096, PROT_READ) != 0) break;
  must(errno == ENOMEM && made > most / 2);
  use_broadly({});
  must(munmap(all, bytes) == 0);
  must_serve_all();
  return 0;
}
bool holds_in_mappings() {
  constexpr std::uint64_t kMost = 1 << 17;  // more take too long
  const std::uint64_t most = number_in("/proc/sys/vm/max_map_count");
  if (most == 0 || most > kMost) {
    print(STDOUT_FILENO, "mappings: skipped, since vm.max_map_count is %" PRIu64 "\n", most);
    return true;
  }
  const pid_t child = fork();
  if (child == 0) _exit(live_among_mappings(most));
  return passed("all mappings", 0, status_of(child));
}

}  // namespace

void lift_limits() {
  for (const int resource : {RLIMIT_AS, RLIMIT_DATA}) set_soft(resource, RLIM_INFINITY);
}

bool is_preloaded() { return dlsym(RTLD_DEFAULT, "trestle_policy_name") != nullptr; }

const Limit kLimits[4] = {{"address_space", holds_in_address_space},
                          {"data", holds_in_data},
                          {"address_space_from_start", holds_from_start},
                          {"mappings", holds_in_mappings}};

bool holds(const Limit& limit) {
  if (!limit.holds()) return false;
  print(STDOUT_FILENO, "%s: held\n", limit.name);
  return true;
}

}  // namespace outside
