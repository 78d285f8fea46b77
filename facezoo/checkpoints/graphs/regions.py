"""Steps brought to one form: what a group of nodes is, decided by what it computes.

Exporters write a layer norm, an attention or a PReLU in many ways. The nodes are computed on random values in NumPy and
compared with the layer's formula, so that their order and names do not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from facezoo.checkpoints.graphs.graph import Graph, Node, evaluate
from facezoo.checkpoints.graphs.steps import Step

CLOSE = 1e-4  # relative; float32 rounding is far below, another formula far above
EPSILONS = (1e-5, 1e-6, 1e-12, 2e-5, 1e-3)  # of layer norms, tried in this order
INSIDE = ("reshape", "transpose", "region", "scale", "shift")  # what can stand between the two layers of an attention


def tidy(graph: Graph, steps: list[Step]) -> list[Step]:
    """The same steps with their regions recognised, biases and norms joined, in all branches."""
    done: list[Step] = []
    for step in steps:
        if step.kind == "region" or (step.kind == "residual" and not _weighted(step)):
            step = _recognised(graph, step)
        if step.kind == "residual":
            step = replace(step, ways=tuple(tuple(tidy(graph, list(way))) for way in step.ways))
        done.append(step)
    done = _joined(done, _layer_norm_of)
    done = _joined(done, _bias_of)
    done = _joined(done, _folded_of)
    for kind in ("scale", "shift"):
        done = _joined([_as_norm(graph, step, kind) for step in done], _norm_of)
    return _attentions(graph, done)


def _weighted(step: Step) -> bool:
    """Whether a residual block holds a layer with weights; one without can be an activation."""
    return any(inner.kind in ("conv", "linear") or _weighted(inner) for way in step.ways for inner in way)


def compute(graph: Graph, nodes: tuple[Node, ...], source: str, result: str, value: np.ndarray) -> np.ndarray | None:
    """What the nodes give for ``value``; None where the reference implementation cannot compute them."""
    feeds = {name: graph.constants[name].value for node in nodes for name in node.inputs if name in graph.constants}
    try:
        (found,) = evaluate(list(nodes), {source: value, **feeds}, [result], graph.opsets)
    except Exception:  # whatever the implementation of an unknown operator raises
        return None
    return np.asarray(found)


def sources_of(graph: Graph, nodes: tuple[Node, ...]) -> frozenset[str]:
    """The initializers that the nodes read."""
    return frozenset().union(
        *(graph.constants[name].sources for node in nodes for name in node.inputs if name in graph.constants)
    )


def agree(found: np.ndarray | None, wanted: np.ndarray) -> bool:
    """Whether both are the same up to rounding."""
    if found is None or found.shape != wanted.shape:
        return False
    return bool(np.abs(found - wanted).max(initial=0.0) <= CLOSE * max(float(np.abs(wanted).max(initial=0.0)), 1e-3))


def _recognised(graph: Graph, step: Step) -> Step:
    """A region as the layer that it computes, or as it is."""
    shape = graph.shapes.get(step.source)
    if shape is None or graph.shapes.get(step.result, shape) != shape:
        return step
    step = replace(step, sources=sources_of(graph, step.nodes))
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32) * 3 + 0.5
    y = compute(graph, step.nodes, step.source, step.result, x)
    if y is None:
        return step
    if agree(y, np.clip(x, 0, 6)):
        return replace(step, kind="relu6")
    centred = x - x.mean(axis=-1, keepdims=True)
    if agree(y, centred):
        return replace(step, kind="centre")
    if agree(y, x / np.linalg.norm(x, axis=-1, keepdims=True)) and x.ndim == 2:
        return replace(step, kind="unit")
    for kind, value in (("layer_norm", centred), ("scaled", x)):
        if agree(y, value / np.sqrt((value**2).mean(axis=-1, keepdims=True))):
            return replace(step, kind=kind, settings={"eps": _epsilon(graph, step)})
    slopes = _slopes(graph, step, shape)
    if slopes is not None and agree(y, np.maximum(x, 0) + slopes[:, None, None] * np.minimum(x, 0)):
        return replace(step, kind="prelu", values={"weight": slopes}, ways=())
    return step


def _epsilon(graph: Graph, step: Step) -> float:
    """The eps of a normalisation: what it gives for values so small that eps decides."""
    x = np.zeros(graph.shapes[step.source], np.float32)
    x[..., 0], x[..., 1] = 1e-3, -1e-3
    y = compute(graph, step.nodes, step.source, step.result, x)
    mean = float((x[(0,) * (x.ndim - 1)] ** 2).mean())
    known = [eps for eps in EPSILONS if y is not None and abs(y.max() / (1e-3 / np.sqrt(mean + eps)) - 1) < 1e-2]
    return known[0] if known else float("nan")


def _slopes(graph: Graph, step: Step, shape: tuple[int, ...]) -> np.ndarray | None:
    """What a value of -1 is multiplied with, per channel."""
    if len(shape) != 4:
        return None
    y = compute(graph, step.nodes, step.source, step.result, -np.ones(shape, np.float32))
    return None if y is None or y.shape != shape else -y[0, :, 0, 0]


Join = Callable[[Step, Step], Step | None]


def _joined(steps: list[Step], join: Join) -> list[Step]:
    done: list[Step] = []
    for step in steps:
        both = join(done[-1], step) if done else None
        if both is None:
            done.append(step)
        else:
            done[-1] = replace(
                both, source=done[-1].source, result=step.result, sources=done[-1].sources | step.sources,
                nodes=done[-1].nodes + step.nodes,
            )  # fmt: skip
    return done


def _layer_norm_of(before: Step, step: Step) -> Step | None:
    """Centre, divide by the deviation, multiply, add."""
    if (before.kind, step.kind) == ("centre", "scaled"):
        return replace(step, kind="layer_norm")
    if before.kind != "layer_norm" or step.kind not in ("scale", "shift") or step.values["value"].ndim != 1:
        return None
    name = "weight" if step.kind == "scale" else "bias"
    if name in before.values or (name == "weight" and "bias" in before.values):
        return None
    return replace(before, values={**before.values, name: step.values["value"].astype(np.float32)})


def _bias_of(before: Step, step: Step) -> Step | None:
    """A matrix product and the addition of a vector."""
    if before.kind != "linear" or step.kind != "shift" or "bias" in before.values:
        return None
    value = step.values["value"]
    fits = value.shape[-1:] == before.values["weight"].shape[:1] and value.size == value.shape[-1]
    return replace(before, values={**before.values, "bias": value.reshape(-1)}) if fits else None


def _folded_of(before: Step, step: Step) -> Step | None:
    """A factor or summand per channel behind a convolution or a linear layer, inside it."""
    if step.kind not in ("scale", "shift") or before.kind not in ("conv", "linear"):
        return None
    width = len(before.values["weight"])
    value = _per_channel(step, width, 4 if before.kind == "conv" else 2)
    if value is None:
        return None
    weight, bias = before.values["weight"].astype(np.float64), before.values.get("bias", np.zeros(width))
    if step.kind == "shift":
        return replace(before, values={**before.values, "bias": bias + value})
    return replace(
        before, values={"weight": weight * value.reshape(-1, *[1] * (weight.ndim - 1)), "bias": bias * value}
    )


def _norm_of(before: Step, step: Step) -> Step | None:
    """A summand per channel behind a factor per channel, as a norm."""
    if before.kind != "norm" or step.kind != "shift" or before.settings["eps"]:
        return None
    value = _per_channel(step, len(before.values["weight"]), 4)
    return None if value is None else replace(before, values={**before.values, "bias": before.values["bias"] + value})


def _as_norm(graph: Graph, step: Step, kind: str) -> Step:
    """A factor ("scale") or summand ("shift") per channel of a map as a norm with mean 0, variance 1 and eps 0."""
    shape = graph.shapes.get(step.source, ())
    value = _per_channel(step, shape[1], 4) if step.kind == kind and len(shape) == 4 else None
    if value is None:
        return step
    one, zero = np.ones(shape[1]), np.zeros(shape[1])
    weight, bias = (value, zero) if step.kind == "scale" else (one, value)
    values = {"weight": weight, "bias": bias, "running_mean": zero, "running_var": one}
    return replace(step, kind="norm", values=values, settings={"eps": 0.0})


def _per_channel(step: Step, width: int, rank: int) -> np.ndarray | None:
    """The constant of a factor or summand as one value per channel; None if it is not constant over the map."""
    value = np.asarray(step.values["value"], np.float64)
    if value.size == 1:
        return np.full(width, value.reshape(-1)[0])
    sides = (1,) * (rank - value.ndim) + value.shape
    fits = sides == ((1, width, 1, 1) if rank == 4 else (1, width))
    return value.reshape(-1) if fits else None


def _attentions(graph: Graph, steps: list[Step]) -> list[Step]:
    """Runs of steps between two linear layers that together are a self-attention."""
    done: list[Step] = []
    place = 0
    while place < len(steps):
        end = place
        while end < len(steps) and steps[end].kind in INSIDE:
            end += 1
        run = steps[place:end]
        if any(step.kind == "region" for step in run) and done and done[-1].kind == "linear":
            nodes = tuple(node for step in run for node in step.nodes)
            if heads := _heads(graph, nodes, run[0].source, run[-1].result):
                run = [
                    Step(
                        "attention", run[0].source, run[-1].result, settings={"heads": heads},
                        sources=sources_of(graph, nodes), nodes=nodes,
                    )
                ]  # fmt: skip
        done += run
        if end < len(steps):
            done.append(steps[end])
        place = end + 1
    return done


def _heads(graph: Graph, nodes: tuple[Node, ...], source: str, result: str) -> int:
    """The number of heads, if the nodes turn queries, keys and values (B, T, 3 d) into (B, T, d); else 0."""
    shape = graph.shapes.get(source, ())
    if len(shape) != 3 or shape[2] % 3:
        return 0
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    y = compute(graph, nodes, source, result, x)
    width = shape[2] // 3
    able = [heads for heads in range(1, min(width, 64) + 1) if width % heads == 0]
    return next((heads for heads in able if agree(y, _attention(x, heads))), 0)


def _attention(x: np.ndarray, heads: int) -> np.ndarray:
    """Self-attention of (B, T, 3 d), without the linear layers."""
    batch, tokens, width = x.shape[0], x.shape[1], x.shape[2] // 3
    q, k, v = x.reshape(batch, tokens, 3, heads, -1).transpose(2, 0, 3, 1, 4)  # (B, heads, T, d / heads) each
    scores = q @ k.transpose(0, 1, 3, 2) * (width // heads) ** -0.5
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return (weights @ v).transpose(0, 2, 1, 3).reshape(batch, tokens, width)
