"""From an ONNX file to a backbone of the zoo, checked against the file run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facezoo import backends
from facezoo.canonical.leaf import COUNTERS
from facezoo.checkpoints.foreign.imported import Imported, leaves_of
from facezoo.checkpoints.graphs.network import FromGraph, read_network
from facezoo.checkpoints.graphs.runtime import installed
from facezoo.data.tools.network_input import gather
from facezoo.errors import CheckpointError

TOLERANCE = 1e-5  # largest cosine distance between the file in ONNX Runtime and the imported network
COMPARED = 4  # crops
MEASURED = 16  # crops that give the statistics of folded norms


def import_onnx(path: str | Path, layout: str | None = None, images: str | Path | None = None) -> Imported:
    """Import an ONNX file: the network is recognised by its graph, whatever its tensors are named.

    Norms that were folded into convolutions become identities with the statistics of images, so that the network
    trains on; see :func:`facezoo.checkpoints.graphs.network.read_network`.

    Args:
        path: the file.
        layout: a name of :data:`facezoo.checkpoints.graphs.network.NETWORKS`; None tries all.
        images: a folder of aligned crops for these statistics; None takes synthetic faces.

    Raises:
        BackendUnavailableError: the package onnx, or every framework, is not installed.
        CheckpointError: the file cannot be read, is another network, holds initializers that the network has not, or
            gives embeddings that differ from the network's by more than ``TOLERANCE``.
        DataError: ``images`` holds no image that can be read.
    """
    shown = "synthetic faces; before training, measure your own: --images FOLDER"
    if images is not None:
        shown = f"crops of {images}"
    read = read_network(path, layout, lambda size: gather(images, size, MEASURED, MEASURED), shown)
    _check_state(read, str(path))
    imported = Imported(
        read.found.backbone, read.found.variant, read.state, read.preprocess,
        [*read.report, f"read {len(read.state)} tensors, {sum(value.size for value in read.state.values()):,} values"],
        read.layout,
    )  # fmt: skip
    return _compared(read, imported, str(path))


def _check_state(read: FromGraph, path: str) -> None:
    """The tensors must be those of the network, finite and of its shapes."""
    leaves = {leaf.name: leaf.shape for leaf in leaves_of(read.found.spec()) if leaf.entry not in COUNTERS}
    if surplus := sorted(set(read.state) - set(leaves)):
        raise CheckpointError(f"{path!r}: the network has no tensor {surplus[0]}")
    for name, shape in leaves.items():
        if name not in read.state:
            raise CheckpointError(f"{path!r}: the graph has no {name}; expected {shape}")
        if read.state[name].shape != shape:
            raise CheckpointError(f"{path!r}: {name} has shape {read.state[name].shape}; expected {shape}")
        if not np.isfinite(read.state[name]).all():
            raise CheckpointError(f"{path!r}: {name} holds NaN or infinity")


def _compared(read: FromGraph, imported: Imported, path: str) -> Imported:
    """The same, with the cosine distance from ONNX Runtime in the report."""
    if not installed():
        imported.report.append("not compared with the file, since onnxruntime is not installed")
        return imported
    backend = backends.available()[0]
    crops = gather(None, read.preprocess.size, COMPARED, COMPARED)
    ours = backends.load(backend).build_inference(imported.build(backend=backend))(crops).astype(np.float64)
    theirs = read.embed(crops).astype(np.float64)
    chord = ours / np.linalg.norm(ours, axis=1)[:, None] - theirs / np.linalg.norm(theirs, axis=1)[:, None]
    distance = float((chord**2).sum(axis=1).max() / 2)
    if not distance <= TOLERANCE:
        raise CheckpointError(
            f"{path!r}: the imported network differs from the file by a cosine distance of {distance:.2g} on "
            f"{len(crops)} synthetic faces; allowed {TOLERANCE:.0e}"
        )
    imported.report.append(f"cosine distance from the file in ONNX Runtime at most {distance:.1g} ({len(crops)} faces)")
    return imported
