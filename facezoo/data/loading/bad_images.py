"""Unreadable images: skipped, counted and listed; too many of them stop the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from facezoo.errors import DataError

MAX_BAD_SHARE = 0.01


class BadImages:
    """The unreadable images met so far.

    Args:
        total: images of the set.
        share: of ``total`` that may be unreadable, 0..1.
        on_bad: called once for each new one with (key, reason); :class:`BadImageFile` writes a list.
    """

    def __init__(
        self,
        total: int,
        share: float = MAX_BAD_SHARE,
        on_bad: Callable[[str, str], object] | None = None,
    ) -> None:
        self.total, self.share, self.on_bad = total, share, on_bad
        self.reasons: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self.reasons)

    def add(self, key: str, reason: str) -> None:
        """Count one unreadable image; a key is counted once.

        Raises:
            DataError: more than ``share`` of the images are unreadable.
        """
        if key in self.reasons:
            return
        self.reasons[key] = reason
        if self.on_bad is not None:
            self.on_bad(key, reason)
        if len(self.reasons) > self.share * self.total:
            raise DataError(
                f"{len(self.reasons)} of {self.total} images cannot be read, more than the allowed "
                f"{100 * self.share:.4g} %; the last: {reason}"
            )


class BadImageFile:
    """Appends each unreadable image to a text file, once: the key, a tab, the reason.

    Keys that the file already lists are not repeated. A file name that is not UTF-8 is written as its own bytes.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._listed: set[str] = set()
        if self.path.exists():
            lines = self.path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
            self._listed = {line.split("\t", 1)[0] for line in lines}

    def __call__(self, key: str, reason: str) -> None:
        """Append one."""
        if key in self._listed:
            return
        self._listed.add(key)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(f"{key}\t{' '.join(reason.split())}\n")
