"""MobileNetV1 of HSE_FaceRec_tf: TensorFlow kernels with the BN already folded in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from facezoo.canonical.leaf import Leaf
from facezoo.checkpoints.foreign.base import ANY, Entry, Found, Layout, Shapes
from facezoo.specs.base import BackboneSpec
from facezoo.specs.mobilenetv1 import MobileNetV1Spec

GRAPH = "tensorflow_js"
OTHERS = ("age_pred/", "feats/", "gender_pred/", "global_pooling/")
CONSTANTS = ("_relu/Cast", "_relu/Const_1")


def graph_name(key: str) -> str:
    """The name of an array in the graph of TensorFlow.js.

    >>> graph_name("dw3.kernel"), graph_name("pw3.offset")
    ('conv_dw_3/depthwise_kernel', 'conv_pw_3_bn/batchnorm_1/sub')
    """
    layer, part = key.split(".")
    name = layer if layer == "conv1" else f"conv_{layer[:2]}_{layer[2:]}"
    if part == "kernel":
        return f"{name}/{'depthwise_kernel' if layer.startswith('dw') else 'convolution/merged_input'}"
    return f"{name}_bn/batchnorm_1/{'mul' if part == 'scale' else 'sub'}"


class HSEMobileNet(Layout):
    """``conv1.{kernel,offset}``, ``dwN.{kernel,scale,offset}``, ``pwN.{kernel,offset}``.

    The published graph of TensorFlow.js names the same arrays ``conv1/convolution/merged_input``,
    ``conv_dw_N/depthwise_kernel``, ``conv_dw_N_bn/batchnorm_1/mul`` and ``.../sub``, and so on; it also holds the heads
    for age and gender and the limits of ReLU6, which are left out.

    Kernels are (h, w, in, out), depthwise ones (h, w, channels, 1). A folded BN becomes one with mean 0 and
    variance 1 - eps, which divides by exactly 1.
    """

    family = "mobilenetv1"
    projects = ("hse",)

    def recognise(self, shapes: Shapes) -> Found | None:
        """Recognised by the names of the first and the last convolution."""
        variant = {"input_size": 224, "stem": "imagenet", "neck": "pool", "embedding_size": 1024}
        if {"conv1.kernel", "dw1.scale", "pw13.kernel"} <= set(shapes):
            return Found("MobileNetV1", variant)
        if {graph_name("conv1.kernel"), graph_name("dw1.scale"), graph_name("pw13.kernel")} <= set(shapes):
            return Found("MobileNetV1", variant, style=GRAPH)
        return None

    def unused(self, spec: BackboneSpec, shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """The graph's heads for age and gender, and its constants."""
        return {key: ANY for key in shapes if key.startswith(OTHERS) or key.endswith(CONSTANTS)}

    def layers(self, spec: BackboneSpec) -> Iterator[tuple[str, str]]:
        """In these files a convolution and its BN are one layer."""
        assert isinstance(spec, MobileNetV1Spec)
        yield "stem", "conv1"
        for number in range(len(spec.rows)):
            yield f"blocks.{number}.depthwise", f"dw{number + 1}"
            yield f"blocks.{number}.pointwise", f"pw{number + 1}"

    def entries(self, found: Found, leaves: Iterable[Leaf]) -> list[Entry]:
        """Kernels, scales and offsets; statistics and the weights of folded norms are constants without a key."""
        theirs = dict(self.layers(found.spec()))
        entries = []
        for item in leaves:
            owner, part = item.name.removesuffix(f".{item.entry}").rsplit(".", 1)
            name = {"weight": "kernel"} if part == "conv" else {"bias": "offset"}
            if part == "bn" and owner.endswith("depthwise"):
                name["weight"] = "scale"
            key = f"{theirs[owner]}.{name[item.entry]}" if item.entry in name else ""
            entries.append(Entry(item, graph_name(key) if found.style == GRAPH and key else key, False))
        return entries

    def convert(self, entry: Entry, value: np.ndarray) -> np.ndarray:
        """Kernels to (out, in, h, w)."""
        if value.ndim != 4:
            return value
        return value.transpose((2, 3, 0, 1) if ".depthwise." in entry.leaf.name else (3, 2, 0, 1))

    def constant(self, entry: Entry, spec: BackboneSpec) -> np.ndarray:
        """The value of an entry of a folded norm."""
        value = {"weight": 1.0, "running_mean": 0.0, "running_var": 1.0 - spec.bn_eps}[entry.leaf.entry]
        return np.full(entry.leaf.shape, value, np.float32)
