"""Spans: descriptors, tiling, the table and its lists. I10 to I14, I18 and I23."""

import collections

from .spans import GRANULE, NO_SPAN, FitMap


def check_region(region, findings):
    previous_free = False
    for span in region.spans:
        check_span(region, span, previous_free, findings)
        previous_free = span.state == "free"
    if region.broken is not None:
        check_broken(region.broken, findings)
        return
    check_lists(region, findings)
    check_counts(region, findings)


def check_broken(span, findings):
    if not span.is_sound:
        findings.fault("descriptor corrupt", span.address, span.start, expected=span.tag, found=span.seal)
    else:
        findings.fault("span tiling", span.address, span.start, expected=span.index, found=span.first)


def check_span(region, span, previous_free, findings):
    last = span.index + span.length - 1
    for i in range(span.index, last + 1) if span.is_in_use else sorted({span.index, last}):
        if region.head(i) != span.index:
            at = region.heads_at + 4 * i
            findings.fault("span tiling", at, span.start, expected=span.index, found=region.head(i))
    record = span.payload if span.state == "slots" else 0
    for i in range(span.index, last + 1):
        if region.slab_at(i) != record:
            at = region.records_at + 8 * i
            findings.fault("span tiling", at, span.start, expected=record, found=region.slab_at(i))
    if span.state != "free":
        return
    inside = span.payload + span.requested <= span.length
    if not inside:
        found = span.payload + span.requested
        findings.fault("span tiling", span.address, span.start, expected=span.length, found=found)
    elif span.dirty != (span.requested != 0):
        findings.fault("span tiling", span.address, span.start, expected=int(span.dirty), found=span.requested)
    if previous_free:
        findings.fault("uncoalesced spans", span.start, span.start)


def check_lists(region, findings):
    def mismatch(at, expected, found):
        findings.fault("span bin mismatch", at, expected=expected, found=found)

    spans = {span.index: span for span in region.spans}
    free = sum(span.state == "free" for span in region.spans)
    if not check_bins(region, spans, free, mismatch):
        return
    for name, state, wanted in (
        ("dirty_", "free", sum(span.state == "free" and span.dirty for span in region.spans)),
        ("retired_", "retired", sum(span.state == "retired" for span in region.spans)),
    ):
        length = length_of(region, spans, name, state, wanted)
        if length != wanted:
            mismatch(region.record.address_of(name), wanted, length)


def check_bins(region, spans, free, mismatch):
    """False: a list leads where it must not."""
    bins, heads = FitMap(region.record, "bins_"), region.record.numbers("bin_heads_")
    if not bins.is_consistent():
        mismatch(region.record.address_of("bins_"), 1, 0)
    binned = 0
    for bin in bins.busy(heads, NO_SPAN):
        head = heads[bin]
        if bins.is_set(bin) != (head != NO_SPAN):
            at = region.record.address_of("bin_heads_", bin)
            mismatch(at, int(head != NO_SPAN), int(bins.is_set(bin)))
        previous, index = NO_SPAN, head
        while index != NO_SPAN and binned <= free:
            span = spans.get(index)
            if span is None or span.state != "free" or bins.bin_of(span.length) != bin or span.bin[1] != previous:
                mismatch(region.record.address_of("bin_heads_", bin) if span is None else span.address, bin, index)
                return False
            previous, index, binned = index, span.bin[0], binned + 1
    if binned != free:
        mismatch(region.record.address_of("bin_heads_"), free, binned)
    return True


def length_of(region, spans, name, state, limit):
    """Of a list by age, counted no further than one beyond the limit; all ones where its links do not agree."""
    broken = (1 << 64) - 1
    previous, index, length = NO_SPAN, region.record.number(name, "oldest"), 0
    while index != NO_SPAN and length <= limit:
        span = spans.get(index)
        if span is None or span.state != state or span.age[1] != previous:
            return broken
        previous, index, length = index, span.age[0], length + 1
    return length if previous == region.record.number(name, "youngest") else broken


def check_counts(region, findings):
    seen = collections.Counter()
    for span in region.spans:
        name = span.state if span.state in ("free", "retired") else "used"
        seen[f"{name}_bytes"] += span.bytes
        seen["retired_spans"] += span.state == "retired"
        seen["dirty_bytes"] += span.requested * GRANULE if span.state == "free" else 0
    counts = region.record.at("counts_")
    names = ("used_bytes", "free_bytes", "dirty_bytes", "retired_bytes", "retired_spans")
    if any(seen[name] != counts.number(name) for name in names):
        expected = seen["used_bytes"] + seen["free_bytes"]
        found = counts.number("used_bytes") + counts.number("free_bytes")
        findings.fault("accounting mismatch", counts.address, expected=expected, found=found)
