"""Schema of an entry in the index of pretrained models; an unknown fact is "unknown", never a guess."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from facezoo.download.published import Count, IndexedFile, Sha256, Strict, Text
from facezoo.specs.preprocess import Preprocess

ELSEWHERE = ("facenet_pytorch", "onnx", "unknown")  # listed and downloaded, but no backbone of the zoo reads them


class WeightsFile(IndexedFile):
    """One file of a model.

    Attributes:
        member: the file inside the archive, as a pattern for its file name; None when the file is not an archive.
        member_sha256: hash of that member.
    """

    member: Text | None = None
    member_sha256: Sha256 = "unknown"


class Licence(Strict):
    """The licences of code, weights and data, which often differ.

    Attributes:
        code: licence of the project that trained it.
        weights: licence of the file.
        data: licence of the training data.
    """

    code: Text
    weights: Text
    data: Text


class Figure(Strict):
    """One published or measured figure, with its source.

    Attributes:
        benchmark: "LFW", "IJB-C TAR@FAR=1e-4", ...
        value: as a percentage, unless the benchmark states another unit.
        low: lower end of a 95 % interval, where facezoo measured it.
        high: upper end.
        source: a citation, a page, or the command that measured it.
    """

    benchmark: Text
    value: float
    low: float | None = None
    high: float | None = None
    source: Text


class MeasuredThreshold(Strict):
    """A threshold on cosine similarity for a false match rate, and how it was measured.

    Attributes:
        fmr: share of impostor pairs that reach the threshold.
        threshold: cosine similarity; a pair is accepted when score >= threshold.
        low: lower end of the threshold's 95 % interval.
        high: upper end.
        fnmr: share of genuine pairs below it.
        pairs: the pairs it was measured on, in words.
        aligner: how their faces were aligned: "mtcnn", "landmarks" or "aligned".
        flip: use of the mirrored image: "none", "sum" or "concat".
        source: a citation, a page, or the command that measured it.
    """

    fmr: Annotated[float, Field(gt=0, le=1)]
    threshold: Annotated[float, Field(ge=-1, le=1)]
    low: float | None = None
    high: float | None = None
    fnmr: Annotated[float, Field(ge=0, le=1)] | None = None
    pairs: Text
    aligner: Text
    flip: Literal["none", "sum", "concat"]
    source: Text


NAME = r"^[a-z0-9][a-z0-9._-]*$"  # names of models; they are names of files too


class WeightsEntry(Strict):
    """One pretrained model.

    Attributes:
        name: the name used in commands.
        title: a title to read.
        backbone: the zoo's name of the network, or another name where the zoo does not have it.
        variant: options of that backbone.
        head: loss it was trained with.
        training_data: names in the index of data sets, or in words.
        embedding_size: values per image.
        preprocess: as in a weight file.
        parameters: trainable values, without the classifier.
        layout: how its files name their arrays: "facezoo", a name of
            :func:`facezoo.checkpoints.foreign.table.names` or of
            :data:`facezoo.checkpoints.graphs.network.NETWORKS`, or one of ``ELSEWHERE``.
        files: the first is the model; others belong to it.
        licence: of code, weights and data.
        published: the authors' figures.
        measured: figures that facezoo measured, with the command.
        thresholds: for decisions, one per false match rate.
        default: whether it is the model of commands that are given none; at most one entry of a folder.
        recipe: the file in ``zoo_configs`` that trains the same network, or None.
        home: the authors' page.
        notes: what a user should know.
    """

    name: Annotated[str, StringConstraints(pattern=NAME)]
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
    thresholds: tuple[MeasuredThreshold, ...] = ()
    default: bool = False
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
            raise ValueError(f"two files have the same name: {names}")
        return self

    @property
    def loads(self) -> bool:
        """Whether a backbone of the zoo reads it."""
        return self.layout not in ELSEWHERE

    def doubts(self) -> list[str]:
        """Facts that are unknown and matter before the file is used: licences and hashes."""
        found = [
            f"the licence of the {part} is unknown"
            for part in ("weights", "data")
            if getattr(self.licence, part) == "unknown" or getattr(self.licence, part).startswith("unknown;")
        ]
        return found + [
            f"no SHA-256 of {file.name} is published"
            for file in self.files
            if file.sha256 == "unknown" and not file.optional
        ]
