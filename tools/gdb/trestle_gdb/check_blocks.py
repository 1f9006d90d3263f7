"""Blocks: headers, footers, links, bodies, bins, counts and the quarantine. I1 to I9 and I16."""

import collections

from . import keyed
from .keyed import FOOTER_BYTES, HEADER_BYTES, LINK_BYTES, MIN_BLOCK, first_difference, first_other, repeated
from .spans import FitMap
from .target import Unreadable


def check_arenas(heap, slots, findings):
    whole, waiting, waiting_bytes = True, 0, 0
    for number, arena in enumerate(heap.arenas):
        whole = check_arena(heap, number, arena, findings) and whole
        waiting += arena.number("waiting_slots_")
        waiting_bytes += arena.number("waiting_slot_bytes_")
    if not whole:
        return
    if (waiting, waiting_bytes) != (slots["quarantine"], slots["quarantine bytes"]):
        at = heap.record.address_of("blocks_", "arenas_")
        findings.fault("quarantine corrupt", at, expected=slots["quarantine"], found=waiting)
        return
    for arena in heap.arenas:
        check_waiting(heap, arena, findings)


def check_arena(heap, number, arena, findings):
    """Whether all could be counted, and those that wait are as many as they should be."""
    tally, whole = collections.Counter(), True
    bins = FitMap(arena, "bins_"), arena.numbers("heads_")
    for span in heap.spans():
        if span.state != "blocks" or span.payload != number:
            continue
        try:
            extent = heap.extent_of(span)
        except Unreadable as error:
            findings.not_read(f"the blocks of span {span.start:#x}", error)
            continue
        whole = check_extent(heap, extent, bins, findings, tally) and whole
    if not (whole and findings.is_readable):  # counts of half a heap tell nothing
        return False
    check_bins(heap, arena, bins, findings, tally)
    check_counts(arena, findings, tally)
    return check_quarantine(arena, findings, tally)


def check_extent(heap, extent, bins, findings, tally):
    """Whether it could be walked to its end."""
    previous_free = False
    blocks, broken = extent.blocks()
    for block in blocks:
        check_previous(block.at, block.header, previous_free, findings)
        check_block(heap, extent, block, previous_free, bins, findings)
        requested = block.header.requested
        tally[f"{block.state}_blocks"] += 1
        tally[f"{block.state}_bytes"] += requested if block.header.is_live else block.header.size
        if block.header.is_live:
            findings.add_live("block", requested)
        previous_free = block.header.is_free
    if broken is None:
        check_previous(extent.end_header, extent.header(extent.end_header), previous_free, findings)
        return True
    add_broken(extent, broken, findings)
    return False


def add_broken(extent, at, findings):
    header = extent.header(at)
    if header is not None:
        expected = extent.end_header - at
        findings.fault("block overruns span", at, at + HEADER_BYTES, expected=expected, found=header.size)
        return
    word, tag = (keyed.word_at(extent.data, at - extent.begin + i) for i in (0, 8))
    expected = keyed.tag_of(extent.key, extent.place_of(at), word)
    findings.fault("header corrupt", at, at + HEADER_BYTES, expected=expected, found=tag)


def check_previous(at, header, previous_free, findings):
    if header.is_previous_used == previous_free:
        expected, found = int(not previous_free), int(previous_free)
        findings.fault("boundary tag mismatch", at, at + HEADER_BYTES, expected=expected, found=found)


def check_block(heap, extent, block, previous_free, bins, findings):
    if block.header.is_free:
        if previous_free:
            add(findings, "uncoalesced neighbours", block.at, block)
        size = extent.footer(block)
        if size != block.header.size:
            at = block.end - FOOTER_BYTES
            found = keyed.word_at(extent.data, at - extent.begin)
            add(findings, "footer corrupt", at, block, expected=block.header.size, found=found)
        kind, at = vet_links(heap, extent, block, bins)
        if kind is not None:
            add(findings, kind, at, block)
    check_payload(heap, extent, block, findings)


def add(findings, kind, at, block, **evidence):
    requested = block.header.requested if block.header.is_live else None
    findings.fault(kind, at, block.payload, requested=requested, served=block.header.served, **evidence)


def linked(heap, likely, place):
    """The links of the free block at the place; None where no block can be there."""
    at = likely.address_at(place)
    if at % 16 != 0:
        return None
    extent = likely if likely.holds(at, MIN_BLOCK) else heap.extent_holding(at, MIN_BLOCK, likely.engine)
    return None if extent is None else extent.links(at)


def vet_links(heap, extent, block, bins):
    """(kind of fault or None, where)"""
    own = extent.place_of(block.at)
    following, previous = extent.links(block.at)
    for place, back in ((following, 1), (previous, 0)):
        if place == 0 or unread_at(heap, extent.address_at(place)):
            continue
        links = linked(heap, extent, place)
        if links is None or links[back] != own:
            return "free link corrupt", block.payload
    fit, heads = bins
    if previous == 0 and heads[fit.bin_of(block.header.size // 16)] != own:
        return "bin mismatch", block.at
    return None, None


def unread_at(heap, at):
    """Whether a block span lies there that cannot be read, so that nothing is known of it."""
    span = heap.find(at)
    if span is None or span.state != "blocks":
        return False
    try:
        heap.extent_of(span)
    except Unreadable:
        return True
    return False


def check_payload(heap, extent, block, findings):
    policy, header = heap.policy, block.header
    if header.is_live:
        if not policy.canary:
            return
        first, kind = header.requested, "write past end"
        found, expected = block.payload_bytes(first), repeated(extent.canary(block), first, header.served)
        wrong = first_difference(found, expected)
        value = None if wrong is None else expected[wrong]
    else:
        if not policy.poison:
            return
        limit = min(header.served, policy.poison_limit)
        first, kind, value = 0, "write after free", policy.poison_byte
        if header.is_free:
            first, last = LINK_BYTES, header.served - FOOTER_BYTES
            limit = last if header.is_clean else min(limit, last)
        found = block.payload_bytes(first, max(first, limit))
        wrong = first_other(found, value)
    if wrong is not None:
        add(findings, kind, block.payload + first + wrong, block, expected=value, found=found[wrong])


def check_bins(heap, arena, bins, findings, tally):
    fit, heads = bins

    def address_at(place):
        return (arena.address + place) & ((1 << 64) - 1)

    def mismatch(place, expected, found):
        at = arena.address_of("bins_") if place == 0 else address_at(place)
        findings.fault("bin mismatch", at, expected=expected, found=found)

    if not fit.is_consistent():
        mismatch(0, 1, 0)
    blocks = 0
    for bin in fit.busy(heads, 0):
        head = heads[bin]
        if fit.is_set(bin) != (head != 0):
            mismatch(head, int(head != 0), int(fit.is_set(bin)))
        place = head
        while place != 0 and blocks <= tally["free_blocks"]:
            at = address_at(place)
            extent = heap.extent_holding(at, MIN_BLOCK, arena.address) if at % 16 == 0 else None
            header = None if extent is None else extent.header(at)
            found = fit.bin_of(header.size // 16) if header is not None and header.is_free else fit.bins
            if found != bin:
                mismatch(place, bin, found)
                return
            place, blocks = extent.links(at)[0], blocks + 1
    if blocks != tally["free_blocks"]:
        mismatch(0, tally["free_blocks"], blocks)


def check_counts(arena, findings, tally):
    for name in ("live_blocks", "live_bytes", "retired_blocks", "retired_bytes", "free_blocks", "free_bytes"):
        counted = arena.number("counts_", name)
        if counted != tally[name]:
            at = arena.address_of("counts_", name)
            findings.fault("accounting mismatch", at, expected=tally[name], found=counted)


def shelved_in(arena):
    """(payload, bytes) of each place, of which the payload may be 0."""
    places = [arena.at("shelf_", "places_", i) for i in range(arena.length("shelf_", "places_"))]
    return [(entry.number("payload"), entry.number("bytes")) for entry in places]


def check_quarantine(arena, findings, tally):
    quarantine = arena.at("quarantine_")
    count, size = (quarantine.number(name) for name in ("count_", "bytes_"))
    shelved = shelved_in(arena)
    waiting = tally["retired_blocks"] + arena.number("waiting_slots_")
    told = count + sum(payload != 0 for payload, _ in shelved)
    told_bytes = size + sum(bytes_ for _, bytes_ in shelved)
    if told != waiting or told_bytes != tally["retired_bytes"] + arena.number("waiting_slot_bytes_"):
        findings.fault("quarantine corrupt", quarantine.address, expected=waiting, found=told)
        return False
    return True


def check_waiting(heap, arena, findings):
    quarantine = arena.at("quarantine_")
    entries = entries_of(quarantine, quarantine.number("oldest_"), quarantine.number("count_"))
    for payload in entries + [payload for payload, _ in shelved_in(arena) if payload != 0]:
        if not is_retired(heap, payload, arena):
            findings.fault("quarantine corrupt", payload, expected=1, found=0)


def entries_of(quarantine, oldest, count):
    """So many of the ring, from the oldest on."""
    at, room = quarantine.number("ring_"), quarantine.number("mask_") + 1
    oldest, count = oldest % room, min(count, room)
    behind = min(count, room - oldest)
    data = quarantine.memory.read(at + 8 * oldest, 8 * behind) + quarantine.memory.read(at, 8 * (count - behind))
    return [int.from_bytes(data[i : i + 8], "little") for i in range(0, len(data), 8)]


def is_retired(heap, payload, arena):
    span = heap.find(payload)
    if span is not None and span.state == "slots":
        slab = heap.slab_of(span)
        index, rest = divmod(payload - slab.base, slab.slot_size)
        state = slab.states[index] if rest == 0 and index < len(slab.states) else None
        return state is not None and state.is_legal and state.rest == "quarantine"
    at = payload - HEADER_BYTES
    extent = heap.extent_holding(at, MIN_BLOCK, arena.address)
    header = None if extent is None else extent.header(at)
    return header is not None and header.is_retired
