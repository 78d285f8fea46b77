"""A published checkpoint as a network of the zoo."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from facezoo import backends
from facezoo.canonical.leaf import Leaf
from facezoo.canonical.state import inventory, set_state
from facezoo.checkpoints.foreign.base import Found
from facezoo.errors import BackendUnavailableError
from facezoo.specs.base import BackboneSpec
from facezoo.specs.preprocess import Preprocess
from facezoo.zoo.create import build_backbone


@dataclass(frozen=True)
class Imported:
    """A published checkpoint in canonical form.

    Attributes:
        backbone: public name.
        variant: options it was built with.
        state: canonical name -> float32 array.
        preprocess: the preprocessing that the project uses.
        report: what was done, one line each.
        layout: name of the layout.
    """

    backbone: str
    variant: dict[str, Any]
    state: dict[str, np.ndarray]
    preprocess: Preprocess
    report: list[str] = field(default_factory=list)
    layout: str = ""

    @property
    def spec(self) -> BackboneSpec:
        """The spec, with the preprocessing of the project."""
        return replace(Found(self.backbone, self.variant).spec(), preprocess=self.preprocess)

    def build(self, *, backend: str) -> Any:
        """The network with these weights, in evaluation mode.

        Args:
            backend: "torch" or "paddle".

        Raises:
            BackendUnavailableError: the framework is not installed.
        """
        module = build_backbone(self.spec, backend=backend, seed=0)
        set_state(module, self.state)
        module.eval()
        return module


def leaves_of(spec: BackboneSpec) -> list[Leaf]:
    """Names and shapes of the network's tensors, from any backend that is installed."""
    for backend in backends.available():
        return inventory(backends.load(backend).build_backbone(spec))
    raise BackendUnavailableError(
        "importing weights needs a framework, for the shapes of the network: "
        "pip install 'facezoo[torch]' or 'facezoo[paddle]'"
    )
