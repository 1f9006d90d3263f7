"""The commands `trestle check`, `block`, `spans` and `stats`. Each reads the heap anew and tells in one line why it cannot."""

import gdb

from .check import check
from .heap import Heap
from .locate import describe
from .tables import span_rows, tiers
from .target import Unreadable


def say_doubts(heap):
    """What makes the answer less than certain."""
    held = heap.at_work()
    if held:
        print(f"trestle: a thread was inside the heap ({', '.join(held)}): what it was changing may be half done")
    for first, end in heap.memory.gaps:
        print(
            f"trestle: the core has nothing but zeros from {first:#x} to {end:#x}, behind a guard page: it was left out,"
            " as gdb 13 does; a core that the kernel writes has it"
        )


class Command(gdb.Command):
    def __init__(self):
        super().__init__(f"trestle {self.NAME}", gdb.COMMAND_DATA, self.COMPLETE)

    COMPLETE = gdb.COMPLETE_NONE
    WANTS = None  # the argument's name

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        if bool(argument.strip()) != (self.WANTS is not None):
            raise gdb.GdbError(f"trestle: usage: trestle {self.NAME}" + (f" {self.WANTS}" if self.WANTS else ""))
        try:
            self.run(Heap(), argument)
        except Unreadable as error:
            raise gdb.GdbError(f"trestle: {error}") from None
        except gdb.error as error:
            raise gdb.GdbError(f"trestle: {error}") from None


class Check(Command):
    """Recount the heap from its bytes, as heap_check does, and print each fault.

trestle check

A line for each fault: its kind, the first wrong byte's address, the block. The last line says how many there are, or that the
heap is sound. What could not be read is said."""

    NAME = "check"

    def run(self, heap, _):
        findings = check(heap)
        for fault in findings.faults:
            print(fault_line(heap, fault))
        for what in findings.unread:
            print(f"trestle: not checked: {what}")
        say_doubts(heap)
        print(f"trestle: {verdict(findings)}")


def fault_line(heap, fault):
    line = f"{fault.kind}: address {fault.address:#x}"
    offset = heap.offset_of(fault.address)
    if offset is not None:
        line += f", heap offset {offset:#x}"
    if fault.block is not None:
        line += f", block {fault.block:#x}"
    if fault.requested is not None:
        line += f", {fault.requested} bytes requested"
    if fault.served is not None:
        line += f", {fault.served} served"
    for name in ("expected", "found"):
        if getattr(fault, name) is not None:
            line += f", {name} {getattr(fault, name):#x}"
    return line


def verdict(findings):
    count, unread = len(findings.faults), len(findings.unread)
    faults = f"{count} fault{'s' * (count != 1)}"
    if unread:
        return f"{faults} in what could be read; {unread} part{'s' * (unread != 1)} could not be"
    if count:
        return faults
    return f"the heap is sound ({findings.live_blocks} live blocks, {findings.live_bytes} bytes)"


class Block(Command):
    """Tell which block of the heap an address lies in.

trestle block ADDRESS

ADDRESS is an expression; it may not call a function of the program."""

    NAME = "block"
    WANTS = "ADDRESS"
    COMPLETE = gdb.COMPLETE_EXPRESSION

    def run(self, heap, argument):
        address = evaluate(argument)
        say_doubts(heap)
        for name, what in describe(heap, address):
            print(f"{name:<11}{what}")


def evaluate(expression):
    """An address; an array's is where it begins."""
    was = gdb.parameter("may-call-functions")
    gdb.execute("set may-call-functions off", to_string=True)
    try:
        value = gdb.parse_and_eval(expression)
        kind = value.type.strip_typedefs()
        if kind.code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            value = value.referenced_value()
            kind = value.type.strip_typedefs()
        if kind.code == gdb.TYPE_CODE_ARRAY and value.address is not None:
            return int(value.address)
        if kind.code not in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_INT):
            raise gdb.GdbError(f"trestle: {expression} is no address, but of type {value.type}")
        return int(value) & ((1 << 64) - 1)
    finally:
        gdb.execute(f"set may-call-functions {'on' if was else 'off'}", to_string=True)


class Spans(Command):
    """List the spans of the heap: start, granules of 64 KiB, state, and what each holds.

trestle spans"""

    NAME = "spans"

    def run(self, heap, _):
        say_doubts(heap)
        for region in heap.regions:
            used, size = region.frontier, region.capacity
            print(f"region {region.base:#x}: {used} of {size} granules used, {region.committed} accessible")
            print(f"{'start':<18} {'granules':>8}  {'state':<9}  holds")
            for start, granules, state, holds in span_rows(heap, region):
                print(f"{start:<18} {granules:>8}  {state:<9}  {holds}")


class Stats(Command):
    """Count the live blocks and their bytes by tier.

trestle stats"""

    NAME = "stats"

    def run(self, heap, _):
        rows, doubts = tiers(heap)
        print(f"policy {heap.policy.name}, {heap.library}")
        print(f"{'tier':<9} {'live blocks':>12} {'live bytes':>16}")
        for tier, count, size in rows:
            print(f"{tier:<9} {count:>12} {size:>16}")
        for doubt in doubts:
            print(f"trestle: {doubt}")
        say_doubts(heap)


class Prefix(gdb.Command):
    """Look at the heap of Trestle's, in a process or a core."""

    def __init__(self):
        super().__init__("trestle", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


def register():
    for command in (Prefix, Check, Block, Spans, Stats):
        command()
