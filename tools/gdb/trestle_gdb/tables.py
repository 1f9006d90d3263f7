"""What `trestle spans` and `trestle stats` print."""

import collections

from .target import Unreadable


def span_rows(heap, region):
    """(start, granules, state, what it holds) of each span, and of what breaks their row."""
    for span in region.spans:
        yield f"{span.start:#x}", span.length, span.state, holds(heap, span)
    if region.broken is not None:
        yield f"{region.broken.start:#x}", "?", "?", "its descriptor is overwritten; it and what lies behind are not told"


def holds(heap, span):
    try:
        return HOLDS[span.state](heap, span)
    except Unreadable as error:
        return str(error)


def hold_free(heap, span):
    return f"nothing, {span.requested} granules may have pages" if span.requested else "nothing, no pages"


def hold_slots(heap, span):
    slab = heap.slab_of(span)
    if not (slab.is_of_span and slab.is_cut):
        return "the record of its slab is overwritten"
    what = f"slots of {slab.slot_size} bytes" if slab.is_readable else "addresses of no bytes"
    return f"{what}, {slab.used()} of {slab.slots} in use"


def hold_blocks(heap, span):
    blocks, broken = heap.extent_of(span).blocks()
    states = collections.Counter(block.state for block in blocks)
    text = f"blocks: {states['live']} live, {states['retired']} retired, {states['free']} free"
    return text if broken is None else f"{text}; the header at {broken:#x} is overwritten, what lies behind is not told"


def hold_large(heap, span):
    what = "a block" if span.state == "large" else "a freed block"
    return f"{what} of {span.requested} bytes at {span.start + span.payload:#x}"


HOLDS = {
    "free": hold_free,
    "slots": hold_slots,
    "addresses": hold_slots,
    "blocks": hold_blocks,
    "large": hold_large,
    "retired": hold_large,
}


def tiers(heap):
    """Rows of (tier, live blocks, live bytes), their sum last; and what makes them less than all."""
    counts = {tier: [0, 0] for tier in ("no bytes", "slot", "block", "large")}
    doubts = []
    for span in heap.spans():
        try:
            for tier, size in live_in(heap, span, doubts):
                counts[tier][0] += 1
                counts[tier][1] += size
        except Unreadable as error:
            doubts.append(f"not counted: span {span.start:#x}: {error}")
    for region in heap.regions:
        if region.broken is not None:
            doubts.append(f"not counted: the spans from {region.broken.start:#x} on, whose descriptor is overwritten")
    if not heap.policy.canary:
        doubts.append("slots are counted whole, since this policy does not know their requests")
    rows = [(tier, *count) for tier, count in counts.items()]
    return rows + [("all", sum(row[1] for row in rows), sum(row[2] for row in rows))], doubts


def live_in(heap, span, doubts):
    """(tier, bytes) of each live block of a span."""
    if span.state == "large":
        return [("large", span.requested)]
    if span.state == "blocks":
        blocks, broken = heap.extent_of(span).blocks()
        if broken is not None:
            doubts.append(f"not counted: what lies behind the overwritten header at {broken:#x}")
        return [("block", block.header.requested) for block in blocks if block.header.is_live]
    if span.state not in ("slots", "addresses"):
        return []
    slab = heap.slab_of(span)
    if not (slab.is_of_span and slab.is_cut):
        doubts.append(f"not counted: the slab at {span.start:#x}, whose record is overwritten")
        return []
    return [live_slot(slab, i, doubts) for i, state in enumerate(slab.states) if state.is_used]


def live_slot(slab, index, doubts):
    wrong, requested = slab.pad(index)
    if wrong is not None:
        doubts.append(f"not among the bytes: the block at {slab.slot_at(index):#x}, whose pad is overwritten")
        return "slot", 0
    return ("slot" if slab.is_readable else "no bytes"), requested
