"""Fold batch norms into adjacent convolutions and linear layers: the same outputs with fewer operations.

In evaluation mode a BN is ``scale * x + shift`` per channel. After a convolution or a linear layer it is folded into
that layer's weight and bias; before a flattening linear layer (neck E) into that one. Other cases are not exact: a BN
before a padded convolution is kept, because the padding is not shifted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Affine(NamedTuple):
    """A batch norm in evaluation mode: ``scale * x + shift``, float64 (C,) each."""

    scale: np.ndarray
    shift: np.ndarray


def affine(
    mean: np.ndarray, variance: np.ndarray, weight: np.ndarray | None, bias: np.ndarray | None, eps: float
) -> Affine:
    """Scale and shift that a batch norm applies in evaluation mode.

    >>> affine(np.array([1.0]), np.array([3.0]), np.array([4.0]), None, 1.0)
    Affine(scale=array([2.]), shift=array([-2.]))
    """
    scale = 1 / np.sqrt(variance.astype(np.float64) + eps)
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale
    return Affine(scale, shift if bias is None else shift + bias)


def behind(weight: np.ndarray, bias: np.ndarray | None, norm: Affine) -> tuple[np.ndarray, np.ndarray]:
    """Weight (out, ...) and bias (out,) of a layer with the following norm folded in."""
    scale = norm.scale.reshape(-1, *[1] * (weight.ndim - 1))
    return weight * scale, norm.shift if bias is None else bias * norm.scale + norm.shift


def before(weight: np.ndarray, bias: np.ndarray | None, norm: Affine) -> tuple[np.ndarray, np.ndarray]:
    """Weight (out, C * area) and bias (out,) of a linear layer on a flattened map with the preceding norm folded in."""
    area = weight.shape[1] // norm.scale.size
    scale, shift = np.repeat(norm.scale, area), np.repeat(norm.shift, area)
    moved = weight.astype(np.float64) @ shift
    return weight * scale, moved if bias is None else bias + moved


def branches(
    dense: tuple[np.ndarray, Affine], point: tuple[np.ndarray, Affine], identity: Affine | None
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (out, in, 3, 3) and bias (out,) equivalent to a RepVGG block.

    Args:
        dense: kernel (out, in, 3, 3) without bias, and the norm after it.
        point: kernel (out, in, 1, 1) without bias, and the norm after it.
        identity: the norm of the identity branch, or None.
    """
    kernel, bias = behind(dense[0], None, dense[1])
    small, more = behind(point[0], None, point[1])
    kernel = kernel.astype(np.float64)
    kernel[:, :, 1, 1] += small[:, :, 0, 0]
    bias = bias + more
    if identity is not None:
        kernel[np.arange(len(bias)), np.arange(len(bias)), 1, 1] += identity.scale
        bias = bias + identity.shift
    return kernel, bias
