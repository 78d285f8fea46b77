"""Scalar algebra and one batch, for the independent definitions."""

from __future__ import annotations

import math

import numpy as np

N, E, C = 14, 8, 6
SEED = 20


def dot(a, b):
    return sum(float(p) * float(q) for p, q in zip(a, b, strict=True))


def cos(x, w):
    value = dot(x, w) / (max(math.sqrt(dot(x, x)), 1e-12) * max(math.sqrt(dot(w, w)), 1e-12))
    return min(1.0, max(-1.0, value))


def arc(c, m):
    return math.cos(math.acos(c) + m)


def mm(c, m):
    return arc(c, m) if c > math.cos(math.pi - m) else c - m * math.sin(m)


def sigmoid(v):
    return 1 / (1 + math.exp(-v)) if v > -700 else 0.0


def softplus(v):
    return max(v, 0.0) + math.log1p(math.exp(-abs(v)))


def log_sum_exp(values):
    top = max(values)
    return top + math.log(sum(math.exp(v - top) for v in values))


def batch():
    """Embeddings on all sides of their class: close, hard, opposite; norms on either side of the clamps."""
    rng = np.random.default_rng(SEED)
    weight = rng.normal(size=(C, E))
    labels = rng.integers(0, C, N)
    labels[:3] = C - 1
    x = rng.normal(size=(N, E))
    for i in range(0, N, 2):
        x[i] = weight[labels[i]] * (1 if i % 4 == 0 else -1) + rng.normal(size=E) * rng.uniform(0.1, 1.0)
    x *= (rng.uniform(2, 160, size=N) / np.linalg.norm(x, axis=1))[:, None]
    return x, weight, labels


def cosines(x, weight):
    return [[cos(a, w) for w in weight] for a in x]
