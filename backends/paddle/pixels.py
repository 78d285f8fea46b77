"""From uint8 RGB crops to a network's input, as its ``Preprocess`` defines it."""

from __future__ import annotations

import paddle

from facezoo.specs.preprocess import LUMA, Preprocess


def to_input(images: paddle.Tensor, preprocess: Preprocess) -> paddle.Tensor:
    """(N, H, W, 3) uint8 RGB to (N, C, H, W) float32."""
    x = images.astype("float32")  # (N, H, W, 3)
    if preprocess.color == "BGR":
        x = x.flip(axis=3)
    if preprocess.color == "gray":
        x = (x * paddle.to_tensor(LUMA, dtype="float32")).sum(axis=3, keepdim=True)
    mean = paddle.to_tensor(preprocess.mean, dtype="float32")
    std = paddle.to_tensor(preprocess.std, dtype="float32")
    return ((x - mean) / std).transpose([0, 3, 1, 2])
