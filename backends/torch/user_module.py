"""Building a module from outside the zoo, and one call of it, to see what it returns."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from facezoo.backends.torch.pixels import to_input
from facezoo.specs.preprocess import Preprocess


def seed_framework(seed: int) -> None:
    """Make the initial weights of the next module depend on the seed alone."""
    torch.manual_seed(seed)


def output_of(module: nn.Module, images: np.ndarray, preprocess: Preprocess) -> tuple[int, ...] | str:
    """The shape of a backbone's output for (N, H, W, 3) uint8 images, or the name of its type where it is no tensor."""
    training = module.training
    module.eval()
    place = next(module.parameters(), torch.zeros(()))
    with torch.no_grad():
        output = module(to_input(torch.from_numpy(images).to(place.device), preprocess).to(place.dtype))
    module.train(training)
    return tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__


def loss_of(head: nn.Module, embeddings: np.ndarray, labels: np.ndarray) -> tuple[tuple[int, ...], bool] | str:
    """Shape of a head's loss and whether it has a gradient, or the name of its type where it is no tensor."""
    place = next(head.parameters(), torch.zeros(()))
    x = torch.from_numpy(embeddings).to(place.device).requires_grad_()
    loss = head(x, torch.from_numpy(labels).to(place.device))
    if not isinstance(loss, torch.Tensor):
        return type(loss).__name__
    if loss.requires_grad and loss.numel() == 1:
        loss.backward()
        head.zero_grad(set_to_none=True)
    return tuple(loss.shape), x.grad is not None
