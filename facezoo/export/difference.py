"""How far an exported model is from the original on the same images, and how far it may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from facezoo.errors import ExportError

Run = Callable[[np.ndarray], np.ndarray]
# precision -> largest cosine distance between the embeddings of an image. float32: rounding; float16: 11 bits a
# product; int8: what calibrated static quantisation of a trained face network costs
TOLERANCES = {"float32": 1e-7, "float16": 1e-3, "int8": 5e-2}


@dataclass(frozen=True)
class Difference:
    """What a comparison found; each figure is the worst over all images.

    Attributes:
        images: how many were compared.
        cosine: cosine distance of the two embeddings of an image, 0..2.
        relative: largest difference of a value over the root mean square of the original's values.
        norm: difference of an embedding's length over the original's length.
    """

    images: int
    cosine: float
    relative: float
    norm: float

    def check(self, tolerance: float) -> None:
        """Refuse a model past the tolerance; not-a-number is past it.

        Raises:
            ExportError: ``cosine`` is above ``tolerance``.
        """
        if not self.cosine <= tolerance:
            raise ExportError(
                f"refused: on {self.images} images the exported model is {self.cosine:.2g} of cosine distance from the "
                f"original; allowed {tolerance:.2g} (--tolerance)"
            )


def check_original(embeddings: np.ndarray) -> None:
    """Refuse to start from a broken model.

    Raises:
        ExportError: it gives NaN, infinity or zeros.
    """
    if not np.isfinite(embeddings).all() or not np.abs(embeddings).max(axis=1).all():
        raise ExportError("the original model gives NaN, infinity or zeros on the images it is to be compared on")


def compare(original: np.ndarray, exported: np.ndarray) -> Difference:
    """Compare raw embeddings (N, E) of the same images.

    Raises:
        ExportError: the shapes differ, or the exported model gives NaN or infinity.
    """
    if original.shape != exported.shape:
        raise ExportError(f"refused: the exported model gives {exported.shape}; the original {original.shape}")
    a, b = original.astype(np.float64), exported.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1)  # (N,)
    if not np.isfinite(b).all():
        raise ExportError("refused: the exported model gives NaN or infinity")
    # half the squared chord is exact where 1 - cosine would cancel
    chord = a / lengths[:, None] - b / np.maximum(np.linalg.norm(b, axis=1, keepdims=True), 1e-300)
    return Difference(
        images=len(a),
        cosine=float((chord**2).sum(axis=1).max() / 2),
        relative=float(np.abs(a - b).max() / np.sqrt((a**2).mean())),
        norm=float((np.abs(np.linalg.norm(b, axis=1) - lengths) / lengths).max()),
    )


def run_both_ways(run: Run, batch: np.ndarray) -> np.ndarray:
    """Embeddings of a batch; and once more of its first image alone, which must agree: the batch is dynamic.

    Raises:
        ExportError: it does not take a batch of another size, or gives something else for it.
    """
    try:
        together, alone = run(batch), run(batch[:1])
    except Exception as error:  # whatever type a runtime raises
        raise ExportError(f"refused: the exported model does not run: {' '.join(str(error).split())[:300]}") from error
    scale = float(np.sqrt((together.astype(np.float64) ** 2).mean()))
    if not np.isfinite(scale):
        raise ExportError("refused: the exported model gives NaN or infinity")
    if alone.shape != together[:1].shape or not np.abs(alone - together[:1]).max() <= 1e-3 * scale:
        raise ExportError("refused: the exported model gives something else for one image than for a batch")
    return together
