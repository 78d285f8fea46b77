"""From a published checkpoint to a backbone of the zoo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from facezoo.canonical.leaf import COUNTERS
from facezoo.checkpoints.foreign.base import ANY, Entry, Layout
from facezoo.checkpoints.foreign.cvlface_config import stated_color
from facezoo.checkpoints.foreign.imported import Imported, leaves_of
from facezoo.checkpoints.foreign.projects import PROJECTS
from facezoo.checkpoints.foreign.strip import MAGFACE, Stripped, strip
from facezoo.checkpoints.foreign.table import find_layout, name_of
from facezoo.checkpoints.graphs.importer import import_onnx
from facezoo.checkpoints.graphs.read import is_onnx
from facezoo.checkpoints.readers import read_tree
from facezoo.errors import CheckpointError, ConfigError
from facezoo.specs.base import BackboneSpec


def import_checkpoint(path: str | Path, *, layout: str | None = None, images: str | Path | None = None) -> Imported:
    """Read a checkpoint of another project, whatever framework wrote it; no code in it runs.

    The layout is found by keys and shapes, never by the file's name. Two projects can share all keys; then the
    wrapper of the file decides, and ``layout`` overrides it. No tensor may be left over and none may be missing.
    The network of an ONNX file is found by its graph, and compared with ONNX Runtime where that is installed.

    Args:
        path: .pth, .pt, .ckpt, .pdparams, .safetensors, .npz or .onnx; recognised by its content.
        layout: a name of :func:`facezoo.checkpoints.foreign.table.names`, such as "facex_ir", or for ONNX files of
            :data:`facezoo.checkpoints.graphs.network.NETWORKS`.
        images: for ONNX files, a folder of aligned crops that give the statistics of norms that were folded into
            convolutions; None takes synthetic faces. The embeddings do not depend on it.

    Raises:
        UnsafeFileError: the file holds code, objects, or sizes that do not match it.
        CheckpointError: it is damaged, of an unknown layout or not of ``layout``, has tensors missing, left over or
            of a wrong shape, or holds NaN.
        UnknownNameError: there is no such layout.
        ConfigError: ``images`` is given for another format.
    """
    if is_onnx(path):
        return import_onnx(path, layout, images)
    if images is not None:
        raise ConfigError(f"images is {str(images)!r}; only ONNX files need images, and {str(path)!r} is none")
    wanted = None if layout is None else find_layout(layout)
    stripped = strip(read_tree(path), str(path))
    if wanted is not None and wanted[0] is not stripped.layout:
        received = name_of(stripped.layout, stripped.layout.projects[0])
        raise CheckpointError(f"{str(path)!r} has the layout {received!r}; asked for {layout!r}")
    project = wanted[1] if wanted is not None else guess_project(stripped)
    stripped.found = stripped.layout.of_project(stripped.found, project)
    spec = stripped.found.spec()
    report = _report_source(stripped, project)
    state = _convert_all(stripped, spec, str(path), report)
    who = PROJECTS[project]
    template = spec.preprocess.template
    preprocess = spec.preprocess if project == "hse" else who.preprocess(spec.input_size, template)
    if who.normalises:
        report.append(f"{who.name} divides the embedding by its norm inside the network; this network does not")
    if project == "cvlface" and (stated := stated_color(path)) is not None:
        preprocess = replace(preprocess, color=stated[0])
        report.append(f"colour {stated[0]}, as {stated[1]} beside the file states")
    return Imported(
        stripped.found.backbone, stripped.found.variant, state, preprocess, report, name_of(stripped.layout, project)
    )


def guess_project(stripped: Stripped) -> str:
    """The project that wrote the file, from its wrapper where several projects share all keys."""
    projects = stripped.layout.projects
    if "plsc" in projects and stripped.found.style == "paddle":
        return "plsc"
    if "magface" in projects and MAGFACE in stripped.prefixes:
        return "magface"
    if projects == ("adaface", "cvlface"):
        return "cvlface" if "net." in stripped.prefixes else "adaface"
    if projects == ("arcface_torch", "cvlface", "plsc"):
        return "cvlface" if stripped.found.variant["patch_size"] == 8 else "arcface_torch"
    if {"evolve", "facex"} <= set(projects):
        wrapped = "state_dict" in stripped.wrapper or {"backbone.", "feat_net."} & set(stripped.prefixes)
        return "facex" if wrapped else "evolve"
    return projects[0]


def _report_source(stripped: Stripped, project: str) -> list[str]:
    name, variant = stripped.found.backbone, stripped.found.variant
    options = ", ".join(f"{key}={value}" for key, value in variant.items())
    lines = [f"layout {name_of(stripped.layout, project)} ({PROJECTS[project].name})", f"backbone {name}({options})"]
    shared = [other for other in stripped.layout.projects if other != project]
    if shared and project in ("evolve", "facex", "adaface", "cvlface"):
        names = ", ".join(name_of(stripped.layout, other) for other in shared)
        lines.append(f"{PROJECTS[project].name} recognised by its wrapper; if that is wrong, choose the layout {names}")
    if stripped.wrapper:
        lines.append(f"opened {' > '.join(stripped.wrapper)}")
    if stripped.prefixes:
        lines.append(f"removed the prefixes {', '.join(stripped.prefixes)}")
    if stripped.dropped:
        lines.append(f"dropped {len(stripped.dropped)} tensors of the training head ({stripped.dropped[0]}, ...)")
    return lines


def _convert_all(stripped: Stripped, spec: BackboneSpec, path: str, report: list[str]) -> dict[str, np.ndarray]:
    layout, tensors = stripped.layout, dict(stripped.tensors)
    entries = layout.entries(stripped.found, leaves_of(spec))
    copies = _check_aliases(layout, spec, tensors, path)
    unused = layout.unused(spec, {key: value.shape for key, value in tensors.items()})
    _check_keys(entries, {*unused, *copies}, tensors, path)
    for key, shape in unused.items():
        if key in tensors and shape not in (ANY, tensors[key].shape):
            raise CheckpointError(f"{path!r}: {key} has shape {tensors[key].shape}; expected {shape}")
    state = {}
    for entry in entries:
        value = layout.convert(entry, tensors[entry.key]) if entry.key else layout.constant(entry, spec)
        state[entry.leaf.name] = _checked(entry, value, path)
    counters = [key for key in tensors if _is_counter(key)]
    report.append(f"read {len(state)} tensors, {sum(value.size for value in state.values()):,} values")
    present = [key for key in unused if key in tensors]
    if present:
        report.append(f"dropped {len(present)} entries that the network never reads ({present[0]}, ...)")
    if copies:
        report.append(f"dropped {len(copies)} second names of the same tensors")
    if counters:
        report.append(f"dropped {len(counters)} counters")
    return state


def _check_aliases(layout: Layout, spec: BackboneSpec, tensors: dict[str, np.ndarray], path: str) -> list[str]:
    """Second names of tensors; a tensor that has only its second name gets the first."""
    copies = []
    for first, second in layout.aliases(spec):
        for key in [key for key in tensors if key.startswith(f"{second}.")]:
            if (named := first + key.removeprefix(second)) not in tensors:
                tensors[named] = tensors.pop(key)
        for key in [key for key in tensors if key.startswith(f"{first}.")]:
            other = second + key.removeprefix(first)
            if other not in tensors:
                continue
            if not np.array_equal(tensors[key], tensors[other]):
                raise CheckpointError(f"{path!r}: {key} and {other} differ; expected one tensor under two names")
            copies.append(other)
    return copies


def _is_counter(key: str) -> bool:
    return key.rpartition(".")[2] in COUNTERS


def _check_keys(entries: list[Entry], known: set[str], tensors: dict[str, np.ndarray], path: str) -> None:
    wanted = {entry.key for entry in entries if entry.key}
    missing = sorted(wanted - set(tensors))
    extra = sorted(key for key in set(tensors) - wanted - known if not _is_counter(key))
    if missing or extra:
        parts = [
            f"{len(keys)} {what} ({', '.join(key[:80] for key in keys[:3])}{', ...' if len(keys) > 3 else ''})"
            for what, keys in (("missing", missing), ("left over", extra)) if keys
        ]  # fmt: skip
        raise CheckpointError(f"{path!r} does not fit its layout: {'; '.join(parts)}")


def _checked(entry: Entry, value: np.ndarray, path: str) -> np.ndarray:
    if value.shape != entry.leaf.shape:
        raise CheckpointError(f"{path!r}: {entry.key} has shape {value.shape}; expected {entry.leaf.shape}")
    if value.dtype.kind != "f":
        raise CheckpointError(f"{path!r}: {entry.key} has type {value.dtype}; expected floating point")
    value = np.ascontiguousarray(value, dtype=np.float32)
    if not np.isfinite(value).all():
        raise CheckpointError(f"{path!r}: {entry.key} holds NaN or infinity")
    return value
