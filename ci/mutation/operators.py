"""The mutations: small mistakes that a programmer makes. Each function looks at one node and yields what it would be wrong,
as an expression in place of an expression or as statements in place of statements."""
import dataclasses
import re

from clang.cindex import CursorKind as K

COMPARISONS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": None, "!=": None}
OTHERS = {"+": "-", "-": "+", "&&": "||", "||": "&&", "+=": "-=", "-=": "+=", "<<": ">>", ">>": "<<", "&": "|", "|": "&"}
LOCKS = {"Guard", "Alone", "OwnAccesses"}
# What only asks for speed, or is there for tools that do not watch here.
SILENT = re.compile(r"\b(__builtin_prefetch|assert_readable|permit_access|forbid_access|begin_block|end_block|add_roots"
                    r"|remove_roots|static_cast<void>|std::ignore|asm)\b")


@dataclasses.dataclass(frozen=True)
class Mutation:
    operator: str
    path: object    # from the root
    start: int      # bytes
    end: int
    line: int
    function: str
    before: str
    after: str
    shape: str      # expression; condition, which is then false; statements; declaration, in which @ is its number

    @property
    def place(self):
        """What names it as long as its function is the same."""
        return f"{self.path} | {self.function} | {self.operator} | {' '.join(self.before.split())}"


def made(node, operator, after, shape="expression", start=None, end=None):
    start = node.start if start is None else start
    end = node.end if end is None else end
    before = node.file.text[start:end].decode()
    return Mutation(operator, node.file.path, start, end, node.line, node.function, before, after, shape)


def binary_parts(node):
    """(left, operator, right) of one; None where a macro or a type stands in between."""
    children = list(node.children())
    if len(children) != 2:
        return None
    left, right = children
    between = node.between(left, right)
    found = re.fullmatch(r"\s*(\S+)\s*", between)
    return (left.text, found[1], right.text) if found and left.start == node.start and right.end == node.end else None


def comparisons(node):
    parts = binary_parts(node) if node.kind == K.BINARY_OPERATOR else None
    if parts is None or parts[1] not in COMPARISONS:
        return
    left, sign, right = parts
    yield made(node, "comparison negated", f"!({node.text})")
    if COMPARISONS[sign] is not None:
        yield made(node, "comparison shifted", f"{left} {COMPARISONS[sign]} {right}")


def arithmetic(node):
    if node.kind not in (K.BINARY_OPERATOR, K.COMPOUND_ASSIGNMENT_OPERATOR):
        return
    parts = binary_parts(node)
    if parts is None:
        return
    left, sign, right = parts
    if sign in OTHERS:
        name = "condition loosened" if sign in ("&&", "||") else "sign changed"
        yield made(node, name, f"({left}) {OTHERS[sign]} ({right})")
    if sign in ("+", "-"):
        yield made(node, "off by one", f"({node.text}) + 1")


def roundings(node):
    if node.kind != K.CALL_EXPR:
        return
    for name, other in (("align_up", "align_down"), ("align_down", "align_up"), ("std::min", "std::max"),
                        ("std::max", "std::min")):
        if re.match(rf"{name}\b", node.text):
            yield made(node, "rounded the other way", other + node.text[len(name):])


def flags(node):
    if node.kind == K.CXX_BOOL_LITERAL_EXPR and node.text in ("true", "false"):
        yield made(node, "flag flipped", "false" if node.text == "true" else "true")
    if node.kind == K.DECL_REF_EXPR and node.cursor.referenced is not None:
        enumerator = node.cursor.referenced
        if enumerator.kind != K.ENUM_CONSTANT_DECL or "::" not in node.text:
            return
        names = [each.spelling for each in enumerator.semantic_parent.get_children()
                 if each.kind == K.ENUM_CONSTANT_DECL]
        if len(names) > 1:
            other = names[(names.index(enumerator.spelling) + 1) % len(names)]
            yield made(node, "flag flipped", f"{node.text.rpartition('::')[0]}::{other}")


def checks(node):
    """An if that only leaves."""
    if node.kind != K.IF_STMT or node.text.startswith("if constexpr"):
        return
    children = list(node.children())
    leaving = (K.RETURN_STMT, K.CONTINUE_STMT, K.BREAK_STMT)
    if len(children) < 2 or children[-1].kind not in leaving or children[-2].kind == K.VAR_DECL:
        return
    condition = children[-2]
    if condition.kind in leaving or condition.kind == K.DECL_STMT:
        return
    yield made(condition, "check skipped", "", "condition")


def statement_end(node):
    """Behind its semicolon; None where there is none."""
    found = re.match(rb"\s*;", node.file.text[node.end:])
    return node.end + found.end() if found else None


def is_dropped(node):
    if node.kind in (K.COMPOUND_ASSIGNMENT_OPERATOR, K.CALL_EXPR, K.UNARY_OPERATOR):
        return SILENT.search(node.text) is None
    return node.kind == K.BINARY_OPERATOR and re.search(r"[^=!<>]=[^=]", node.text) is not None


def statements(node):
    if node.kind != K.COMPOUND_STMT:
        return
    before = None
    for child in node.children():
        end = statement_end(child)
        if end is None or not is_dropped(child):
            before = None
            continue
        yield made(child, "statement dropped", "", "statements", end=end)
        if before is not None:
            text = child.file.text
            swapped = text[child.start:end] + b" " + text[before[0].start:before[1]]
            yield made(before[0], "statements swapped", swapped.decode(), "statements", end=end)
        before = (child, end)


def locks(node):
    if node.kind != K.DECL_STMT:
        return
    found = re.fullmatch(r"const (\w+) (\w+)\((.+)\);", node.text, re.DOTALL)
    if found and found[1] in LOCKS:
        after = f"const mutation::Maybe<{found[1]}> {found[2]}(mutation::is_active(@), {found[3]});"
        yield made(node, "lock skipped", after, "declaration")


ALL = (comparisons, arithmetic, roundings, flags, checks, statements, locks)


def mutations_of(node):
    if SILENT.search(node.text) and node.kind != K.COMPOUND_STMT:
        return
    for operator in ALL:
        yield from operator(node)
