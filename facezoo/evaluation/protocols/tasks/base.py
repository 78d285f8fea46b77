"""The base class of protocol tasks: what the rest of the evaluation may ask of any kind."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from facezoo.bulk import Engine
from facezoo.errors import ProtocolError
from facezoo.evaluation.inputs.rows import NpyRows
from facezoo.evaluation.inputs.store import EmbeddingSet
from facezoo.evaluation.protocols.result import TaskResult
from facezoo.io.progress import OnProgress, ignore_progress

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]*$"
Rates = list[Annotated[float, Field(gt=0, le=1)]]
Ranks = list[Annotated[int, Field(ge=1)]]
Where = dict[str, str | int | bool | list[str | int | bool]]  # column -> the value or values wanted


class Section(BaseModel):
    """A part of a protocol file: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class TaskSettings:
    """What a task gets besides the embeddings.

    Attributes:
        lists: the folder of the list files.
        confidence: of the intervals, between 0 and 1.
        on_progress: called with the tiles done and their total by tasks that compare all pairs.
        engine: where those tasks compare.
        keep_parts: folder for the finished parts of a cluster; each task has a folder in it.
    """

    lists: Path = Path()
    confidence: float = 0.95
    on_progress: OnProgress = ignore_progress
    engine: Engine = field(default_factory=Engine)
    keep_parts: Path | None = None


class Task(Section):
    """One task of a protocol. A subclass holds the keys of its YAML entry, with ``kind`` as a Literal.

    A new kind is one file with a subclass, and one line in :data:`facezoo.evaluation.protocols.tasks.table.TASKS`.

    Attributes:
        rows_suffice: whether the rows of a plain ``.npy`` suffice, without columns such as names and labels.
        bulk: whether the work can be done on a cluster.
        pairs_in_order: whether a ``.bin`` suffices, where rows 2i and 2i + 1 are pair i.
    """

    rows_suffice: ClassVar[bool] = False
    pairs_in_order: ClassVar[bool] = False
    bulk: ClassVar[bool] = False

    name: str = Field(pattern=NAME_PATTERN)
    kind: Any

    @abstractmethod
    def run(self, store: EmbeddingSet | NpyRows, settings: TaskSettings) -> TaskResult:
        """Compute the figures.

        Raises:
            ProtocolError: the list files and the embeddings do not match.
        """

    def list_files(self) -> list[str]:
        """Names of the list files that the task reads; their hashes are in the result."""
        return []

    def listed_images(self, lists: Path) -> list[str]:
        """Names of the images in the list files; empty if the task uses every image of the folder."""
        return []

    def landmark_file(self) -> str | None:
        """Name of a list file that holds the landmarks of the images, in IJB's layout."""
        return None

    def with_pair_list(self, file: str) -> Task:
        """The task with another list of pairs; the task itself if it reads none."""
        return self

    def with_columns(self, store: EmbeddingSet | NpyRows) -> EmbeddingSet:
        """The embeddings, for tasks that need their columns.

        Raises:
            ProtocolError: they are plain rows.
        """
        if isinstance(store, NpyRows):
            raise ProtocolError(f"task {self.name} is of kind {self.kind}; it needs columns besides the embeddings")
        return store
