"""What came out, as JSON and as a page of HTML: who was killed by what and after how long, and the survivors first."""
import html
import json
import xml.etree.ElementTree as xml

STYLE = """body{font:15px/1.5 sans-serif;max-width:75em;margin:2em auto;padding:0 1em;color:#222;background:#fff}
table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid #ddd;padding:.3em .6em;text-align:left;vertical-align:top}
pre{margin:.2em 0;white-space:pre-wrap}.gone{background:#fdd}.new{background:#dfd}.survived{background:#fff4d6}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}td,th{border-color:#444}.gone{background:#5a2020}
.new{background:#1e4a1e}.survived{background:#4a3b10}}"""


def row_of(mutant, verdict, reason):
    mutation = mutant.mutation
    return {"number": mutant.number, "operator": mutation.operator, "file": str(mutation.path), "line": mutation.line,
            "function": mutation.function, "before": mutation.before, "after": told(mutation),
            "killed_by": verdict.killed_by, "by_line": verdict.line, "seconds": round(verdict.seconds, 2), "reason": reason}


def told(mutation):
    """What stands there instead, as a person would write it."""
    return {"condition": "false", "declaration": "(none)"}.get(mutation.shape, mutation.after)


def write_json(path, rows, head):
    path.write_text(json.dumps(dict(head, mutants=rows), indent=1) + "\n")


def write_junit(path, rows):
    """A case for each; who survived has failed, unless there is a reason for it."""
    failed = [row for row in rows if not row["killed_by"] and not row["reason"]]
    suite = xml.Element("testsuite", name="mutants", tests=str(len(rows)), failures=str(len(failed)))
    for row in rows:
        case = xml.SubElement(suite, "testcase", classname="mutants", time=str(row["seconds"]),
                              name=f"{row['file']}:{row['line']}, {row['operator']}")
        if row in failed:
            xml.SubElement(case, "failure", message="survived").text = f"{row['before']} -> {row['after']}"
    xml.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def write_html(path, rows, head):
    killed = sum(1 for row in rows if row["killed_by"])
    parts = ["<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
             f"<title>Mutants: {killed} of {len(rows)} killed</title><style>{STYLE}</style>",
             f"<h1>Mutants: {killed} of {len(rows)} killed</h1>",
             "<p>" + html.escape(", ".join(f"{name} {value}" for name, value in head.items())) + "</p>",
             "<table><tr><th>mutant<th>change<th>killed by<th>seconds"]
    for row in sorted(rows, key=lambda each: (bool(each["killed_by"]), each["file"], each["line"])):
        parts.append(table_row(row))
    path.write_text("\n".join([*parts, "</table></html>", ""]))


def table_row(row):
    def safe(text):
        return html.escape(str(text))
    fate = f"survived. {safe(row['reason'])}"
    if row["killed_by"]:
        fate = f"{safe(row['killed_by'])}<pre>{safe(row['by_line'])}</pre>"
    function = f" in {safe(row['function'])}" if row["function"] else ""
    return (f"<tr class={'killed' if row['killed_by'] else 'survived'}><td>{row['number']}. {safe(row['operator'])}<br>"
            f"{safe(row['file'])}:{row['line']}{function}<td><pre class=gone>{safe(row['before'])}</pre>"
            f"<pre class=new>{safe(row['after'])}</pre><td>{fate}<td>{row['seconds']}")
