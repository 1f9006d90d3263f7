"""Runs in gdb, under test/run.py: the program of test/program.c, stopped at its breakpoints, with one library preloaded. What
the commands say is held to what the program says, and what a check finds to what the library's own heap_check finds, fault by
fault. Writes a core, and what the commands said of the same moment, to the folder of the test."""

import contextlib
import os
import random
import re
import struct
import sys
import traceback

import gdb

sys.path[:0] = [os.path.dirname(os.path.realpath(__file__)), os.path.dirname(os.path.dirname(os.path.realpath(__file__)))]
from process import changed, write_core  # noqa: E402
from say import run, write_said  # noqa: E402

LIBRARY, WORK, POLICY = (os.environ[name] for name in ("TEST_LIBRARY", "TEST_WORK", "TEST_POLICY"))
SEES = {"fast": ("",), "hardened": ("", "canary", "poison"), "debug": ("", "canary", "poison")}[POLICY]
FLIPS = 120
complaints = []


def must(holds, what):
    if not holds:
        complaints.append(what)
        print(f"NOT SO: {what}")


def value(expression):
    return int(gdb.parse_and_eval(expression))


def text(expression):
    return gdb.parse_and_eval(expression).string()


def go_to(function):
    gdb.execute("continue", to_string=True)
    frame = gdb.selected_frame().name()
    if frame != function:
        raise RuntimeError(f"stopped in {frame}, not in {function}")


# ---- tables ----


def live(output):
    """Tier -> (live blocks, live bytes) of `trestle stats`."""
    rows = re.findall(r"^(no bytes|slot|block|large|all) +(\d+) +(\d+)$", output, re.M)
    return {tier: (int(count), int(size)) for tier, count, size in rows}


def slot_for(size):
    """What a slot without a canary is served as: lib/slab/size_class.hpp, in other words."""
    if size <= 16:
        return 16
    power = 1 << (size - 1).bit_length() - 1
    step = max(16, power // 8)
    return power + 16 if size <= power + 16 else -(-size // step) * step


def compare_counts(first):
    second = live(run("trestle stats"))
    small = [24 + 40 * i for i in range(60) if i != 3]
    medium = [80001 + 1000 * i for i in range(6) if i != 2]
    small_bytes = sum(map(slot_for, small)) if POLICY == "fast" else sum(small)
    gained = {"no bytes": (2, 0), "slot": (59, small_bytes), "block": (5, sum(medium)), "large": (2, 700001)}
    for tier, (count, size) in gained.items():
        was, now = first[tier], second[tier]
        must((now[0] - was[0], now[1] - was[1]) == (count, size), f"{tier}: {was} became {now}, not {count}, {size} more")
    told = value("stats.live_blocks"), value("stats.live_bytes")
    must(second["all"] == told, f"trestle stats counts {second['all']}, the library {told}")
    sound = f"trestle: the heap is sound ({told[0]} live blocks, {told[1]} bytes)\n"
    must(run("trestle check") == sound, f"not {sound!r} but {run('trestle check')!r}")


def compare_spans():
    rows = run("trestle spans")
    for tier, wanted in {
        "slots": r"slots of 32 bytes, \d+ of 2048 in use",
        "blocks": r"blocks: 5 live, [12] retired, \d free",
        "large": rf"a block of 300001 bytes at {value('(long)large[0]'):#x}",
        "retired": rf"a freed block of 3000000 bytes at {value('(long)large[1]'):#x}",
        "free": r"nothing, (no pages|\d+ granules may have pages)",
        "addresses": r"addresses of no bytes, 2 of 4096 in use",
    }.items():
        must(re.search(rf"^0x[0-9a-f]+ +\d+  {tier} +{wanted}$", rows, re.M), f"spans have no {wanted!r}:\n{rows}")


def compare_blocks():
    def block(expression, start, state, sizes, tier, offset):
        told = run(f"trestle block {expression}")
        served = re.search(r"(\d+) (?:bytes )?served", told)
        rows = (
            f"^block      {value(start):#x}, {state}$",
            f"^sizes      {sizes}",
            f"^tier       {tier}$",
            f"^offset     {offset}$",
            r"^span       0x[0-9a-f]+, heap offset 0x[0-9a-f]+, \d+ granules?, state \w+$",
        )
        must(served and all(re.search(row, told, re.M) for row in rows), f"of {expression}, not {rows}:\n{told}")

    fast = POLICY == "fast"
    block("small[1]+5", "(long)small[1]", "live, by malloc",
          "64 bytes served, the request is not known under this policy" if fast else "64 bytes requested, 80 served", "slot",
          "5 bytes")  # fmt: skip
    block("small[0]+24", "(long)small[0]", "live, by malloc", "", "slot",
          "24 bytes" + ("" if fast else ", byte 1 past the request's end"))  # fmt: skip
    block("freed_small", "(long)freed_small", "retired" if POLICY == "debug" else "free, in a thread's cache", "", "slot",
          "0 bytes")  # fmt: skip
    block("medium[0]+80003", "(long)medium[0]", "live, by malloc", "80001 bytes requested, 80016 served", "block",
          "80003 bytes, byte 3 past the request's end")  # fmt: skip
    block("medium[1]-16", "(long)medium[1]", "live, by malloc", "81001 bytes requested, 81008 served", "block",
          "-16 bytes, in the header")  # fmt: skip
    block("freed_medium", "(long)freed_medium", "retired, by malloc", "82001 bytes requested, ", "block", "0 bytes")
    block("large[0]+300000", "(long)large[0]", "live, by malloc", "300001 bytes requested, ", "large", "300000 bytes")
    block("large[1]", "(long)large[1]", "retired, by malloc", "3000000 bytes requested, ", "large", "0 bytes")
    block("none[0]", "(long)none[0]", "live, by malloc", "0 bytes requested, 0 served", "no bytes", "0 bytes")
    must("never used" in run("trestle block large[0]+(1L<<38)"), "the reserved part is not told")


def compare_errors():
    for command, error in {
        "trestle block &stats": r"trestle: 0x[0-9a-f]+ is not the heap's",
        "trestle block 0": r"trestle: 0x0 is not the heap's",
        "trestle block": "trestle: usage: trestle block ADDRESS",
        "trestle check 1": "trestle: usage: trestle check",
        "trestle block stats": r"trestle: stats is no address, but of type struct trestle_stats",
        "trestle block nothing_of_the_kind": 'trestle: No symbol "nothing_of_the_kind" in current context.',
        "trestle block *(char**)8": "trestle: Cannot access memory at address 0x8",
        "trestle block (long)malloc(1)": r"trestle: .*may-call-functions.*",
    }.items():
        must(re.fullmatch(f"error: {error}\n", run(command)), f"{command} says {run(command)!r}, not {error!r}")


def compare_at_work():
    """A lock that is held makes the answer doubtful."""
    heap = new_heap()
    at = heap.arenas[0].address_of("lock_", "word_")
    with changed(at, struct.pack("<Q", 8)):
        told = run("trestle check")
        must("a thread was inside the heap (the lock of the blocks)" in told, f"a held lock is not told: {told!r}")


def compare_overwritten():
    """A region's record that is anything: a line of ours says so, and gdb lives on."""
    record = new_heap().regions[0].record
    sizes = ("capacity_", "committed_", "frontier_")
    for names in (*((name,) for name in ("committed_", "frontier_", "base_", "descriptors_", "heads_", "records_")), sizes):
        with contextlib.ExitStack() as overwritten:
            for name in names:
                size = record.type_of(name).sizeof
                overwritten.enter_context(changed(record.address_of(name), b"\x7f" * size))
            told = run("trestle check")
            must(told.startswith("error: trestle: ") or "trestle: not " in told, f"with {names} overwritten a check says {told!r}")
            for command in ("trestle spans", "trestle block small[0]"):
                told = run(command)
                must("Error occurred" not in told, f"with {names} overwritten {command} says {told!r}")


# ---- what is planted by the program ----


def compare_planted():
    wanted, at, seen = text("kind"), value("(long)wrong"), text("needs") in SEES
    told = run("trestle check")
    lines = told.splitlines()
    if not seen:
        must(len(lines) == 1 and "the heap is sound" in lines[0], f"{POLICY} sees {wanted} at {at:#x}: {told}")
    else:
        address = at - at % 16 if wanted == "header corrupt" else at
        count = 2 if wanted == "free link corrupt" else 1  # the list of its bin leads nowhere then
        must(len(lines) == count + 1, f"not {count} faults but {told}")
        must(lines[-1] == f"trestle: {count} fault{'s' * (count != 1)}", f"not {count} faults: {told}")
        must(lines[0].startswith(f"{wanted}: address {address:#x}, heap offset "), f"not {wanted} at {address:#x}: {told}")
    compare_with_library(f"{wanted} at {at:#x}")
    if wanted == "header corrupt":
        must("is overwritten; trestle check has more" in run("trestle block medium[1]"), "a block without a header is told")
        behind = f"block      {value('(long)medium[5]'):#x}, live"
        must(behind in run("trestle block medium[5]"), "a block behind an overwritten header is not found")


# ---- held to the library's own check ----


def new_heap():
    from trestle_gdb.heap import Heap

    return Heap()


def name_of(kind):
    return str(kind).removeprefix("TRESTLE_FAULT_").lower().replace("_", " ")


REQUESTED = 3  # of a fault's fields


def faults_of_library():
    gdb.execute("call (void)ask()", to_string=True)
    count = value("fault_count")
    fields = ("address", "block", "requested", "served", "expected", "found")
    told = [gdb.parse_and_eval(f"faults[{i}]") for i in range(min(count, 64))]
    return count, [(name_of(fault["kind"]), *(int(fault[field]) for field in fields)) for fault in told]


def faults_of_check():
    from trestle_gdb.check import check

    findings = check(new_heap())
    must(not findings.unread, f"not read: {findings.unread}")
    return len(findings.faults), [(fault.kind, *(value or 0 for value in fault[1:])) for fault in findings.faults[:64]]


def without_histories(theirs, ours):
    """What the library knows of a slot's request by its history, which gdb does not read, is left out."""
    return tuple(0 if at == REQUESTED and ours[at] == 0 else field for at, field in enumerate(theirs))


def compare_with_library(what):
    ours, theirs = faults_of_check(), faults_of_library()
    if len(ours[1]) == len(theirs[1]):
        theirs = theirs[0], [without_histories(*pair) for pair in zip(theirs[1], ours[1])]
    if ours != theirs:
        pairs = [f"\n    ours    {a}\n    library {b}" for a, b in zip(ours[1], theirs[1]) if a != b]
        must(False, f"{what}: {ours[0]} faults, the library finds {theirs[0]}" + "".join(pairs[:3]))
    return {fault[0] for fault in theirs[1]}


def targets(heap, choose):
    """(name, address, bytes) of what the heap's check looks at, of which a bit is flipped."""
    region = heap.regions[0]
    arena = heap.arenas[choose.randrange(2)]
    span = choose.choice(region.spans)
    yield "descriptor", span.address, 64
    granule = span.index + choose.randrange(span.length)
    yield "head", region.heads_at + 4 * granule, 4
    yield "record", region.records_at + 8 * granule, 8
    for name in ("counts_", "bins_", "bin_heads_", "dirty_", "retired_"):
        yield f"region's {name}", region.record.address_of(name), region.record.type_of(name).sizeof
    for name in ("counts_", "bins_", "heads_"):
        yield f"arena's {name}", arena.address_of(name), arena.type_of(name).sizeof
    for path in (("quarantine_", "count_"), ("quarantine_", "bytes_"), ("waiting_slots_",), ("waiting_slot_bytes_",)):
        yield "quarantine", arena.address_of(*path), 8
    yield "quarantine", arena.number("quarantine_", "ring_"), 8
    yield "large counts", heap.record.address_of("large_", "counts_"), 16
    yield "count of addresses", heap.record.address_of("zero_", "counts_"), 16
    yield from targets_in_spans(heap, region, choose)


def targets_in_spans(heap, region, choose):
    slab = heap.slab_of(choose.choice([span for span in region.spans if span.state == "slots"]))
    yield "slot", slab.base + slab.slot_size * choose.randrange(slab.carved), slab.slot_size
    yield "state", slab.states_at + choose.randrange(slab.carved), 1
    yield "free bits", slab.bits_at, 8 * len(slab.free_words)
    at = slab.address + heap.slot_record().strip_typedefs().fields()[0].bitpos // 8
    kind = heap.slot_record().strip_typedefs().fields()[0].type
    from trestle_gdb.target import place_of

    for name in ("slot_size_", "reciprocal_", "slots_", "carved_", "resting_"):
        yield f"slab's {name}", at + place_of(kind, (name,))[0], 4
    extent = heap.extent_of(next(span for span in region.spans if span.state == "blocks"))
    block = choose.choice(extent.blocks()[0])
    yield "header", block.at, 16
    yield "payload", block.payload, 64
    yield "block's end", block.end - 48, 48
    large = next(span for span in region.spans if span.state == "large")
    yield "before large", large.start + large.payload - 32, 32
    yield "behind large", large.start + large.payload + large.requested, 8


def compare_flips():
    heap, choose = new_heap(), random.Random(20240229)
    seen = set()
    for round in range(FLIPS):
        every = list(targets(heap, choose))
        name, at, size = every[round] if round < len(every) else choose.choice(every)
        at += choose.randrange(size)
        was = bytes(gdb.selected_inferior().read_memory(at, 1))[0]
        with changed(at, bytes([was ^ 1 << choose.randrange(8)])):
            seen |= compare_with_library(f"flip {round}, {name} at {at:#x}")
    return seen


def compare_forged():
    """What only a bug of the heap's own could leave, since it is under tags: written with the right ones."""
    from trestle_gdb import keyed, spans

    heap = new_heap()
    region = heap.regions[0]
    extent = heap.extent_of(next(span for span in region.spans if span.state == "blocks"))
    blocks = extent.blocks()[0]
    seen = set()

    def header(what, block, word):
        tag = keyed.tag_of(extent.key, extent.place_of(block.at), word)
        with changed(block.at, struct.pack("<QQ", word, tag)):
            seen.update(compare_with_library(what))

    header("a neighbour's bit", blocks[1], blocks[1].header.word ^ keyed.PREVIOUS_USED)
    header("a block too long", blocks[1], blocks[1].header.word + (1 << 30))
    before_free = blocks[next(i for i, block in enumerate(blocks) if block.header.is_free) - 1]
    header("two free neighbours", before_free, before_free.header.size | keyed.PREVIOUS_USED)
    free = next(span for span in region.spans if span.state == "free")
    states = {name: number for number, name in region.states.items()}
    beside = next(span for span in region.spans if span.end == free.start or span.start == free.end)
    data = bytearray(gdb.selected_inferior().read_memory(beside.address, 64))
    data[16], data[18] = states["free"], 0
    data[24:40] = bytes(16)
    data[:8] = struct.pack("<Q", spans.descriptor_tag(region.key, beside.address, bytes(data)))
    with changed(beside.address, bytes(data)):
        seen.update(compare_with_library("two free spans"))
    return seen


KINDS = {
    "header corrupt", "footer corrupt", "block overruns span", "boundary tag mismatch", "uncoalesced neighbours",
    "free link corrupt", "bin mismatch", "accounting mismatch", "descriptor corrupt", "span tiling", "uncoalesced spans",
    "span bin mismatch", "quarantine corrupt",
}  # fmt: skip
KINDS_OF_BYTES = {"write past end", "write before start", "write after free"}


def compare_kinds(seen):
    wanted = KINDS if POLICY == "fast" else KINDS | KINDS_OF_BYTES
    must(seen >= wanted, f"never provoked: {sorted(wanted - seen)}")


def main():
    must(run("trestle check").startswith("error: trestle: there is no process"), "without a process it says otherwise")
    gdb.execute("set startup-with-shell off")
    gdb.execute(f"set environment LD_PRELOAD={LIBRARY}")
    gdb.execute("set environment TRESTLE_OPTIONS=sample=0")
    for function in ("before", "after", "planted"):
        gdb.execute(f"break -qualified {function}", to_string=True)
    gdb.execute("run", to_string=True)
    first = live(run("trestle stats"))
    go_to("after")
    compare_counts(first)
    compare_spans()
    compare_blocks()
    compare_errors()
    compare_at_work()
    compare_overwritten()
    compare_with_library("nothing changed")
    write_core(WORK, new_heap())
    write_said(os.path.join(WORK, "live"))
    seen = compare_flips() | compare_forged()
    for _ in range(12):
        go_to("planted")
        compare_planted()
        seen |= compare_with_library("planted")
    compare_kinds(seen)
    gdb.execute("kill", to_string=True)
    must(run("trestle check").startswith("error: trestle: there is no process"), "after the end it says otherwise")


try:
    main()
except BaseException:  # whatever it is, the session has failed
    traceback.print_exc()
    complaints.append("the session ended early")
print("all as promised" if not complaints else f"{len(complaints)} complaints")
gdb.execute(f"quit {min(len(complaints), 100)}")
