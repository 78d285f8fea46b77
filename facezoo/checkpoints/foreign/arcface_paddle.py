"""IResNet of arcface_paddle: every block is in the file under two names, a PReLU has one slope."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from facezoo.checkpoints.foreign.base import Entry, Found, Layout, Shapes, named_by
from facezoo.specs.ir import WIDTHS, IRSpec

BRANCH = {
    "bn1": "_batch_norm", "conv1": "conv0._conv", "bn2": "conv0._batch_norm", "prelu": "prelu",
    "conv2": "conv1._conv", "bn3": "conv1._batch_norm", "shortcut.conv": "short._conv",
    "shortcut.bn": "short._batch_norm",
}  # fmt: skip


class ArcfacePaddle(Layout):
    """``block_list.N.*``, the same tensors again as ``res2a.*``, ``res2b.*``, ...; ``fc.{_batch_norm_1,fc,...}``."""

    family = "iresnet"
    projects = ("arcface_paddle",)

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``block_list.0.conv0._conv``, or ``res2a.conv0._conv`` if only second names are there."""
        for blocks in (r"block_list\.\d+", r"res[2-5]."):
            first = re.compile(rf"{blocks}\.conv0\._conv\.weight")
            widths = [shape[0] for key, shape in shapes.items() if first.fullmatch(key) and shape]
            if widths:
                break
        if not widths or len(shapes.get("fc.fc.weight", ())) != 2:
            return None
        name = named_by(tuple(widths.count(width) for width in WIDTHS), "IResNet")
        return (name and Found(name, {"embedding_size": shapes["fc.fc.weight"][-1]}, "paddle")) or None

    def layers(self, spec: IRSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from (("stem.conv", "conv._conv"), ("stem.bn", "conv._batch_norm"), ("stem.prelu", "prelu"))
        for stage, block, number in self._blocks(spec):
            for layer, place in BRANCH.items():
                yield f"stages.{stage}.{block}.{layer}", f"block_list.{number}.{place}"
        yield from (("neck.bn", "fc._batch_norm_1"), ("neck.linear", "fc.fc"), ("neck.bn_out", "fc._batch_norm_2"))

    def aliases(self, spec: IRSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """The blocks of a stage are lettered from a; after z come the characters that follow it in ASCII."""
        for stage, block, number in self._blocks(spec):
            yield f"block_list.{number}", f"res{stage + 2}{chr(ord('a') + block)}"

    def convert(self, entry: Entry, value: np.ndarray) -> np.ndarray:
        """One slope becomes one per channel."""
        if entry.leaf.layer == "prelu" and value.shape == (1,):
            return np.repeat(value, entry.leaf.shape[0])
        return super().convert(entry, value)

    @staticmethod
    def _blocks(spec: IRSpec) -> Iterator[tuple[int, int, int]]:
        number = 0
        for stage, units in enumerate(spec.units):
            for block in range(units):
                yield stage, block, number
                number += 1
