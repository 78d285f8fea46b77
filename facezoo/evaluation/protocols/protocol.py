"""Protocols as declarative files: what is compared with what, and how. Copy one for your own data."""

from __future__ import annotations

import hashlib
import json
import reprlib
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from facezoo.errors import DataError, ProtocolError, UnknownNameError, nearest
from facezoo.evaluation.protocols.tasks.base import NAME_PATTERN, Section, Task
from facezoo.evaluation.protocols.tasks.table import TASKS
from facezoo.io.yaml_files import load_yaml

if TYPE_CHECKING:
    AnyTask = Task
else:
    AnyTask = Annotated[reduce(or_, TASKS.values()), Field(discriminator="kind")]

FOLDER = Path(__file__).parent


class Masks(Section):
    """Masks that are drawn on the crops before they are embedded, as ``facezoo datasets mask`` draws them.

    The mask of an image depends on ``seed`` and the image's name only, so every model sees the same ones.
    """

    share: float = Field(default=1.0, ge=0, le=1)
    mesh: float = Field(default=0.5, ge=0, le=1)
    low: float = Field(default=0.0, ge=0, le=1)
    seed: int = Field(default=0, ge=0)


class EmbeddingRule(Section):
    """How faces become embeddings."""

    aligner: Literal["landmarks", "aligned"] = "landmarks"
    template: str = "arcface112"
    flip: Literal["none", "sum", "concat"] = "sum"
    normalisation: Literal["l2"] = "l2"
    metric: Literal["cosine"] = "cosine"
    masks: Masks | None = None


class Protocol(Section):
    """A whole protocol: its tasks, and the weights of the ranking figure where there is one."""

    name: str = Field(pattern=NAME_PATTERN)
    title: str
    reference: str = ""
    note: str = ""
    embedding: EmbeddingRule = EmbeddingRule()
    tasks: list[AnyTask] = Field(min_length=1)
    ranking: dict[str, float] | None = None

    @model_validator(mode="after")
    def _check_names(self) -> Protocol:
        names = [task.name for task in self.tasks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two tasks are called {reprlib.repr(twice[0])}")
        for name in self.ranking or {}:
            if name not in names:
                raise ValueError(f"ranking names task {reprlib.repr(name)}; tasks are {_listed(names)}")
        return self

    @property
    def sha256(self) -> str:
        """Hash of all values of the protocol; it does not depend on the layout of the file."""
        values = self.model_dump(mode="json")
        if self.embedding.masks is None:
            del values["embedding"]["masks"]  # protocols without masks keep the hash that stored results have
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def list_files(self) -> list[str]:
        """Names of the list files that the tasks read."""
        return list(dict.fromkeys(name for task in self.tasks for name in task.list_files()))

    def listed_images(self, lists: Path) -> list[str]:
        """Names of the images in the list files, each once; empty if the protocol uses every image of a folder."""
        return list(dict.fromkeys(name for task in self.tasks for name in task.listed_images(lists)))

    def with_pair_list(self, file: str) -> Protocol:
        """The protocol with another file name for its lists of pairs.

        Raises:
            ProtocolError: no task reads a list of pairs.
        """
        tasks = [task.with_pair_list(file) for task in self.tasks]
        if all(new is old for new, old in zip(tasks, self.tasks, strict=True)):
            raise ProtocolError(f"protocol {self.name} has no list of pairs; --pairs does not fit it")
        return self.model_copy(update={"tasks": tasks})


def list_protocols() -> list[str]:
    """Names of the protocols that come with the library."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_protocol(name: str | Path) -> Protocol:
    """A protocol by name, or from a YAML file.

    Raises:
        UnknownNameError: no such protocol.
        ProtocolError: the file cannot be read, or a key or value in it is not valid; the message names it.

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
        values = load_yaml(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ProtocolError(f"{path}: not YAML: {error}") from error
    except DataError as error:
        raise ProtocolError(f"{path}: {error}") from error
    if not isinstance(values, dict):
        raise ProtocolError(f"{path}: holds a {type(values).__name__}; expected a protocol")
    try:
        return Protocol.model_validate(values)
    except ValidationError as error:
        raise ProtocolError(f"{path}: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    """The first error in one line, with the nearest valid key for an unknown one."""
    found: dict[str, Any] = dict(error.errors()[0])
    steps = [str(step) for step in found["loc"]]
    where = ".".join(step if len(step) <= 40 else f"{step[:40]}..." for step in steps) or "protocol"
    if found["type"] == "missing":
        return f"{where} is missing: {found['msg']}"
    if found["type"] == "union_tag_invalid":
        tag = str(found["ctx"]["tag"])
        near = nearest(tag, TASKS)
        hint = f"did you mean {near!r}? " if near else ""
        return f"{where}.kind is {reprlib.repr(tag)}; {hint}kinds are {', '.join(TASKS)}"
    if found["type"] != "extra_forbidden":
        return f"{where} is {reprlib.repr(found.get('input'))}: {found['msg']}"
    model: type[BaseModel] = Protocol
    if steps[0] == "embedding":
        model = EmbeddingRule
    elif steps[0] == "tasks" and len(steps) > 3:
        model = TASKS[steps[2]]
    near = nearest(steps[-1], model.model_fields)
    return f"unknown key {where!r}" + (f"; did you mean {near!r}?" if near else "")


def _listed(names: list[str]) -> str:
    """The names, with the end left out when there are many."""
    text = ", ".join(names)
    return text if len(text) <= 200 else f"{text[:200]}..."
