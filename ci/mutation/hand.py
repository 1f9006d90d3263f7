"""The mutants written by hand: mistakes that are subtle, each with a name. In hand.txt a line in brackets names one; the file
follows, then the lines that it replaces, each behind `< `, and those in their place, behind `> `. What is replaced stands
there once; it is statements where it ends in a semicolon or a brace, else an expression."""
import pathlib

from operators import Mutation


class Malformed(Exception):
    """Where the file says what cannot be."""


def read(path, root):
    found, entry = [], None
    for number, line in enumerate(path.read_text().splitlines() + ["[]"], 1):
        where = f"{path}:{number}"
        if line.startswith("["):
            if entry is not None:
                found.append(mutation_of(entry, root))
            entry = {"name": line.strip("[]"), "where": where, "file": None, "before": [], "after": []}
        elif line.startswith("<") and entry is not None:
            entry["before"].append(line[2:])
        elif line.startswith(">") and entry is not None:
            entry["after"].append(line[2:])
        elif line.startswith("lib/") and entry is not None and entry["file"] is None:
            entry["file"] = pathlib.Path(line)
        elif line and not line.startswith("#"):
            raise Malformed(f"{where}: neither a name, a file, nor lines before and after: {line}")
    return found


def mutation_of(entry, root):
    where, before, after = entry["where"], "\n".join(entry["before"]), "\n".join(entry["after"])
    if entry["file"] is None or not before:
        raise Malformed(f"{where}: {entry['name']} has no file, or nothing to replace")
    full = root / entry["file"]
    if not full.is_file():
        raise Malformed(f"{where}: there is no {entry['file']}")
    text = full.read_bytes()
    count = text.count(before.encode())
    if count != 1:
        raise Malformed(f"{where}: what {entry['name']} replaces stands {count} times in {entry['file']}")
    start = text.index(before.encode())
    shape = "statements" if before.rstrip().endswith((";", "}")) else "expression"
    return Mutation(entry["name"], entry["file"], start, start + len(before.encode()), text[:start].count(b"\n") + 1, "",
                    before, after, shape)
