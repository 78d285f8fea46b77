"""One process's share of an alignment run: decode, detect, crop, save."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from facezoo.align.choose import choose
from facezoo.align.create import create_detector
from facezoo.align.crop import warp
from facezoo.align.landmark_file import LandmarkFile
from facezoo.align.quality import pose, sharpness
from facezoo.align.settings import AlignSettings
from facezoo.align.sources import Item
from facezoo.align.table import Row, face_row
from facezoo.align.transform import similarity
from facezoo.align.video import read_frames
from facezoo.data.image import read_image
from facezoo.errors import FacezooError, ImageError, ShapeError
from facezoo.interfaces.detector import Detector, Face

HELD_PIXELS = 8_000_000  # of photos in memory at once, at least one photo

_Loaded = tuple[str, str, np.ndarray]  # key, target, pixels


class Aligner:
    """Aligns photos as the settings say.

    Args:
        settings: what to do.
        out: the output folder.
        detector: in the place of the one that the settings name.
    """

    def __init__(self, settings: AlignSettings, out: str | Path, detector: Detector | None = None) -> None:
        self.settings, self.out = settings, Path(out)
        self._frame = settings.frame()
        self._landmarks = LandmarkFile(settings.landmarks) if settings.landmarks else None
        self._detector = detector
        if detector is None and self._landmarks is None:
            options = dict(settings.options)
            if settings.detector == "mtcnn":
                options = {"whole_pixels": False, **options, "backend": settings.backend, "device": settings.device}
            self._detector = create_detector(settings.detector, **options)

    def align(self, items: Sequence[Item]) -> list[Row]:
        """Crops of these items are saved; their rows are returned."""
        rows: list[Row] = []
        held: list[_Loaded] = []
        for item in items:
            try:
                for loaded in self._read(item):
                    held.append(loaded)
                    if sum(pixels.shape[0] * pixels.shape[1] for _, _, pixels in held) >= HELD_PIXELS:
                        rows += self._flush(held)
                        held = []
            except ImageError as error:
                rows.append(_without(item.key, f"unreadable: {error}"))
        return rows + self._flush(held)

    def _read(self, item: Item) -> Iterator[_Loaded]:
        if not item.video:
            yield item.key, item.target, read_image(item.path, max_pixels=self.settings.max_pixels)
            return
        for number, pixels in read_frames(item.path, self.settings.frame_step, self.settings.max_pixels):
            yield f"{item.key}#{number:06d}", f"{item.target}/{number:06d}", pixels

    def _flush(self, held: list[_Loaded]) -> list[Row]:
        if not held:
            return []
        if self._landmarks is not None:
            found = [self._landmarks.find(key) for key, _, _ in held]
        else:
            assert self._detector is not None
            found = self._detector.detect_batch([pixels for _, _, pixels in held])
        return [row for loaded, faces in zip(held, found, strict=True) for row in self._save(loaded, faces)]

    def _save(self, loaded: _Loaded, found: list[Face]) -> list[Row]:
        key, target, pixels = loaded
        height, width = pixels.shape[:2]
        faces = [face for face in found if face.score >= self.settings.min_score]
        rows: list[Row] = []
        size = {"width": width, "height": height, "faces": len(faces)}
        for number, face in enumerate(choose(faces, self.settings.face, height, width)):
            name = f"{target}_{number}" if self.settings.face == "all" else target
            try:
                matrix = similarity(face.landmarks, self._frame.points)
            except ShapeError as error:
                rows.append({**_without(key, f"bad landmarks: {error}"), **size, "face": number})
                continue
            crop = warp(pixels, matrix, self._frame.size)
            output = f"{name}.{self.settings.format}"
            _write_image(crop, self.out / output)
            row = {"source": key, "face": number, "output": output, "reason": "", **size}
            rows.append(face_row(row, face, matrix, sharpness(crop), pose(face.landmarks)))
        return rows or [{**_without(key, "no face"), **size}]


def _without(key: str, reason: str) -> Row:
    return {"source": key, "face": 0, "output": "", "reason": reason}


def _write_image(crop: np.ndarray, path: Path) -> None:
    """Written aside and renamed. Not synced one by one: the next call looks for crops that a power cut emptied."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.suffix == ".png":
            Image.fromarray(crop).save(part, "PNG", compress_level=1)
        else:
            Image.fromarray(crop).save(part, "JPEG", quality=95, subsampling=0)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


_aligner: Aligner | None = None  # of this worker process


def start(settings: AlignSettings, out: str) -> None:
    """Called once in each worker process."""
    global _aligner
    _aligner = Aligner(settings, out)


def work(items: Sequence[Item]) -> list[Row]:
    """Called in a worker process for each share of the work."""
    if _aligner is None:
        raise FacezooError("the worker process was not started")
    return _aligner.align(items)
