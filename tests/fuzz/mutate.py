"""Random damage to bytes: the changes that break readers of files."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

import numpy as np

_NUMBERS = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 40,
    (1 << 63) - 1,
    (1 << 64) - 1,
)
_WORDS = (
    b"-1",
    b"0",
    b"1e309",
    b"nan",
    b"99999999999999999999",
    b"4294967297",
    b"",
    b"'",
    b'"',
    b"\xff\xfe",
    b"\n",
    b"../",
)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")


def mutate(data: bytes, rng: np.random.Generator, corpus: Sequence[bytes]) -> bytes:
    """``data`` with one to four changes."""
    for _ in range(int(rng.integers(1, 5))):
        data = _CHANGES[int(rng.integers(len(_CHANGES)))](data, rng, corpus)
    return data


def _at(data: bytes, rng: np.random.Generator) -> int:
    """A random position, more often near the start, where headers are."""
    if not data:
        return 0
    return int(rng.integers(min(len(data), 256))) if rng.random() < 0.5 else int(rng.integers(len(data)))


def _flip(data: bytes, rng: np.random.Generator, corpus: Sequence[bytes]) -> bytes:
    at = _at(data, rng)
    return data[:at] + bytes([data[at] ^ (1 << int(rng.integers(8)))]) + data[at + 1 :] if data else data


def _length(data: bytes, rng: np.random.Generator, corpus: Sequence[bytes]) -> bytes:
    at, form = _at(data, rng), "<>"[int(rng.integers(2))] + "BHIQ"[int(rng.integers(4))]
    value = _NUMBERS[int(rng.integers(len(_NUMBERS)))] % (1 << 8 * struct.calcsize(form))
    return data[:at] + struct.pack(form, value) + data[at + struct.calcsize(form) :]


def _cut(data: bytes, rng: np.random.Generator, corpus: Sequence[bytes]) -> bytes:
    at = _at(data, rng)
    return data[:at] + data[at + int(rng.integers(1, 64)) :]


def _truncate(data: bytes, rng: np.random.Generator, corpus: Sequence[bytes]) -> bytes:
    return data[: _at(data, rng)]


def _repeat(data: bytes, rng: np.random.Generator, corpus: Sequence[bytes]) -> bytes:
    at, size = _at(data, rng), int(rng.integers(1, 64))
    return data[: at + size] * 1 + data[at : at + size] * int(rng.integers(1, 4)) + data[at + size :]


def _noise(data: bytes, rng: np.random.Generator, corpus: Sequence[bytes]) -> bytes:
    at = _at(data, rng)
    return data[:at] + rng.bytes(int(rng.integers(1, 16))) + data[at:]


def _splice(data: bytes, rng: np.random.Generator, corpus: Sequence[bytes]) -> bytes:
    other = corpus[int(rng.integers(len(corpus)))]
    return data[: _at(data, rng)] + other[_at(other, rng) :]


def _word(data: bytes, rng: np.random.Generator, corpus: Sequence[bytes]) -> bytes:
    """Replace a number in text, or insert at a random position, one of ``_WORDS``."""
    found = list(_NUMBER.finditer(data[:100_000]))
    word = _WORDS[int(rng.integers(len(_WORDS)))]
    if not found:
        at = _at(data, rng)
        return data[:at] + word + data[at:]
    one = found[int(rng.integers(len(found)))]
    return data[: one.start()] + word + data[one.end() :]


_CHANGES = (_flip, _flip, _length, _length, _cut, _truncate, _repeat, _noise, _splice, _word, _word)
