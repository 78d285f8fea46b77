"""Reading the steps of a graph against a network of the zoo, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from facezoo.checkpoints.graphs.graph import Graph
from facezoo.checkpoints.graphs.steps import Step


class OtherNetworkError(Exception):
    """The steps are those of another network; the text says where they differ."""


class Walk:
    """The tensors of a network, collected from the steps of a graph in order.

    Attributes:
        state: canonical name -> array.
        folded: canonical name of a norm that the graph does not have, because its layer absorbed it -> name of the
            layer's output in the graph.
        used: initializers that the tensors come from.
    """

    def __init__(self, graph: Graph, eps: float) -> None:
        self.graph, self.eps = graph, eps
        self.state: dict[str, np.ndarray] = {}
        self.folded: dict[str, str] = {}
        self.used: set[str] = set()

    def follow(self, steps: Sequence[Step]) -> Follower:
        """Read these steps from the first."""
        return Follower(self, steps)


class Follower:
    """A place in a sequence of steps."""

    def __init__(self, walk: Walk, steps: Sequence[Step]) -> None:
        self.walk, self.steps, self.place = walk, steps, 0

    @property
    def next(self) -> str:
        """The kind of the next step; "" at the end."""
        return self.steps[self.place].kind if self.place < len(self.steps) else ""

    def take(self, kind: str) -> Step:
        """The next step, which must be of this kind."""
        if self.next != kind:
            raise OtherNetworkError(f"{self.where()}; expected {kind}")
        step = self.steps[self.place]
        self.place += 1
        self.walk.used |= step.sources
        return step

    def where(self) -> str:
        """What the next step is, in words."""
        if self.place >= len(self.steps):
            return "the steps end"
        step = self.steps[self.place]
        named = f"a group of nodes ({', '.join(node.op for node in step.nodes[:8])})" if step.kind == "region" else ""
        return f"after {step.source!r} comes {named or step.kind}"

    def finish(self) -> None:
        """There must be no step left."""
        if self.next:
            raise OtherNetworkError(f"{self.where()}; expected the end")

    def conv(
        self, name: str, norm: str | None, kernel: int, stride: int = 1, groups: int = 1, padding: int | None = None
    ) -> int:
        """A convolution and the norm behind it, which may be folded into it. Returns its number of channels.

        Args:
            name: canonical name of the convolution.
            norm: canonical name of its norm; None for a convolution with a bias of its own.
            kernel: its side.
            stride: in both directions.
            groups: 0 for one per channel.
            padding: on each side; None is kernel // 2.
        """
        before = self.where()
        step = self.take("conv")
        pad = kernel // 2 if padding is None else padding
        width = len(step.values["weight"])
        wanted: dict[str, Any] = {
            "kernel": (kernel, kernel), "stride": (stride, stride), "padding": (pad,) * 4, "groups": groups or width,
        }  # fmt: skip
        for key, value in wanted.items():
            if tuple(np.atleast_1d(step.settings[key])) != tuple(np.atleast_1d(value)):
                raise OtherNetworkError(f"{before} with {key} {step.settings[key]}; expected {value}")
        self.walk.state[f"{name}.weight"] = step.values["weight"]
        if norm is None:
            self.walk.state[f"{name}.bias"] = step.values.get("bias", np.zeros(width))
        else:
            self.norm_behind(norm, step)
        return width

    def linear(self, name: str, norm: str | None = None, bias: bool = True) -> int:
        """A linear layer and, with ``norm``, the norm behind it, which may be folded. Returns its number of outputs.

        Args:
            name: canonical name.
            norm: canonical name of its norm.
            bias: whether the zoo's layer has a bias.
        """
        step = self.take("linear")
        self.walk.state[f"{name}.weight"] = step.values["weight"]
        own = step.values.get("bias", np.zeros(len(step.values["weight"])))
        if bias:
            self.walk.state[f"{name}.bias"] = own
        if norm is not None:
            self.norm_behind(norm, step, keeps_bias=bias)
        elif not bias and own.any():
            raise OtherNetworkError(f"the linear layer after {step.source!r} has a bias; expected none")
        return len(own)

    def norm(self, name: str) -> int:
        """A norm of its own, before a layer. Returns its number of channels."""
        self._write_norm(name, self.take("norm"), 0.0)
        return len(self.walk.state[f"{name}.weight"])

    def norm_behind(self, name: str, layer: Step, keeps_bias: bool = False) -> None:
        """The norm behind a layer: the next step, or an exact identity where the layer absorbed it.

        The identity has variance 1 - eps and weight 1, so that it multiplies with 1; its bias is that of the layer,
        whose form in the zoo has none.
        """
        width = len(layer.values["weight"])
        bias = np.zeros(width) if keeps_bias else layer.values.get("bias", np.zeros(width))
        if self.next == "norm":
            self._write_norm(name, self.take("norm"), bias)
            return
        state = self.walk.state
        state[f"{name}.weight"], state[f"{name}.bias"] = np.ones(width), bias
        state[f"{name}.running_mean"], state[f"{name}.running_var"] = identity_statistics(width, self.walk.eps)
        self.walk.folded[name] = layer.result

    def prelu(self, name: str, width: int) -> None:
        """A PReLU; one slope for all channels is repeated."""
        slopes = self.take("prelu").values["weight"]
        self.walk.state[f"{name}.weight"] = np.broadcast_to(slopes, (width,)) if slopes.size == 1 else slopes

    def layer_norm(self, name: str, eps: float) -> None:
        """A layer norm with this eps."""
        step = self.take("layer_norm")
        if not np.isclose(step.settings["eps"], eps, rtol=1e-3):
            raise OtherNetworkError(
                f"the layer norm after {step.source!r} has eps {step.settings['eps']}; expected {eps}"
            )
        width = self.walk.graph.shapes[step.source][-1]
        self.walk.state[f"{name}.weight"] = step.values.get("weight", np.ones(width))
        self.walk.state[f"{name}.bias"] = step.values.get("bias", np.zeros(width))

    def _write_norm(self, name: str, step: Step, bias: Any) -> None:
        """A norm with the eps of the zoo's network: the difference of both goes into the variance.

        Where the variance would become negative, the difference goes into the weight. ``bias`` is that of the layer
        before it, and goes into the mean.
        """
        values = {key: np.asarray(value, np.float64) for key, value in step.values.items()}
        variance = values["running_var"] + (step.settings["eps"] - self.walk.eps)
        if (variance < 0).any():
            variance = values["running_var"]
            values["weight"] *= np.sqrt((variance + self.walk.eps) / (variance + step.settings["eps"]))
        values |= {"running_var": variance, "running_mean": values["running_mean"] - bias}
        for key, value in values.items():
            self.walk.state[f"{name}.{key}"] = value


def identity_statistics(width: int, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean 0 and the variance whose sum with eps is 1 in float32.

    >>> mean, variance = identity_statistics(1, 1e-5)
    >>> bool(variance.astype(np.float32)[0] + np.float32(1e-5) == 1)
    True
    """
    value = np.float32(1 - eps)
    near = (value, np.nextafter(value, np.float32(2)), np.nextafter(value, np.float32(0)))
    exact = next((item for item in near if item + np.float32(eps) == 1), value)
    return np.zeros(width), np.full(width, exact, np.float32)
