"""Objects of many sizes, threads, child processes and JSON. Prints only what does not depend on time or address."""

import collections
import concurrent.futures
import hashlib
import json
import multiprocessing
import random
import re
import threading
import zlib


def tree(depth, rng):
    if depth == 0:
        return rng.choice([rng.random(), rng.getrandbits(80), "x" * rng.randrange(300), None, True])
    return {f"key{rng.getrandbits(20)}": [tree(depth - 1, rng) for _ in range(4)] for _ in range(3)}


def json_round(seed):
    rng = random.Random(seed)
    value = tree(4, rng)
    text = json.dumps(value, sort_keys=True)
    assert json.loads(text) == value
    return hashlib.sha256(text.encode()).hexdigest()


def text_round(seed):
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdef", k=rng.randrange(1, 12))) for _ in range(20000)]
    counts = collections.Counter(re.findall(r"[a-c]+", " ".join(words)))
    packed = zlib.compress(" ".join(words).encode())
    return counts.most_common(3), len(zlib.decompress(packed))


def threads():
    """Strings are made in one thread and dropped in another."""
    queue = collections.deque()
    space = threading.Semaphore(64)
    ready = threading.Semaphore(0)

    def produce():
        rng = random.Random(5)
        for _ in range(20000):
            space.acquire()
            queue.append(bytes(rng.randrange(3000)))
            ready.release()

    producers = [threading.Thread(target=produce) for _ in range(2)]
    for thread in producers:
        thread.start()
    total = 0
    for _ in range(40000):
        ready.acquire()
        total += len(queue.popleft())
        space.release()
    for thread in producers:
        thread.join()
    return total


def main():
    print([json_round(seed) for seed in range(6)])
    print(text_round(1))
    print(threads())
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        print(list(pool.map(json_round, range(6))))
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(method, pool.map(json_round, range(6)))
    big = bytearray(8 << 20)
    for size in range(1, 40):
        big.extend(bytes(size << 12))
    print(len(big), hashlib.sha256(big).hexdigest())


if __name__ == "__main__":
    main()
