"""From uint8 RGB crops to a network's input, as its ``Preprocess`` defines it."""

from __future__ import annotations

import torch

from facezoo.specs.preprocess import LUMA, Preprocess


def to_input(images: torch.Tensor, preprocess: Preprocess) -> torch.Tensor:
    """(N, H, W, 3) uint8 RGB to (N, C, H, W) float32, channels last in memory."""
    x = images.to(torch.float32)  # (N, H, W, 3)
    if preprocess.color == "BGR":
        x = x.flip(3)
    if preprocess.color == "gray":
        x = (x * torch.tensor(LUMA, device=x.device)).sum(dim=3, keepdim=True)
    mean = torch.tensor(preprocess.mean, dtype=torch.float32, device=x.device)
    std = torch.tensor(preprocess.std, dtype=torch.float32, device=x.device)
    return ((x - mean) / std).permute(0, 3, 1, 2)
