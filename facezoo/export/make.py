"""One export: build, write to a temporary folder, run, compare, then move into place."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facezoo import __version__, backends
from facezoo.canonical.state import backend_of, get_state, set_state
from facezoo.checkpoints.weights import read_weights
from facezoo.data.tools import network_input as inputs
from facezoo.errors import ConfigError
from facezoo.export.difference import TOLERANCES, Difference, Run, check_original, compare, run_batched
from facezoo.export.onnx_file import gather, mark, open_onnx, quantise
from facezoo.export.targets import Target, find_target
from facezoo.io.files import temporary_beside
from facezoo.specs.base import BackboneSpec
from facezoo.zoo.create import build_backbone

COMPARED = 8  # images in the comparison


@dataclass(frozen=True)
class ExportReport:
    """The files that were written, and their difference from the original.

    Attributes:
        target: name of the export format.
        files: written; the one to open comes first.
        size: total bytes of the files.
        precision: "float32", "float16" or "int8".
        pixels: whether the exported model includes the preprocessing.
        folded: whether BN layers were folded first.
        difference: from the original.
        tolerance: the largest cosine distance allowed.
        seconds: duration of the export and the comparison.
    """

    target: str
    files: tuple[Path, ...]
    size: int
    precision: str
    pixels: bool
    folded: bool
    difference: Difference
    tolerance: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain types."""
        return {**asdict(self), "files": [str(path) for path in self.files]}


def export_model(
    module_or_path: Any,
    out: str | Path,
    *,
    to: str,
    with_preprocess: bool = False,
    fold: bool = False,
    precision: str = "float32",
    images: str | Path | None = None,
    tolerance: float | None = None,
) -> ExportReport:
    """Write a backbone for another runtime; the file is run and compared with the original.

    ``OUT.facezoo.json`` beside it states the model, its preprocessing and the difference.

    Args:
        module_or_path: a backbone on either backend, or a weight file.
        out: the file to write; the target's suffix is appended when it is missing.
        to: a name in :data:`facezoo.export.targets.TARGETS`.
        with_preprocess: the exported model takes uint8 RGB (N, H, W, 3) instead of the network's normalised input.
        fold: first fold BN layers into the convolutions before them.
        precision: "float32", "float16" or "int8"; int8 needs ``images``.
        images: a folder of face crops for the comparison, and for the calibration of int8; None takes synthetic faces.
        tolerance: largest cosine distance from the original; None takes the precision's entry in ``TOLERANCES``.

    Raises:
        ExportError: it cannot be written, does not run, or exceeds the tolerance; no file is left behind.
        ConfigError: options that exclude each other.
        BackendUnavailableError: a module that the target needs is not installed.
    """
    target = find_target(to, precision)
    if precision == "int8" and images is None:
        raise ConfigError("int8 needs face crops for its calibration; give a folder of them with --images")
    allowed = TOLERANCES[precision] if tolerance is None else tolerance
    spec, state, original = _source(module_or_path, target.backend)
    crops = inputs.gather(images, spec.input_size)
    # the calibration images that are compared are spread over the whole folder
    compared = crops[np.unique(np.linspace(0, len(crops) - 1, min(COMPARED, len(crops))).astype(int))]
    before = backends.load(backend_of(original)).exporter().embed(original, compared)
    check_original(before)
    start = time.perf_counter()
    stem = _stem(Path(out), target)
    with _staged(stem) as aside:
        network = _network(spec, state, target.backend, fold)
        meta = {
            "facezoo": __version__, "backbone": spec.name, "variant": spec.options(), "target": to,
            "preprocess": spec.preprocess.to_dict(), "preprocess_inside": with_preprocess, "precision": precision,
            "folded": fold, "input": "uint8 RGB (N, H, W, 3)" if with_preprocess else "float32 (N, C, H, W)",
            "output": f"float32 (N, {spec.embedding_size}), not normalised",
        }  # fmt: skip
        fed = crops if with_preprocess else inputs.network_input(crops, spec.preprocess)
        files = _write(network, aside / stem.name, target, precision, with_preprocess, meta, fed)
        fed = compared if with_preprocess else inputs.network_input(compared, spec.preprocess)
        difference = compare(before, run_batched(_open(files[0], target), fed))
        difference.check(allowed)
        compared_on = "given" if images else "synthetic faces"
        meta["difference"] = {**asdict(difference), "tolerance": allowed, "on": compared_on}
        (aside / f"{stem.name}.facezoo.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
    placed = tuple(stem.with_name(path.name) for path in files)
    return ExportReport(
        to, placed, sum(path.stat().st_size for path in placed), precision, with_preprocess, fold, difference,
        allowed, time.perf_counter() - start,
    )  # fmt: skip


def _source(module_or_path: Any, backend: str) -> tuple[BackboneSpec, dict[str, np.ndarray], Any]:
    """Spec, state and the original as a module."""
    if isinstance(module_or_path, str | Path):
        file = read_weights(module_or_path)
        return file.spec, file.state, _network(file.spec, file.state, backend, False)
    return module_or_path.spec, get_state(module_or_path), module_or_path


def _network(spec: BackboneSpec, state: dict[str, np.ndarray], backend: str, fold: bool) -> Any:
    """A new module, which the export may change."""
    module = build_backbone(spec, backend=backend, seed=0)
    set_state(module, state)
    module.eval()
    if fold:
        from facezoo import fold_batchnorm

        module = fold_batchnorm(module)
    return module


def _write(
    network: Any, stem: Path, target: Target, precision: str, pixels: bool, meta: dict[str, Any], fed: np.ndarray
) -> list[Path]:
    native = backends.load(target.backend).exporter()
    # OpenVINO converts the weights to float16 itself, so its ONNX file stays float32
    half = precision == "float16" and target.name != "openvino"
    form = "onnx" if target.name == "openvino" else target.name
    files: list[Path] = native.save(native.Exported(network, pixels, half), stem, form, meta)
    if form == "onnx":
        files = gather(files[0])
        if precision == "int8":
            files = quantise(files, fed)
        mark(files[0], meta)
    if target.name == "openvino":
        from facezoo.export.openvino_file import convert

        between = files
        files = convert(between[0], stem, half=precision == "float16")
        for path in between:
            path.unlink()
    return files


def _open(path: Path, target: Target) -> Run:
    if target.name == "onnx":
        return open_onnx(path)
    if target.name == "openvino":
        from facezoo.export.openvino_file import open_openvino

        return open_openvino(path)
    return backends.load(target.backend).exporter().open_saved(path, target.name)


def _stem(out: Path, target: Target) -> Path:
    """The path without the target's suffix."""
    name = out.name.removesuffix(target.suffix)
    if not name:
        raise ConfigError(f"--out is {str(out)!r}; expected a file name")
    return out.with_name(name)


@contextmanager
def _staged(stem: Path) -> Iterator[Path]:
    """A temporary folder beside ``stem``; its files are moved beside ``stem`` if the block succeeds, else deleted."""
    with temporary_beside(stem, folder=True) as aside:
        yield aside
        for path in sorted(aside.iterdir()):
            with path.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(path, stem.with_name(path.name))
