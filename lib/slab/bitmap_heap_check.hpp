// BitmapHeap: everything that looks and does not serve.
#pragma once

#include "slab/bitmap_heap.hpp"

namespace trestle {

template <Policy P>
void BitmapHeap<P>::add_pad_fault(const Run& run, const Verdict& v, std::size_t requested,
                                  FaultSink& sink) const noexcept {
  Fault fault{.kind = v.kind, .address = v.at, .block = at(run), .served = run.bytes()};
  if (requested != SlotCanary::kNone) {
    const auto* const wrong = static_cast<const std::byte*>(v.at);
    fault.requested = requested;
    fault.expected = canary(run).expected_at(wrong, requested);
    fault.found = std::to_integer<std::uint64_t>(*wrong);
  }
  sink.add(fault);
}

template <Policy P>
void BitmapHeap<P>::check_page(std::uint32_t page, FaultSink& sink) const noexcept {
  const UnitMap codes = map(page);
  for (Run run{page, 0, 0}; run.first != codes.units(); run.first += run.count) {
    run.count = codes.run_end(run.first) - run.first;
    std::size_t requested = 0;
    if (codes.code(run.first) != UnitMap::kFree) {
      if (const Verdict v = vet_pad(run, requested); v.is_fault()) add_pad_fault(run, v, requested, sink);
    } else if (const Verdict v = vet_poison(run); v.is_fault()) {
      sink.add({.kind = v.kind,
                .address = v.at,
                .block = at(run),
                .served = run.bytes(),
                .expected = P.poison_byte,
                .found = std::to_integer<std::uint64_t>(*static_cast<const std::byte*>(v.at))});
    }
  }
}

template <Policy P>
void BitmapHeap<P>::check(CheckLevel level, FaultSink& sink) const noexcept {
  if (!is_sealed()) {
    sink.add({.kind = FaultKind::control_corrupt, .address = this, .expected = seal(), .found = seal_});  // I17
    return;
  }
  for (std::uint32_t page = 0; page < pages(); ++page) {
    if (vet_page(page).is_fault()) {  // I22
      sink.add({.kind = FaultKind::control_corrupt,
                .address = &header(page),
                .expected = seal_of(page),
                .found = header(page).seal});
    } else if (page < first_open_ && map(page).next_free(0) != units(page)) {
      sink.add(
          {.kind = FaultKind::accounting_mismatch, .address = &header(page), .expected = page, .found = first_open_});
    } else if (level == CheckLevel::full) {
      check_page(page, sink);
    }
  }
}

template <Policy P>
bool BitmapHeap<P>::walk(BlockVisitor visitor) const noexcept {
  if (!is_sealed()) return true;
  for (std::uint32_t page = 0; page < pages(); ++page) {
    if (vet_page(page).is_fault()) continue;
    const UnitMap codes = map(page);
    for (Run run{page, 0, 0}; run.first != codes.units(); run.first += run.count) {
      run.count = codes.run_end(run.first) - run.first;
      BlockView view{.payload = at(run), .served = run.bytes()};
      if (codes.code(run.first) != UnitMap::kFree) {
        view.state = BlockState::live;
        if (vet_pad(run, view.requested).is_fault()) view.requested = 0;
      }
      if (!visitor(view)) return false;
    }
  }
  return true;
}

}  // namespace trestle
