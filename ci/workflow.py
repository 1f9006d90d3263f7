#!/usr/bin/env python3
"""Refuses a workflow that does its work itself: ci/workflow.py [FILE]

Each job has a place to run and steps; each step that runs something is one line, a script of ci/ and its arguments. Every
preset that a matrix names is one of CMakePresets.json. So what CI does can be done by hand, and is written once.
"""

import json
import os
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent


def unquoted(line):
    """The line without what the shell does not look into, and without the workflow's own expressions."""
    return re.sub(r"'[^']*'|\$\{\{.*?\}\}", "", line)


def complaints_of_run(line):
    words = str(line).split()
    if len(str(line).strip().splitlines()) != 1:
        yield f"runs more than one line, or none: {line!r}"
    elif not words[0].startswith("ci/"):
        yield f"runs {words[0]!r}, which is no script of ci/"
    elif not os.access(ROOT / words[0], os.X_OK) or not (ROOT / words[0]).is_file():
        yield f"runs {words[0]}, which is not there or cannot be run"
    elif any(mark in unquoted(str(line)) for mark in ("|", "&", ";", "<", ">", "`", "$(")):
        yield f"runs more than one command: {line!r}"


def complaints_of_job(job, presets):
    if not isinstance(job, dict) or "runs-on" not in job:
        yield "has no runs-on"
        return
    steps = job.get("steps")
    if not isinstance(steps, list) or not any("run" in step for step in steps):
        yield "runs nothing"
        return
    for step in steps:
        if ("run" in step) == ("uses" in step):
            yield f"has a step that neither runs nor uses one thing: {step}"
        elif "run" in step:
            yield from complaints_of_run(step["run"])
    for preset in job.get("strategy", {}).get("matrix", {}).get("preset", []):
        if preset not in presets:
            yield f"names preset {preset}, which CMakePresets.json has not"


def complaints_of(workflow, presets):
    jobs = workflow.get("jobs") if isinstance(workflow, dict) else None
    if not isinstance(jobs, dict) or not jobs:
        yield "no jobs"
        return
    for name, job in jobs.items():
        for complaint in complaints_of_job(job, presets):
            yield f"job {name} {complaint}"


def main():
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".github/workflows/ci.yml"
    told = json.loads((ROOT / "CMakePresets.json").read_text())
    presets = {preset["name"] for preset in told["configurePresets"]}
    try:
        complaints = list(complaints_of(yaml.safe_load(path.read_text()), presets))
    except yaml.YAMLError as error:
        complaints = [f"is no YAML: {error}"]
    for complaint in complaints:
        print(f"{path.name}: {complaint}", file=sys.stderr)
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
