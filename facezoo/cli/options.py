"""The options that several verbs share, each defined once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from facezoo.backends import INFERENCE, INSTALL, ONLY_INFERENCE, ONNX, default_backend
from facezoo.bulk.engine import ENGINES
from facezoo.bulk.engine import Engine as BulkEngine
from facezoo.errors import ConfigError, UnknownNameError

DEVICES = "[auto|cpu|gpu|gpu:N]"
DETECTORS = ("mtcnn", "uniface")


def one_of(kind: str, names: tuple[str, ...], help: str, *flags: str) -> Any:
    """An option that takes one of a few names. The help lists them; another value is an error with the nearest one.

    Args:
        kind: what the names are, for the error message ("table format").
        names: the valid values.
        help: the line in the help text.
        flags: the option's name, where it differs from the parameter's.
    """
    return typer.Option(*flags, metavar=f"[{'|'.join(names)}]", help=help, callback=_checked(kind, names))


def _checked(kind: str, names: tuple[str, ...]) -> Callable[[str | None], str | None]:
    def check(value: str | None) -> str | None:
        if kind == "backend" and value == ONNX and value not in names:
            raise ConfigError(ONLY_INFERENCE)
        if value is not None and value not in names:
            raise UnknownNameError(kind, value, names)
        return value

    return check


def from_fields(kind: type[Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the fields of a dataclass as options.

    The command takes an instance of ``kind`` as its first argument; typer sees the fields in its place, with their
    annotations and defaults.
    """
    fields = list(inspect.signature(kind, eval_str=True).parameters.values())

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(command, eval_str=True)

        def expanded(**values: Any) -> Any:
            instance = kind(**{field.name: values.pop(field.name) for field in fields})
            return command(instance, **values)

        parameters = [*fields, *list(signature.parameters.values())[1:]]
        expanded.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        expanded.__doc__, expanded.__name__ = command.__doc__, command.__name__
        return expanded

    return decorate


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]

DEFAULT_BACKEND = default_backend()
Backend = Annotated[str, one_of("backend", tuple(INSTALL), "The framework. Default: the installed one.")]
InferenceBackend = Annotated[
    str,
    one_of("backend", INFERENCE, "The framework; onnx: run an ONNX file as it is. Default: the installed one."),
]
RUNTIMES = ("native", "onnxruntime", "openvino")
Runtime = Annotated[
    str, one_of("runtime", RUNTIMES, "What computes on the CPU: the framework, or a runtime with an exported file.")
]
AnyBackend = Annotated[str | None, one_of("backend", tuple(INSTALL), "The framework. Default: each installed one.")]
Device = Annotated[str, typer.Option(metavar=DEVICES, help="Where the networks run.")]
Workers = Annotated[int, typer.Option(metavar="N", help="Number of processes; 0: one per core.")]

Engine = Annotated[
    str, one_of("engine", ENGINES, "Where the work is done: processes of this machine, or tasks of a Ray cluster.")
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="With --engine ray: the cluster, such as host:6379. Default: RAY_ADDRESS, else one on this machine.",
    ),
]
KeepParts = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Keep finished parts here, so that a call that was killed continues."),
]

Weights = Annotated[Path, typer.Option(metavar="FILE|NAME", help="Weight file, or a name from `facezoo weights list`.")]
WeightsOrDefault = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|NAME",
        help="Weight file, or a name from `facezoo weights list`. Default: the default model of that list.",
    ),
]
WeightsName = Annotated[str, typer.Argument(metavar="NAME", help="A name from `facezoo weights list`.")]
CacheFolder = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Cache folder instead of the default one.")]
DatasetName = Annotated[str, typer.Argument(metavar="NAME", help="A name from `facezoo datasets list`.")]

GalleryFolder = Annotated[Path, typer.Argument(metavar="GALLERY", help="A folder of `facezoo gallery create`.")]
Photo = Annotated[Path, typer.Argument(metavar="PHOTO", help="The photo.")]
Detector = Annotated[str, one_of("detector", DETECTORS, "The face detector.")]
MinFaceSize = Annotated[float, typer.Option(metavar="PIXELS", help="Smallest face that mtcnn looks for.")]
MaxPixels = Annotated[int, typer.Option(metavar="N", help="Photos with more pixels are not decoded.")]
Face = Annotated[
    str, one_of("choice of face", ("largest", "central"), "Which face counts where a photo shows several.")
]
Faces = Annotated[
    str,
    one_of(
        "choice of face", ("largest", "central", "all"), "Which face counts where a photo shows several; all: each one."
    ),
]
Aligned = Annotated[bool, typer.Option("--aligned", help="The photos are aligned crops; detect nothing.")]

Threshold = Annotated[float | None, typer.Option(metavar="COSINE", help="Cosine similarity from which faces match.")]
Calibration = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Calibrated thresholds. Default: the file beside the weights, else those that came with the model.",
    ),
]
Fmr = Annotated[
    float | None,
    typer.Option(metavar="RATE", help="False match rate whose calibrated threshold is used. Default: the lowest."),
]


def bulk_engine(engine: str, ray_address: str | None, workers: int = 0) -> BulkEngine:
    """The engine of --engine, --ray-address and --workers."""
    if ray_address is not None and engine != "ray":
        raise ConfigError(f"--ray-address {ray_address} goes with --engine ray; the engine is {engine}")
    if ray_address is not None and workers > 0:
        raise ConfigError(
            f"got --workers {workers} and --ray-address {ray_address}; a cluster has its own number of CPUs, so give "
            "one of the two"
        )
    return BulkEngine(engine, workers if workers > 0 else None, ray_address)
