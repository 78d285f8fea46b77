"""A copy of a backbone with its batch norms folded into the adjacent layers, checked against the original."""

from __future__ import annotations

from typing import Any

from facezoo import backends
from facezoo.canonical.state import backend_of
from facezoo.errors import NumericalError

TOLERANCE = 1e-3  # relative to the largest output; rounding is far below, a wrong fold far above


def fold_batchnorm(module: Any) -> Any:
    """A copy of a backbone with its batch norms folded where that is exact, in evaluation mode.

    Every norm that directly follows a convolution or a linear layer is folded into it, the first norm of neck E into
    the linear layer after it; each block of RepVGG becomes one convolution. The copy is for embedding and export: it
    no longer has the tensors of its spec, so it cannot be trained or saved as a weight file.

    Args:
        module: a backbone of the zoo, on either backend; not changed.

    Raises:
        NumericalError: the copy does not give the same embeddings; checked at each call.
    """
    fold = backends.module(backend_of(module), "fold")
    folded = fold.folded(module)
    difference = fold.difference(module, folded)
    if not difference <= TOLERANCE:
        raise NumericalError(f"folding changed the embeddings by {difference:.2g}; expected {TOLERANCE} or less")
    return folded
