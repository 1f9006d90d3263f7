"""The whole heap recounted from its bytes, as heap_check does: the same faults, told by the same names, where the memory can be
read. The numbers are those of docs/invariants.md. Spans first, then slabs, blocks and what is larger."""

import collections

from . import check_blocks, check_spans
from .keyed import canary_word, first_difference, first_other, repeated
from .heap import LARGE_LEAD
from .slabs import CLASSES, WORD_BITS
from .target import Unreadable

# `kind` as lib/base/fault.cpp names it; the others None where they are not known.
Fault = collections.namedtuple("Fault", "kind address block requested served expected found", defaults=(None,) * 5)


class Findings:
    """What a check adds to: faults, what could not be read, and what it counted."""

    def __init__(self):
        self.faults, self.unread = [], []
        self.live = {tier: [0, 0] for tier in ("no bytes", "slot", "block", "large")}
        self.unsized = 0  # live blocks whose request is overwritten
        self.is_readable = True  # all that counts are about

    def fault(self, kind, address, block=None, **evidence):
        self.faults.append(Fault(kind, address, block, **evidence))

    def not_read(self, what, error):
        self.unread.append(f"{what}: {error}")
        self.is_readable = False

    def add_live(self, tier, requested):
        self.live[tier][0] += 1
        if requested is None:
            self.unsized += 1
        else:
            self.live[tier][1] += requested

    @property
    def live_blocks(self):
        return sum(count for count, _ in self.live.values())

    @property
    def live_bytes(self):
        return sum(bytes_ for _, bytes_ in self.live.values())


def check(heap):
    findings = Findings()
    for region in heap.regions:
        check_spans.check_region(region, findings)
    slots = check_slabs(heap, findings)
    check_blocks.check_arenas(heap, slots, findings)
    check_large(heap, findings)
    return findings


# ---- slabs: I19, I20, I21 ----


def check_slabs(heap, findings):
    """What the slots are, by what they do: a Counter."""
    tallies = {"slots": collections.Counter(), "addresses": collections.Counter()}
    before = len(findings.faults)
    for span in heap.spans():
        if span.state not in tallies:
            continue
        try:
            slab = heap.slab_of(span)
            if slab.is_looked_at and slab.carved and slab.is_of_span and slab.is_cut:
                slab.slot(0)
        except Unreadable as error:
            findings.not_read(f"the slab of span {span.start:#x}", error)
            continue
        check_slab(slab, findings, tallies[span.state])
    tiled = all(region.broken is None for region in heap.regions)
    if tiled and findings.is_readable and len(findings.faults) == before:  # counts of half a heap tell nothing
        check_slot_counts(heap, tallies, findings)
    return tallies["slots"]


def check_slab(slab, findings, tally):
    if not slab.is_of_span:
        start = slab.span.start
        findings.fault("descriptor corrupt", slab.address, start, expected=start, found=slab.base)
        return
    if not slab.is_cut:
        size, slots, carved = slab.slot_size, slab.slots, slab.carved
        findings.fault("descriptor corrupt", slab.base, served=size, expected=slots, found=carved)
        return
    own = collections.Counter()
    for index in range(slab.carved):
        check_slot(slab, index, findings, own)
    check_uncarved(slab, findings)
    if own["slab"] != slab.resting:
        findings.fault("accounting mismatch", slab.base, expected=own["slab"], found=slab.resting)
    tally.update(own)


def check_slot(slab, index, findings, tally):
    state, at = slab.states[index], slab.slot_at(index)
    resting = slab.is_resting(index)
    if not state.is_legal or (not state.is_used and state.rest == "slab") != resting:
        findings.fault("descriptor corrupt", at, served=slab.slot_size, expected=0 if resting else None, found=state.bits)
        return
    if state.is_used:
        tally["used"] += 1
        wrong, requested = slab.pad(index)
        findings.add_live("slot" if slab.is_readable else "no bytes", requested if wrong is None else None)
        if wrong is None:
            tally["used bytes"] += requested
        else:
            add_pad_fault(slab, index, wrong, requested, findings)
        return
    tally[state.rest] += 1
    if state.rest == "quarantine":
        tally["quarantine bytes"] += slab.slot_size
    poisoned = slab.poisoned()
    wrong = first_other(slab.slot(index)[:poisoned], slab.policy.poison_byte) if poisoned else None
    if wrong is not None:
        expected, found = slab.policy.poison_byte, slab.slot(index)[wrong]
        findings.fault("write after free", at + wrong, at, served=slab.slot_size, expected=expected, found=found)


def add_pad_fault(slab, index, wrong, requested, findings):
    at, evidence = slab.slot_at(index), {}
    if requested is not None and wrong >= requested:
        expected = slab.canary(index).pad_of(requested)[wrong - requested]
        evidence = {"expected": expected, "found": slab.slot(index)[wrong]}
    findings.fault("write past end", at + wrong, at, requested=requested, served=slab.slot_size, **evidence)


def check_uncarved(slab, findings):
    """Nothing is known of a slot that was never carved, and none of them rests here."""
    wrong = first_other(slab.state_bytes[slab.carved :], 0)
    if wrong is not None:
        index = slab.carved + wrong
        findings.fault("descriptor corrupt", slab.slot_at(index), expected=0, found=slab.state_bytes[index])
    for word in range(slab.carved // WORD_BITS, len(slab.free_words)):
        first = word * WORD_BITS
        known = (1 << max(0, slab.carved - first)) - 1
        found = slab.free_words[word]
        if found & ~known:
            findings.fault("descriptor corrupt", slab.slot_at(first), expected=found & known, found=found)


def check_slot_counts(heap, tallies, findings):
    slots, addresses = tallies["slots"], tallies["addresses"]

    def compare(at, expected, found):
        found %= 1 << 64
        if expected != found:
            findings.fault("accounting mismatch", at, expected=expected, found=found)

    try:
        cached, allocations, deallocations, live_bytes = count_caches(heap)
    except Unreadable as error:
        findings.not_read("the caches of the threads", error)
        return
    at = heap.record.address_of("slots_")
    compare(at, slots["magazine"], cached)
    compare(at, slots["used"], allocations - deallocations)
    compare(at, slots["used bytes"], live_bytes)
    zero = heap.record.at("zero_", "counts_")
    live = zero.number("allocations") - zero.number("deallocations")
    compare(heap.record.address_of("zero_"), addresses["used"], live)


def count_caches(heap):
    """(slots in caches, allocations, deallocations, live bytes), as the threads have counted."""
    alone = heap.record.at("slots_", "alone_")
    allocations, deallocations = alone.number("allocations"), alone.number("deallocations")
    cached, live_bytes = 0, alone.number("live_bytes")
    for cache in heap.caches():
        for index, size in enumerate(CLASSES):
            magazine = cache.at("magazines_", index)
            taken, given = magazine.number("taken"), magazine.number("given")
            allocations, deallocations = allocations + taken, deallocations + given
            cached += sum(map(magazine.number, ("ready_", "waiting_", "homebound_")))
            live_bytes += 0 if heap.policy.canary else (taken - given) * size
        live_bytes += cache.number("requested_bytes") if heap.policy.canary else 0
    return cached, allocations, deallocations, live_bytes


# ---- large: I15, I9 ----


def check_large(heap, findings):
    live = live_bytes = 0
    for span in heap.spans():
        if span.state != "large" or span.payload + span.requested > span.bytes:
            continue
        live, live_bytes = live + 1, live_bytes + span.requested
        findings.add_live("large", span.requested)
        if not heap.policy.canary:
            continue
        try:
            check_large_canaries(heap, span, findings)
        except Unreadable as error:
            findings.unread.append(f"what is around the large block of span {span.start:#x}: {error}")
    counts = heap.record.at("large_", "counts_")
    tiled = all(region.broken is None for region in heap.regions)
    if tiled and (live, live_bytes) != (counts.number("live_blocks"), counts.number("live_bytes")):
        findings.fault("accounting mismatch", counts.address, expected=live, found=counts.number("live_blocks"))


def check_large_canaries(heap, span, findings):
    payload, fence = span.start + span.payload, heap.fence_of(span)
    word = canary_word(heap.spans_key, payload)
    served = fence - payload

    def compare(kind, at, expected):
        found = heap.memory.read(at, len(expected))
        wrong = first_difference(found, expected)
        if wrong is None:
            return True
        evidence = {"expected": expected[wrong], "found": found[wrong]}
        findings.fault(kind, at + wrong, payload, requested=span.requested, served=served, **evidence)
        return False

    lead = 0 if span.is_below_guarded else LARGE_LEAD
    if compare("write before start", payload - lead, repeated(word, 0, lead)):
        compare("write past end", payload + span.requested, repeated(word, span.requested, served))
