"""What a report must be, to the character where the program can tell, from what its source expects and what it said:

  given POINTER                    what it is about to hand to the call
  at ADDRESS                       the first wrong byte, where that is not the pointer given
  base ADDRESS                     the start of the heap's region; without, its offset may be any
  block ADDRESS REQUESTED SERVED   what the report has to know of the block; without, it must know none
  alone IN A SPAN                  so that hardened knows its stacks, though no large size tells so
  evidence EXPECTED FOUND          the bytes, tag or counter; without, there must be none
  leaked TEXT                      the line on how many leaked
  call FUNCTION                    as which CALL in the source reads
  thread NUMBER                    which is about to make the call, where it is not the first one
  allocated NUMBER, freed NUMBER   the thread that did so, where it is not the first one
A `?` stands for what the program cannot know; as the block's address, for whatever the heap knows of it or does not."""
import os
import re

HEX = "0x[0-9a-f]+"
KINDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults", "kinds.txt")
SAID = re.compile(r"^(given|at|base|block|alone|evidence|leaked|call|thread|allocated|freed) (.+)\n", re.MULTILINE)


def kinds():
    rows = [line.rstrip("\n").split(" | ") for line in open(KINDS) if not line.startswith("#")]
    return {name: dict(invariant=invariant, meaning=meaning, likely=likely, policies=policies.split())
            for name, invariant, meaning, likely, policies in rows}


def number(text):
    return HEX if text == "?" else re.escape(text)


def place(kind, at, said):
    """The lines on the block: how the address lies to it."""
    if "block" not in said:
        return ""
    block, requested, served = said["block"].split()
    if block == "?":
        return "(  block [^\\n]+\n(  the address [^\\n]+\n)?)?"
    count = lambda text: r"\d+" if text == "?" else text
    known = "" if requested == "0" and served != "0" else rf"{count(requested)} bytes requested, "
    known = rf"({known})?" if requested == "?" else known  # where nothing tells any more, nothing is said
    line = f"  block      {re.escape(block)}, {known}{count(served)} served\n"
    offset = int(at, 16) - int(block, 16)
    if offset < 0:
        relation = f"lies {-offset} bytes before the block's start"
    elif kind in ("write past end", "access past end") and (requested != "0" or served == "0"):
        relation = f"is byte {offset - int(requested) + 1} past the request's end"
    elif offset != 0 and (served == "?" or offset <= int(served)):
        relation = f"lies {offset} bytes into the block"
    else:
        return line
    return line + re.escape(f"  the address {relation}\n")


def dump(kind, at, said):
    """Four rows around the address; its byte in brackets, which is the one found where bytes were written that are not the
    program's. The rows before may be missing where they lie on another page, the others only of a freed large allocation,
    which is inaccessible."""
    if "block" not in said:
        return ""
    if said["block"].startswith("?"):
        return "(  bytes around the address:[^\\n]*\n(    0x[^\\n]+\n)*)?"
    byte = "[0-9a-f]{2}"
    found = said.get("evidence", "? ?").split()[1]
    marked = f"{int(found, 16):02x}" if kind.startswith("write ") and found != "?" else byte
    row = lambda start, first: f"    0x{start:x} {first}( {byte})" + "{15}\n"
    plain = f" {byte}"
    start = int(at, 16) - 32
    rows = [row(start, plain), row(start + 16, plain), row(start + 32, rf"\[{marked}\]").replace(f"( {byte})", f"( ?{byte})", 1),
            row(start + 48, plain)]
    served = said["block"].split()[2]
    refused = kind.startswith("access ")
    freed_large = refused or (served == "?" or int(served) > 256 << 10) and kind in ("double free", "stale pointer", "interior pointer")
    address = int(at, 16)
    other_page = start // 4096 != address // 4096
    before = "".join(rows[:2])
    behind = "".join(rows[2:])
    left = 4096 - address % 4096
    if left < 32:  # a guard page may come next
        cut = [min(left, 16), max(left - 16, 0)]
        partial = [re.sub(r"\{15\}", "{%d}" % (count - 1), text) for count, text in zip(cut, rows[2:]) if count != 0]
        behind = f"({behind}|{''.join(partial)})"
    none = "( none can be read)?" if freed_large else ""
    return (f"  bytes around the address:{none}\n" + (f"({before})?" if other_page or freed_large else before) +
            (f"({behind})?" if freed_large else behind))


def frames_of(stack):
    for number, frame in enumerate(stack):
        what = f" in {frame['function']}" if "function" in frame else ""
        where = f" {frame['location']}" if "location" in frame else ""
        code = f" ({frame['object']}+{frame['offset']})" if "object" in frame else ""
        yield f"    #{number} {frame['address']}{what}{where}{code}"


def text_of(said):
    """The text of a report, without the bytes around the address, from its JSON."""
    given = f"({said['argument']})" if "argument" in said else ""
    invariant = f" (invariant I{said['invariant']})" if "invariant" in said else ""
    offset = f", heap offset {said['heap_offset']}" if "heap_offset" in said else ""
    lines = [f"=={said['pid']}=={said['severity'].upper()}: trestle: {said['kind']} in {said['call']}{given}",
             f"  meaning    {said['meaning']}{invariant}", f"  address    {said['address']}{offset}"]
    if "block" in said:
        requested = f"{said['requested']} bytes requested, " if "requested" in said else ""
        lines.append(f"  block      {said['block']}, {requested}{said['served']} served")
        known = {"block": f"{said['block']} {said.get('requested', 0)} {said['served']}"}
        lines += re.sub(r"\\(.)", r"\1", place(said["kind"], said["address"], known), flags=re.DOTALL).split("\n")[1:-1]
    if "leaked" in said:
        lines.append(f"  leaked     {leaked_of(said['leaked'])}")
    if "expected" in said:
        lines.append(f"  expected   {said['expected']}, found {said['found']}")
    lines += [f"  policy     {said['policy']}, thread {said['thread']}", f"  likely     {said['likely']}"]
    if said["stack"]:
        lines += ["  called from:", *frames_of(said["stack"])]
    for key in "allocated", "freed":
        if key in said:
            lines += [f"  {key} by thread {said[key]['thread']}:", *frames_of(said[key]["stack"])]
    return "".join(line + "\n" for line in lines)


def counted(blocks, size):
    return f"{blocks} block{'s' * (blocks != 1)}, {size} byte{'s' * (size != 1)}"


def leaked_of(said):
    direct = counted(said["blocks"], said["bytes"])
    if said["indirect_blocks"] == 0:
        return direct
    return f"{direct}; and what only they lead to: {counted(said['indirect_blocks'], said['indirect_bytes'])}"


def frames(name):
    return rf"(?P<{name}>(    #\d+ {HEX}( in [^\n]+)?( [^\n]+:\d+)?( \(.+\+{HEX}\))?\n)+)"


def pattern(expected, said, pid, policy):
    """A regular expression for the whole report."""
    kind = expected.report.partition(" in ")[0]
    what = expected.report.replace("CALL", said.get("call", "CALL"))
    what = what.replace("GIVEN", said.get("given", "a pointer that the program did not name"))
    known = kinds()[kind]
    at = said.get("at", said.get("given"))
    invariant = "" if known["invariant"] == "-" else f" (invariant {known['invariant']})"
    inside = int(at, 16) - int(said.get("base", at), 16)
    offset = re.escape(f", heap offset 0x{inside:x}") if 0 <= inside < 1 << 40 else ""
    offset = offset if "base" in said else f"(, heap offset {HEX})?"
    evidence = "  expected   {}, found {}\n".format(*map(number, said["evidence"].split())) if "evidence" in said else ""
    leaked = re.escape(f"  leaked     {said['leaked']}\n") if "leaked" in said else ""
    return "".join([
        re.escape(f"=={pid}=={expected.severity}: trestle: {what}\n  meaning    {known['meaning']}{invariant}\n"),
        f"  address    {at}{offset}\n", place(kind, at, said), leaked, evidence,
        f"  policy     {policy}, thread {said.get('thread', pid)}\n", re.escape(f"  likely     {known['likely']}\n"),
        dump(kind, at, said), "(?P<stack>)" if kind == "leak" else "  called from:\n" + frames("stack"),
        r"(  allocated by thread \d+:\n", frames("allocated"), r")?(  freed by thread \d+:\n", frames("freed"), ")?"])
