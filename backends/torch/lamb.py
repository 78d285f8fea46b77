"""LAMB on torch, which ships none; the equations of ``paddle.optimizer.Lamb``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.optim import Optimizer


class Lamb(Optimizer):
    """Layer-wise adaptive moments (You et al. 2020, https://arxiv.org/abs/1904.00962, algorithm 2).

    m and v are Adam's moments with bias correction, r = m / (sqrt(v) + eps) + decay * w, and the step is
    lr * |w| / |r| * r; the ratio is 1 where a norm is 0, and for groups without decay.

    Args:
        params: parameters, or groups with their own ``weight_decay``.
        lr: learning rate, 0 or more.
        betas: of the moments, 0 to below 1 each.
        eps: above 0.
        weight_decay: 0 or more.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            params = [value for value in group["params"] if value.grad is not None]
            if params:
                self._update(group, params)

    def _update(self, group: dict[str, Any], params: list[torch.Tensor]) -> None:
        beta1, beta2 = group["betas"]
        for value in params:
            if not self.state[value]:
                self.state[value] = {
                    "step": torch.zeros((), dtype=torch.float32),
                    "exp_avg": torch.zeros_like(value, memory_format=torch.preserve_format),
                    "exp_avg_sq": torch.zeros_like(value, memory_format=torch.preserve_format),
                }
        states = [self.state[value] for value in params]
        gradients = [value.grad for value in params if value.grad is not None]  # all of them
        first = [state["exp_avg"] for state in states]
        second = [state["exp_avg_sq"] for state in states]
        for state in states:
            state["step"] += 1
        torch._foreach_lerp_(first, gradients, 1 - beta1)
        torch._foreach_mul_(second, beta2)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - beta2)
        steps = [float(state["step"]) for state in states]
        below = torch._foreach_div(second, [1 - beta2**step for step in steps])
        torch._foreach_sqrt_(below)
        torch._foreach_add_(below, group["eps"])
        update = torch._foreach_div(first, [1 - beta1**step for step in steps])
        torch._foreach_div_(update, below)
        if group["weight_decay"]:
            torch._foreach_add_(update, params, alpha=group["weight_decay"])
            ratios = torch._foreach_div(torch._foreach_norm(params), torch._foreach_norm(update))
            one = [torch.ones_like(ratio) for ratio in ratios]
            usable = [torch.isfinite(ratio) & (ratio > 0) for ratio in ratios]
            torch._foreach_mul_(update, [torch.where(*each) for each in zip(usable, ratios, one, strict=True)])
        torch._foreach_add_(params, update, alpha=-group["lr"])
