"""Masked copies of a folder of faces."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from facezoo.bulk.engine import Engine
from facezoo.bulk.run import run_shards
from facezoo.data.image import IMAGE_SUFFIXES, read_image
from facezoo.data.transforms.masks.wear import KINDS, WornMask, choose_mask
from facezoo.errors import ConfigError, DataError, ImageError
from facezoo.io.files import atomic_write
from facezoo.io.progress import OnProgress, ignore_progress
from facezoo.rng import generator

PART = 64  # images of a part of the work
SETTINGS, TABLE = ".masks.json", "masks.csv"


@dataclass(frozen=True)
class MaskSettings:
    """How faces are masked.

    Attributes:
        share: of the images that get a mask, 0..1; the others are copied.
        mesh_share: of the masks that are drawn in three dimensions, 0..1; the others are flat.
        low_share: of the masks that are worn under the nose or at the chin, 0..1.
        kinds: of masks.
        seed: of the choice. The mask of an image depends on the seed and the image's path in the folder.
    """

    share: float = 1.0
    mesh_share: float = 0.5
    low_share: float = 0.1
    kinds: tuple[str, ...] = KINDS
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise ConfigError(f"share is {self.share}; expected 0..1")
        if not self.kinds:
            raise ConfigError("kinds is empty; expected at least one kind of mask")

    def choose(self, name: str) -> tuple[WornMask | None, np.random.Generator]:
        """The mask of the image at this path in the folder, with "/", and the generator that draws it."""
        rng = generator(self.seed, "mask", name)
        if rng.random() >= self.share:
            return None, rng
        return choose_mask(rng, mesh_share=self.mesh_share, low_share=self.low_share, kinds=self.kinds), rng


@dataclass(frozen=True)
class Masked:
    """What happened to one image; ``error`` is "" if it was written or was there before."""

    name: str
    generator: str = ""
    kind: str = ""
    worn: str = ""
    error: str = ""


def mask_folder(
    data: str | Path,
    out: str | Path,
    settings: MaskSettings | None = None,
    *,
    landmarks: Mapping[str, np.ndarray] | None = None,
    engine: str | Engine = "local",
    on_progress: OnProgress = ignore_progress,
) -> list[Masked]:
    """Write a copy of a folder of faces in which faces wear masks, and ``masks.csv``, which says which.

    Paths and file formats stay the same. A call that was interrupted can be repeated: images that are there already
    are not drawn again. Images without a mask are copied byte by byte.

    Args:
        data: folder of images, with or without folders of identities.
        out: folder of the copies.
        settings: how faces are masked; None: the defaults.
        landmarks: path in the folder -> (5, 2) in pixels; None: all images are aligned crops. With a table, images
            that it lacks are left out.
        engine: where the images are drawn; the result does not depend on it.
        on_progress: called with the number of images done, and their total.

    Returns:
        One entry for each image, in the order of the paths; also in ``masks.csv``.

    Raises:
        DataError: the folder holds no images, or none of them can be used.
        ConfigError: ``out`` is in ``data``, or holds copies that were made with other settings.
    """
    data, out, settings = Path(data), Path(out), settings or MaskSettings()
    names = _names(data)
    if out.resolve().is_relative_to(data.resolve()):
        raise ConfigError(f"{str(out)!r} is in {str(data)!r}; expected a folder outside of it")
    _check_settings(out, settings)
    points = None if landmarks is None else {name: landmarks[name] for name in names if name in landmarks}
    parts = [names[at : at + PART] for at in range(0, len(names), PART)]
    shards = [(part, None if points is None else {name: points.get(name) for name in part}) for part in parts]
    made: dict[int, list[Masked]] = {}
    for number, result in run_shards(partial(_worker, data, out, settings), shards, engine=engine):
        made[number] = result
        on_progress(sum(map(len, made.values())), len(names))
    rows = [row for number in range(len(parts)) for row in made[number]]
    _write_table(out / TABLE, rows)
    if all(row.error for row in rows):
        raise DataError(f"none of {len(rows)} images of {str(data)!r} can be used; the first: {rows[0].error}")
    return rows


def _names(data: Path) -> list[str]:
    if not data.is_dir():
        raise DataError(f"no folder {str(data)!r}; expected images, with or without folders of identities")
    found = [path for path in data.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]
    if not found:
        raise DataError(f"no images in {str(data)!r}; expected {', '.join(sorted(IMAGE_SUFFIXES))}")
    return sorted(path.relative_to(data).as_posix() for path in found)


def _check_settings(out: Path, settings: MaskSettings) -> None:
    path, values = out / SETTINGS, json.loads(json.dumps(asdict(settings)))
    if path.is_file():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            before = None
        if before != values:
            raise ConfigError(
                f"{str(out)!r} holds copies that were made with {before}; give those settings, or a new OUT"
            )
        return
    if out.is_dir() and any(out.iterdir()):
        raise ConfigError(f"{str(out)!r} is not empty; expected a new folder, or one of an earlier call")
    out.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as part:
        part.write_text(json.dumps(values), encoding="utf-8")


class _Worker:
    def __init__(self, data: Path, out: Path, settings: MaskSettings) -> None:
        self.data, self.out, self.settings = data, out, settings

    def __call__(self, shard: tuple[Sequence[str], Mapping[str, np.ndarray | None] | None]) -> list[Masked]:
        names, points = shard
        return list(self._all(names, points))

    def _all(self, names: Sequence[str], points: Mapping[str, np.ndarray | None] | None) -> Iterator[Masked]:
        for name in names:
            if points is not None and points[name] is None:
                yield Masked(name, error="the table of landmarks lacks it")
                continue
            try:
                yield self._one(name, None if points is None else points[name])
            except ImageError as error:
                yield Masked(name, error=str(error))

    def _one(self, name: str, landmarks: np.ndarray | None) -> Masked:
        source, target = self.data / name, self.out / name
        worn, rng = self.settings.choose(name)
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            image = read_image(source)
            with atomic_write(target) as part:
                if worn is None:
                    shutil.copyfile(source, part)
                else:
                    _save(worn.draw(image, rng, landmarks), part, target.suffix.lower())
        return Masked(name) if worn is None else Masked(name, worn.generator, worn.kind, worn.worn)


def _worker(data: Path, out: Path, settings: MaskSettings) -> _Worker:
    return _Worker(data, out, settings)


def _save(image: np.ndarray, path: Path, suffix: str) -> None:
    from PIL import Image

    kinds = {".png": "PNG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF", ".gif": "GIF"}
    picture = Image.fromarray(image)
    if suffix in kinds:
        picture.save(path, kinds[suffix])
    elif suffix in (".ppm", ".pgm"):
        picture.save(path, "PPM")
    else:
        picture.save(path, "JPEG", quality=95)


def _write_table(path: Path, rows: Sequence[Masked]) -> None:
    with atomic_write(path) as part, part.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        table = csv.writer(file)
        table.writerow(["file", "generator", "kind", "worn", "error"])
        table.writerows([row.name, row.generator, row.kind, row.worn, row.error] for row in rows)
