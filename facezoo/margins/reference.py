"""Loss and gradients of a margin head in NumPy float64, from its oracle: what both backends are held against."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Gradients(NamedTuple):
    """A scalar loss and its derivatives, float64."""

    loss: float
    logits: np.ndarray  # (N, C)
    embeddings: np.ndarray  # (N, E)
    weight: np.ndarray  # (C, E)
    state: dict[str, np.ndarray]


def normalise(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows divided by their length (at least 1e-12), and the lengths (N, 1)."""
    norms = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return rows / norms, norms


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
        p = np.exp(-loss)
        rest = 1 - p
        factor = rest**focal_gamma + focal_gamma * rest ** (focal_gamma - 1) * p * loss
        return rest**focal_gamma * loss, slope * factor[:, None]
    return loss, slope


def margin_reference(
    margin: Any, embeddings: np.ndarray, weight: np.ndarray, labels: np.ndarray, *,
    state: dict[str, np.ndarray] | None = None, **criterion: Any,
) -> Gradients:  # fmt: skip
    """Run a margin's oracle and carry its slopes back to embeddings and weights.

    Args:
        margin: a margin of kind "margin".
        embeddings: (N, E), not normalised.
        weight: (C, E), or (C, K, E) where the margin has sub-centres.
        labels: (N,).
        state: the head's state before the call.
        criterion: as :func:`cross_entropy` takes it.
    """
    x = np.asarray(embeddings, np.float64)
    w = np.asarray(weight, np.float64)
    n = len(x)
    x_hat, x_norm = normalise(x)
    rows, pick = w, None
    if w.ndim == 3:  # sub-centres: the best one of each class, for each sample
        flat_hat, _ = normalise(w.reshape(-1, w.shape[2]))
        every = (x_hat @ flat_hat.T).reshape(n, w.shape[0], w.shape[1])
        pick = every.argmax(axis=2)  # (N, C)
        cosine = np.clip(every.max(axis=2), -1, 1)
    else:
        w_hat, w_norm = normalise(rows)
        cosine = np.clip(x_hat @ w_hat.T, -1, 1)
    norms = np.linalg.norm(x, axis=1)
    out = margin.oracle(cosine, np.asarray(labels), norms=norms, state=dict(state or {}))
    losses, d_logits = cross_entropy(out.logits, labels, **criterion)
    d_logits = d_logits / n
    d_cosine = d_logits * out.slope
    if pick is None:
        grad_x = (d_cosine @ w_hat - (d_cosine * cosine).sum(1, keepdims=True) * x_hat) / x_norm
        grad_w = (d_cosine.T @ x_hat - (d_cosine * cosine).sum(0)[:, None] * w_hat) / w_norm
    else:
        grad_x, grad_w = _through_sub_centres(x_hat, x_norm, w, pick, cosine, d_cosine)
    radial = np.zeros(n)
    if out.norm_slope is not None:
        radial += (d_logits * out.norm_slope).sum(axis=1)
    if out.penalty_norm_slope is not None:
        radial += out.penalty_norm_slope
    grad_x = grad_x + radial[:, None] * x_hat
    return Gradients(float(losses.mean() + out.penalty), out.logits, grad_x, grad_w, dict(out.state or {}))


def _through_sub_centres(
    x_hat: np.ndarray,
    x_norm: np.ndarray,
    w: np.ndarray,
    pick: np.ndarray,
    cosine: np.ndarray,
    d_cosine: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    norms = np.linalg.norm(w, axis=2)  # (C, K)
    hat = w / np.maximum(norms, 1e-12)[:, :, None]
    grad_x, grad_w = np.zeros_like(x_hat), np.zeros_like(w)
    for i in range(len(x_hat)):
        for j in range(w.shape[0]):
            k = pick[i, j]
            grad_x[i] += d_cosine[i, j] * (hat[j, k] - cosine[i, j] * x_hat[i]) / x_norm[i]
            grad_w[j, k] += d_cosine[i, j] * (x_hat[i] - cosine[i, j] * hat[j, k]) / norms[j, k]
    return grad_x, grad_w
