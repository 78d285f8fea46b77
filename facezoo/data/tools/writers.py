"""Writing a source in another layout; stored JPEG and PNG bytes are copied unchanged."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facezoo.data.image import png_bytes, read_image
from facezoo.data.sources.encoded import encoded_image
from facezoo.data.sources.record_framing import pack_header, write_record
from facezoo.data.sources.shard_index import shard_name, write_index
from facezoo.data.sources.source import Source
from facezoo.data.tools.decode import Decoded
from facezoo.errors import ConfigError, DataError, ImageError, UnsafeFileError
from facezoo.io.files import atomic_folder
from facezoo.io.progress import OnProgress, ignore_progress
from facezoo.rng import generator

Broken = Callable[[str, ImageError], None]  # called with the key and the error of an image that is left out

_SUFFIX = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG": ".png",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
}


def by_identity(source: Source) -> np.ndarray:
    """Image numbers ordered by label, within a label as in the source; int64 (n,)."""
    return np.argsort(source.labels, kind="stable")


@dataclass(frozen=True)
class Image:
    """One readable image.

    Attributes:
        index: its number in the source.
        data: the stored bytes.
        shape: (height, width).
    """

    index: int
    data: bytes
    shape: tuple[int, int]

    def png(self) -> bytes:
        """The image as PNG."""
        return png_bytes(read_image(self.data))


def readable(
    source: Source,
    order: np.ndarray,
    broken: Broken | None,
    on_progress: OnProgress = ignore_progress,
    decoded: Sequence[Decoded] | None = None,
) -> Iterator[Image]:
    """The readable images of a source.

    Args:
        source: of the images.
        order: int64 (n,), the image numbers to visit.
        broken: called for an image that cannot be decoded; None raises the error.
        on_progress: called after each image with the number of images done, and of all.
        decoded: the results of :func:`facezoo.data.tools.decode.decode_all`; None decodes each image here.
    """
    for done, index in enumerate(order.tolist(), 1):
        try:
            yield _checked(source, index, decoded)
        except ImageError as error:
            if broken is None:
                raise
            broken(source.key(index), error)
        on_progress(done, len(order))


def _checked(source: Source, index: int, decoded: Sequence[Decoded] | None) -> Image:
    if decoded is None:
        data = encoded_image(source, index)
        height, width = read_image(data, name=source.key(index)).shape[:2]
        return Image(index, data, (height, width))
    known = decoded[index]
    if known.error:
        raise ImageError(known.error)
    return Image(index, encoded_image(source, index), (known.height, known.width))


def suffix_of(data: bytes) -> str | None:
    r"""The file name extension for encoded bytes, or None for other formats.

    >>> suffix_of(b"\xff\xd8\xff\xe0")
    '.jpg'
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    return next((suffix for magic, suffix in _SUFFIX.items() if data.startswith(magic)), None)


def check_name(name: str) -> str:
    """The name of an identity, checked to be usable as a folder's name.

    Raises:
        UnsafeFileError: it is empty, too long, hidden, or leads out of the folder.
    """
    if not name or name.startswith(".") or any(c in name for c in "/\\\0") or len(os.fsencode(name)) > 255:
        raise UnsafeFileError(f"identity name {name[:80]!r} cannot be a folder's name")
    return name


def write_folder(
    source: Source,
    out: Path,
    *,
    broken: Broken | None = None,
    on_progress: OnProgress = ignore_progress,
    decoded: Sequence[Decoded] | None = None,
) -> int:
    """Write ``OUT/IDENTITY/00000000.jpg``, numbered as in the source; returns the number of images written.

    The other arguments are those of :func:`readable`.
    """
    written = 0
    for name in source.class_names:
        check_name(name)
    with atomic_folder(out) as part:
        for image in readable(source, by_identity(source), broken, on_progress, decoded):
            suffix = suffix_of(image.data)
            folder = part / source.class_names[source.labels[image.index]]
            folder.mkdir(exist_ok=True)
            (folder / f"{image.index:08d}{suffix or '.png'}").write_bytes(image.data if suffix else image.png())
            written += 1
        _some(written, source)
    return written


def write_recordio(
    source: Source,
    out: Path,
    *,
    identity_headers: bool = True,
    broken: Broken | None = None,
    on_progress: OnProgress = ignore_progress,
    decoded: Sequence[Decoded] | None = None,
) -> int:
    """Write InsightFace's pack: ``train.rec``, ``train.idx``, ``property`` and ``train.names.json``.

    Args:
        source: of the images, which are written by identity.
        out: the new folder.
        identity_headers: write a header record first and one record per identity last, as in InsightFace's packs; else
            image records only.
        broken: called for an image that cannot be decoded and is left out; None raises the error.
        on_progress: called after each image with the number of images done, and of all.
        decoded: what is known of the images; None decodes each.

    Returns:
        The number of images written.
    """
    labels: list[int] = []
    shape = (0, 0)
    first = 1 if identity_headers else 0
    with atomic_folder(out) as part, open(part / "train.rec", "wb") as stream:
        offsets: dict[int, int] = {}

        def put(number: int, label: float | np.ndarray, data: bytes = b"") -> None:
            offsets[number] = stream.tell()
            write_record(stream, pack_header(label, number) + data)

        if identity_headers:  # its numbers are filled in at the end
            put(0, np.zeros(2))
        for image in readable(source, by_identity(source), broken, on_progress, decoded):
            shape = shape if labels else image.shape
            put(first + len(labels), float(source.labels[image.index]), image.data)
            labels.append(int(source.labels[image.index]))
        _some(len(labels), source)
        if identity_headers:
            ranges = _ranges(labels)
            for at, bounds in enumerate(ranges):
                put(first + len(labels) + at, bounds)
            stream.seek(0)
            put(0, np.array([first + len(labels), first + len(labels) + len(ranges)]))
        lines = (f"{number}\t{offset}\n" for number, offset in sorted(offsets.items()))
        (part / "train.idx").write_text("".join(lines), encoding="ascii")
        (part / "property").write_text(f"{source.num_classes},{shape[0]},{shape[1]}", encoding="ascii")
        (part / "train.names.json").write_text(json.dumps(source.class_names), encoding="utf-8")
    return len(labels)


def write_shards(
    source: Source,
    out: Path,
    *,
    per_shard: int = 4096,
    seed: int = 0,
    broken: Broken | None = None,
    on_progress: OnProgress = ignore_progress,
    decoded: Sequence[Decoded] | None = None,
) -> int:
    """Write tar shards in webdataset layout, the images shuffled by ``seed``.

    Args:
        source: of the images.
        out: the new folder.
        per_shard: samples per shard.
        seed: of the order. Images of one identity must be spread out, since reading shuffles within a buffer only.
        broken: called for an image that cannot be decoded and is left out; None raises the error.
        on_progress: called after each image with the number of images done, and of all.
        decoded: what is known of the images; None decodes each.

    Returns:
        The number of images written.
    """
    if per_shard < 1:
        raise ConfigError(f"per_shard is {per_shard}; expected 1 or more samples")
    order = generator(seed, "pack").permutation(len(source))
    counts: list[int] = []
    with atomic_folder(out) as part, ExitStack() as open_shard:
        for image in readable(source, order, broken, on_progress, decoded):
            if not counts or counts[-1] == per_shard:
                open_shard.close()
                shard = open_shard.enter_context(
                    tarfile.open(part / shard_name(len(counts)), "w", format=tarfile.USTAR_FORMAT)
                )
                counts.append(0)
            suffix = suffix_of(image.data)
            _add(shard, f"{image.index:09d}{suffix or '.png'}", image.data if suffix else image.png())
            _add(shard, f"{image.index:09d}.cls", str(source.labels[image.index]).encode("ascii"))
            counts[-1] += 1
        open_shard.close()
        _some(sum(counts), source)
        write_index(part, source.class_names, counts)
    return sum(counts)


def _add(shard: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)  # time and owner stay 0, so that the same images give the same shard
    info.size = len(data)
    shard.addfile(info, io.BytesIO(data))


def _ranges(labels: list[int]) -> list[np.ndarray]:
    """Record numbers (first, last + 1) of each identity; images are numbered from 1 and sorted by label."""
    _, starts, counts = np.unique(np.array(labels), return_index=True, return_counts=True)
    return [np.array([start + 1, start + 1 + count]) for start, count in zip(starts, counts, strict=True)]


def _some(written: int, source: Source) -> None:
    if not written:
        raise DataError(f"none of the {len(source)} images can be read; nothing was written")
