"""Identities from the paths of images: one rule for galleries, embeddings, lists of pairs and stored names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath, PurePosixPath


def identity_of(path: str | PurePath) -> str:
    """The identity on an image: the first folder of its path below the root; the name of an image without a folder.

    Folders below the first, such as years or videos, do not matter.

    Args:
        path: relative to the root.

    >>> identity_of("Abel_Pacheco/2019/0004.jpg"), identity_of("anna.jpg")
    ('Abel_Pacheco', 'anna')
    """
    parts = PurePosixPath(path).parts
    return parts[0] if len(parts) > 1 else PurePosixPath(path).stem


def root_depth(names: Iterable[str]) -> int:
    """The number of folders that all names share and that are no person's: each name has another folder below them.

    >>> root_depth(["lfw/ANN/1.jpg", "lfw/BOB/2.jpg"]), root_depth(["ANN/1.jpg", "ANN/2.jpg"])
    (1, 0)
    """
    paths = [PurePosixPath(name).parts for name in names]
    depth = 0
    while paths and all(len(parts) > depth + 2 and parts[depth] == paths[0][depth] for parts in paths):
        depth += 1
    return depth


def identities_of(names: Iterable[str]) -> list[str]:
    """The identity on each image of a list, whose root is not given.

    The root is the folder that all names share, as ``lfw`` in ``lfw/ANN/1.jpg`` and ``lfw/BOB/1.jpg``, if each name
    has another folder below it.

    >>> identities_of(["lfw/ANN/1.jpg", "lfw/BOB/2.jpg"]), identities_of(["ANN/1.jpg", "ANN/2.jpg"])
    (['ANN', 'BOB'], ['ANN', 'ANN'])
    """
    listed = list(names)
    depth = root_depth(listed)
    return [identity_of(PurePosixPath(*PurePosixPath(name).parts[depth:])) for name in listed]
