#include "trace/show.hpp"

#include <algorithm>
#include <cstdio>

namespace trestle::trace {
namespace {

std::string hexadecimal(std::uint64_t number) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(number));
  return text.data();
}

}  // namespace

Sites::Sites(const Reader& reader) : modules_(reader.modules()) {
  for (Module& one : modules_) {
    if (one.path.empty()) one.path = reader.program();
    one.path.erase(0, one.path.rfind('/') + 1);
  }
  std::ranges::sort(modules_, {}, &Module::first);
}

std::string Sites::name_of(std::uint64_t site) const {
  const auto behind = std::ranges::upper_bound(modules_, site, {}, &Module::first);
  if (behind == modules_.begin() || site >= std::prev(behind)->last) return hexadecimal(site);
  return std::prev(behind)->path + "+" + hexadecimal(site - std::prev(behind)->base);
}

std::string to_text(const Op& op, const Sites& sites) {
  const CallShape& shape = shape_of(op.call);
  std::string text = std::to_string(op.index) + " thread=" + std::to_string(op.thread) + " " + shape.name;
  if (shape.size) text += " size=" + std::to_string(op.size);
  if (shape.alignment) text += " alignment=" + std::to_string(op.alignment);
  if (op.slot != kNoSlot) text += " slot=" + std::to_string(op.slot);
  if (op.effect == Effect::fail) text += " got nothing";
  if (op.effect == Effect::stray) text += " of a block that the trace does not hold";
  if (op.effect == Effect::twice) text += " got an address at which a block lives";
  return text + " from " + sites.name_of(op.site);
}

}  // namespace trestle::trace
