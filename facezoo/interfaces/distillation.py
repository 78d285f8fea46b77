"""Distillation: a student that also learns from the embeddings of a teacher."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facezoo.rng import generator

LOSSES = ("angular", "cosine", "l2", "relational", "logits")


@dataclass(frozen=True)
class DistillationSettings:
    """The distance between the student's embeddings f and the teacher's t; unit vectors are written f', t'.

    "angular": mean of (1 - f' . t')^2, as in VarGFaceNet (Yan et al. 2019, https://arxiv.org/abs/1910.04985).
    "cosine": mean of 1 - f' . t'. "l2": mean over batch and dimensions of (f - t)^2.
    "relational": distances between images, divided by their mean, and twice the cosines of the angles at each image
    of each triplet, both compared by the Huber loss (Park et al. 2019, https://arxiv.org/abs/1904.05068, section 3.2).
    "logits": T^2 KL(p_t || p_s), where p are softmax(scale / T x cosines with the teacher's class centres) (Hinton et
    al. 2015, https://arxiv.org/abs/1503.02531).

    Where the two embedding sizes differ, a trained linear layer without bias takes the student's to the teacher's;
    "relational" needs none.

    Attributes:
        loss: one of ``LOSSES``.
        embedding_size: width of the student's embeddings.
        target_size: width of the teacher's embeddings.
        factor: the distance is multiplied by it, above 0.
        temperature: T of "logits", above 0.
        scale: of the cosines of "logits", above 0.
        centres: (C, target_size) float32, the teacher's class centres; for "logits".
        seed: of the initial values of the linear layer.
    """

    loss: str
    embedding_size: int
    target_size: int
    factor: float = 10.0
    temperature: float = 4.0
    scale: float = 64.0
    centres: np.ndarray | None = None
    seed: int = 0

    @property
    def projects(self) -> bool:
        """Whether the student's embeddings need a linear layer."""
        return self.loss != "relational" and self.embedding_size != self.target_size

    def unit_centres(self) -> np.ndarray | None:
        """(C, target_size) float32, the class centres with length 1; zero rows stay zero."""
        if self.centres is None:
            return None
        lengths = np.linalg.norm(self.centres.astype(np.float64), axis=1, keepdims=True)
        return (self.centres / np.maximum(lengths, 1e-12)).astype(np.float32)

    def initial_projection(self) -> np.ndarray:
        """(target_size, embedding_size) float32: normal, variance 1 / embedding_size."""
        values = generator(self.seed, "projection").standard_normal((self.target_size, self.embedding_size))
        return (values / np.sqrt(self.embedding_size)).astype(np.float32)
