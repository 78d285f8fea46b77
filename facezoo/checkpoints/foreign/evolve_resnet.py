"""ResNet-50, 101 and 152 of face.evoLVe: ImageNet stem, neck E on a 4x4 map."""

from __future__ import annotations

from collections.abc import Iterator

from facezoo.checkpoints.foreign.base import Found, Layout, Shapes, counted
from facezoo.specs.resnet import UNITS, ResNetSpec


class EvolveResNet(Layout):
    """The names of torchvision, then ``bn_o1``, ``fc``, ``bn_o2``."""

    family = "resnet"
    projects = ("evolve",)

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by ``bn_o1`` beside a 7x7 stem."""
        if "bn_o1.weight" not in shapes or shapes.get("conv1.weight") != (64, 3, 7, 7):
            return None
        units = tuple(counted(shapes, rf"layer{stage}\.(\d+)\.") for stage in (1, 2, 3, 4))
        depth = next((depth for depth in (50, 101, 152) if UNITS[depth] == units), None)
        if depth is None or "fc.weight" not in shapes:
            return None
        return Found(f"ResNet{depth}", {"embedding_size": shapes["fc.weight"][0]})

    def layers(self, spec: ResNetSpec) -> Iterator[tuple[str, str]]:  # type: ignore[override]
        """See the class."""
        yield from (("stem.conv", "conv1"), ("stem.bn", "bn1"))
        for stage, units in enumerate(spec.units):
            for block in range(units):
                ours, theirs = f"stages.{stage}.{block}", f"layer{stage + 1}.{block}"
                for number in (1, 2, 3):
                    yield f"{ours}.conv{number}", f"{theirs}.conv{number}"
                    yield f"{ours}.bn{number}", f"{theirs}.bn{number}"
                yield f"{ours}.shortcut.conv", f"{theirs}.downsample.0"
                yield f"{ours}.shortcut.bn", f"{theirs}.downsample.1"
        yield from (("neck.bn", "bn_o1"), ("neck.linear", "fc"), ("neck.bn_out", "bn_o2"))
