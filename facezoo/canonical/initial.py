"""Initial weights of a run, drawn by NumPy from (seed, canonical name), so both backends start from the same values."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from facezoo.canonical.leaf import Leaf
from facezoo.errors import UnknownNameError
from facezoo.rng import generator

# rule -> (convolution, linear, table): how a weight of that kind is drawn
RULES: dict[str, tuple[str, str, str]] = {
    "xavier_uniform": ("xavier_uniform", "xavier_uniform", "normal_0.02"),
    "kaiming_normal_fan_out": ("kaiming_fan_out", "normal_0.01", "normal_0.02"),
    "kaiming_normal_all": ("kaiming_fan_out", "kaiming_fan_out", "normal_0.02"),
    "normal_0.1": ("normal_0.1", "kaiming_uniform_sqrt5", "normal_0.02"),
    "torch_default": ("kaiming_uniform_sqrt5", "kaiming_uniform_sqrt5", "normal_0.02"),
    "kaiming_normal_fan_in": ("kaiming_fan_in", "kaiming_uniform_sqrt5", "normal_0.02"),
    "kaiming_normal_grouped": ("kaiming_grouped", "normal_0.01", "normal_0.02"),
    "kaiming_normal_grouped_all": ("kaiming_grouped", "kaiming_fan_out", "normal_0.02"),
    "efficientnet": ("kaiming_grouped", "uniform_fan_out", "normal_0.02"),
    "shufflenet": ("normal_over_in", "normal_0.01", "normal_0.02"),
    "truncated_normal_0.02": ("kaiming_uniform_sqrt5", "truncated_normal_0.02", "truncated_normal_0.02"),
}
FIRST_CONV = {"shufflenet": "normal_0.01"}  # rules with another distribution for the first convolution
NORM_BIAS = {"shufflenet": 1e-4}


def initial_state(leaves: Iterable[Leaf], rule: str, seed: int) -> dict[str, np.ndarray]:
    """Canonical initial values, float32, of the leaves that have a rule.

    Weights of convolutions and linear layers and trained tables are drawn; biases start at 0 (as the framework's
    default under "torch_default" and for the linear layers of "normal_0.1"); norms at weight 1, bias 0, mean 0,
    variance 1; PReLU slopes at 0.25. Everything else keeps the framework's value and is not in the result.

    Args:
        leaves: a module's inventory.
        rule: a key of ``RULES``.
        seed: the run's seed.

    Raises:
        UnknownNameError: no such rule.
    """
    if rule not in RULES:
        raise UnknownNameError("init rule", rule, RULES)
    leaves = list(leaves)
    first = next((item.name for item in leaves if item.layer == "conv"), None) if rule in FIRST_CONV else None
    fan_in = {item.name.removesuffix("weight"): _fans(item.shape)[0] for item in leaves if len(item.shape) > 1}
    state = {}
    for item in leaves:
        rng = generator(seed, "init", item.name)
        values = draw(FIRST_CONV[rule], item.shape, rng) if item.name == first else _values(item, rule, rng, fan_in)
        if values is not None:
            state[item.name] = values.astype(np.float32)
    return state


def _values(item: Leaf, rule: str, rng: np.random.Generator, fan_in: dict[str, int]) -> np.ndarray | None:
    if item.layer in ("batch_norm", "layer_norm"):
        bias = NORM_BIAS.get(rule, 0.0) if item.entry == "bias" else 0.0
        return np.full(item.shape, 1.0 if item.entry in ("weight", "running_var") else bias)
    if item.layer == "prelu":
        return np.full(item.shape, 0.25)
    if item.layer in ("conv", "linear"):
        how = RULES[rule][0 if item.layer == "conv" else 1]
        if item.entry == "bias":
            bound = 1 / math.sqrt(fan_in[item.name.removesuffix("bias")])
            return rng.uniform(-bound, bound, item.shape) if how == "kaiming_uniform_sqrt5" else np.zeros(item.shape)
        return draw(how, item.shape, rng)
    if item.layer == "own" and item.trained and len(item.shape) > 1:
        return draw(RULES[rule][2], item.shape, rng)
    return None


def draw(how: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """One weight, float64, in torch's layout (out, in, ...).

    Args:
        how: "xavier_uniform", "kaiming_fan_out" or "kaiming_fan_in" (normal, gain of ReLU), "kaiming_grouped" (by
            fan-out, that of a depthwise convolution divided by its groups), "kaiming_uniform_sqrt5" (torch's
            default), "uniform_fan_out" (within 1 / sqrt(fan-out)), "normal_over_in" (std 1 / inputs of a group),
            "normal_STD" or "truncated_normal_STD" (cut at two standard deviations).
        shape: two dimensions or more.
        rng: the random generator.
    """
    fan_in, fan_out = _fans(shape)
    if how == "xavier_uniform":
        bound = math.sqrt(6 / (fan_in + fan_out))
        return rng.uniform(-bound, bound, shape)
    if how == "kaiming_uniform_sqrt5":
        bound = 1 / math.sqrt(fan_in)
        return rng.uniform(-bound, bound, shape)
    if how == "uniform_fan_out":
        return rng.uniform(-1, 1, shape) / math.sqrt(fan_out)
    if how == "normal_over_in":
        return rng.normal(0, 1 / shape[1], shape)
    if how.startswith("kaiming"):
        depthwise = how == "kaiming_grouped" and shape[1] == 1
        fan = fan_in if how == "kaiming_fan_in" or depthwise else fan_out  # k * k where depthwise
        return rng.normal(0, math.sqrt(2 / fan), shape)
    kind, _, std = how.rpartition("_")
    values = rng.standard_normal(shape)
    if kind == "truncated_normal":
        while (far := np.abs(values) > 2).any():
            values[far] = rng.standard_normal(int(far.sum()))
    return values * float(std)


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    area = math.prod(shape[2:])
    return shape[1] * area, shape[0] * area
