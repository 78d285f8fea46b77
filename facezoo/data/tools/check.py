"""Checking a data set: every image is decoded, in several processes or on Ray."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from facezoo.bulk import Engine
from facezoo.data.sources.open_random_access import PairImages, open_random_access
from facezoo.data.sources.open_source import data_kind
from facezoo.data.sources.recordio import RecordIO, read_property
from facezoo.data.sources.shard_index import ShardImages
from facezoo.data.tools.decode import decode_all
from facezoo.download.urls import shown_path
from facezoo.errors import DataError
from facezoo.io.progress import OnProgress, ignore_progress


@dataclass
class CheckReport:
    """The result of a check.

    Attributes:
        path: the data set.
        kind: "folder", "list", "rec", "shards" or "bin".
        images: number of images it lists.
        identities: number of identities; 0 for pairs.
        pairs: number of pairs of a ``.bin``, else 0.
        broken: (key, reason) of each image that cannot be decoded.
        small: identities with fewer readable images than ``min_images``, and how many each has.
        duplicates: groups of keys whose pixels are equal; of a ``.bin`` only within a pair.
        mislabelled: groups of duplicates with different identities.
        sizes: "WIDTHxHEIGHT" -> images.
        notes: other contradictions.
    """

    path: str
    kind: str
    images: int = 0
    identities: int = 0
    pairs: int = 0
    broken: list[tuple[str, str]] = field(default_factory=list)
    small: dict[str, int] = field(default_factory=dict)
    duplicates: list[list[str]] = field(default_factory=list)
    mislabelled: list[list[str]] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As a dict for JSON."""
        return asdict(self)


def check_data(
    path: str | Path,
    *,
    min_images: int = 2,
    workers: int | None = 1,
    engine: str | Engine = "local",
    keep_parts: str | Path | None = None,
    on_progress: OnProgress = ignore_progress,
) -> CheckReport:
    """Decode everything a data path holds.

    Args:
        path: anything :func:`open_source` opens, or a verification ``.bin``.
        min_images: identities with fewer readable images are listed.
        workers: processes that decode, 1 or more; None: one per core.
        engine: "local", "ray" or an :class:`facezoo.bulk.Engine`; with Ray on several machines, all of them read
            ``path``.
        keep_parts: folder that keeps finished parts, so that a killed call continues there; deleted at the end.
        on_progress: called with the number of images done, and of all.

    Raises:
        DataError: it cannot be opened.
        ConfigError: ``workers`` is below 1.
    """
    engine = Engine.of(engine, workers)
    source = open_random_access(path)
    report = CheckReport(shown_path(path), data_kind(path), len(source), source.num_classes)
    if isinstance(source, ShardImages):
        report.broken += source.broken
        report.images += len(source.broken)
    pixels: dict[str, list[int]] = defaultdict(list)
    sizes: Counter[str] = Counter()
    readable = np.zeros(source.num_classes, np.int64)
    for image in decode_all(source, path, engine, keep_parts, on_progress):
        if image.error:
            report.broken.append((source.key(image.index), image.error))
        else:
            pixels[image.digest].append(image.index)
            sizes[f"{image.width}x{image.height}"] += 1
            readable[source.labels[image.index]] += 1
    report.sizes = dict(sizes.most_common())
    groups = [group for group in pixels.values() if len(group) > 1]
    if isinstance(source, PairImages):
        report.pairs, report.identities = len(source.pairs), 0
        groups = _within_pairs(groups)
    else:
        few = np.flatnonzero(readable < min_images)
        report.small = {source.class_names[label]: int(readable[label]) for label in few}
    for group in groups:
        report.duplicates.append([source.key(index) for index in group])
        if len({int(source.labels[index]) for index in group}) > 1:
            report.mislabelled.append(report.duplicates[-1])
    if isinstance(source, RecordIO):
        report.notes += _notes(source)
    if keep_parts is not None:
        shutil.rmtree(keep_parts, ignore_errors=True)
    return report


def _within_pairs(groups: list[list[int]]) -> list[list[int]]:
    """Of the equal images of a ``.bin``, those within a pair: a set may use an image in many pairs."""
    return [[i, i + 1] for group in groups for i in group if i % 2 == 0 and i + 1 in group]


_Result = tuple[int, str, str, str]  # image number, error or "", "WxH", digest of the pixels


def _notes(source: RecordIO) -> list[str]:
    notes = []
    try:
        stated = read_property(source.path.parent)
        if stated and stated[0] != source.num_classes:
            notes.append(f"property states {stated[0]} identities; the records hold {source.num_classes}")
    except DataError as error:
        notes.append(str(error))
    wrong = source.against_ranges()
    if len(wrong):
        notes.append(
            f"{len(wrong)} images are in the range of another identity than their own header states, "
            f"such as {source.key(int(wrong[0]))}"
        )
    return notes
