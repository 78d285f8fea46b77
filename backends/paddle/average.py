"""The moving average of a backbone's weights (Polyak and Juditsky 1992); its buffers are those of the newest step."""

from __future__ import annotations

import copy

import paddle
from paddle import nn


def average_of(backbone: nn.Layer) -> nn.Layer:
    """A copy of the backbone in evaluation mode, whose weights no gradient changes."""
    average = copy.deepcopy(backbone)
    average.eval()
    for value in average.parameters():
        value.stop_gradient = True
    return average


@paddle.no_grad()
def update_average(average: nn.Layer, backbone: nn.Layer, decay: float) -> None:
    """Average = decay x average + (1 - decay) x backbone."""
    for held, value in zip(average.parameters(), backbone.parameters(), strict=True):
        if value.stop_gradient:  # running statistics are parameters here
            paddle.assign(value, held)
        else:
            held.add_((value.detach() - held) * (1 - decay))
    for held, value in zip(average.buffers(), backbone.buffers(), strict=True):
        paddle.assign(value, held)
