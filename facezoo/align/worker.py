"""The work of one process of an alignment run: decode, detect, crop, save."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from facezoo.align.create import create_detector
from facezoo.align.crop import warp
from facezoo.align.detect_faces import PhotoFaces, detect_faces
from facezoo.align.landmark_file import LandmarkFile
from facezoo.align.quality import pose, sharpness
from facezoo.align.settings import AlignSettings
from facezoo.align.sources import Item, as_text, stamp
from facezoo.align.table import Row, face_row, photo_of
from facezoo.align.transform import similarity
from facezoo.align.video import read_frames
from facezoo.data.image import read_image
from facezoo.errors import BackendUnavailableError, ImageError, ShapeError
from facezoo.interfaces.detector import Detector


class Aligner:
    """Aligns photos as the settings say.

    Args:
        settings: how photos are aligned.
        out: the output folder.
        detector: used instead of the one in the settings.
    """

    def __init__(self, settings: AlignSettings, out: str | Path, detector: Detector | None = None) -> None:
        self.settings, self.out = settings, Path(out)
        self._frame = settings.frame()
        self._detector: Detector | LandmarkFile
        if settings.landmarks is not None:
            self._detector = LandmarkFile(settings.landmarks)
        else:
            self._detector = _create_detector(settings) if detector is None else detector

    def align(self, items: Sequence[Item]) -> list[Row]:
        """Save the crops of these items and return their rows."""
        rows: list[Row] = []
        targets: dict[str, str] = {}
        states = {item.key: stamp(item.path) for item in items}  # before they are read
        photos = self._read(items, targets, rows)
        for photo in detect_faces(photos, self._detector, self.settings.face, min_score=self.settings.min_score):
            rows += self._save(photo, targets.pop(photo.key))
        return [{**row, **states[photo_of(row)]} for row in rows]

    def _read(
        self, items: Sequence[Item], targets: dict[str, str], rows: list[Row]
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Photos and video frames with their keys; enters the path of each crop, and a row per unreadable item."""
        for item in items:
            try:
                for key, target, pixels in self._decode(item):
                    targets[key] = target
                    yield key, pixels
            except (ImageError, BackendUnavailableError) as error:  # a video without PyAV must not stop the photos
                rows.append(_without(item.key, f"unreadable: {error}"))

    def _decode(self, item: Item) -> Iterator[tuple[str, str, np.ndarray]]:
        if not item.video:
            yield item.key, item.target, read_image(item.path, max_pixels=self.settings.max_pixels)
            return
        for number, pixels in read_frames(item.path, self.settings.frame_step, self.settings.max_pixels):
            yield f"{item.key}#{number:06d}", f"{item.target}/{number:06d}", pixels

    def _save(self, photo: PhotoFaces, target: str) -> list[Row]:
        height, width = photo.pixels.shape[:2]
        rows: list[Row] = []
        size = {"width": width, "height": height, "faces": photo.count}
        for number, face in enumerate(photo.chosen):
            name = f"{target}_{number}" if self.settings.face == "all" else target
            try:
                matrix = similarity(face.landmarks, self._frame.points)
            except ShapeError as error:
                rows.append({**_without(photo.key, f"bad landmarks: {error}"), **size, "face": number})
                continue
            crop = warp(photo.pixels, matrix, self._frame.size)
            output = f"{name}.{self.settings.format}"
            _write_image(crop, self.out / output)
            row = {"source": photo.key, "face": number, "output": output, "reason": "", **size}
            rows.append(face_row(row, face, matrix, sharpness(crop), pose(face.landmarks)))
        return rows or [{**_without(photo.key, "no face"), **size}]


def _create_detector(settings: AlignSettings) -> Detector:
    options = dict(settings.options)
    if settings.detector == "mtcnn":
        options = {"whole_pixels": False, **options, "backend": settings.backend, "device": settings.device}
    return create_detector(settings.detector, **options)


def _without(key: str, reason: str) -> Row:
    return {"source": key, "face": 0, "output": "", "reason": as_text(reason)}


def _write_image(crop: np.ndarray, path: Path) -> None:
    """Write to a temporary file and rename it. No fsync: the next call finds crops that a power failure emptied.

    The temporary file has always the same name, so that the next call overwrites what a killed one left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        if path.suffix == ".png":
            Image.fromarray(crop).save(part, "PNG", compress_level=1)
        else:
            Image.fromarray(crop).save(part, "JPEG", quality=95, subsampling=0)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def aligning(settings: AlignSettings, out: Path) -> Callable[[Sequence[Item]], list[Row]]:
    """The function of a worker process from some items to their rows."""
    return Aligner(settings, out).align


def parts_left_in(out: Path, items: Iterable[Item]) -> Iterator[Path]:
    """Crops that were never finished, in the folders of the crops of these items."""
    for folder in {(out / item.target).parent for item in items}:
        yield from folder.glob(".*.part")
