"""Synthetic faces as data sets of each framework, for the other files in this folder."""

from __future__ import annotations

from typing import Any

import numpy as np

from facezoo.data.sources.synthetic import SyntheticFaces

IDENTITIES = 16
SIZE = 64  # pixels


def arrays(identities: int = IDENTITIES, images: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Images float32 (N, 3, 64, 64) from -1 to 1, and labels int64 (N,)."""
    faces = SyntheticFaces(identities, images, seed=0, size=SIZE)
    pixels = np.stack([faces.image(index) for index in range(len(faces))])
    return (pixels.transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 127.5, faces.labels.astype(np.int64)


def torch_dataset() -> Any:
    """A ``torch.utils.data.TensorDataset``."""
    import torch

    return torch.utils.data.TensorDataset(*map(torch.from_numpy, arrays()))


def torch_loader(batch_size: int = 16) -> Any:
    """A shuffled loader without a smaller last batch."""
    import torch

    return torch.utils.data.DataLoader(torch_dataset(), batch_size, shuffle=True, drop_last=True)


def paddle_dataset() -> Any:
    """A ``paddle.io.TensorDataset``."""
    import paddle

    return paddle.io.TensorDataset([paddle.to_tensor(values) for values in arrays()])
