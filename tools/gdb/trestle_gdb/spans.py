"""Regions and the spans that tile them, from the table that lies out of band: lib/span."""

import bisect

import gdb

from .keyed import ODD1, ODD2, ODD3, fold, key_in
from .target import Record, enumerators

GRANULE = 64 << 10
OS_PAGE = 4096
NO_SPAN = (1 << 32) - 1


class Span:
    """A descriptor as it was found, which may be unsound."""

    def __init__(self, region, index, data):
        self.region, self.index = region, index
        self.address = region.descriptors_at + index * region.descriptor.sizeof
        record = Record(region.memory, self.address, region.descriptor, data)
        self.seal = record.number("seal_word")
        self.tag = descriptor_tag(region.key, self.address, data)
        self.is_sound = self.seal == self.tag
        self.first, self.length = record.number("first"), record.number("length")
        self.state = region.states.get(record.number("state"), "of no state")
        self.kind = record.number("kind")
        self.dirty, self.accessible = bool(record.number("dirty")), bool(record.number("accessible"))
        fence, self.payload, self.requested = (record.number(name) for name in ("fence", "payload", "requested"))
        self.fence, self.is_below_guarded = fence & 0x7FFFFFFF, fence >> 31 != 0
        self.bin = record.number("bin", "next"), record.number("bin", "previous")
        self.age = record.number("age", "next"), record.number("age", "previous")

    @property
    def start(self):
        return self.region.base + self.index * GRANULE

    @property
    def bytes(self):
        return self.length * GRANULE

    @property
    def end(self):
        return self.start + self.bytes

    @property
    def is_in_use(self):
        return self.state not in ("none", "free", "retired")

    def guarded(self, has_guard_pages):
        """(from, to) of what of it may be guarded, empty where nothing is."""
        if self.state == "addresses" and not self.accessible:
            return self.start, self.end
        if self.state == "blocks" and not self.accessible:
            return self.end - OS_PAGE, self.end
        if self.state == "large" and self.is_below_guarded:
            return self.start, self.start + self.payload
        if self.state == "large" and not self.accessible and has_guard_pages:
            return self.start + self.fence * OS_PAGE, self.end
        if self.state == "retired" and not self.accessible:
            return self.start + (self.fence * OS_PAGE if self.dirty else 0), self.end
        return self.end, self.end


def descriptor_tag(key, place, data):
    words = [int.from_bytes(data[i : i + 8], "little") for i in range(8, 48, 8)]
    return (
        fold(words[0] ^ key.low, words[1] ^ key.high ^ place)
        ^ fold(words[2] ^ key.high ^ ODD1, words[3] ^ key.low ^ place)
        ^ fold(words[4] ^ key.low ^ ODD2, key.high ^ place ^ ODD3)
    )


class Region:
    """A reserved range and its table up to the frontier, read at once."""

    def __init__(self, memory, record):
        self.memory, self.record = memory, record
        self.states = enumerators("trestle::SpanState")
        self.key = key_in(record, "key_")
        self.base = record.number("base_")
        self.capacity, self.frontier = record.number("capacity_"), record.number("frontier_")
        self.committed = record.number("committed_")
        self.descriptor = record.type_of("descriptors_").target()
        self.descriptors_at = record.number("descriptors_")
        self.heads_at, self.records_at = record.number("heads_"), record.number("records_")
        if not self.frontier <= self.committed <= self.capacity:
            raise gdb.GdbError(f"trestle: the heap's record of the region at {self.base:#x} is overwritten")
        self.descriptors = memory.read(self.descriptors_at, self.frontier * self.descriptor.sizeof)
        self.heads = memory.read(self.heads_at, self.frontier * 4)
        self.records = memory.read(self.records_at, self.frontier * 8)
        self.spans, self.broken = self.walk()
        self.starts = [span.index for span in self.spans]
        self.by_index = dict(zip(self.starts, self.spans))

    def holds(self, address):
        return 0 <= address - self.base < self.capacity * GRANULE

    def span_at(self, index):
        size = self.descriptor.sizeof
        return Span(self, index, self.descriptors[index * size : (index + 1) * size])

    def head(self, granule):
        return int.from_bytes(self.heads[granule * 4 : granule * 4 + 4], "little")

    def slab_at(self, granule):
        """The address of the slab's record that the granule names."""
        return int.from_bytes(self.records[granule * 8 : granule * 8 + 8], "little")

    def walk(self):
        """The spans from the first one on, up to the first that does not tile, which is the second value; None: all do."""
        spans, index = [], 0
        while index < self.frontier:
            span = self.span_at(index)
            tiles = span.first == index and 0 < span.length <= self.frontier - index and span.state != "none"
            if not span.is_sound or not tiles:
                return spans, span
            spans.append(span)
            index += span.length
        return spans, None

    def find(self, address):
        """The span that the table names for the address, if its descriptor is sound, as the heap finds it; else None."""
        granule = (address - self.base) // GRANULE
        head = self.head(granule) if 0 <= granule < self.frontier else granule + 1
        if head > granule:
            return None
        span = self.by_index.get(head) or self.span_at(head)
        return span if span.is_sound and span.first == head and granule - head < span.length else None

    def spanning(self, address):
        """The span that holds the address, free ones included: by the row of spans, and beyond where it breaks by the table."""
        granule = (address - self.base) // GRANULE
        at = bisect.bisect_right(self.starts, granule) - 1
        if at >= 0 and granule - self.starts[at] < self.spans[at].length:
            return self.spans[at]
        return self.find(address)


def lowest_bit(word):
    return (word & -word).bit_length() - 1


class FitMap:
    """Which bins hold something: lib/base/fit_map.hpp."""

    def __init__(self, record, *path):
        kind = record.type_of(*path)
        most, self.log = int(kind.template_argument(0)), int(kind.template_argument(1))
        self.second = 1 << self.log
        self.rows = most - self.log + 2
        self.bins = self.rows * self.second
        self.first_word = record.number(*path, "first_")
        self.words = record.numbers(*path, "second_")

    def bin_of(self, units):
        if units < self.second:
            return units
        shift = units.bit_length() - 1 - self.log
        return (shift + 1) * self.second + (units >> shift) - self.second

    def is_set(self, bin):
        return bool(self.words[bin // self.second] >> (bin % self.second) & 1)

    def find_from(self, bin):
        """The lowest marked bin from `bin` on, by both levels as the heap looks; `bins` where there is none."""
        if bin >= self.bins:
            return self.bins
        row, column = divmod(bin, self.second)
        rest = self.words[row] >> column << column
        above = self.first_word >> (row + 1) << (row + 1)
        if not rest and above:
            row = lowest_bit(above)
            rest = self.words[row] if row < self.rows else 0
        column = lowest_bit(rest) if rest else self.second
        return row * self.second + column if column < self.second else self.bins

    def busy(self, heads, empty):
        """The bins that are marked, or whose lists are not empty."""
        bin = 0
        while True:
            listed = next((i for i in range(bin, self.bins) if heads[i] != empty), self.bins)
            bin = min(listed, self.find_from(bin))
            if bin == self.bins:
                return
            yield bin
            bin += 1

    def is_consistent(self):
        rows = sum(1 << row for row, word in enumerate(self.words) if word)
        return rows == self.first_word and not any(word >> self.second for word in self.words)
