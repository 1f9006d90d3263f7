"""Memory and debug information: the only file that reads either. A type's members are found by name, so that the layout is
the library's own; what a member is, is its bytes."""

import bisect
import functools

import gdb


MOST_BYTES = 1 << 30  # that are read at once; what asks for more was overwritten


class Unreadable(Exception):
    """Memory that cannot be read."""

    def __init__(self, address, size):
        super().__init__(f"cannot read {size} bytes at {address:#x}{': the core lacks them' if is_core() else ''}")
        self.address, self.size = address, size


def is_core():
    """Whether what is looked at is a core file, and no process."""
    target = gdb.selected_inferior().connection
    return target is not None and target.type == "core"


class Memory:
    """Reads memory, but for gaps: what a core shows as zeros though it was left out."""

    def __init__(self):
        self.inferior = gdb.selected_inferior()
        self.gaps = []  # (from, to), sorted, none touching another

    def read(self, address, size):
        if size == 0:
            return b""
        if size > MOST_BYTES or self.is_in_gap(address, size):
            raise Unreadable(address, size)
        try:
            return bytes(self.inferior.read_memory(address, size))
        except (gdb.error, OverflowError, ValueError):
            raise Unreadable(address, size) from None

    def is_in_gap(self, address, size):
        at = bisect.bisect_left(self.gaps, (address + size, 0))
        return at > 0 and self.gaps[at - 1][1] > address


def core_sections():
    """(from, to) of the memory that the core file holds."""
    for line in gdb.execute("info files", to_string=True).splitlines():
        words = line.split()
        if len(words) == 5 and words[1] == "-" and words[3] == "is" and words[4].startswith("load"):
            yield int(words[0], 16), int(words[2], 16)


_members = {}


def members(kind):
    """Name -> (offset, type) of a class's members, those of its bases included."""
    kind = kind.strip_typedefs().unqualified()
    key = kind.name
    if key is None or key not in _members:
        table = {}
        for field in kind.fields():
            if not hasattr(field, "bitpos"):  # static
                continue
            offset = field.bitpos // 8
            if field.is_base_class:
                for name, (inner, its) in members(field.type).items():
                    table.setdefault(name, (offset + inner, its))
            elif field.name:
                table[field.name] = (offset, field.type)
        if key is None:
            return table
        _members[key] = table
    return _members[key]


def forget_types():
    """Another program, or the same one built anew, may have others of the same names."""
    _members.clear()
    _places.clear()
    enumerators.cache_clear()


def element_type(array):
    """Of a std::array or an array of C's."""
    array = array.strip_typedefs()
    return array.target() if array.code == gdb.TYPE_CODE_ARRAY else array.template_argument(0)


def value_type(shared):
    """T of Shared<T>."""
    return shared.strip_typedefs().template_argument(0)


_places = {}


def place_of(kind, path):
    """(offset, type) of what a path of names and indices leads to."""
    key = (kind.strip_typedefs().name, path)
    found = _places.get(key) if key[0] is not None else None
    if found is None:
        offset, at = 0, kind
        for step in path:
            if isinstance(step, int):
                at = element_type(at)
                offset += step * at.sizeof
                continue
            table = members(at)
            if step not in table:
                raise gdb.GdbError(f"trestle: the library is of another version than this extension: {at} has no {step}")
            inner, at = table[step]
            offset += inner
        found = (offset, at)
        if key[0] is not None:
            _places[key] = found
    return found


class Record:
    """An object in memory: its type and its bytes, read once where they are few, else by parts."""

    FEW = 64 << 10

    def __init__(self, memory, address, kind, data=None):
        self.memory, self.address, self.type = memory, address, kind.strip_typedefs()
        self.data = data
        if data is None and self.type.sizeof <= self.FEW:
            self.data = memory.read(address, self.type.sizeof)

    def bytes_of(self, offset, size):
        if self.data is None:
            return self.memory.read(self.address + offset, size)
        return self.data[offset : offset + size]

    def at(self, *path):
        """A part of it."""
        offset, kind = place_of(self.type, path)
        data = None if self.data is None else self.data[offset : offset + kind.sizeof]
        return Record(self.memory, self.address + offset, kind, data)

    def number(self, *path):
        """A number, a pointer, or what is laid out as one."""
        offset, kind = place_of(self.type, path)
        return int.from_bytes(self.bytes_of(offset, kind.sizeof), "little")

    def numbers(self, *path, first=0, count=None):
        """An array of numbers, or so many of them from one on."""
        offset, kind = place_of(self.type, path)
        size = element_type(kind).sizeof
        count = kind.sizeof // size if count is None else count
        data = self.bytes_of(offset + first * size, count * size)
        return [int.from_bytes(data[i : i + size], "little") for i in range(0, len(data), size)]

    def length(self, *path):
        """How many elements an array has."""
        kind = place_of(self.type, path)[1]
        return kind.sizeof // element_type(kind).sizeof

    def address_of(self, *path):
        return self.address + place_of(self.type, path)[0]

    def type_of(self, *path):
        return place_of(self.type, path)[1].strip_typedefs()


@functools.lru_cache(maxsize=None)
def enumerators(name):
    """Value -> name of an enumeration."""
    try:
        kind = gdb.lookup_type(name)
    except gdb.error:
        raise gdb.GdbError(f"trestle: the library is of another version than this extension: it has no {name}") from None
    return {field.enumval: field.name.rsplit("::", 1)[-1] for field in kind.fields()}
