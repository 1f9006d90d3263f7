// A new that cannot be served throws bad_alloc in every throwing form and gives null in every other.
#include <new>

#include "support.h"

namespace {

template <class Call>
void must_throw(Call call) {
  bool thrown = false;
  try {
    (void)call();
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  must(thrown);
}

}  // namespace

int main() {
  const std::size_t huge = hidden_size(SIZE_MAX / 2 + 1);
  constexpr std::align_val_t kWide{64};
  for (int round = 0; round < 3; ++round) {
    must_throw([&] { return ::operator new(huge); });
    must_throw([&] { return ::operator new[](huge); });
    must_throw([&] { return ::operator new(huge, kWide); });
    must_throw([&] { return ::operator new[](huge, kWide); });
    must(::operator new(huge, std::nothrow) == nullptr);
    must(::operator new[](huge, std::nothrow) == nullptr);
    must(::operator new(huge, kWide, std::nothrow) == nullptr);
    must(::operator new[](huge, kWide, std::nothrow) == nullptr);
  }
  return ok();
}
