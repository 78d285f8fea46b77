"""Decoding every image of a data set, in parts that an engine computes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from facezoo.bulk import Engine, Keep, run_shards
from facezoo.bulk.keep import load_json, save_json
from facezoo.data.sources.source import Source
from facezoo.errors import ImageError
from facezoo.io.progress import OnProgress

_CHUNK = 64  # images of a part


@dataclass(frozen=True)
class Decoded:
    """What is known of an image after decoding it.

    Attributes:
        index: its number in the source.
        error: why it cannot be decoded; "" if it can.
        width: in pixels; 0 if it cannot be decoded.
        height: in pixels.
        digest: hash of the pixels and of their shape.
    """

    index: int
    error: str
    width: int = 0
    height: int = 0
    digest: str = ""


def decode_all(
    source: Source, path: str | Path, engine: Engine, parts: str | Path | None, on_progress: OnProgress
) -> list[Decoded]:
    """Every image of a source, in order of its number.

    Args:
        source: of the images; sent to the workers.
        path: of the data, as given by the user.
        engine: computes the parts.
        parts: folder that keeps finished parts; None keeps none. The caller deletes it.
        on_progress: called with the number of images done, and of all.
    """
    keep = None if parts is None else Keep(parts, _job(source, Path(path)), save_json, load_json, ".json")
    chunks = [range(start, min(start + _CHUNK, len(source))) for start in range(0, len(source), _CHUNK)]
    found: list[list[Decoded]] = [[]] * len(chunks)
    done = 0
    for number, results in run_shards(partial(_decoder, source), chunks, engine=engine, keep=keep):
        found[number] = [Decoded(*values) for values in results]
        done += len(results)
        on_progress(done, len(source))
    return [image for chunk in found for image in chunk]


def _decoder(source: Source) -> Callable[[range], list[list[Any]]]:
    """The function of a worker process, from numbers of images to the values of :class:`Decoded`."""

    def decode(index: int) -> list[Any]:
        try:
            image = source.image(index)
        except ImageError as error:
            return [index, str(error)]
        digest = hashlib.blake2b(image.data, digest_size=16, salt=str(image.shape).encode()[:16])
        return [index, "", image.shape[1], image.shape[0], digest.hexdigest()]

    return lambda chunk: [decode(index) for index in chunk]


def _job(source: Source, path: Path) -> dict[str, Any]:
    """What the results depend on: the names, labels and files of the data set."""
    digest = hashlib.sha256("\0".join(source.class_names).encode("utf-8", "surrogateescape"))
    digest.update(source.labels.tobytes())
    files: Iterable[str] = (source.key(index) for index in range(len(source)))  # paths, for folders and lists
    if len(source) and not os.path.isfile(source.key(0)):
        files = [str(path)] if path.is_file() else sorted(str(file) for file in path.iterdir() if file.is_file())
    for file in files:
        try:
            state = os.stat(file)
        except OSError:
            continue
        digest.update(f"{file}\0{state.st_size}\0{state.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
    return {"work": "decode", "path": os.path.abspath(path), "data": digest.hexdigest()}
