"""The heap of the process: found by its symbol, and its parts by their types."""

import collections
import itertools
import re

import gdb

from . import target
from .blocks import Extent
from .keyed import HEADER_BYTES, key_in
from .slabs import Slab
from .spans import OS_PAGE, Region
from .target import Memory, Record, Unreadable, element_type, enumerators, members, value_type

LARGE_LEAD = 32  # canary bytes before a large allocation
POLICY_FIELDS = "name canary poison poison_byte poison_limit guard_pages"
Policy = collections.namedtuple("Policy", POLICY_FIELDS)
SYMBOL = "trestle::heap_of_process"


class Heap:
    def __init__(self):
        self.memory = Memory()
        target.forget_types()
        self.record, self.library = find_heap(self.memory)
        self.policy = policy_of(self.record.type)
        self.kinds = enumerators("trestle::Kind")
        count = self.record.number("spans_", "count_")
        if count > self.record.length("spans_", "regions_"):
            raise gdb.GdbError(f"trestle: the heap's record of its regions is overwritten: it says that there are {count}")
        self.regions = [Region(self.memory, self.record.at("spans_", "regions_", i)) for i in range(count)]
        count = self.record.number("blocks_", "count_")
        if not 1 <= count <= self.record.length("blocks_", "arenas_"):
            raise gdb.GdbError(f"trestle: the heap's record of its arenas is overwritten: it says that there are {count}")
        self.arenas = [self.record.at("blocks_", "arenas_", i) for i in range(count)]
        self.spans_key = key_in(self.record, "spans_", "key_")
        self.extents, self.slabs = {}, {}
        if target.is_core():
            self.memory.gaps = self.find_gaps()

    # ---- spans ----

    def spans(self):
        """All whose descriptors are sound, as far as each region is tiled."""
        return itertools.chain.from_iterable(region.spans for region in self.regions)

    def region_of(self, address):
        return next((region for region in self.regions if region.holds(address)), None)

    def find(self, address):
        region = self.region_of(address)
        return None if region is None else region.find(address)

    def offset_of(self, address):
        """From its region's start; None: in no region."""
        region = self.region_of(address)
        return None if region is None else address - region.base

    # ---- what spans hold ----

    def slab_of(self, span):
        """Of a span in the state slots or addresses. Raises Unreadable."""
        slab = self.slabs.get(span.start)
        if slab is None:
            kind = self.slot_record() if span.state == "slots" else self.address_record()
            slab = self.slabs[span.start] = Slab(self.memory, span, span.payload, kind, self.policy)
        return slab

    def slot_record(self):
        depots = value_type(element_type(self.record.type_of("slots_", "depots_"))).target()
        depot = element_type(members(depots)["of_class"][1])
        return members(depot)["first_"][1].target()

    def address_record(self):
        depot = element_type(self.record.type_of("zero_", "depots_"))
        return members(depot)["first_"][1].target()

    def arena_of(self, span):
        """Of a span in the state blocks."""
        return self.arenas[min(span.payload, len(self.arenas) - 1)]

    def extent_of(self, span):
        """Of a span in the state blocks. Raises Unreadable."""
        extent = self.extents.get(span.start)
        if extent is None:
            size = span.bytes - (OS_PAGE if self.policy.guard_pages else 0)
            extent = Extent(self.memory, self.arena_of(span).address, key_in(self.arena_of(span), "key_"), span.start, size)
            self.extents[span.start] = extent
        return extent

    def extent_holding(self, at, length, engine=None):
        """The extent in which so many bytes lie, of that engine if one is given; None: in none that can be read."""
        span = self.find(at)
        if span is None or span.state != "blocks" or engine not in (None, self.arena_of(span).address):
            return None
        try:
            extent = self.extent_of(span)
        except Unreadable:
            return None
        return extent if extent.holds(at, length) else None

    def fence_of(self, span):
        """Where the guard pages of a large span begin."""
        end = (span.start + span.payload + span.requested + OS_PAGE - 1) // OS_PAGE * OS_PAGE
        return min(end, span.end - (OS_PAGE if self.policy.guard_pages else 0))

    def kind_name(self, kind):
        return {"by_malloc": "malloc", "by_new": "new", "by_new_array": "new[]"}.get(self.kinds.get(kind), "none")

    # ---- others at work ----

    def caches(self):
        """The caches of threads."""
        at, kind = self.record.number("slots_", "caches_"), self.record.type_of("slots_", "caches_").target()
        seen = set()
        while at != 0 and at not in seen:
            seen.add(at)
            cache = Record(self.memory, at, kind)
            yield cache
            at = cache.number("next")

    def at_work(self):
        """Where a thread was inside the heap, so that what it was changing may be half done."""
        locks = {
            "the lock of the caches": ("slots_", "caches_lock_"),
            "the lock of the addresses": ("zero_", "lock_"),
            "the lock of the spans": ("spans_", "lock_"),
            "the lock of the records": ("records_", "lock_"),
        }
        held = [name for name, path in locks.items() if self.record.number(*path, "word_")]
        if any(arena.number("lock_", "word_") for arena in self.arenas):
            held.append("the lock of the blocks")
        try:
            if any(cache.number("gate", "inside_") for cache in self.caches()):
                held.append("a thread's cache")
        except Unreadable:
            held.append("perhaps: the caches cannot be read")
        return held

    # ---- cores ----

    def find_gaps(self):
        """What gdb 13 leaves out of a core that it writes, and what is zeros then: from the first guard page
        of a mapping on, by steps of 1 MiB. Where something that is never zero should lie there, none of it counts."""
        gaps = []
        for first, end in sorted(target.core_sections()):
            for region in self.regions:
                spans = [span for span in region.spans if first <= span.start < end]
                guards = [at for at, to in (span.guarded(self.policy.guard_pages) for span in spans) if at < to]
                if region.broken is not None and first <= region.broken.start < end:
                    guards.append(region.broken.start)  # behind it nobody knows of guards
                if not guards:
                    continue
                begin = max(first, first + (min(guards) - first) // (1 << 20) * (1 << 20))
                if self.is_zero(begin, end) and any(self.is_never_zero(span, begin) for span in spans):
                    gaps.append((begin, end))
        return gaps

    def is_zero(self, begin, end):
        step = 1 << 20
        try:
            return not any(self.memory.read(at, min(step, end - at)).strip(b"\0") for at in range(begin, end, step))
        except Unreadable:
            return False

    def is_never_zero(self, span, begin):
        """Whether bytes of the span from `begin` on cannot be zero."""
        if span.end <= begin:
            return False
        if span.state == "blocks":
            return span.end - OS_PAGE - HEADER_BYTES >= begin
        if not self.policy.canary:
            return False
        if span.state == "large":
            fence = self.fence_of(span)
            return fence > begin and (not span.is_below_guarded or fence > span.start + span.payload + span.requested)
        if span.state != "slots":
            return False
        slab = self.slab_of(span)
        return any(state.is_used and slab.slot_at(i + 1) > begin for i, state in enumerate(slab.states))


def constant(text):
    """The number that a constant is, "(an::Enum)1" too; None where only its name is told."""
    text = re.sub(r"^\([\w:]+\)", "", text)
    known = {"true": 1, "false": 0}.get(text)
    return int(text) if text.isdigit() else known


def policy_of(heap_type):
    """The constants of the policy that the heap is built for, from the name of its type: of a template's argument that is a
    class, not every compiler tells more."""
    try:
        found = re.search(r"trestle::Policy\{(?:\"(\w+)\"|\{([\d, ]+)\}), ([^{}]*)\}", heap_type.name)
        quoted, codes, rest = found.groups()
        name = quoted or bytes(map(int, codes.split(","))).decode().rstrip("\0")
        values = [constant(value) for value in rest.split(", ")]
        told = dict(zip(list(members(gdb.lookup_type("trestle::Policy")))[1:], values, strict=True))
        return Policy(name, *(told[field] for field in Policy._fields[1:]))
    except (AttributeError, KeyError, TypeError, ValueError, gdb.error):
        raise gdb.GdbError(f"trestle: the debug information does not tell the policy of {heap_type}") from None


def find_heap(memory):
    """The record of the heap that was started, and the file whose it is."""
    if gdb.selected_inferior().pid == 0:
        raise gdb.GdbError("trestle: there is no process and no core")
    found, idle = [], []
    for objfile in gdb.objfiles():
        symbol = objfile.lookup_global_symbol(SYMBOL) if objfile.is_valid() and objfile.owner is None else None
        if symbol is None:
            continue
        value = symbol.value()
        kind = value.type.strip_typedefs()
        if not kind.fields():
            continue
        name = objfile.username
        record = Record(memory, int(value.address), kind)
        (found if record.number("spans_", "count_") else idle).append((record, name))
    if not found and not idle:
        raise gdb.GdbError(why_not_found())
    if not found:
        raise gdb.GdbError(
            f"trestle: the heap of {idle[0][1]} has served nothing yet" + (", or the core lacks it" if target.is_core() else "")
        )
    if len(found) > 1:
        print(f"trestle: {len(found)} heaps are in use; this is the one of {found[0][1]}")
    return found[0]


def why_not_found():
    try:
        address = int(gdb.parse_and_eval("(long)&trestle_policy_name"))
    except gdb.error:
        return "trestle: no Trestle library is loaded, or its file is not found (info sharedlibrary)"
    where = gdb.solib_name(address) or "the program"
    return (
        f"trestle: {where} has no debug information, which tells how the heap is laid out: install it without --strip,"
        " or its separate debug file beside it"
    )
