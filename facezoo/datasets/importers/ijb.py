"""IJB-B's and IJB-C's meta files, as InsightFace prepared them, into one checked ``meta.npz``.

``*_face_tid_mid.txt``: image, template, media; ``*_template_pair_label.txt``: template, template, 0 or 1;
``*_name_5pts_score.txt``: image, five landmarks, detection score. The images are in ``loose_crop``.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facezoo.datasets.importers.result import Imported
from facezoo.datasets.schema import DataSet
from facezoo.download import extract, staged_folder
from facezoo.errors import DataError, FacezooError
from facezoo.io.numpy_files import read_npz
from facezoo.io.progress import OnProgress

MEDIA, PAIRS, POINTS = "_face_tid_mid.txt", "_template_pair_label.txt", "_name_5pts_score.txt"
META = "meta.npz"


@dataclass(frozen=True)
class IJBMeta:
    """A template benchmark.

    Attributes:
        names: n image names, relative to ``loose_crop``.
        template: int64 (n,), the template of each image.
        media: int64 (n,), the photo or video each image is from.
        landmarks: float32 (n, 5, 2), x and y in the image: left eye, right eye, nose, left and right mouth.
        score: float32 (n,), detection score.
        pairs: int64 (P, 2), the templates that are compared.
        same: bool (P,), whether they are one person.
    """

    names: list[str]
    template: np.ndarray
    media: np.ndarray
    landmarks: np.ndarray
    score: np.ndarray
    pairs: np.ndarray
    same: np.ndarray


def find_meta(folder: Path) -> tuple[Path, str]:
    """(the meta folder, the files' prefix such as "ijbb") at most three levels down.

    Raises:
        DataError: there is none, or several.
    """
    found = [path for depth in ("", "*/", "*/*/", "*/*/*/") for path in folder.glob(f"{depth}*{MEDIA}")]
    if len(found) != 1:
        names = ", ".join(str(path.relative_to(folder)) for path in found) or "none"
        raise DataError(f"{folder}: expected one *{MEDIA} in it; found {names}")
    return found[0].parent, found[0].name.removesuffix(MEDIA)


def read_meta(folder: Path) -> IJBMeta:
    """Read and cross-check the three files.

    Raises:
        DataError: one is missing, a line is broken, or they contradict each other.
    """
    meta, prefix = find_meta(folder)
    media_lines = _table(meta / f"{prefix}{MEDIA}", 3)
    point_lines = _table(meta / f"{prefix}{POINTS}", 12)
    names = [line[0] for line in media_lines]
    if names != [line[0] for line in point_lines]:
        raise DataError(f"{meta}: {prefix}{MEDIA} and {prefix}{POINTS} do not list the same images in the same order")
    template, media = _integers(meta / f"{prefix}{MEDIA}", [line[1:] for line in media_lines]).T
    points = _floats(meta / f"{prefix}{POINTS}", [line[1:] for line in point_lines])  # (n, 11)
    pairs = _pairs(meta / f"{prefix}{PAIRS}")  # (P, 3)
    unknown = np.setdiff1d(pairs[:, :2], template)
    if len(unknown):
        raise DataError(f"{meta}/{prefix}{PAIRS}: template {unknown[0]} has no image")
    return IJBMeta(
        names,
        template.copy(),
        media.copy(),
        points[:, :10].reshape(-1, 5, 2),
        points[:, 10].copy(),
        pairs[:, :2].copy(),
        pairs[:, 2].astype(bool),
    )


def _table(path: Path, columns: int) -> list[list[str]]:
    try:
        rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    for number, row in enumerate(rows, 1):
        if len(row) != columns:
            raise DataError(f"{path} line {number}: {len(row)} columns; expected {columns}")
    if not rows:
        raise DataError(f"{path}: is empty")
    return rows


def _integers(path: Path, rows: list[list[str]]) -> np.ndarray:
    try:
        return np.array(rows, np.int64)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{path}: {error}; expected integers") from error


def _floats(path: Path, rows: list[list[str]]) -> np.ndarray:
    try:
        values = np.array(rows, np.float32)
    except ValueError as error:
        raise DataError(f"{path}: {error}; expected numbers") from error
    if not np.isfinite(values).all():
        row = int(np.argmax(~np.isfinite(values).all(axis=1)))
        raise DataError(f"{path} line {row + 1}: a number is not finite")
    return values


def _pairs(path: Path) -> np.ndarray:
    """(P, 3), parsed by one call because IJB-C has 15 million lines."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy only warns about text that is not a number
            flat = np.fromfile(path, np.int64, sep=" ")
    except (OSError, ValueError, DeprecationWarning) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    if not len(flat) or len(flat) % 3:
        raise DataError(f"{path}: {len(flat)} numbers; expected three per line")
    pairs = flat.reshape(-1, 3)
    wrong = ~np.isin(pairs[:, 2], (0, 1))
    if wrong.any():
        raise DataError(f"{path} line {int(np.argmax(wrong)) + 1}: label {pairs[wrong][0, 2]}; expected 0 or 1")
    return pairs


def import_ijb(path: Path, out: Path, entry: DataSet | None, partial: bool, on_progress: OnProgress) -> Imported:
    """Write ``meta.npz`` from a folder, whose images stay in place, or from an archive, which is unpacked.

    Raises:
        DataError: the meta files are not valid, or, unless ``partial``, images that they list are missing.
    """
    results = []

    def convert(source: Path, folder: Path, shown: Path) -> None:
        meta = read_meta(source)
        root = find_meta(source)[0].parent / "loose_crop"
        missing = sum(not (root / name).is_file() for name in meta.names)
        if missing and not partial:
            raise DataError(f"{root}: {missing} of {len(meta.names)} images are missing (--partial imports the others)")
        save_meta(meta, folder / META)
        details = {"pairs": len(meta.same), "missing_images": missing, "images": str(shown / root.relative_to(source))}
        identities = len(np.unique(meta.template))
        results.append(Imported(entry.name if entry else "", "ijb", len(meta.names), identities, details))
        results[0].write(folder)

    if path.is_dir():
        with staged_folder(out) as folder:
            convert(path, folder, path.resolve())
    else:
        extract(path, out, on_progress=on_progress, check=lambda folder: convert(folder, folder, Path()))
    return results[0]


def save_meta(meta: IJBMeta, path: Path) -> None:
    """Write arrays without objects, which :func:`load_meta` reads."""
    arrays = {name: getattr(meta, name) for name in ("template", "media", "landmarks", "score", "pairs", "same")}
    np.savez(path, names=np.array(meta.names), **arrays)


def load_meta(path: Path) -> IJBMeta:
    """Read ``meta.npz``.

    Raises:
        DataError: it is missing or has other content.
    """
    try:
        arrays = read_npz(path)
        return IJBMeta(names=arrays.pop("names").tolist(), **arrays)
    except (FacezooError, KeyError, TypeError) as error:
        raise DataError(f"{path}: is not the meta.npz of a template benchmark ({error})") from error
