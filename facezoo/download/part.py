"""The unfinished file beside its final name, and what is known of where it came from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class Origin:
    """Which version of which resource the bytes so far belong to.

    Attributes:
        url: the mirror's URL as listed, before redirects.
        validator: a strong ETag or a Last-Modified date; None when the server gave neither.
        total: full size as the server said it.
    """

    url: str
    validator: str | None = None
    total: int | None = None


class Part:
    """``.NAME.part`` and ``.NAME.part.json``; survives a killed process, so the next call resumes.

    Attributes:
        path: the unfinished file.
        pieced: whether its bytes came in more than one answer.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f".{target.name}.part")
        self._meta = target.with_name(f".{target.name}.part.json")
        self.pieced = False

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    def origin(self) -> Origin | None:
        """What the bytes so far belong to; None when that is not recorded."""
        try:
            return Origin(**json.loads(self._meta.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def record(self, origin: Origin) -> None:
        """Remember the origin. Written before the first byte, so that bytes never stand without it."""
        self._meta.write_text(json.dumps(asdict(origin)), encoding="utf-8")

    def discard(self) -> None:
        """Forget the bytes so far."""
        self.path.unlink(missing_ok=True)
        self._meta.unlink(missing_ok=True)

    def forget_origin(self) -> None:
        """The part has become the file."""
        self._meta.unlink(missing_ok=True)
