"""Protocols as declarative files: what is compared with what, and how. Copy one for your own data."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from facezoo.errors import ProtocolError, UnknownNameError, nearest

FOLDER = Path(__file__).parent
Rates = list[Annotated[float, Field(gt=0, le=1)]]
Where = dict[str, str | int | bool | list[str | int | bool]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EmbeddingRule(_Strict):
    """How faces become embeddings."""

    aligner: Literal["landmarks", "aligned"] = "landmarks"
    template: str = "arcface112"
    flip: Literal["none", "sum", "concat"] = "sum"
    normalisation: Literal["l2"] = "l2"
    metric: Literal["cosine"] = "cosine"


class _Task(_Strict):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")


class PairsTask(_Task):
    """Verification of listed pairs in folds."""

    kind: Literal["pairs"]
    pairs: str = "pairs.txt"
    layout: Literal["lfw", "paths", "calfw"] = "lfw"
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    folds: int | None = Field(default=None, ge=2)
    rule: Literal["exact", "insightface"] = "exact"
    far: Rates = [1e-3]
    group: str | None = None
    group_fmr: float = Field(default=1e-3, gt=0, le=1)


class AllPairsTask(_Task):
    """All pairs of the images chosen by ``where``, or of them with those chosen by ``against``."""

    kind: Literal["all-pairs"]
    where: Where = {}
    against: Where | None = None
    far: Rates
    group: str | None = None
    group_fmr: float = Field(default=1e-5, gt=0, le=1)


class TemplatesTask(_Task):
    """Listed pairs of templates (1:1)."""

    kind: Literal["templates"]
    images: str
    pairs: str
    landmarks: str | None = None
    weight: Literal["unit", "norm"] = "norm"
    detection_scores: bool = True
    far: Rates


class TemplateSearchTask(_Task):
    """Probe templates searched in gallery templates (1:N); figures are means over the galleries."""

    kind: Literal["template-search"]
    images: str
    galleries: list[str] = Field(min_length=1)
    probes: str
    landmarks: str | None = None
    weight: Literal["unit", "norm"] = "norm"
    detection_scores: bool = True
    ranks: list[Annotated[int, Field(ge=1)]] = [1, 5, 10]
    fpir: Rates = [0.1, 0.01]


class SearchTask(_Task):
    """Images chosen by ``probes`` searched among those chosen by ``gallery``; or ``shots`` drawn a person."""

    kind: Literal["search"]
    gallery: Where | None = None
    probes: Where | None = None
    shots: int | None = Field(default=None, ge=1)
    ranks: list[Annotated[int, Field(ge=1)]] = [1, 5, 10]
    fpir: Rates = [0.1, 0.01]

    @model_validator(mode="after")
    def _one_way(self) -> SearchTask:
        if (self.shots is None) == (self.gallery is None or self.probes is None):
            raise ValueError("give either shots, or both gallery and probes")
        return self


class DistractorsTask(_Task):
    """Images chosen by ``probes`` among growing numbers of those chosen by ``distractors``."""

    kind: Literal["distractors"]
    probes: Where
    distractors: Where
    sizes: list[Annotated[int, Field(ge=1)]] = [10, 100, 1_000, 10_000, 100_000, 1_000_000]
    ranks: list[Annotated[int, Field(ge=1)]] = [1, 5, 10]


class VideosTask(_Task):
    """Frames cleaned and pooled to videos, then all pairs of videos."""

    kind: Literal["videos"]
    threshold: float | None = Field(default=None, ge=-1, le=1)
    pooling: Literal["mean", "norm", "quality"] = "mean"
    far: Rates


class RejectTask(_Task):
    """Error-versus-reject of a quality column, or of the embeddings' length ("norm"), on listed pairs."""

    kind: Literal["reject"]
    pairs: str = "pairs.txt"
    layout: Literal["lfw", "paths", "calfw"] = "lfw"
    quality: str = "norm"
    fmr: float = Field(default=1e-3, gt=0, le=1)
    most: float = Field(default=0.95, gt=0, lt=1)


Task = Annotated[
    PairsTask
    | AllPairsTask
    | TemplatesTask
    | TemplateSearchTask
    | SearchTask
    | DistractorsTask
    | VideosTask
    | RejectTask,
    Field(discriminator="kind"),
]


TASKS: tuple[type[_Task], ...] = (
    PairsTask,
    AllPairsTask,
    TemplatesTask,
    TemplateSearchTask,
    SearchTask,
    DistractorsTask,
    VideosTask,
    RejectTask,
)


class Protocol(_Strict):
    """A whole protocol: its tasks, and how they make one ranking figure where there is one."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: str
    reference: str = ""
    note: str = ""
    embedding: EmbeddingRule = EmbeddingRule()
    tasks: list[Task] = Field(min_length=1)
    ranking: dict[str, float] | None = None

    @model_validator(mode="after")
    def _names(self) -> Protocol:
        names = [task.name for task in self.tasks]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two tasks are called {sorted(twice)[0]!r}")
        for name in self.ranking or {}:
            if name not in names:
                raise ValueError(f"ranking names task {name!r}; tasks are {', '.join(names)}")
        return self

    @property
    def sha256(self) -> str:
        """Of everything the protocol says, however its file is laid out."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def list_protocols() -> list[str]:
    """Names of the protocols that come with the library."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_protocol(name: str | Path) -> Protocol:
    """A protocol by name, or from a YAML file.

    Raises:
        UnknownNameError: no such protocol.
        ProtocolError: the file is broken, or a key or value in it is not valid; the message names it.

    >>> load_protocol("lfw").tasks[0].kind
    'pairs'
    """
    text = str(name)
    path = Path(text) if text.endswith((".yaml", ".yml")) else FOLDER / f"{text}.yaml"
    if not path.is_file():
        if path.parent == FOLDER:
            raise UnknownNameError("protocol", text, list_protocols())
        raise ProtocolError(f"no protocol file {text!r}")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise ProtocolError(f"{path}: holds a {type(values).__name__}; expected a protocol")
    try:
        return Protocol.model_validate(values)
    except ValidationError as error:
        raise ProtocolError(f"{path}: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    """The first complaint in one line, with the nearest valid key for an unknown one."""
    found: dict[str, Any] = dict(error.errors()[0])
    where = ".".join(str(step) for step in found["loc"]) or "protocol"
    if found["type"] != "extra_forbidden":
        return f"{where} is {found.get('input')!r}: {found['msg']}"
    model: type[BaseModel] = EmbeddingRule if "embedding" in found["loc"] else Protocol
    for task in TASKS:
        if task.model_fields["kind"].annotation in [Literal[step] for step in found["loc"] if isinstance(step, str)]:
            model = task
    near = nearest(str(found["loc"][-1]), model.model_fields)
    return f"unknown key {where!r}" + (f"; did you mean {near!r}?" if near else "")
