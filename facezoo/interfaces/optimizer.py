"""The optimisers of a run: one definition of settings, parameter groups and stored state for both backends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# optimiser -> its state tensors per parameter, by the names that checkpoints give them
SLOTS: dict[str, tuple[str, ...]] = {
    "sgd": ("momentum",),
    "adamw": ("exp_avg", "exp_avg_sq"),
    "lamb": ("exp_avg", "exp_avg_sq"),
}
EPS = {"sgd": 0.0, "adamw": 1e-8, "lamb": 1e-6}  # added to the denominator, where the run names no other


@dataclass(frozen=True)
class OptimizerSettings:
    """What updates the weights; the same equations on both backends.

    "sgd" adds weight decay to the gradient (L2) and starts the momentum with the first gradient. "adamw" is Adam with
    decoupled decay (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101). "lamb" scales Adam's step of each
    tensor to the tensor's norm (You et al. 2020, https://arxiv.org/abs/1904.00962); tensors without decay are not
    scaled. Decay applies to weights of convolutions, linear layers and tables; norms, PReLU and biases have none.

    Attributes:
        name: "sgd", "adamw" or "lamb".
        momentum: of SGD, 0 to below 1.
        nesterov: of SGD, Nesterov's form; needs momentum.
        weight_decay: 0 or more.
        beta1: of AdamW and LAMB, 0 to below 1.
        beta2: of AdamW and LAMB, 0 to below 1.
        eps: of AdamW and LAMB, above 0; None takes the optimiser's own of ``EPS``.
    """

    name: str = "sgd"
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 5e-4
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float | None = None


def single(value: float) -> float:
    """The nearest float32: paddle's kernels take their settings so, and torch then gets the same number.

    >>> single(0.9)
    0.8999999761581421
    """
    return float(np.float32(value))


def state_name(optimizer: str, slot: str, parameter: str) -> str:
    """The name of a state tensor in ``optimizer.safetensors``.

    SGD's momentum is stored under the parameter's own name, as in every earlier version.

    >>> state_name("adamw", "exp_avg", "head.weight"), state_name("sgd", "momentum", "head.weight")
    ('exp_avg.head.weight', 'head.weight')
    """
    return parameter if optimizer == "sgd" else f"{slot}.{parameter}"


def steps_name(parameter: str) -> str:
    """The name of the number of updates of a parameter, an int64 array (1,), for AdamW and LAMB."""
    return f"step.{parameter}"
