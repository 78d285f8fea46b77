"""Differences between the torch and the paddle implementation of a backbone, from the same weights and images.

Evaluation is compared in float32, as it is used. One training step is compared in float64, which shows differences
of construction without rounding errors: in float32 the gradient of a bias before a BN, which is exactly zero, is
rounding error only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from facezoo import backends
from facezoo.canonical.state import get_state, inventory, set_state
from facezoo.parity.reduced import reduced, without_randomness
from facezoo.rng import generator
from facezoo.specs.base import BackboneSpec
from facezoo.zoo.create import build_backbone

BACKENDS = ("torch", "paddle")
BOUNDS = {"cosine": 1e-5, "forward": 1e-4, "gradient": 1e-3, "statistics": 1e-6, "step": 1e-5, "after": 1e-4}
FLOOR = 1e-6  # the scale of a gradient's difference is at least this share of the largest gradient of the network


@dataclass(frozen=True)
class BackboneErrors:
    """Differences between the two backends; each is a maximum.

    Attributes:
        name: name of the network.
        parameters: number of trained values of the network that was compared.
        cosine: cosine distance between the two embeddings of an image, in evaluation, float32.
        forward: difference of the embeddings, relative to their root mean square, in evaluation, float32.
        gradient: difference of the gradients of one tensor, relative to their largest value, float64.
        leaf: name of the tensor with that ``gradient``.
        statistics: difference of the running statistics after a training step, relative to their largest value,
            float64.
        step: difference of the trained values after an optimiser step, relative to their largest value, float64.
        after: as ``forward``, after that step, float64.
    """

    name: str
    parameters: int
    cosine: float
    forward: float
    gradient: float
    leaf: str
    statistics: float
    step: float
    after: float

    def excesses(self) -> list[str]:
        """The differences above their bounds, as text; NaN counts as above."""
        return [
            f"{key} {getattr(self, key):.1e} (bound {bound:.0e}{f', {self.leaf}' if key == 'gradient' else ''})"
            for key, bound in BOUNDS.items()
            if not getattr(self, key) <= bound
        ]


def measure_backbone(spec: BackboneSpec, *, full: bool = False, seed: int = 0, batch: int = 4) -> BackboneErrors:
    """Compare the torch and the paddle implementation of a network.

    Args:
        spec: the network.
        full: at its own depth and image size; otherwise reduced, see :func:`facezoo.parity.reduced.reduced`.
        seed: of weights, images and the gradient of the loss by the embeddings.
        batch: number of images, 2 or more.

    Raises:
        BackendUnavailableError: torch or paddle is not installed.
    """
    spec = without_randomness(spec) if full else reduced(spec)
    rng = generator(seed, "parity")
    images = rng.uniform(-1, 1, (batch, spec.in_channels, *spec.input_size)).astype(np.float32)
    cotangent = rng.standard_normal((batch, spec.embedding_size)) / batch
    modules = {backend: build_backbone(spec, backend=backend, seed=seed) for backend in BACKENDS}
    values = perturbed_state(modules["torch"], seed)
    for module in modules.values():
        set_state(module, values, strict=False)
    rate: float | None = None
    runs = {}
    for backend, module in modules.items():
        runs[backend] = _run(backend, module, images, cotangent, rate)
        rate = runs[backend]["rate"]
    return _compare(spec, values, runs["torch"], runs["paddle"])


def perturbed_state(module: Any, seed: int) -> dict[str, np.ndarray]:
    """The state with norms and biases changed from 1 and 0, so that a missing or swapped norm is detected."""
    state = get_state(module)
    for item in inventory(module):
        rng = generator(seed, "perturbed_state", item.name)
        if item.layer in ("batch_norm", "layer_norm") and item.entry in ("weight", "running_var"):
            state[item.name] = (0.5 + rng.random(item.shape)).astype(np.float32)
        elif item.entry == "bias":
            state[item.name] = (0.05 * rng.standard_normal(item.shape)).astype(np.float32)
        elif item.entry == "running_mean":
            state[item.name] = (0.1 * rng.standard_normal(item.shape)).astype(np.float32)
    return state


def _run(backend: str, module: Any, images: np.ndarray, cotangent: np.ndarray, rate: float | None) -> dict[str, Any]:
    native = backends.module(backend, "introspect")
    embedded = native.embed(module, images)
    native.widen(module)
    images = images.astype(np.float64)
    gradients = native.backward(module, images, cotangent)
    if rate is None:  # no weight changes by more than 0.01
        rate = float(0.01 / max(np.abs(value).max() for value in gradients.values()))
    native.step(module, rate)
    return {
        "embedded": embedded,
        "gradients": gradients,
        "rate": rate,
        "state": get_state(module),
        "trained": {item.name for item in inventory(module) if item.trained},
        "after": native.embed(module, images),
    }


def _compare(spec: BackboneSpec, values: Mapping[str, np.ndarray], a: dict, b: dict) -> BackboneErrors:
    if a["gradients"].keys() != b["gradients"].keys():
        odd = sorted(a["gradients"].keys() ^ b["gradients"].keys())
        raise AssertionError(f"{spec.name}: only one backend has a gradient for {odd[0]}")
    largest = max(np.abs(value).max() for value in a["gradients"].values())
    errors = {name: relative(value, b["gradients"][name], FLOOR * largest) for name, value in a["gradients"].items()}
    leaf = max(errors, key=lambda name: np.nan_to_num(errors[name], nan=np.inf))
    moved = {name: relative(a["state"][name], b["state"][name]) for name in values}
    trained = [error for name, error in moved.items() if name in a["trained"]]
    statistics = [error for name, error in moved.items() if name not in a["trained"]]
    return BackboneErrors(
        name=spec.name,
        parameters=sum(value.size for name, value in values.items() if name in a["trained"]),
        cosine=cosine_distance(a["embedded"], b["embedded"]),
        forward=relative_rms(a["embedded"], b["embedded"]),
        gradient=errors[leaf],
        leaf=leaf,
        statistics=float(np.max(statistics, initial=0.0)),
        step=float(np.max(trained)),
        after=relative_rms(a["after"], b["after"]),
    )


def relative(a: np.ndarray, b: np.ndarray, floor: float = 1e-12) -> float:
    """Largest difference, relative to the largest value."""
    return float(np.abs(a - b).max() / max(np.abs(a).max(), floor))


def relative_rms(a: np.ndarray, b: np.ndarray) -> float:
    """Largest difference, relative to the root mean square."""
    return float(np.abs(a - b).max() / np.sqrt(np.mean(np.square(a, dtype=np.float64))))


def cosine_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Largest 1 - cosine between rows of the same index, in float64."""
    a, b = (x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True) for x in (a, b))
    return float(np.max(1 - np.sum(a * b, axis=1)))
