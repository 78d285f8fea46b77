"""``facezoo doctor``: what this installation can do on this machine, and what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from facezoo.cli import options

# extra -> the modules that it brings; what is missing is shown with its pip line
EXTRAS = {
    "report": ("matplotlib", "jinja2"),
    "tensorboard": ("tensorboard",),
    "wandb": ("wandb",),
    "mlflow": ("mlflow",),
    "visualdl": ("visualdl",),
    "export": ("onnx", "onnxruntime", "onnxscript"),
    "openvino": ("openvino", "onnx", "onnxruntime"),
    "hub": ("huggingface_hub",),
    "parquet": ("pyarrow",),
    "jpeg": ("simplejpeg",),
    "video": ("av",),
    "search": ("faiss",),
    "bcolz": ("blosc2",),
    "remote": ("fsspec", "aiohttp"),
    "ray": ("ray",),
    "uniface": ("uniface",),
}
USES = {
    "report": "HTML pages and plots", "tensorboard": "runs in TensorBoard", "wandb": "runs in Weights & Biases",
    "mlflow": "runs in MLflow", "visualdl": "runs in VisualDL", "export": "ONNX files",
    "openvino": "embedding by OpenVINO", "hub": "publishing on Hugging Face", "parquet": "tables as Parquet",
    "jpeg": "faster JPEG decoding", "video": "frames of videos", "search": "indexes of large galleries",
    "bcolz": "old InsightFace test sets", "remote": "data at URLs", "ray": "work on a Ray cluster",
    "uniface": "SCRFD and RetinaFace detectors",
}  # fmt: skip


@dataclass
class Report:
    """Sections of facts, and problems with what to do about them."""

    sections: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def command(
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 if there is a problem, as for a script.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Show versions, devices, precision, missing extras, folders and network settings of this installation."""
    from facezoo.cli.show import print_facts, print_json

    report = examine()
    if as_json:
        print_json(vars(report))
    else:
        for title, facts in report.sections.items():
            print(f"{title}:")
            print_facts({f"  {name}": value for name, value in facts.items()})
        for problem in report.problems:
            print(f"problem: {problem}")
        print("no problem found" if not report.problems else f"{len(report.problems)} found")
    if check and report.problems:
        raise typer.Exit(1)


def examine() -> Report:
    """Look at everything; nothing is changed or downloaded."""
    from facezoo.cli.environment import proxies, set_variables
    from facezoo.cli.version import versions_of_all
    from facezoo.io.machine import machine
    from facezoo.io.processor import units

    report = Report()
    report.sections["versions"] = versions_of_all()
    report.sections["machine"] = {**machine(), "precision units": ", ".join(["float32", *units()])}
    report.sections["backends"] = _backends(report.problems)
    report.sections["extras"] = _extras()
    report.sections["cache"] = _cache(report.problems)
    report.sections["network"] = _network(report.problems)
    report.sections["network"].update({f"proxy for {scheme}": shown for scheme, shown in proxies().items()})
    report.sections["variables"] = set_variables() or {"set": "none"}
    return report


def _backends(problems: list[str]) -> dict[str, str]:
    from facezoo import backends
    from facezoo.errors import FacezooError

    shown = {}
    for name, (_, line) in backends.INSTALL.items():
        if name not in backends.available():
            shown[name] = f"not installed: {line}"
            continue
        try:
            gpus = backends.module(name, "device").list_gpus()
            precision, _ = backends.module(name, "precision").pick_precision("auto", "auto")
        except (FacezooError, ImportError, OSError, RuntimeError) as error:
            shown[name] = "cannot be loaded"
            problems.append(f"{name} is installed and cannot be loaded: {' '.join(str(error).split())}")
            continue
        shown[name] = f"devices {', '.join(['cpu', *gpus])}; precision auto is {precision}"
    if not backends.available():
        lines = " or ".join(line for _, line in backends.INSTALL.values())
        problems.append(f"no framework is installed, so nothing can be trained or embedded: {lines}")
    return shown


def _extras() -> dict[str, str]:
    import importlib.util

    shown = {}
    for name, modules in EXTRAS.items():
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        shown[name] = f"missing ({USES[name]}): pip install 'facezoo[{name}]'" if missing else "installed"
    return shown


def _cache(problems: list[str]) -> dict[str, str]:
    import os
    import shutil

    from facezoo.download import cache

    folder = cache.root()
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    shown: dict[str, str] = {"folder": str(folder)}
    if folder.is_dir():
        for part in ("weights", "datasets", "urls"):
            files = cache.entries(folder / part) if (folder / part).is_dir() else []
            if files:
                shown[part] = f"{len(files)} files, {sum(file.size for file in files) / 1e6:,.1f} MB"
    else:
        shown["state"] = "made when the first file is downloaded"
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        problems.append(f"the cache folder {str(folder)!r} cannot be written: set FACEZOO_CACHE to one that can")
        return shown
    shown["free"] = f"{shutil.disk_usage(there).free / 1e9:,.1f} GB"
    return shown


def _network(problems: list[str]) -> dict[str, str]:
    from facezoo.cli.environment import without_password
    from facezoo.download import offline
    from facezoo.errors import DownloadError

    source = "the addresses of the index"
    try:
        mirror: Any = offline.address() or offline.folder()
        source = without_password(str(mirror)) if mirror else source
    except DownloadError as error:
        problems.append(str(error))
    return {
        "downloads": f"forbidden by {offline.OFFLINE}" if offline.forbidden() else "allowed",
        "files come from": source,
    }
