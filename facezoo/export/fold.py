"""A copy of a backbone with its batch norms folded into the layers beside them, checked against the original."""

from __future__ import annotations

from typing import Any

from facezoo import backends
from facezoo.canonical.state import backend_of
from facezoo.errors import NumericalError

TOLERANCE = 1e-3  # of the largest output; a wrong fold is far past it, rounding far below


def fold_batchnorm(module: Any) -> Any:
    """A copy of a backbone with its batch norms folded away where that is exact, in evaluation mode.

    Every norm that directly follows a convolution or a linear layer goes into it, the first norm of neck E into the
    linear layer behind it; the blocks of RepVGG become one convolution each. The copy is for embedding and export: it
    no longer has the tensors that its spec says, so it is not a checkpoint to train on.

    Args:
        module: a backbone of the zoo, on either backend; stays as it is.

    Raises:
        NumericalError: the copy does not give the same embeddings (never seen; checked each time).
    """
    fold = backends.module(backend_of(module), "fold")
    folded = fold.folded(module)
    difference = fold.difference(module, folded)
    if not difference <= TOLERANCE:
        raise NumericalError(f"folding changed the embeddings by {difference:.2g}; expected {TOLERANCE} or less")
    return folded
