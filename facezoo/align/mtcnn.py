"""The MTCNN face detector, with three networks of either backend.

Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional networks", 2016.
Settings and box conventions are those of the ``mtcnn`` package 1.0, so that the detections are equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from scipy.special import expit, logit

from facezoo.align import boxes as algebra
from facezoo.align.pyramid import AreaPyramid, cut, packed, scales
from facezoo.errors import ConfigError, ShapeError, UnknownNameError
from facezoo.interfaces.detector import Detector, Face

OPTIONS = ("device", "min_face_size", "scale_factor", "thresholds", "batch_pixels", "whole_pixels")
_CACHED_PIXELS = 65_536


class Networks(Protocol):
    """The three networks of a backend: from float32 arrays to tuples of arrays."""

    def pnet(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """(N, H, W, 3) -> logits (N, h, w), offsets (N, 4, h, w)."""

    def rnet(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """(N, 24, 24, 3) -> logits (N,), offsets (N, 4)."""

    def onet(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """(N, 48, 48, 3) -> logits (N,), offsets (N, 4), landmarks (N, 10)."""


def create_mtcnn(*, backend: str, device: str = "cpu", **options: Any) -> MTCNN:
    """MTCNN with its networks on a backend and the weights of the ``mtcnn`` package.

    Args:
        backend: "torch" or "paddle".
        device: name of a device in the framework.
        options: see :class:`MTCNN`.
    """
    from facezoo import backends
    from facezoo.align.weights import load_mtcnn

    for name in options:
        if name not in OPTIONS:
            raise UnknownNameError("option of the mtcnn detector", name, OPTIONS)
    native = backends.module(backend, "detector")
    return MTCNN(native.Networks(load_mtcnn(), device), **options)


class MTCNN(Detector):
    """The cascade: proposals from an image pyramid, two refinements, five landmarks.

    Images of equal size are processed in one batch.

    Args:
        networks: the three networks.
        min_face_size: side of the smallest face to detect, in pixels, at least 12.
        scale_factor: ratio between levels of the pyramid, above 0.1, below 1.
        thresholds: minimum scores of the three stages, each 0..1.
        batch_pixels: maximum number of pixels in one batch of the pyramid.
        whole_pixels: round boxes and landmarks to integers, as the package does; crops of small faces are better
            without rounding.

    Raises:
        ConfigError: a setting is out of range.
    """

    name = "mtcnn"

    def __init__(
        self,
        networks: Networks,
        *,
        min_face_size: float = 20,
        scale_factor: float = 0.709,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.8),
        batch_pixels: int = 2_000_000,
        whole_pixels: bool = True,
    ) -> None:
        if not min_face_size >= 12:
            raise ConfigError(f"min_face_size is {min_face_size}; expected 12 or more")
        if not 0.1 < scale_factor < 1:
            raise ConfigError(f"scale_factor is {scale_factor}; expected above 0.1 and below 1")
        if len(thresholds) != 3 or not all(0 <= value <= 1 for value in thresholds):
            raise ConfigError(f"thresholds is {thresholds}; expected three values in 0..1")
        self.networks = networks
        self.min_face_size, self.scale_factor, self.thresholds = (
            min_face_size,
            scale_factor,
            tuple(thresholds),
        )
        self._limits = logit(np.array(thresholds, np.float64))
        self.batch_pixels = batch_pixels
        self.whole_pixels = whole_pixels

    def detect_batch(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        """Faces of each image, highest score first; boxes are clipped at the border of the image.

        Args:
            images: uint8 RGB arrays (H, W, 3), each of its own size.
        """
        found: list[list[Face]] = [[] for _ in images]
        for members in self._groups(images):
            stack = np.stack([images[index] for index in members])  # (N, H, W, 3)
            for index, faces in zip(members, self._detect(stack), strict=True):
                found[index] = faces
        return found

    def _groups(self, images: Sequence[np.ndarray]) -> Iterator[list[int]]:
        """Indices of images of equal size, in batches of at most ``batch_pixels``."""
        by_size: dict[tuple[int, ...], list[int]] = {}
        for index, image in enumerate(images):
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
                raise ShapeError(f"image {index} is {image.dtype} {image.shape}; expected uint8 (H, W, 3)")
            by_size.setdefault(image.shape, []).append(index)
        for (height, width, _), members in by_size.items():
            step = max(1, self.batch_pixels // (height * width))
            yield from (members[low : low + step] for low in range(0, len(members), step))

    def _detect(self, images: np.ndarray) -> list[list[Face]]:
        owner, boxes = self._propose(images)
        pixels = packed(images)
        owner, boxes = self._refine(pixels, owner, boxes)
        owner, boxes, scores, landmarks = self._output(pixels, owner, boxes)
        boxes = algebra.clip(boxes, *images.shape[1:3]).astype(np.float32)
        landmarks = landmarks.astype(np.float32)
        if self.whole_pixels:
            corner, side = np.rint(boxes[:, :2]), np.rint(boxes[:, 2:] - boxes[:, :2])
            boxes, landmarks = np.concatenate([corner, corner + side], axis=1), np.rint(landmarks)
        found: list[list[Face]] = [[] for _ in images]
        for index, box, points, score in zip(owner, boxes, landmarks, scores, strict=True):
            found[index].append(Face(box, points, float(score)))
        return found

    def _propose(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """P-Net over the pyramid: owners (M,) and square boxes (M, 4)."""
        pyramid = AreaPyramid(images)
        height, width = images.shape[1:3]
        found = []
        for level, scale in enumerate(scales(height, width, self.min_face_size, self.scale_factor)):
            logits, offsets = self._scan(_normalised(pyramid.level(scale)))
            owner, y, x = np.nonzero(logits > self._limits[0])
            # the window of the package: 2 x + 1 to 2 x + 12, with a side of 11
            corner = np.stack([x, y], axis=1) * 2.0
            window = np.concatenate([corner + 1, corner + 12], axis=1)
            window += 11 * offsets[owner, :, y, x].astype(np.float64)
            found.append((owner, window / scale, logits[owner, y, x], np.full(len(owner), level)))
        if not found:
            return np.zeros(0, int), np.zeros((0, 4))
        owner, boxes, logits, levels = (np.concatenate(part) for part in zip(*found, strict=True))
        order = _best_first(owner, logits)
        owner, boxes, levels = owner[order], boxes[order], levels[order]
        keep = algebra.suppress(boxes, 0.5, owner * 64 + levels)
        owner, boxes = owner[keep], boxes[keep]
        keep = algebra.suppress(boxes, 0.7, owner)
        return owner[keep], algebra.square(boxes[keep])

    def _scan(self, pixels: np.ndarray) -> tuple[np.ndarray, ...]:
        """P-Net on a few images, or on a band of one image, at a time, so that its activations fit in the cache."""
        height, width = pixels.shape[1:3]
        if height * width > 2 * _CACHED_PIXELS:
            rows = max(
                1, _CACHED_PIXELS // (2 * width)
            )  # output rows; each has a window of 12 input rows, with stride 2
            count = -(-(height - 2) // 2) - 4
            bands = [pixels[:, 2 * low : 2 * (low + rows) + 10] for low in range(0, count, rows)]
            parts = [self.networks.pnet(np.ascontiguousarray(band)) for band in bands]
            return tuple(np.concatenate(column, axis=-2) for column in zip(*parts, strict=True))
        step = max(1, _CACHED_PIXELS // (height * width))
        parts = [self.networks.pnet(pixels[low : low + step]) for low in range(0, len(pixels), step)]
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))

    def _refine(self, images: np.ndarray, owner: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """R-Net: fewer owners and better square boxes."""
        logits, offsets = _in_parts(self.networks.rnet, images, owner, boxes, 24)
        boxes = algebra.regress(boxes, offsets)
        order = _best_first(owner, logits)
        order = order[logits[order] > self._limits[1]]
        owner, boxes = owner[order], boxes[order]
        keep = algebra.suppress(boxes, 0.7, owner)
        return owner[keep], algebra.square(boxes[keep])

    def _output(self, images: np.ndarray, owner: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, ...]:
        """O-Net: owners, boxes, scores (M,) and landmarks (M, 5, 2)."""
        logits, offsets, relative = _in_parts(self.networks.onet, images, owner, boxes, 48)
        landmarks = algebra.place_landmarks(boxes, relative.reshape(-1, 2, 5).transpose(0, 2, 1))
        boxes = algebra.regress(boxes, offsets)
        order = _best_first(owner, logits)
        order = order[logits[order] > self._limits[2]]
        order = order[algebra.suppress(boxes[order], 0.7, owner[order], "min")]
        return owner[order], boxes[order], expit(logits[order]), landmarks[order]


def _normalised(pixels: np.ndarray) -> np.ndarray:
    pixels -= 127.5
    pixels /= 128
    return pixels


def _best_first(owner: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Order by image, then by descending logit; probabilities near 1 would tie and differ between backends."""
    return np.lexsort((-logits, owner))


def _in_parts(
    net: Any, images: np.ndarray, owner: np.ndarray, boxes: np.ndarray, side: int, part: int = 32
) -> list[np.ndarray]:
    """The outputs of a network for the crops of all boxes, as float64; computed in parts."""
    if not len(boxes):
        return [np.zeros(0), np.zeros((0, 4)), np.zeros((0, 10))][: 3 if side == 48 else 2]
    results = []
    for low in range(0, len(boxes), part):
        crops = cut(images, owner[low : low + part], boxes[low : low + part], side)
        results.append(net(_normalised(crops)))
    return [np.concatenate(column).astype(np.float64) for column in zip(*results, strict=True)]
