"""Script of each process of the test of divided heads: five calls of every head that can be divided."""

from __future__ import annotations

import sys

import numpy as np

from facezoo import backends
from facezoo.canonical.class_rows import divide_classes
from facezoo.canonical.state import get_state
from facezoo.parity.head_case import CLASSES, cases
from facezoo.zoo.catalog import HEADS

STEPS = 5
DTYPES = ("float64", "float32")
RATES = (1.0, 0.999)  # 0.999 samples, and of few classes takes all


def divisible_cases(backend):
    """Every variant of every head whose classes can be divided, on one backend."""
    for name in sorted(HEADS):
        for case in cases(name):
            if case.margin is not None and case.margin.divisible and backend in case.natives:
                yield case


def calls(backend, call, rate=1.0):
    """All arrays of all calls by a key of (head, dtype, step, what)."""
    found = {}
    for case in divisible_cases(backend):
        for dtype in DTYPES if rate == 1 else DTYPES[:1]:
            head = case.build(backend, dtype)
            held = None
            for step in range(STEPS if case.stateful(head) else 1):
                x, labels = case.batch(step, spread=0.5)
                held, out = call(head, held, x.astype(dtype), labels, step)
                key = f"{case}|{dtype}|{step}"
                found[f"{key}|loss"] = np.array(out["loss"])
                found[f"{key}|embeddings"] = out["embeddings"]
                found |= {f"{key}|gradient {name}": value for name, value in out["parameters"].items()}
            found |= {f"{case}|{dtype}|state|{name}": value for name, value in get_state(held).items()}
    return found


def main(backend, folder):
    native, distributed = backends.module(backend, "introspect_heads"), backends.module(backend, "distributed")
    rank, world_size = distributed.join(backends.module(backend, "device").pick_device("cpu"))
    rows = divide_classes(CLASSES, rank, world_size)
    for rate in RATES:

        def part(head, held, x, labels, step, rate=rate):
            if held is None:
                held = head
                held.keep_classes(rows.first, rows.count)
            mine = np.array_split(np.arange(len(x)), world_size)[rank]
            places = {"rank": rank, "world_size": world_size, "step": step}
            return held, native.call_sharded(held, rows, rate, x[mine], labels[mine], **places)

        np.savez(f"{folder}/rank{rank}-rate{rate}.npz", **calls(backend, part, rate))
    distributed.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
