// A RapidCheck property as a value: it holds, or stderr has the counterexample and the seed that leads to it. RapidCheck's
// own listener would recall a failure when the process ends, also one that a test provokes.
#pragma once

#include <rapidcheck.h>
#include <rapidcheck/detail/Configuration.h>
#include <rapidcheck/detail/TestListenerAdapter.h>

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>

namespace trestle {

// False iff some case fails. RapidCheck cannot show a null pointer, so that pointers are compared in brackets of their own,
// RC_ASSERT((p == q)). A property that costs little is tried `times` as often as RC_PARAMS says.
template <class Property>
[[nodiscard]] bool holds(const std::string& claim, Property&& property, int times = 1) {
  const rc::detail::TestMetadata metadata{claim, claim};
  rc::detail::TestListenerAdapter unheard;
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess *= times;
  // Not the seed alone: a case's size depends on how many there are. Said before, since a case may end the process.
  std::cerr << "- " << claim << "\n  RC_PARAMS=\"" << configToMinimalString(rc::detail::configuration()) << "\"\n"
            << std::flush;
  const rc::detail::TestResult result = rc::detail::checkTestable(property, metadata, params, unheard);
  printResultMessage(result, std::cerr);
  std::cerr << "\n";
  return result.template is<rc::detail::SuccessResult>();
}

// Numbers of all lengths, whatever the size of the case: RapidCheck's arbitrary ones grow with it.
template <class T>
[[nodiscard]] rc::Gen<T> any() {
  return rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<T>());
}

// Sizes where arithmetic goes wrong: about every power of two, just below 2^64, and anything.
[[nodiscard]] inline rc::Gen<std::size_t> sizes_at_limits() {
  constexpr std::size_t kNear = 40;
  const auto near_power = [](unsigned shift, std::size_t offset) { return (std::size_t{1} << shift) + offset - kNear; };
  const auto offsets = rc::gen::inRange<std::size_t>(0, 2 * kNear + 1);
  return rc::gen::oneOf(rc::gen::apply(near_power, rc::gen::inRange(0U, 64U), offsets),
                        rc::gen::map(offsets, [](std::size_t below) { return SIZE_MAX - below; }), any<std::size_t>());
}

[[nodiscard]] inline rc::Gen<std::size_t> nonzero_sizes() {
  return rc::gen::suchThat(sizes_at_limits(), [](std::size_t size) { return size != 0; });
}

}  // namespace trestle
