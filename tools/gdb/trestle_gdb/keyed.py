"""Tags, canaries and headers, recomputed from the keys that lie in the heap: lib/base/keyed.hpp, lib/base/canary.hpp,
lib/slab/slot_canary.hpp and lib/block/header.hpp once more."""

import collections

MASK = (1 << 64) - 1
ODD1 = 0x9E3779B97F4A7C15
ODD2 = 0xBF58476D1CE4E5B9
ODD3 = 0x94D049BB133111EB

Key = collections.namedtuple("Key", "low high")


def key_in(record, *path):
    return Key(record.number(*path, "low"), record.number(*path, "high"))


def fold(a, b):
    product = (a & MASK) * (b & MASK)
    return (product & MASK) ^ (product >> 64)


def tag_of(key, place, word):
    inner = fold(place ^ key.low, word ^ key.high)
    return fold(inner ^ ODD1, word ^ key.low ^ ODD2) ^ key.high


def word_at(data, at):
    return int.from_bytes(data[at : at + 8], "little")


def first_other(data, value):
    """Where the first byte is that is not `value`; None: all are."""
    rest = len(data.lstrip(bytes([value])))
    return len(data) - rest if rest else None


# ---- canaries ----


def without_zeros(word):
    return int.from_bytes((word & MASK).to_bytes(8, "little").replace(b"\0", b"\xa5"), "little")


def repeated(word, first, end):
    """The bytes with the indices from `first` to `end` of a word's repetitions."""
    every = word.to_bytes(8, "little")
    skipped = first % 8
    return (every * ((skipped + end - first + 7) // 8))[skipped : skipped + end - first]


def first_difference(found, expected):
    """None: there is none."""
    if found == expected:
        return None
    return next(i for i, (a, b) in enumerate(zip(found, expected)) if a != b)


def canary_word(key, place):
    return without_zeros(tag_of(key, place, ODD3))


class SlotCanary:
    """Of a slot with those bytes, at that place."""

    LONG = 127  # stands for a pad whose length does not fit the code
    STEP = 16
    TELLING = 3  # so many whole bytes of a canary are no accident

    def __init__(self, key, place, slot):
        self.slot, self.bytes = slot, len(slot)
        self.mixed = fold(place ^ key.low, key.high ^ ODD1)

    def broken(self):
        """(None, requested), or where the first wrong byte is and what the request seems to have been, which may be None."""
        told = self.requested()
        if told is not None and self.slot[told:] == self.pad_of(told):
            return None, told
        return self.diagnose(told)

    def requested(self):
        """As the last byte tells; None: that says nothing that could be."""
        code = self.slot[-1]
        if bin(code).count("1") % 2 == 0:
            return None
        pad = ((code >> 1) - self.shift()) % 128
        if pad >= self.LONG:
            if self.bytes < self.LONG:
                return None
            pad = int.from_bytes(self.slot[-3:-1], "little") ^ self.mask()
            if pad < self.LONG:
                return None
        return self.bytes - pad if 0 < pad <= self.bytes else None

    def pad_of(self, requested):
        """The pad's bytes as they were written for that request."""
        pad = self.bytes - requested
        code = bytes([self.code_for(min(pad, self.LONG))])
        telling = code if pad < self.LONG else ((pad & 0xFFFF) ^ self.mask()).to_bytes(2, "little") + code
        return repeated(self.word_for(pad), requested, self.bytes - len(telling)) + telling

    def diagnose(self, told):
        requested = told
        told_whole = 0 if told is None else self.whole_at_end(told)
        longest = max(told_whole, self.TELLING - 1)
        for guess in range(self.bytes - 1):
            begins_whole = self.first_broken(guess) - guess
            if begins_whole > longest:
                longest, requested = begins_whole, guess
        # A byte that tells of a long pad, of which nothing is there, is the one that was overwritten.
        nothing = requested == told and longest < self.TELLING and told_whole == 0
        if nothing and (told is None or self.bytes - told > self.STEP):
            return self.bytes - 1, None
        return self.first_broken(requested), requested

    def first_broken(self, requested):
        word = self.word_for(self.bytes - requested).to_bytes(8, "little")
        if self.slot[requested] != word[requested % 8] and requested + 1 < self.bytes - 2:
            return requested
        wrong = first_difference(self.slot[requested:], self.pad_of(requested))
        return self.bytes if wrong is None else requested + wrong

    def whole_at_end(self, requested):
        end = self.bytes - (3 if self.bytes - requested >= self.LONG else 1)
        word = self.word_for(self.bytes - requested).to_bytes(8, "little")
        at = end
        while at > requested and self.slot[at - 1] == word[(at - 1) % 8]:
            at -= 1
        return end - at

    def word_for(self, pad):
        return without_zeros((self.mixed + pad) * ODD2)

    def shift(self):
        return self.mixed >> 57

    def mask(self):
        return (self.mixed >> 40) & 0xFFFF

    def code_for(self, pad):
        i = (pad + self.shift()) % 128
        return i << 1 | (1 ^ bin(i).count("1") % 2)


# ---- blocks ----

HEADER_BYTES = 16
FOOTER_BYTES = 16
LINK_BYTES = 16
MIN_BLOCK = 64
MAX_BLOCK = 1 << 40
FOOTER_SALT = 0x466F6F746572
LINK_SALT = 0x4C696E6B
USED, PREVIOUS_USED, RETIRED, CLEAN = 1, 2, 4, 8
SIZE_MASK = (1 << 48) - 16
MAX_PAD = 4095
PURGED, RESERVED = 1 << 62, 1 << 63
NOT_OF_USED = RESERVED | PURGED | CLEAN
NOT_OF_FREE = RESERVED | RETIRED | MAX_PAD << 48 | 3 << 60


class Header:
    """A header's word that has passed its checks."""

    def __init__(self, word):
        self.word = word
        self.size = word & SIZE_MASK
        self.is_free = not word & USED
        self.is_retired = bool(word & RETIRED)
        self.is_end = self.size == 0
        self.is_live = not (self.is_free or self.is_retired or self.is_end)
        self.is_previous_used = bool(word & PREVIOUS_USED)
        self.is_clean = bool(word & CLEAN)
        self.kind = word >> 60 & 3
        self.served = self.size - HEADER_BYTES
        self.requested = self.served - (word >> 48 & MAX_PAD)


def parse_header(word):
    """None: no header has that word."""
    header = Header(word)
    if word & (NOT_OF_FREE if header.is_free else NOT_OF_USED):
        return None
    if header.is_end:
        return header if word & ~PREVIOUS_USED == USED else None
    return header if header.size >= MIN_BLOCK and header.requested >= 0 else None


def load_header(key, place, data, at):
    """The header that lies at that offset of the bytes, `place` being its place in the heap."""
    word = word_at(data, at)
    if len(data) < at + 16 or word_at(data, at + 8) != tag_of(key, place & MASK, word):
        return None
    return parse_header(word)


def load_footer(key, place, data, at):
    """The size that the footer there tells."""
    size = word_at(data, at)
    if word_at(data, at + 8) != tag_of(key, (place ^ FOOTER_SALT) & MASK, size):
        return None
    return size if MIN_BLOCK <= size <= MAX_BLOCK else None


def load_link(key, place, data, at):
    return word_at(data, at) ^ tag_of(key, place & MASK, LINK_SALT)
