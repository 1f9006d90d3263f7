"""Extents and the blocks that tile them: lib/block."""

from . import keyed
from .keyed import HEADER_BYTES


class Block:
    def __init__(self, extent, at, header):
        self.extent, self.at, self.header = extent, at, header

    @property
    def payload(self):
        return self.at + HEADER_BYTES

    @property
    def end(self):
        return self.at + self.header.size

    @property
    def state(self):
        return "live" if self.header.is_live else "free" if self.header.is_free else "retired"

    def payload_bytes(self, first=0, end=None):
        """So many of the payload's bytes, the footer of a free block counted."""
        return self.extent.bytes_at(self.payload + first, self.payload + (self.header.served if end is None else end))


class Extent:
    """Memory tiled by blocks, read whole. Places are distances from `engine`, the address of the heap's record of blocks."""

    def __init__(self, memory, engine, key, begin, size):
        self.begin, self.size, self.engine, self.key = begin, size, engine, key
        self.data = memory.read(begin, size)

    @property
    def end_header(self):
        return self.begin + self.size - HEADER_BYTES

    def holds(self, at, length):
        return at >= self.begin and length <= self.size and at - self.begin <= self.size - length

    def bytes_at(self, first, end):
        return self.data[first - self.begin : end - self.begin]

    def place_of(self, at):
        return (at - self.engine) & keyed.MASK

    def address_at(self, place):
        return (self.engine + place) & keyed.MASK

    def header(self, at):
        """None: it is corrupt."""
        return keyed.load_header(self.key, self.place_of(at), self.data, at - self.begin)

    def footer(self, block):
        at = block.end - keyed.FOOTER_BYTES
        return keyed.load_footer(self.key, self.place_of(at), self.data, at - self.begin)

    def links(self, at):
        """The places of the next and the previous free block."""
        return tuple(
            keyed.load_link(self.key, self.place_of(link), self.data, link - self.begin) for link in (at + 16, at + 24)
        )

    def canary(self, block):
        return keyed.canary_word(self.key, self.place_of(block.payload))

    def blocks(self):
        """(blocks, where the first header is that ends no sound walk); None: all of the extent is tiled."""
        found, at = [], self.begin
        while True:
            header = self.header(at)
            if header is None or header.is_end != (at == self.end_header) or not self.holds(at, header.size + HEADER_BYTES):
                return found, at
            if header.is_end:
                return found, None
            found.append(Block(self, at, header))
            at += header.size

    def block_around(self, address):
        """The block in which the address lies, its header included; None where headers do not tell. A tag holds at its own
        place alone, and what coalescing buries is overwritten, so the nearest sound header to the left is the block's."""
        for at in range(address - (address - self.begin) % 16, self.begin - 1, -16):
            header = self.header(at) if self.holds(at, HEADER_BYTES) else None
            if header is not None:
                return None if header.is_end or address >= at + header.size else Block(self, at, header)
        return None
