"""Face crops to try a network with, and the input of a network that does not scale pixels itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from facezoo.data.image import IMAGE_SUFFIXES, read_image
from facezoo.errors import DataError, ImageError
from facezoo.specs.preprocess import LUMA, Preprocess

SYNTHETIC = 8  # images, where no folder is given
MOST = 256  # more do not improve a calibration


def gather(
    folder: str | Path | None, size: tuple[int, int], most: int = MOST, synthetic: int = SYNTHETIC
) -> np.ndarray:
    """Face crops uint8 (N, H, W, 3): evenly spread over a folder, or synthetic faces if no folder is given.

    Raises:
        DataError: the folder holds no image that can be read.
    """
    from facezoo.data.transforms.crop import central_crop

    crops = list(_synthetic(synthetic) if folder is None else _read(Path(folder), most))
    if not crops:
        raise DataError(f"no image below {str(folder)!r} can be read; expected {', '.join(sorted(IMAGE_SUFFIXES))}")
    return np.stack([central_crop(crop, size) for crop in crops])


def _synthetic(count: int) -> Iterator[np.ndarray]:
    from facezoo.data.sources.synthetic import SyntheticFaces

    faces = SyntheticFaces(identities=count, images_per_identity=1)
    return (faces.image(index) for index in range(count))


def _read(folder: Path, most: int) -> Iterator[np.ndarray]:
    paths = (
        sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
        if folder.is_dir()
        else [folder]
    )
    for index in np.unique(np.linspace(0, len(paths) - 1, min(most, len(paths))).astype(int)):
        try:
            yield read_image(paths[index])
        except ImageError:
            if len(paths) == 1:
                raise


def network_input(crops: np.ndarray, preprocess: Preprocess) -> np.ndarray:
    """The input of a network without preprocessing: uint8 RGB (N, H, W, 3) to float32 (N, C, H, W).

    >>> network_input(np.zeros((1, 2, 2, 3), np.uint8), Preprocess()).shape
    (1, 3, 2, 2)
    """
    x: np.ndarray = crops.astype(np.float32)
    if preprocess.color == "BGR":
        x = x[..., ::-1]
    if preprocess.color == "gray":
        x = (x * np.asarray(LUMA, np.float32)).sum(axis=3, keepdims=True)
    x = (x - np.asarray(preprocess.mean, np.float32)) / np.asarray(preprocess.std, np.float32)
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))
