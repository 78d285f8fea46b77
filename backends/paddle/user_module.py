"""Building a module from outside the zoo, and one call of it, to see what it returns."""

from __future__ import annotations

import numpy as np
import paddle
from paddle import nn

from facezoo.backends.paddle.pixels import to_input
from facezoo.specs.preprocess import Preprocess


def seed_framework(seed: int) -> None:
    """Make the initial weights of the next module depend on the seed alone."""
    paddle.seed(seed)


def output_of(module: nn.Layer, images: np.ndarray, preprocess: Preprocess) -> tuple[int, ...] | str:
    """The shape of a backbone's output for (N, H, W, 3) uint8 images, or the name of its type where it is no tensor."""
    training = module.training
    module.eval()
    place = next(iter(module.parameters()), paddle.zeros([]))
    with paddle.no_grad():
        output = module(to_input(paddle.to_tensor(images, place=place.place), preprocess).astype(place.dtype))
    module.train() if training else module.eval()
    return tuple(output.shape) if isinstance(output, paddle.Tensor) else type(output).__name__


def loss_of(head: nn.Layer, embeddings: np.ndarray, labels: np.ndarray) -> tuple[tuple[int, ...], bool] | str:
    """Shape of a head's loss and whether it has a gradient, or the name of its type where it is no tensor."""
    place = next(iter(head.parameters()), paddle.zeros([]))
    x = paddle.to_tensor(embeddings, place=place.place, stop_gradient=False)
    loss = head(x, paddle.to_tensor(labels, place=place.place))
    if not isinstance(loss, paddle.Tensor):
        return type(loss).__name__
    if not loss.stop_gradient and loss.size == 1:
        loss.backward()
        head.clear_gradients()
    return tuple(loss.shape), x.grad is not None
