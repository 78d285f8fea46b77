"""InsightFace packs: ``train.rec`` with its index, ``property``, and verification sets ``*.bin``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np

from facezoo.data.sources.recordio import RecordIO, read_property
from facezoo.data.sources.verification_bin import read_verification_bin
from facezoo.datasets.importers.result import Imported
from facezoo.datasets.schema import DataSet
from facezoo.download import extract, staged_folder
from facezoo.errors import DataError
from facezoo.io.progress import OnProgress

PACK_FILES = ("train.rec", "train.idx", "train.lst", "property")
LOOKED_AT = 16  # images decoded to check the pack


def pack_path(member: str) -> str | None:
    """The file's own name when it belongs to a pack, else None.

    >>> pack_path("faces_emore/cfp_fp.bin"), pack_path("faces_emore/README.md")
    ('cfp_fp.bin', None)
    """
    name = member.rsplit("/", 1)[-1]
    return name if name in PACK_FILES or name.endswith(".bin") else None


def import_pack(path: Path, out: Path, entry: DataSet | None, partial: bool, on_progress: OnProgress) -> Imported:
    """Copy a pack from an archive, a folder or a single ``.bin`` into a new folder, and check it.

    Files of a folder are hard-linked where the disk supports it.

    Raises:
        DataError: there is no pack in it, or a file of it is broken.
        UnsafeFileError: a ``.bin`` holds more than images.
    """
    results = []

    def check(folder: Path) -> None:
        results.append(inspect_pack(folder, entry.name if entry else ""))
        results[0].write(folder)

    if path.is_dir() or path.suffix == ".bin":
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        with staged_folder(out) as folder:
            for file in files:
                if file.is_file() and pack_path(file.name):
                    _link(file, folder / file.name)
            check(folder)
    else:
        extract(path, out, rename=pack_path, on_progress=on_progress, check=check)
    return results[0]


def _link(file: Path, to: Path) -> None:
    try:
        os.link(file.resolve(), to)
    except OSError:  # another disk, or one without hard links
        shutil.copyfile(file, to)


def inspect_pack(folder: Path, name: str) -> Imported:
    """Open everything in a pack and decode a few images of each part.

    Raises:
        DataError: it is empty, or a part is not valid.
    """
    details: dict[str, object] = {}
    images = identities = 0
    if (folder / "train.rec").exists():
        source = RecordIO(folder)
        images, identities = len(source), source.num_classes
        for index in np.unique(np.linspace(0, images - 1, LOOKED_AT).astype(int)):
            source.image(int(index))
        stated = read_property(folder)
        if stated is not None and stated[0] != identities:
            details["property"] = f"states {stated[0]} identities; the records hold {identities}"
    sets = {}
    for file in sorted(folder.glob("*.bin")):
        pairs = read_verification_bin(file)
        pairs.image(0)
        pairs.image(2 * len(pairs) - 1)
        sets[file.stem] = len(pairs)
    if not images and not sets:
        raise DataError("not an InsightFace pack: expected train.rec or a verification .bin in it")
    details["verification_pairs"] = sets
    return Imported(name, "insightface", images, identities, details)
