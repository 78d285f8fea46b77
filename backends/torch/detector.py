"""MTCNN's three networks in PyTorch; the algorithm around them is ``facezoo.align.mtcnn``.

Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional networks", 2016.
Inputs are (pixel - 127.5) / 128, RGB.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def _planes(images: Tensor) -> Tensor:
    """(N, H, W, 3) to (N, 3, H, W), without a copy: the channels-last layout, which is faster."""
    return images.permute(0, 3, 1, 2)


class PNet(nn.Module):
    """Proposals: a 12x12 window at a stride of 2, fully convolutional."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 10, 3)
        self.prelu1 = nn.PReLU(10)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(10, 16, 3)
        self.prelu2 = nn.PReLU(16)
        self.conv3 = nn.Conv2d(16, 32, 3)
        self.prelu3 = nn.PReLU(32)
        self.conv4_1 = nn.Conv2d(32, 4, 1)
        self.conv4_2 = nn.Conv2d(32, 2, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, H, W, 3) to scores (N, 2, h, w) of no face and face, and box offsets (N, 4, h, w)."""
        x = self.pool1(self.prelu1(self.conv1(_planes(images))))
        x = self.prelu2(self.conv2(x))
        x = self.prelu3(self.conv3(x))
        return self.conv4_2(x), self.conv4_1(x)


class RNet(nn.Module):
    """Refinement of 24x24 crops."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 28, 3)
        self.prelu1 = nn.PReLU(28)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(28, 48, 3)
        self.prelu2 = nn.PReLU(48)
        self.pool2 = nn.MaxPool2d(3, 2)
        self.conv3 = nn.Conv2d(48, 64, 2)
        self.prelu3 = nn.PReLU(64)
        self.fc4 = nn.Linear(576, 128)
        self.prelu4 = nn.PReLU(128)
        self.fc5_1 = nn.Linear(128, 4)
        self.fc5_2 = nn.Linear(128, 2)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Crops (N, 24, 24, 3) to scores (N, 2) of no face and face, and box offsets (N, 4)."""
        x = self.pool1(self.prelu1(self.conv1(_planes(images))))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.prelu3(self.conv3(x)).flatten(1)  # (N, 576)
        x = self.prelu4(self.fc4(x))
        return self.fc5_2(x), self.fc5_1(x)


class ONet(nn.Module):
    """Output on 48x48 crops: the final box and five landmarks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3)
        self.prelu1 = nn.PReLU(32)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.prelu2 = nn.PReLU(64)
        self.pool2 = nn.MaxPool2d(3, 2)
        self.conv3 = nn.Conv2d(64, 64, 3)
        self.prelu3 = nn.PReLU(64)
        self.pool3 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv4 = nn.Conv2d(64, 128, 2)
        self.prelu4 = nn.PReLU(128)
        self.fc5 = nn.Linear(1152, 256)
        self.prelu5 = nn.PReLU(256)
        self.fc6_1 = nn.Linear(256, 4)
        self.fc6_2 = nn.Linear(256, 10)
        self.fc6_3 = nn.Linear(256, 2)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Crops (N, 48, 48, 3) to scores (N, 2), box offsets (N, 4), landmarks (N, 10): five x, then five y."""
        x = self.pool1(self.prelu1(self.conv1(_planes(images))))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.pool3(self.prelu3(self.conv3(x)))
        x = self.prelu4(self.conv4(x)).flatten(1)  # (N, 1152)
        x = self.prelu5(self.fc5(x))
        return self.fc6_3(x), self.fc6_1(x), self.fc6_2(x)


class Networks:
    """The three networks with their weights, as functions from arrays to arrays.

    Args:
        states: "pnet", "rnet", "onet" -> canonical state.
        device: where they run.
    """

    def __init__(self, states: Mapping[str, Mapping[str, np.ndarray]], device: str = "cpu") -> None:
        self.device = torch.device(device)
        self._pnet = self._load(PNet(), states["pnet"])
        self._rnet = self._load(RNet(), states["rnet"])
        self._onet = self._load(ONet(), states["onet"])

    def pnet(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """Images (N, H, W, 3) to logits (N, h, w) of a face, and box offsets (N, 4, h, w)."""
        return self._run(self._pnet, images)

    def rnet(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """Crops (N, 24, 24, 3) to logits (N,) of a face, and box offsets (N, 4)."""
        return self._run(self._rnet, images)

    def onet(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """Crops (N, 48, 48, 3) to logits (N,) of a face, box offsets (N, 4), landmarks (N, 10)."""
        return self._run(self._onet, images)

    def _load(self, net: nn.Module, state: Mapping[str, np.ndarray]) -> nn.Module:
        net.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
        moved: Any = net.eval()  # torch's type hints lack the argument memory_format
        return moved.to(self.device, memory_format=torch.channels_last)

    def _run(self, net: nn.Module, images: np.ndarray) -> tuple[np.ndarray, ...]:
        with torch.inference_mode():
            outputs = net(torch.from_numpy(images).to(self.device))
        scores, *rest = (output.cpu().numpy() for output in outputs)
        return scores[:, 1] - scores[:, 0], *rest
