"""Loss and gradients of a margin head in NumPy float64, from its oracle; both backends are tested against it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

State = dict[str, np.ndarray]


class Gradients(NamedTuple):
    """A scalar loss and its derivatives, float64."""

    loss: float
    logits: np.ndarray | None  # (N, C), or None without logits
    embeddings: np.ndarray  # (N, E)
    parameters: State  # derivative by each trained entry of the state
    state: State  # entries that the call changed


@dataclass
class Reference:
    """What a margin's oracle returns for one batch, all float64.

    Every margin head's logit depends on its own cosine and, in a few heads, on the embedding's norm; all
    other inputs are constants in the gradient. So two slopes give the whole derivative.

    Attributes:
        logits: (N, C), the input of the cross-entropy.
        slope: (N, C), d logits / d cosine.
        norm_slope: (N, C) or None, d logits / d norm of the embedding.
        penalty: added to the loss.
        penalty_norm_slope: (N,) or None, d penalty / d norm.
        losses: (N,) with ``loss_slope`` (N, C) = d losses / d logits, where the loss is not a cross-entropy.
        parameters: from d loss / d logits (N, C) to the gradients of further parameters.
        state: entries of the head's state that this call changed.
    """

    logits: np.ndarray
    slope: np.ndarray
    norm_slope: np.ndarray | None = None
    penalty: float = 0.0
    penalty_norm_slope: np.ndarray | None = None
    losses: np.ndarray | None = None
    loss_slope: np.ndarray | None = None
    parameters: Callable[[np.ndarray], State] | None = None
    state: State = field(default_factory=dict)


def normalise(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows divided by their length (at least 1e-12), and the lengths (N, 1)."""
    norms = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return rows / norms, norms


def through_normalise(slope: np.ndarray, hat: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """From the derivative by normalised rows to that by the rows; below the minimum length it only scales."""
    radial = np.where(norms > 1e-12, (slope * hat).sum(axis=1, keepdims=True), 0.0)
    return (slope - radial * hat) / norms


def sine(cosine: np.ndarray) -> np.ndarray:
    """sqrt(1 - cosine^2); 0 close to a pole, where the angle is below rounding."""
    squared = 1 - cosine * cosine
    return np.sqrt(np.where(squared > 16 * np.finfo(np.float64).eps, squared, 0.0))


def arc(cosine: np.ndarray, margin: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """cos(θ + m) and its derivative by cos θ; at the poles the derivative is given as cos m (any finite value does)."""
    height = sine(cosine)
    value = cosine * np.cos(margin) - height * np.sin(margin)
    return value, np.cos(margin) + np.sin(margin) * cosine / np.where(height > 0, height, np.inf)


def arc_monotone(cosine: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """:func:`arc` up to θ = π - m, beyond it cos θ - m sin m with slope 1."""
    value, slope = arc(cosine, margin)
    keep = cosine > math.cos(math.pi - margin)
    return np.where(keep, value, cosine - margin * math.sin(margin)), np.where(keep, slope, 1.0)


def with_target(
    negatives: np.ndarray, slope: np.ndarray, labels: np.ndarray, value: np.ndarray, value_slope: np.ndarray,
    scale: float,
) -> Reference:  # fmt: skip
    """Scaled logits and slopes (N, C): those of the negatives, with those of the target in its column."""
    rows = np.arange(len(labels))
    logits, slopes = scale * negatives, scale * slope
    logits[rows, labels] = scale * value
    slopes[rows, labels] = scale * value_slope
    return Reference(logits, slopes)


def cross_entropy(
    logits: np.ndarray, labels: np.ndarray, *, criterion: str = "softmax", label_smoothing: float = 0.0,
    focal_gamma: float = 2.0,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Per-sample loss (N,) and its derivative by the logits (N, C)."""
    n, c = logits.shape
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    wanted = np.full((n, c), label_smoothing / c)
    wanted[np.arange(n), labels] += 1 - label_smoothing
    loss = -(wanted * log_p).sum(axis=1)
    slope = np.exp(log_p) - wanted
    if criterion == "focal":
        loss, factor = focal(loss, focal_gamma)
        return loss, slope * np.asarray(factor)[:, None]
    return loss, slope


def focal(loss: np.ndarray, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """(1 - exp(-loss))^γ loss, and its derivative."""
    p = np.exp(-loss)
    rest = np.maximum(-np.expm1(-loss), 1e-12 if gamma < 1 else 0.0)
    slope = gamma * rest ** (gamma - 1) * p * loss if gamma else 0.0
    return rest**gamma * loss, rest**gamma + slope


def margin_reference(
    margin: Any, embeddings: np.ndarray, labels: np.ndarray, state: Mapping[str, np.ndarray], **criterion: Any
) -> Gradients:
    """Run a margin's oracle and apply the chain rule to embeddings and weights; see ``Margin.reference``."""
    x, weight = np.asarray(embeddings, np.float64), np.asarray(state["weight"], np.float64)
    n = len(x)
    x_hat, x_norm = normalise(x)
    w_hat, w_norm = normalise(weight.reshape(-1, x.shape[1]))
    every = (x_hat @ w_hat.T).reshape(n, len(weight), -1)  # (N, C, K): K sub-centers, mostly 1
    best = every.argmax(axis=2)[:, :, None]
    cosine = np.clip(np.take_along_axis(every, best, axis=2)[:, :, 0], -1, 1)
    norms = x_norm[:, 0]
    out = margin.oracle(cosine.copy(), np.asarray(labels), norms=norms, state=dict(state))
    if out.losses is None:
        losses, d_logits = cross_entropy(out.logits, labels, **criterion)
    else:
        losses, d_logits = out.losses, out.loss_slope
    d_logits = d_logits / n
    d_every = np.zeros_like(every)
    np.put_along_axis(d_every, best, (d_logits * out.slope)[:, :, None], axis=2)
    d_every = d_every.reshape(n, -1)  # (N, C K)
    grad_x = through_normalise(d_every @ w_hat, x_hat, x_norm)
    grad_w = through_normalise(d_every.T @ x_hat, w_hat, w_norm).reshape(weight.shape)
    radial = np.zeros(n)
    if out.norm_slope is not None:
        radial += (d_logits * out.norm_slope).sum(axis=1)
    if out.penalty_norm_slope is not None:
        radial += out.penalty_norm_slope
    parameters = {"weight": grad_w, **(out.parameters(d_logits) if out.parameters else {})}
    loss = float(losses.mean() + out.penalty)
    return Gradients(loss, out.logits, grad_x + radial[:, None] * x_hat, parameters, out.state)
