"""The unfinished file beside its final name, and the record of its source."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from facezoo.io.json_text import parse_json


@dataclass
class Origin:
    """The resource, and its version, that the bytes so far belong to.

    Attributes:
        url: the mirror's URL as listed, before redirects.
        validator: a strong ETag or a Last-Modified date; None when the server gave neither.
        total: full size as stated by the server.
    """

    url: str
    validator: str | None = None
    total: int | None = None


class Part:
    """``.NAME.part`` and ``.NAME.part.json``; survives a killed process, so the next call resumes.

    Attributes:
        path: the unfinished file.
        pieced: whether its bytes are from more than one answer.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f".{target.name}.part")
        self._meta = target.with_name(f".{target.name}.part.json")
        self.pieced = False

    @property
    def size(self) -> int:
        """Number of bytes so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    def origin(self) -> Origin | None:
        """The source of the bytes so far; None when it is not recorded."""
        try:
            return Origin(**parse_json(self._meta.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def record(self, origin: Origin) -> None:
        """Record the origin; called before the first byte, so that bytes always have an origin."""
        self._meta.write_text(json.dumps(asdict(origin)), encoding="utf-8")

    def discard(self) -> None:
        """Delete the bytes so far."""
        self.path.unlink(missing_ok=True)
        self._meta.unlink(missing_ok=True)

    def forget_origin(self) -> None:
        """Delete the record of the origin, after the part was renamed."""
        self._meta.unlink(missing_ok=True)
