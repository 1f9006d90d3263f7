"""Slabs, their states and their pads: lib/slab."""

import functools

from .keyed import SlotCanary, key_in
from .target import Record, enumerators

STEP = 16
MAX_SLOT = 64 << 10
WORD_BITS = 64
CODE, REST_SHIFT, FRESH, EVEN = 3, 2, 16, 32


def make_classes():
    """Bytes of a slot of each class: lib/slab/size_class.hpp."""
    sizes = [STEP]
    while True:
        wanted = sizes[-1] + 1
        power = 1 << (max(wanted, STEP + 1) - 1).bit_length() - 1
        step = max(STEP, power // 8)
        size = power + STEP if wanted <= power + STEP else (wanted + step - 1) // step * step
        if size > MAX_SLOT:
            return sizes
        sizes.append(size)


CLASSES = make_classes()


class State:
    """Of a slot, by its byte."""

    def __init__(self, bits, rests):
        self.bits = bits
        self.is_used = bool(bits & CODE)
        self.kind = bits & CODE
        self.rest = "" if self.is_used else rests.get(bits >> REST_SHIFT & CODE, "")
        self.is_fresh = bool(bits & FRESH)
        self.is_legal = bin(bits).count("1") % 2 == 0 and self.is_one(bits)

    def is_one(self, bits):
        if self.is_used:
            return not bits & ~(CODE | EVEN)
        legal = not bits & ~(CODE << REST_SHIFT | FRESH | EVEN) and self.rest != ""
        return legal and not (self.is_fresh and self.rest == "quarantine")

    @property
    def name(self):
        return "live" if self.is_used else "retired" if self.rest == "quarantine" else "free"


@functools.lru_cache(maxsize=1)
def all_states(rests):
    """By their bytes; `rests` are those of the library."""
    return [State(bits, dict(rests)) for bits in range(256)]


class Slab:
    """The slab of a span, by the record that the span's descriptor names. Its slots' bytes are read when they are asked for."""

    def __init__(self, memory, span, address, kind, policy):
        self.memory, self.span, self.address, self.policy = memory, span, address, policy
        record = Record(memory, address, kind)
        slab = record.at("slab")
        self.home = record.number("home")
        self.base, self.bytes = slab.number("layout_", "base"), slab.number("layout_", "bytes")
        self.size_class = slab.number("layout_", "size_class")
        self.key = key_in(slab, "key_")
        self.slot_size, self.slots = slab.number("slot_size_"), slab.number("slots_")
        self.carved, self.resting = slab.number("carved_"), slab.number("resting_")
        self.reciprocal = slab.number("reciprocal_")
        self.states_at, self.bits_at = slab.number("layout_", "states"), slab.number("layout_", "free_bits")
        self.is_of_span = self.base == span.start and self.bytes <= span.bytes and self.home != 0
        self.is_cut = self.is_cut_by_its_class() and self.resting <= self.carved <= self.slots
        self.states, self.free_words = [], []
        if self.is_of_span and self.is_cut:
            every = all_states(tuple(enumerators("trestle::Rest").items()))
            self.state_bytes = memory.read(self.states_at, self.slots + 1)
            self.states = [every[bits] for bits in self.state_bytes[: self.carved]]
            words = (self.slots + WORD_BITS - 1) // WORD_BITS
            data = memory.read(self.bits_at, words * 8)
            self.free_words = [int.from_bytes(data[i : i + 8], "little") for i in range(0, len(data), 8)]
        self.data = None

    def is_cut_by_its_class(self):
        if self.size_class >= len(CLASSES):
            return False
        size = CLASSES[self.size_class]
        reciprocal = ((1 << 40) + size - 1) // size
        return self.slot_size == size and self.reciprocal == reciprocal and self.slots == self.bytes // size

    @property
    def is_readable(self):
        """Whether it has bytes at all: addresses are no more than that."""
        return self.span.state == "slots"

    @property
    def is_looked_at(self):
        """Whether a check needs the bytes of its slots."""
        return self.is_readable and bool(self.policy.canary or self.policy.poison)

    def slot_at(self, index):
        return self.base + index * self.slot_size

    def slot(self, index):
        if self.data is None:
            self.data = self.memory.read(self.base, self.carved * self.slot_size)
        return self.data[index * self.slot_size : (index + 1) * self.slot_size]

    def is_resting(self, index):
        return bool(self.free_words[index // WORD_BITS] >> (index % WORD_BITS) & 1)

    def used(self):
        return sum(state.is_used for state in self.states)

    def pad(self, index):
        """Of a used slot: (None, requested), or (where the first wrong byte is, what seems to have been requested)."""
        if not self.is_readable:
            return None, 0
        if not self.policy.canary:
            return None, self.slot_size
        return self.canary(index).broken()

    def canary(self, index):
        return SlotCanary(self.key, self.slot_at(index), self.slot(index))

    def poisoned(self):
        return min(self.slot_size, self.policy.poison_limit) if self.policy.poison and self.is_readable else 0
