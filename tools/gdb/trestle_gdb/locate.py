"""What an address of the heap's is."""

import gdb

from .keyed import HEADER_BYTES
from .spans import GRANULE


def describe(heap, address):
    """Rows of (name, what) about the block that the address lies in. Raises GdbError where the address is not the heap's."""
    region = heap.region_of(address)
    if region is None:
        raise gdb.GdbError(f"trestle: {address:#x} is not the heap's")
    rows = [("address", f"{address:#x}, heap offset {address - region.base:#x}")]
    if (address - region.base) // GRANULE >= region.frontier:
        return rows + [("no block", "the heap has reserved this and never used it")]
    span = region.spanning(address)
    if span is None:
        raise gdb.GdbError(f"trestle: the descriptor of the span at {address:#x} is overwritten; nothing is known of it")
    rows += TELL[span.state](heap, span, address)
    long = f"{span.length} granule{'s' * (span.length != 1)}"
    return rows + [("span", f"{span.start:#x}, heap offset {span.index * GRANULE:#x}, {long}, state {span.state}")]


def tell_free(heap, span, address):
    return [("no block", "the span is free")]


def tell_slot(heap, span, address):
    slab = heap.slab_of(span)
    if not (slab.is_of_span and slab.is_cut):
        raise gdb.GdbError(f"trestle: the record of the slab at {span.start:#x} is overwritten; nothing is known of it")
    index, offset = divmod(address - slab.base, slab.slot_size)
    if index >= slab.slots:
        return [("no block", "left over behind the slab's last slot")]
    at, tier = slab.slot_at(index), "slot" if slab.is_readable else "no bytes"
    if index >= slab.carved:
        return [("no block", f"a slot of {slab.slot_size} bytes that was never handed out")]
    state = slab.states[index]
    served = slab.slot_size if slab.is_readable else 0
    if not state.is_legal:
        return [("block", f"{at:#x}, its state is overwritten: {state.bits:#x}"), ("sizes", f"{served} served"), ("tier", tier)]
    name = state.name
    if name == "free":
        name += ", never handed out" if state.is_fresh else ", in a thread's cache" if state.rest == "magazine" else ""
    return block_rows(heap, at, name, state.kind, slot_sizes(slab, index, state, served), tier, offset)


def slot_sizes(slab, index, state, served):
    """(requested, served) as text, and the request where it is known."""
    if not state.is_used:
        return None, f"{served} bytes served"
    wrong, requested = slab.pad(index)
    if slab.is_readable and not slab.policy.canary:
        return None, f"{served} bytes served, the request is not known under this policy"
    if wrong is None:
        return requested, f"{requested} bytes requested, {served} served"
    return None, f"{served} bytes served, the pad that tells the request is overwritten"


def tell_block(heap, span, address):
    extent = heap.extent_of(span)
    if address >= extent.begin + extent.size:
        return [("no block", "the guard page behind the span's blocks")]
    if address >= extent.end_header:
        return [("no block", "the header that ends the span's blocks")]
    block = extent.block_around(address)
    if block is None:
        raise gdb.GdbError(f"trestle: the header of the block at {address:#x} is overwritten; trestle check has more")
    header = block.header
    sizes = None, f"{header.served} bytes served"
    if not header.is_free:
        sizes = header.requested, f"{header.requested} bytes requested, {header.served} served"
    return block_rows(heap, block.payload, block.state, header.kind, sizes, "block", address - block.payload)


def tell_large(heap, span, address):
    payload, fence = span.start + span.payload, heap.fence_of(span)
    state = "live" if span.state == "large" else "retired"
    sizes = span.requested, f"{span.requested} bytes requested, {fence - payload} served"
    return block_rows(heap, payload, state, span.kind, sizes, "large", address - payload, fence - payload)


def block_rows(heap, at, state, kind, sizes, tier, offset, served=None):
    requested, text = sizes
    family = f", by {heap.kind_name(kind)}" if heap.kind_name(kind) != "none" else ""
    return [
        ("block", f"{at:#x}, {state}{family}"),
        ("sizes", text),
        ("tier", tier),
        ("offset", where(tier, offset, requested, served)),
    ]


def where(tier, offset, requested, served):
    if offset < 0:
        header = tier == "block" and offset >= -HEADER_BYTES
        return f"{offset} bytes, {'in the header' if header else 'before the block'}"
    if served is not None and offset >= served:
        return f"{offset} bytes, in the guard pages behind the block"
    if requested is not None and offset >= requested and tier != "no bytes":
        return f"{offset} bytes, byte {offset - requested + 1} past the request's end"
    return f"{offset} bytes"


TELL = {
    "free": tell_free,
    "slots": tell_slot,
    "addresses": tell_slot,
    "blocks": tell_block,
    "large": tell_large,
    "retired": tell_large,
}
