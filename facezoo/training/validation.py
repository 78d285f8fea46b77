"""Validation of a run: ten-fold verification on pairs that training never sees."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from facezoo.data.sources.source import Source
from facezoo.data.transforms.crop import central_crop
from facezoo.download.urls import local_path
from facezoo.errors import ConfigError, DataError, ImageError
from facezoo.interfaces.engine import Engine
from facezoo.training.config_groups import Validation, ValidationSet

logger = logging.getLogger(__name__)

PAIRS = 2000  # drawn from held-out identities


@dataclass(frozen=True)
class Validator:
    """Pairs in memory, ready to be scored.

    Attributes:
        name: what is verified, for the log.
        crops: uint8 (n, H, W, 3).
        first: int64 (P,), rows of the first images.
        second: int64 (P,), rows of the second images.
        same: bool (P,).
        folds: int64 (P,), fold of each pair.
    """

    name: str
    crops: np.ndarray
    first: np.ndarray
    second: np.ndarray
    same: np.ndarray
    folds: np.ndarray

    def __call__(self, engine: Engine) -> dict[str, float]:
        """Accuracy and standard error, 0..1, with flip fusion; each process embeds a share of the images.

        All processes must call it, and get the same figures.
        """
        from facezoo.evaluation import embed_images, pair_scores, verification

        share = np.array_split(self.crops, engine.world_size)[engine.rank]
        own = embed_images(share, engine.embed, batch_size=32) if len(share) else np.zeros((0, 0), np.float32)
        width = int(engine.gather(np.array([own.shape[1]])).max())  # a process without images does not know it
        embeddings = engine.gather(own.reshape(len(own), width))
        result = verification(pair_scores(embeddings, self.first, self.second), self.same, self.folds)
        return {"accuracy": float(result.accuracy), "standard_error": float(result.standard_error)}


def held_out_validator(source: Source, size: tuple[int, int], seed: int, max_bad_share: float = 0.0) -> Validator:
    """Pairs drawn from identities kept out of training.

    Args:
        source: the identities kept out.
        size: (H, W) of the crops.
        seed: of the random choice.
        max_bad_share: share of the drawn images that may be unreadable, 0..1; their pairs are left out.

    Raises:
        DataError: more images are unreadable, or no pair of a kind is left.
    """
    from facezoo.data.tools.draw_pairs import FOLDS, draw_pairs

    pairs, same = draw_pairs(source.labels, PAIRS, seed=seed)
    rank = np.where(same, np.cumsum(same), np.cumsum(~same)) - 1  # among the pairs of its kind; both kinds are equal
    folds = rank * FOLDS // (len(same) // 2)
    crops: dict[int, np.ndarray] = {}
    bad: dict[int, str] = {}
    for index in np.unique(pairs).tolist():
        try:
            crops[index] = central_crop(source.image(index), size)
        except ImageError as error:
            bad[index] = str(error)
    if len(bad) > max_bad_share * (len(crops) + len(bad)):
        first = next(iter(bad.values()))
        raise DataError(f"{len(bad)} of {len(crops) + len(bad)} images held out cannot be read; the first: {first}")
    if bad:
        logger.warning("%d of %d images held out cannot be read; their pairs are left out", len(bad), len(crops))
    kept = ~np.isin(pairs, list(bad)).any(axis=1)
    if not same[kept].any() or same[kept].all():
        raise DataError("the readable images held out allow no genuine or no impostor pair; hold out more identities")
    used, rows = np.unique(pairs[kept], return_inverse=True)
    rows = rows.reshape(-1, 2)
    name = f"{source.num_classes} held-out identities"
    shown = np.stack([crops[index] for index in used.tolist()])
    return Validator(name, shown, rows[:, 0], rows[:, 1], same[kept], folds[kept])


def file_validator(settings: Validation | ValidationSet, size: tuple[int, int], name: str = "") -> Validator:
    """Pairs of a verification ``.bin``, or of a folder with a pair list.

    Args:
        settings: data, pairs and landmarks.
        size: (H, W) of the crops.
        name: for the log; by default that of the file or folder.

    Raises:
        ConfigError: a folder comes without a pair list.
        DataError: the files cannot be read.
    """
    from facezoo.evaluation.inputs.folder import FaceFolder, find_root, read_landmarks, require_images
    from facezoo.evaluation.inputs.pairs import read_pairs

    path = local_path(str(settings.data))
    if path.suffix == ".bin":
        from facezoo.data.sources.verification_bin import read_verification_bin

        packed = read_verification_bin(path)
        crops = np.stack([central_crop(packed.image(index), size) for index in range(len(packed.images))])
        rows = np.arange(len(crops))
        folds = np.arange(len(packed)) * 10 // len(packed)
        return Validator(name or path.name, crops, rows[::2], rows[1::2], packed.same, folds)
    if settings.pairs is None:
        raise ConfigError(f"validation.data is the folder {str(path)!r}; it needs validation.pairs, a pair list")
    listed = read_pairs(settings.pairs)
    names = listed.images()
    root = find_root(path, names)
    require_images(root, names)
    landmarks = read_landmarks(local_path(settings.landmarks)) if settings.landmarks else None
    folder = FaceFolder(root, names, landmarks, size=size)
    first, second = listed.indices()
    return Validator(name or path.name, np.stack(list(folder)), first, second, listed.same, listed.folds)


def watched(validators: list[Validator], settings: Validation) -> Validator | None:
    """The validator that decides which weights are the best; None without any."""
    if settings.watch is None:
        return validators[0] if validators else None
    return next(item for item in validators if item.name == settings.watch)
