"""MTCNN's three networks in PaddlePaddle; the algorithm around them is ``facezoo.align.mtcnn``.

Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional networks", 2016.
Inputs are (pixel - 127.5) / 128, RGB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import paddle
from paddle import Tensor, nn

from facezoo.backends.paddle.program import make_program
from facezoo.errors import CheckpointError


def _planes(images: Tensor) -> Tensor:
    """(N, H, W, 3) to (N, 3, H, W)."""
    return images.transpose((0, 3, 1, 2))


class PNet(nn.Layer):
    """Proposals: a 12x12 window at a stride of 2, fully convolutional."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(3, 10, 3)
        self.prelu1 = nn.PReLU(10)
        self.pool1 = nn.MaxPool2D(2, 2, ceil_mode=True)
        self.conv2 = nn.Conv2D(10, 16, 3)
        self.prelu2 = nn.PReLU(16)
        self.conv3 = nn.Conv2D(16, 32, 3)
        self.prelu3 = nn.PReLU(32)
        self.conv4_1 = nn.Conv2D(32, 4, 1)
        self.conv4_2 = nn.Conv2D(32, 2, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, H, W, 3) to scores (N, 2, h, w) of no face and face, and box offsets (N, 4, h, w)."""
        x = self.pool1(self.prelu1(self.conv1(_planes(images))))
        x = self.prelu2(self.conv2(x))
        x = self.prelu3(self.conv3(x))
        return self.conv4_2(x), self.conv4_1(x)


class RNet(nn.Layer):
    """Refinement of 24x24 crops."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(3, 28, 3)
        self.prelu1 = nn.PReLU(28)
        self.pool1 = nn.MaxPool2D(3, 2, ceil_mode=True)
        self.conv2 = nn.Conv2D(28, 48, 3)
        self.prelu2 = nn.PReLU(48)
        self.pool2 = nn.MaxPool2D(3, 2)
        self.conv3 = nn.Conv2D(48, 64, 2)
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


class ONet(nn.Layer):
    """Output on 48x48 crops: the final box and five landmarks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(3, 32, 3)
        self.prelu1 = nn.PReLU(32)
        self.pool1 = nn.MaxPool2D(3, 2, ceil_mode=True)
        self.conv2 = nn.Conv2D(32, 64, 3)
        self.prelu2 = nn.PReLU(64)
        self.pool2 = nn.MaxPool2D(3, 2)
        self.conv3 = nn.Conv2D(64, 64, 3)
        self.prelu3 = nn.PReLU(64)
        self.pool3 = nn.MaxPool2D(2, 2, ceil_mode=True)
        self.conv4 = nn.Conv2D(64, 128, 2)
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
        self.device = device
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

    def _load(self, net: nn.Layer, state: Mapping[str, np.ndarray]) -> Callable[..., Any]:
        native: dict[str, Any] = {}
        for name, value in state.items():
            layer = getattr(net, name.split(".")[0])
            if isinstance(layer, nn.Linear) and name.endswith("weight"):
                value = np.ascontiguousarray(value.T)
            native[name.replace("weight", "_weight") if isinstance(layer, nn.PReLU) else name] = value
        missing, unexpected = net.set_state_dict(native)
        if missing or unexpected:
            raise CheckpointError(f"the weights do not fit: missing {missing}, unexpected {unexpected}")
        net.eval()
        return _compiled(net) if self.device == "cpu" else net.to(self.device)

    def _run(self, net: Callable[..., Any], images: np.ndarray) -> tuple[np.ndarray, ...]:
        with paddle.no_grad():
            outputs = net(paddle.to_tensor(images, place=self.device))
        scores, *rest = (output.numpy() for output in outputs)
        return scores[:, 1] - scores[:, 0], *rest


def _compiled(net: nn.Layer) -> Callable[[Tensor], list[Tensor]]:
    """The network as a program, six times as fast as the dynamic graph on a CPU."""
    side = {PNet: None, RNet: 24, ONet: 48}[type(net)]
    predictor = make_program(net, [None, side, side, 3])
    return lambda images: predictor.run([images])
