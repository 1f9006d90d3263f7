"""Runs in gdb, for session.py: a stopped process's memory as others would have it, for a while or in a core."""

import os
import struct

import gdb


class changed:
    """Bytes of the process that are others for a while."""

    def __init__(self, at, data):
        self.at, self.data, self.inferior = at, data, gdb.selected_inferior()

    def __enter__(self):
        self.was = bytes(self.inferior.read_memory(self.at, len(self.data)))
        self.inferior.write_memory(self.at, self.data)

    def __exit__(self, *_):
        self.inferior.write_memory(self.at, self.was)


def write_core(folder, heap):
    """gdb 13 leaves out what lies behind a guard page: that is read from the process and put in."""
    plain, whole = os.path.join(folder, "plain.core"), os.path.join(folder, "whole.core")
    gdb.execute(f"generate-core-file {plain}", to_string=True)
    with open(plain, "rb") as file:
        data = bytearray(file.read())
    offset, _, _, _, size, count = struct.unpack_from("<QQIHHH", data, 32)
    regions = [(region.base, region.base + region.committed * 65536) for region in heap.regions]
    for header in range(offset, offset + count * size, size):
        kind, _, at, address, _, length, _, _ = struct.unpack_from("<IIQQQQQQ", data, header)
        if kind != 1 or not any(address < end and begin < address + length for begin, end in regions):
            continue
        if address <= int(gdb.parse_and_eval("(long)medium[0]")) < address + length:
            lacking = header
        for page in range(0, length, 4096):
            try:
                data[at + page : at + page + 4096] = gdb.selected_inferior().read_memory(address + page, 4096).tobytes()
            except gdb.MemoryError:
                pass  # a guard page
    write(whole, data)
    data[lacking : lacking + 4] = bytes(4)  # the program header is none
    write(os.path.join(folder, "lacking.core"), data)


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
