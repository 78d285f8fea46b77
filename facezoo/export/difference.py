"""The difference between an exported model and the original on the same images, and its tolerances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from facezoo.errors import ExportError

Run = Callable[[np.ndarray], np.ndarray]
# precision -> largest cosine distance between the two embeddings of an image. float32: rounding; float16: 11 bits
# per product; int8: calibrated static quantisation of a trained face network
TOLERANCES = {"float32": 1e-7, "float16": 1e-3, "int8": 5e-2}


@dataclass(frozen=True)
class Difference:
    """The result of a comparison; each figure is the worst over all images.

    Attributes:
        images: number of images compared.
        cosine: cosine distance of the two embeddings of an image, 0..2.
        relative: largest difference of a value over the root mean square of the original's values.
        norm: difference of an embedding's length over the original's length.
    """

    images: int
    cosine: float
    relative: float
    norm: float

    def check(self, tolerance: float) -> None:
        """Refuse a model that exceeds the tolerance, or whose distance is NaN.

        Raises:
            ExportError: ``cosine`` is above ``tolerance``.
        """
        if not self.cosine <= tolerance:
            raise ExportError(
                f"refused: on {self.images} images the cosine distance between the exported model and the original "
                f"is {self.cosine:.2g}; allowed {tolerance:.2g} (--tolerance)"
            )


def check_original(embeddings: np.ndarray) -> None:
    """Refuse a broken original model.

    Raises:
        ExportError: it gives NaN, infinity or zeros.
    """
    if not np.isfinite(embeddings).all() or not np.abs(embeddings).max(axis=1).all():
        raise ExportError("the original model gives NaN, infinity or zeros on the images of the comparison")


def compare(original: np.ndarray, exported: np.ndarray) -> Difference:
    """Compare raw embeddings (N, E) of the same images.

    Raises:
        ExportError: the shapes differ, or the exported model gives NaN or infinity.
    """
    if original.shape != exported.shape:
        raise ExportError(f"refused: the exported model gives shape {exported.shape}; expected {original.shape}")
    a, b = original.astype(np.float64), exported.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1)  # (N,)
    if not np.isfinite(b).all():
        raise ExportError("refused: the exported model gives NaN or infinity")
    # half the squared chord is exact where 1 - cosine loses digits to cancellation
    chord = a / lengths[:, None] - b / np.maximum(np.linalg.norm(b, axis=1, keepdims=True), 1e-300)
    return Difference(
        images=len(a),
        cosine=float((chord**2).sum(axis=1).max() / 2),
        relative=float(np.abs(a - b).max() / np.sqrt((a**2).mean())),
        norm=float((np.abs(np.linalg.norm(b, axis=1) - lengths) / lengths).max()),
    )


def run_batched(run: Run, batch: np.ndarray) -> np.ndarray:
    """Embeddings of a batch; the first image alone must give the same embedding, so that the batch size is dynamic.

    Raises:
        ExportError: it does not take a batch of size 1, or gives another embedding for it.
    """
    try:
        together, alone = run(batch), run(batch[:1])
    except Exception as error:  # whatever type a runtime raises
        raise ExportError(f"refused: the exported model does not run: {' '.join(str(error).split())[:300]}") from error
    scale = float(np.sqrt((together.astype(np.float64) ** 2).mean()))
    if not np.isfinite(scale):
        raise ExportError("refused: the exported model gives NaN or infinity")
    if alone.shape != together[:1].shape or not np.abs(alone - together[:1]).max() <= 1e-3 * scale:
        raise ExportError("refused: the exported model gives another embedding for one image than for a batch")
    return together
