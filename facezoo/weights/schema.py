"""What the index says about one pretrained model; an unknown fact is the word ``unknown``, never a guess."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator, model_validator

from facezoo.download.published import Count, IndexedFile, Sha256, Strict, Text
from facezoo.specs.preprocess import Preprocess

ELSEWHERE = ("facenet_pytorch", "onnx", "unknown")  # listed and fetched, but no backbone of the zoo reads them


class WeightsFile(IndexedFile):
    """One file of a model.

    Attributes:
        member: the file inside the archive, as a pattern on its own name; None when the file is no archive.
        member_sha256: hash of that member.
    """

    member: Text | None = None
    member_sha256: Sha256 = "unknown"


class Licence(Strict):
    """Three licences, which differ more often than not.

    Attributes:
        code: of the project that trained it.
        weights: of the file.
        data: of what it was trained on.
    """

    code: Text
    weights: Text
    data: Text


class Figure(Strict):
    """One number, with where it comes from.

    Attributes:
        benchmark: "LFW", "IJB-C TAR@FAR=1e-4", ...
        value: as a percentage, unless the benchmark says otherwise.
        low: lower end of a 95 % interval, for our own.
        high: upper end.
        source: a citation, a page, or the command that measured it.
    """

    benchmark: Text
    value: float
    low: float | None = None
    high: float | None = None
    source: Text


class WeightsEntry(Strict):
    """One pretrained model.

    Attributes:
        name: what the commands call it.
        title: in words.
        backbone: the zoo's name of the network, or another name where the zoo does not have it.
        variant: options of that backbone.
        head: loss it was trained with.
        training_data: names in the index of data sets, or in words.
        embedding_size: values an image.
        preprocess: as a weight file carries it.
        parameters: trainable values, without the classifier.
        layout: how its files name their arrays: "facezoo", a name of
            :func:`facezoo.checkpoints.foreign.table.names`, or one of ``ELSEWHERE``.
        files: the first is the model; others go with it.
        licence: of code, weights and data.
        published: the authors' figures.
        measured: ours, with the command.
        recipe: the file in ``zoo_configs`` that trains the like, or None.
        home: the authors' page.
        notes: what a user should know.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    title: Text
    backbone: Text
    variant: dict[str, Any] = Field(default_factory=dict)
    head: Text
    training_data: tuple[Text, ...]
    embedding_size: Count
    preprocess: dict[str, Any]
    parameters: Count
    layout: Text
    files: Annotated[tuple[WeightsFile, ...], Field(min_length=1)]
    licence: Licence
    published: tuple[Figure, ...] = ()
    measured: tuple[Figure, ...] = ()
    recipe: Text | None = None
    home: Text
    notes: str = ""

    @field_validator("preprocess")
    @classmethod
    def _preprocess_holds(cls, value: dict[str, Any]) -> dict[str, Any]:
        Preprocess.from_dict(value)
        return value

    @model_validator(mode="after")
    def _names_differ(self) -> WeightsEntry:
        names = [file.name for file in self.files]
        if len(set(names)) != len(names):
            raise ValueError(f"two files of one name in {names}")
        return self

    @property
    def loads(self) -> bool:
        """Whether a backbone of the zoo reads it."""
        return self.layout not in ELSEWHERE

    def doubts(self) -> list[str]:
        """What is not known and should be before a file from outside is used."""
        found = [
            f"the licence of the {part} is unknown"
            for part in ("weights", "data")
            if getattr(self.licence, part) == "unknown" or getattr(self.licence, part).startswith("unknown;")
        ]
        return found + [f"no SHA-256 of {file.name} is published" for file in self.files if file.sha256 == "unknown"]
