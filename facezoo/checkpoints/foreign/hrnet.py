"""HRNet of FaceX-Zoo; the trunk has the names of the official code."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes
from facezoo.specs.hrnet import HRNetSpec


class HRNetLayout(Layout):
    """``conv1, conv2, layer1, transitionK, stageK.m.*, incre_modules, downsamp_modules, final_layer``."""

    family = "hrnet"
    projects = ("facex",)

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``incre_modules`` and the flat neck; the width from the first branch."""
        if not {"incre_modules.0.0.conv1.weight", "transition1.0.0.weight", "output_layer.1.weight"} <= set(shapes):
            return None
        name = {18: "HRNetW18", 32: "HRNetW32"}.get(shapes["transition1.0.0.weight"][0])
        return (name and Found(name, {"embedding_size": shapes["output_layer.1.weight"][0]})) or None

    def layers(self, spec: HRNetSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        for i in (0, 1):
            yield from ((f"stem.{i}.conv", f"conv{i + 1}"), (f"stem.{i}.bn", f"bn{i + 1}"))
        for i in range(4):
            yield from self._block(f"first.{i}", f"layer1.{i}", 3)
        yield from self._pair("enter", "transition1.0")
        for i in range(3):
            yield from self._pair(f"lower.{i}", f"transition{i + 1}.{i + 1}.0")
        for stage, count in enumerate(spec.modules):
            for module in range(count):
                ours, theirs = f"stages.{stage}.{module}", f"stage{stage + 2}.{module}"
                yield from self._module(spec, ours, theirs, stage + 2)
        for i in range(4):
            yield from self._block(f"head.grow.{i}", f"incre_modules.{i}.0", 3)
        for i in range(3):
            yield from self._pair(f"head.down.{i}", f"downsamp_modules.{i}")
        yield from self._pair("head.last", "final_layer")
        yield from (("neck.linear", "output_layer.1"), ("neck.bn_out", "output_layer.2"))

    def _module(self, spec: HRNetSpec, ours: str, theirs: str, branches: int) -> Iterator[tuple[str, str]]:
        for branch in range(branches):
            for unit in range(spec.units):
                yield from self._block(f"{ours}.branches.{branch}.{unit}", f"{theirs}.branches.{branch}.{unit}", 2)
        for i in range(branches):
            for position, j in enumerate(j for j in range(branches) if j != i):
                mine, other = f"{ours}.fuse.{i}.{position}", f"{theirs}.fuse_layers.{i}.{j}"
                if j > i:
                    yield from self._pair(f"{mine}.conv", other)
                else:
                    for step in range(i - j):
                        yield from self._pair(f"{mine}.convs.{step}", f"{other}.{step}")

    @staticmethod
    def _pair(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
        yield from ((f"{ours}.conv", f"{theirs}.0"), (f"{ours}.bn", f"{theirs}.1"))

    def _block(self, ours: str, theirs: str, convolutions: int) -> Iterator[tuple[str, str]]:
        for number in range(1, convolutions + 1):
            yield f"{ours}.conv{number}.conv", f"{theirs}.conv{number}"
            yield f"{ours}.conv{number}.bn", f"{theirs}.bn{number}"
        yield from self._pair(f"{ours}.shortcut", f"{theirs}.downsample")
