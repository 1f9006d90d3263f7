// The new handler is called until it gives up, what it throws gets out of a throwing form, and makes null of another.
#include <new>

#include "support.h"

namespace {

int calls = 0;
struct Own : std::bad_alloc {};

void give_up_at_the_third() {
  if (++calls == 3) std::set_new_handler(nullptr);
}
[[noreturn]] void throw_own() {
  ++calls;
  throw Own{};
}

template <class Exception, class Call>
bool throws(Call call) {
  try {
    (void)call();
  } catch (const Exception&) {
    return true;
  } catch (...) {
    return false;
  }
  return false;
}

}  // namespace

int main() {
  const std::size_t huge = hidden_size(SIZE_MAX / 2 + 1);
  std::set_new_handler(give_up_at_the_third);
  must(throws<std::bad_alloc>([&] { return ::operator new(huge); }));
  must(calls == 3);

  calls = 0;
  std::set_new_handler(give_up_at_the_third);
  must(::operator new[](huge, std::nothrow) == nullptr);
  must(calls == 3);

  calls = 0;
  std::set_new_handler(throw_own);
  must(throws<Own>([&] { return ::operator new[](huge, std::align_val_t{64}); }));
  must(calls == 1);
  must(::operator new(huge, std::nothrow) == nullptr);
  must(::operator new(huge, std::align_val_t{64}, std::nothrow) == nullptr);
  must(calls == 3);
  return ok();
}
