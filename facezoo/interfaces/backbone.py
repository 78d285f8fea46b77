"""Interface of backbones, for both frameworks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facezoo.specs.base import BackboneSpec


class Backbone(ABC):
    """A network from aligned face images to embeddings.

    Attributes:
        spec: the neutral description it was built from.
        embedding_size: E, the length of an embedding.
        input_size: (H, W) of the input images.
    """

    spec: BackboneSpec
    embedding_size: int
    input_size: tuple[int, int]

    @abstractmethod
    def forward(self, images: Any) -> Any:
        """Embed a batch.

        Args:
            images: (N, channels, H, W) floating point, preprocessed by the model's ``Preprocess``.

        Returns:
            (N, E) of the same dtype, not normalised.
        """


def spec_of(module: Any) -> BackboneSpec:
    """The spec of a backbone; torch's type hints give every attribute of a module the type ``Tensor | Module``."""
    return module.spec
