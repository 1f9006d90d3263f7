#include "report/stack.hpp"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <climits>

#include "base/arith.hpp"
#include "os/linux_os.hpp"

namespace trestle {
namespace {

// A frame further than this from the one it was called from is a stray pointer.
constexpr std::uintptr_t kFarthestFrame = std::uintptr_t{1} << 20;

struct Frame {
  std::uintptr_t caller = 0;
  const void* return_address = nullptr;
};

}  // namespace

CodePlace place_of_code(const void* address) noexcept {
  dl_find_object found{};
  // Lock-free and async-signal-safe, of glibc 2.35.
  if (_dl_find_object(const_cast<void*>(address), &found) != 0) return {};
  return {found.dlfo_link_map->l_name, address_of(address) - found.dlfo_link_map->l_addr};
}

std::string_view own_path() noexcept {
  static std::array<char, PATH_MAX> path{};
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  return {path.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

void capture(const CallSite& site, Stack& stack) noexcept {
  stack.depth = 0;
  if (site.return_address == nullptr) return;
  stack.frames[stack.depth++] = site.return_address;
  std::uintptr_t at = address_of(site.frame);
  Frame frame;
  if (!os::read_own_memory(site.frame, &frame, sizeof frame)) return;
  while (stack.depth < kMaxFrames) {
    const std::uintptr_t caller = frame.caller;
    const bool plausible = is_aligned(caller, sizeof(void*)) && caller > at && caller - at < kFarthestFrame;
    if (!plausible || !os::read_own_memory(reinterpret_cast<const void*>(caller), &frame, sizeof frame)) break;
    if (place_of_code(frame.return_address).path == nullptr) break;
    stack.frames[stack.depth++] = frame.return_address;
    at = caller;
  }
}

}  // namespace trestle
