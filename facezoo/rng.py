"""Random numbers that depend on what they are for, and on nothing else."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *words: int | str) -> np.random.Generator:
    """A generator for one purpose: the same (seed, words) always gives the same numbers.

    Neither the number of workers, nor the order of calls, nor the backend changes what comes out.

    Args:
        seed: the run's seed, 0 or more.
        words: what the numbers are for, such as ``("augment", epoch, index)``.

    >>> float(generator(0, "a", 1).random()) == float(generator(0, "a", 1).random())
    True
    """
    text = "\x1f".join([str(int(seed)), *(f"{type(word).__name__[0]}{word}" for word in words)])
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))
