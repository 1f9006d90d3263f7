"""The places in C++ sources that a mutation may change: what libclang sees there, by byte offsets. Left out is what the
compiler evaluates itself, since a switch that is read when the program runs cannot change it."""
import ctypes.util
import dataclasses
import glob
import pathlib

import clang.cindex
from clang.cindex import CursorKind as K

CONSTANT = {K.STATIC_ASSERT, K.CONCEPT_DECL, K.ENUM_CONSTANT_DECL, K.TYPE_ALIAS_DECL, K.TYPE_ALIAS_TEMPLATE_DECL,
            K.TEMPLATE_NON_TYPE_PARAMETER, K.TEMPLATE_TYPE_PARAMETER, K.TYPEDEF_DECL, K.USING_DECLARATION,
            K.CXX_BASE_SPECIFIER, K.TEMPLATE_REF, K.TYPE_REF, K.FIELD_DECL}
SCOPES = {K.NAMESPACE, K.CLASS_DECL, K.STRUCT_DECL, K.CLASS_TEMPLATE, K.CLASS_TEMPLATE_PARTIAL_SPECIALIZATION,
          K.LINKAGE_SPEC, K.UNEXPOSED_DECL}
FUNCTIONS = {K.FUNCTION_DECL, K.FUNCTION_TEMPLATE, K.CXX_METHOD, K.CONSTRUCTOR, K.DESTRUCTOR, K.CONVERSION_FUNCTION}


class Unreadable(Exception):
    """What cannot be parsed, and why."""


@dataclasses.dataclass(frozen=True)
class Node:
    """A cursor in a function's body, with the text that it covers and those around it."""
    cursor: object
    file: "File"
    function: str
    parents: tuple

    @property
    def start(self):
        return self.cursor.extent.start.offset

    @property
    def end(self):
        return self.cursor.extent.end.offset

    @property
    def kind(self):
        return self.cursor.kind

    @property
    def text(self):
        return self.file.text[self.start:self.end].decode()

    @property
    def line(self):
        return self.cursor.extent.start.line

    def children(self):
        for cursor in self.cursor.get_children():
            yield Node(cursor, self.file, self.function, (self, *self.parents))

    def between(self, left, right):
        return self.file.text[left.end:right.start].decode()


@dataclasses.dataclass(frozen=True)
class File:
    path: pathlib.Path  # from the root of the sources
    text: bytes


def load_libclang():
    found = sorted(glob.glob("/usr/lib/llvm-*/lib/libclang.so*")) or [ctypes.util.find_library("clang")]
    if found[-1] is None:
        raise Unreadable("libclang is not installed: ci/setup.sh test")
    wanted = [path for path in found if "llvm-19/" in path]
    clang.cindex.Config.set_library_file((wanted or found)[0])


def translation_units(root):
    """The library's sources, as many together as can be: all headers, and each other file by itself."""
    def found(kind):
        return sorted(path.relative_to(root) for path in (root / "lib").rglob(f"*.{kind}") if "include" not in path.parts)
    return [found("hpp"), *([path] for path in found("cpp"))]


def is_constant(cursor, tokens):
    """Whether the compiler evaluates all of it."""
    if cursor.kind in CONSTANT:
        return True
    if cursor.kind in FUNCTIONS:
        return "consteval" in tokens
    if cursor.kind == K.VAR_DECL:
        return "constexpr" in tokens or "constinit" in tokens
    return False


def head_of(cursor):
    """The first words of a declaration, up to what it is initialised with."""
    words = []
    for token in cursor.get_tokens():
        if token.spelling in ("{", "=", "(") or len(words) > 12:
            break
        words.append(token.spelling)
    return words


def nodes_in(node):
    """The node and all below it that run, whoever is above first."""
    yield node
    for index, child in enumerate(node.children()):
        if is_constant(child.cursor, head_of(child.cursor) if child.kind in FUNCTIONS | {K.VAR_DECL} else ()):
            continue
        if node.kind == K.CASE_STMT and index == 0:
            continue
        if node.kind == K.IF_STMT and index == 0 and node.text.startswith("if constexpr"):
            continue
        yield from nodes_in(child)


def bodies(cursor, wanted):
    """(file, function, its body's cursor) of all that those files define."""
    for child in cursor.get_children():
        at = child.location.file
        file = None if at is None else wanted.get(at.name)
        if child.kind in FUNCTIONS and file is not None and not is_constant(child, head_of(child)):
            yield from ((file, child.spelling, body) for body in child.get_children() if body.kind == K.COMPOUND_STMT)
        elif child.kind in SCOPES and (file is not None or child.kind == K.NAMESPACE):
            yield from bodies(child, wanted)


def parse(root, paths, flags):
    """The nodes that run of some sources, which one translation unit includes."""
    main = str(root / "mutation.cpp")  # not there: sources are parsed as those meet them who include them
    text = "".join(f'#include "{root / path}"\n' for path in paths)
    unit = clang.cindex.Index.create().parse(main, args=flags, unsaved_files=[(main, text)])
    wrong = [str(d) for d in unit.diagnostics if d.severity >= clang.cindex.Diagnostic.Error]
    if wrong:
        raise Unreadable(wrong[0])
    wanted = {str(root / path): File(path, (root / path).read_bytes()) for path in paths}
    for file, function, body in bodies(unit.cursor, wanted):
        yield from filter(is_written, nodes_in(Node(body, file, function, ())))


def is_written(node):
    """Whether it stands in the file as it is, and comes from no macro."""
    at = node.cursor.location
    file = node.cursor.extent.start.file
    return (file is not None and node.end > node.start and node.cursor.extent.end.file.name == file.name
            and at.file is not None and at.file.name == file.name)
