"""From face crops to unit embeddings with one model: what most users need from a weight file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from facezoo import backends
from facezoo.canonical.state import backend_of
from facezoo.checkpoints.weights import load_weights


class Embedder:
    """A backbone as a function from face crops to unit embeddings.

    Args:
        module_or_path: a backbone of the zoo, or a weight file.
        backend: "torch" or "paddle"; may be left out with a module.
        flip: add the embedding of the mirror image before normalising.
        device: "auto", "cpu", "gpu" or "gpu:N".
        precision: "float32" or "bfloat16".
        batch_size: images at once, 1 or more; the result does not depend on it.
        threads: CPU threads; 0 takes all.
    """

    def __init__(
        self, module_or_path: Any, *, backend: str | None = None, flip: bool = True, device: str = "auto",
        precision: str = "float32", batch_size: int = 32, threads: int = 0,
    ) -> None:  # fmt: skip
        if isinstance(module_or_path, str | Path):
            module_or_path = load_weights(module_or_path, backend=backend or "torch")
        self.backend = backend_of(module_or_path)
        self.spec = module_or_path.spec
        self.preprocess = self.spec.preprocess
        self.embedding_size = module_or_path.embedding_size
        self.flip, self.batch_size = flip, batch_size
        self._run = backends.load(self.backend).build_inference(module_or_path, device, precision, threads)

    def raw(self, images: np.ndarray) -> np.ndarray:
        """Embeddings (N, E) float32 as the network gives them, of (N, H, W, 3) uint8 RGB crops of the right size."""
        return self._run(images)

    def embed(self, paths_or_images: Iterable[Any]) -> np.ndarray:
        """Unit embeddings of face crops.

        Args:
            paths_or_images: aligned crops: paths, PIL images or uint8 RGB arrays (H, W, 3), in any mixture; a crop
                of another size than the model's is resized. An array (N, H, W, 3) works too.

        Returns:
            (N, E) float32, each row of length 1.

        Raises:
            ImageError: a file cannot be read; the message names it.
            NumericalError: an embedding is NaN, infinite or zero.
        """
        from facezoo.align.crop import central_crop
        from facezoo.data.image import read_image
        from facezoo.inference.embed import embed_images

        if isinstance(paths_or_images, str | Path):
            paths_or_images = [paths_or_images]
        crops = (central_crop(read_image(item), self.preprocess.size) for item in paths_or_images)
        return embed_images(crops, self.raw, batch_size=self.batch_size, flip="sum" if self.flip else "none")
