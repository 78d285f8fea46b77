"""Random numbers that depend on the seed and their purpose only."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *purpose: int | str) -> np.random.Generator:
    """A generator for one purpose: the same (seed, purpose) always gives the same numbers.

    The numbers do not depend on the number of workers, the order of calls or the backend.

    Args:
        seed: the run's seed, 0 or more.
        purpose: what the numbers are for, such as ``("augment", epoch, index)``.

    >>> float(generator(0, "a", 1).random()) == float(generator(0, "a", 1).random())
    True
    """
    text = "\x1f".join([str(int(seed)), *(f"{type(part).__name__[0]}{part}" for part in purpose)])
    digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))
