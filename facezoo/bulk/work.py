"""What a worker process does: make the function once, then apply it to one part after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from facezoo.errors import FacezooError

Function = Callable[[Any], Any]  # from a part to its result
Make = Callable[[], Function]  # called once in each process, for what is slow to build


@dataclass(frozen=True)
class Failure:
    """An error of this library, on its way from a worker process: its class and its message.

    The error itself is not sent, because not every class can be rebuilt from a pickle of its message.
    """

    kind: type[FacezooError]
    message: str

    def raised(self) -> FacezooError:
        """The error."""
        error = self.kind.__new__(self.kind, self.message)
        error.args = (self.message,)
        return error


_made: list[tuple[str, Function]] = []  # the function of the job that this process works for


def compute(job: str, make: Callable[[], Make], part: Any) -> Any:
    """The result of one part, or a :class:`Failure`.

    Args:
        job: names the job, so that a process that served another one makes the function again.
        make: gives the maker of the function; not called while the function is at hand.
        part: the part.
    """
    try:
        if not _made or _made[0][0] != job:
            _made.clear()
            _made.append((job, make()()))
        return _made[0][1](part)
    except FacezooError as error:
        return Failure(type(error), str(error))
