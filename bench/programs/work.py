"""Objects, strings, JSON, sorting and classes: what a script of the usual kind asks of malloc, and no thread."""

import collections
import json
import os
import random
import re

WORK = int(os.environ.get("TRESTLE_BENCH_WORK", "100"))


class Point:
    def __init__(self, x, y, name):
        self.x, self.y, self.name = x, y, name


def tree(depth, rng):
    if depth == 0:
        return rng.choice([rng.random(), rng.getrandbits(80), "x" * rng.randrange(700), None, True])
    return {f"key{rng.getrandbits(20)}": [tree(depth - 1, rng) for _ in range(4)] for _ in range(3)}


def documents(rng):
    text = json.dumps([tree(3, rng) for _ in range(6)])
    return len(json.dumps(json.loads(text), indent=1))


def words(rng):
    text = " ".join("".join(rng.choices("abcdef", k=rng.randrange(1, 12))) for _ in range(6000))
    counts = collections.Counter(re.findall(r"[a-c]+", text))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:2]


def points(rng):
    every = [Point(rng.randrange(1000), rng.randrange(1000), f"point {i}") for i in range(15000)]
    groups = collections.defaultdict(list)
    for point in every:
        groups[point.x % 50, point.y % 20].append(point)
    return max(len(group) for group in groups.values()), sum(len(p.name) for p in every)


def numbers(rng):
    grid = [[rng.getrandbits(200) for _ in range(60)] for _ in range(60)]
    return sum(a * b % 1009 for row in grid for a, b in zip(row, reversed(row)))


def main():
    rng = random.Random(1)
    for _ in range(max(1, 7 * WORK // 100)):
        print(documents(rng), words(rng), points(rng), numbers(rng))


main()
