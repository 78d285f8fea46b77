"""What tasks on a list of pairs share: the keys that name the list, and reading it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from facezoo.evaluation.inputs.pairs import PairList, read_pairs
from facezoo.evaluation.protocols.tasks.base import Task


class PairListTask(Task):
    """A task on a list of pairs."""

    pairs: str = "pairs.txt"
    layout: Literal["lfw", "paths", "calfw"] = "lfw"

    def read_pair_list(self, lists: Path) -> PairList:
        """The list of pairs.

        Raises:
            DataError: the file cannot be read.
            ProtocolError: its lines have another layout.
        """
        return read_pairs(lists / self.pairs, self.layout)

    def list_files(self) -> list[str]:
        """The list of pairs."""
        return [self.pairs]

    def listed_images(self, lists: Path) -> list[str]:
        """The images of the pairs, each once."""
        return self.read_pair_list(lists).images()

    def with_pair_list(self, file: str) -> Task:
        """The task with another file name for its list; a hash in the protocol is still checked."""
        return self.model_copy(update={"pairs": file})
