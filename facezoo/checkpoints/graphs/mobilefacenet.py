"""MobileFaceNet of arcface_torch ("mbf") in a graph; its channels give the widths, its blocks the depth."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from facezoo.checkpoints.foreign.base import Found
from facezoo.checkpoints.graphs.steps import Step
from facezoo.checkpoints.graphs.walk import Follower, OtherNetworkError, Walk
from facezoo.specs.mobilefacenet import MobileFaceNetSpec

STAGES = 3


def recognise_mobilefacenet(walk: Walk, steps: list[Step], size: tuple[int, int]) -> Found:
    """Stem, second layer, three stages that begin with stride 2, 1x1 convolution, global depthwise convolution.

    Raises:
        OtherNetworkError: where the steps differ.
    """
    at = walk.follow(steps)
    width = _unit(at, "stem", 3, 2)
    if width % 64:
        raise OtherNetworkError(f"the first convolution has {width} channels; expected a multiple of 64")
    second, groups = _residuals(walk, at, "second", 0), 64
    if not second:
        second = 1
        step = at.steps[at.place] if at.next == "conv" else None
        groups = step.settings["groups"] if step is not None else groups
        _unit(at, "second.0", 3, groups=groups)
    repeats: list[int] = []
    for stage in range(STAGES):
        _bottleneck(at, f"stages.{stage}.0", 2)
        repeats.append(_residuals(walk, at, f"stages.{stage}", 1))
    if not all(repeats):
        raise OtherNetworkError(f"the stages have {repeats} residual blocks; expected at least one in each")
    _unit(at, "last", 1)
    at.conv("neck.conv", "neck.bn", (size[0] + 15) // 16, groups=0, padding=0)
    at.take("reshape")
    embedding_size = at.linear("neck.linear", "neck.bn_out", bias=False)
    at.finish()
    blocks = [f"stages.{stage}.{block}" for stage in range(STAGES) for block in (0, 1)]
    inside = tuple(len(walk.state[f"{block}.expand.conv.weight"]) for block in blocks)
    variant: dict[str, Any] = {"blocks": (second, *repeats), "scale": width // 64, "embedding_size": embedding_size}
    usual = {field.name: field.default for field in fields(MobileFaceNetSpec)}
    more = {"expansions": inside, "second_groups": groups}
    variant |= {key: value for key, value in more.items() if value != usual[key]}
    return Found("MobileFaceNet", variant | ({} if size == (112, 112) else {"input_size": size}))


def _unit(at: Follower, name: str, kernel: int, stride: int = 1, groups: int = 1) -> int:
    width = at.conv(f"{name}.conv", f"{name}.bn", kernel, stride, groups)
    at.prelu(f"{name}.prelu", width)
    return width


def _bottleneck(at: Follower, name: str, stride: int) -> None:
    _unit(at, f"{name}.expand", 1)
    _unit(at, f"{name}.depthwise", 3, stride, groups=0)
    at.conv(f"{name}.project.conv", f"{name}.project.bn", 1)


def _residuals(walk: Walk, at: Follower, name: str, first: int) -> int:
    """Residual bottlenecks, numbered from ``first``. Returns how many."""
    count = 0
    while at.next == "residual":
        branch, shortcut = sorted(at.take("residual").ways, key=len, reverse=True)
        inside = walk.follow(branch)
        _bottleneck(inside, f"{name}.{first + count}", 1)
        inside.finish()
        walk.follow(shortcut).finish()
        count += 1
    return count
