"""All errors that facezoo raises deliberately.

Each message is one line that shows the value received, what was expected and, where there is one, the
nearest valid name. The command line prints it and exits with ``exit_code``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FacezooError(Exception):
    """Base of all errors of this library."""

    exit_code = 2


class ConfigError(FacezooError, ValueError):
    """A setting, an option or an argument is not valid."""


class UnknownNameError(ConfigError, KeyError):
    """A name is not in a table; the message gives the nearest one, or the nearest few of a long table.

    Args:
        kind: what was looked up, in plain words ("backbone").
        name: what was received.
        choices: the valid names.

    >>> str(UnknownNameError("backbone", "IR51", ["IR50", "IR18"]))
    "unknown backbone 'IR51'; did you mean 'IR50'? (known: IR50, IR18)"
    """

    LISTED = 8  # up to this many valid names are all listed
    FEW = 5  # of more, the nearest

    def __init__(self, kind: str, name: object, choices: Iterable[str]) -> None:
        known = list(choices)
        near = nearest(str(name), known)
        if len(known) <= self.LISTED:
            listed = f"known: {', '.join(known) or 'none'}"
            hint = f"did you mean {near!r}? ({listed})" if near else listed
        else:
            few = ", ".join(sorted(known, key=lambda choice: -_likeness(str(name), choice))[: self.FEW])
            hint = f"did you mean {near!r}? ({len(known)} known)" if near else f"the nearest of {len(known)}: {few}"
        super().__init__(f"unknown {kind} {name!r}; {hint}")

    def __str__(self) -> str:  # KeyError would print the repr
        return str(self.args[0])


class BackendUnavailableError(FacezooError, ImportError):
    """A backend's framework cannot be imported; the message gives the pip command."""


class ShapeError(FacezooError, ValueError):
    """An array does not have the expected shape."""


class DataError(FacezooError):
    """A data set is missing, empty, or has more broken images than allowed."""


class ImageError(DataError):
    """One image cannot be read: broken, truncated, or too large."""


class WorkerError(DataError):
    """A process that prepares images ended early or failed."""


class CheckpointError(FacezooError):
    """A weight file or a run's checkpoint cannot be read, written or matched."""


class ExportError(FacezooError):
    """A model cannot be exported, or the exported model differs from the original."""


class UnsafeFileError(FacezooError):
    """A downloaded or user-supplied file has unsafe content (code in a pickle, a path outside of its archive)."""


class NumericalError(FacezooError):
    """A loss or an embedding is NaN or infinite."""


class LostProcessError(FacezooError):
    """Of several processes that train together, one no longer answers; start the run again with ``--auto-resume``."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: schedulers may start the job again


class DownloadError(FacezooError):
    """A file could not be fetched or is not the published file."""


class ProtocolError(FacezooError, ValueError):
    """An evaluation is not possible as requested."""


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The choice most like ``name``, ignoring case, or None if no name is close."""
    by_lower = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[found[0]] if found else None


def _likeness(name: str, choice: str) -> float:
    """0 to 1, ignoring case."""
    return difflib.SequenceMatcher(None, name.lower(), choice.lower()).ratio()
