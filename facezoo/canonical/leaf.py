"""Names and layouts of state: from each framework's own to the canonical ones (torch's).

They depend on the type of the layer that owns a tensor, not on its name or shape: a missing transpose of a square
linear weight would not be noticed.
"""

from __future__ import annotations

from typing import NamedTuple

RENAMED = {  # (backend, layer type) -> native name -> canonical name
    ("paddle", "batch_norm"): {"_mean": "running_mean", "_variance": "running_var"},
    ("paddle", "prelu"): {"_weight": "weight"},
}
TRANSPOSED = {("paddle", "linear", "weight")}  # stored (in, out); canonical is (out, in)
COUNTERS = ("num_batches_tracked",)  # not state: no layer computes with them


class Leaf(NamedTuple):
    """One tensor of a module's state.

    Attributes:
        name: canonical name, dotted path included.
        shape: canonical shape.
        layer: type of the owning layer: "conv", "linear", "batch_norm", "layer_norm", "prelu" or "own" for the
            tensors of a composite module itself.
        entry: canonical name within the layer ("weight", "running_mean", ...).
        trained: whether the optimiser changes it.
        transposed: whether the native layout is the transpose.
    """

    name: str
    shape: tuple[int, ...]
    layer: str
    entry: str
    trained: bool
    transposed: bool

    @property
    def decays(self) -> bool:
        """Whether weight decay applies: to weights of convolutions and linear layers, and to tables, only."""
        return self.trained and len(self.shape) >= 2 and self.layer in ("conv", "linear", "own")


def leaf(backend: str, path: str, layer: str, native: str, shape: tuple[int, ...], trained: bool) -> Leaf:
    """Describe a native tensor canonically.

    Args:
        backend: "torch" or "paddle".
        path: dotted path of the owning layer, empty for the root.
        layer: its type, as :class:`Leaf` lists them.
        native: the tensor's name in the layer.
        shape: native shape.
        trained: whether it is a parameter that requires a gradient.
    """
    entry = RENAMED.get((backend, layer), {}).get(native, native)
    transposed = (backend, layer, entry) in TRANSPOSED
    if transposed:
        shape = shape[::-1]
    return Leaf(f"{path}.{entry}" if path else entry, tuple(shape), layer, entry, trained, transposed)
