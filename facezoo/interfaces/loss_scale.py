"""Loss scaling, which keeps the small gradients of training in float16 above its smallest numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

START = 65536.0
INTERVAL = 2000  # steps without overflow after which the scale doubles
STORED = "loss_scale"  # name of the stored state


class LossScale:
    """The factor of the loss in the backward pass: the rule and the numbers of torch.amp.GradScaler.

    The engine multiplies the loss by :attr:`value` and divides the gradients by it. A step whose gradients are not
    finite in any process is not applied, and halves the scale in all; after 2,000 applied steps in a row the scale
    doubles (Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740). It is kept on the host, the same in each
    process and on both backends. A power of two, it changes no digit of a gradient.

    Args:
        enabled: whether the run computes in float16; else the scale is 1 and stays so.

    >>> scale = LossScale(True)
    >>> scale.update(finite=False)
    >>> scale.value
    32768.0
    """

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self.value = START if enabled else 1.0
        self.applied = 0  # steps since the scale was changed

    @property
    def can_shrink(self) -> bool:
        """Whether a step that overflows may pass with a smaller scale; at 1 and below the loss itself is at fault."""
        return self.enabled and self.value > 1

    def update(self, *, finite: bool) -> None:
        """Count a step."""
        if not self.enabled:
            return
        self.applied = self.applied + 1 if finite else 0
        if not finite:
            self.value /= 2
        elif self.applied == INTERVAL:
            self.value, self.applied = self.value * 2, 0

    def state(self) -> dict[str, np.ndarray]:
        """Scale and applied steps, float64 (2,); empty without loss scaling and before the first step."""
        fresh = self.value == START and not self.applied
        return {STORED: np.array([self.value, self.applied])} if self.enabled and not fresh else {}

    def load_state(self, values: Mapping[str, np.ndarray]) -> None:
        """The inverse of :meth:`state`; without a stored state nothing changes."""
        if self.enabled and STORED in values:
            self.value, self.applied = float(values[STORED][0]), int(values[STORED][1])
