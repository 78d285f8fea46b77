"""Names that will go: one warning with the version and what to use instead. The policy is in ``docs/versions.md``."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from typing_extensions import deprecated as _deprecated

_Object = TypeVar("_Object", bound=Callable[..., Any])


class FacezooDeprecationWarning(FutureWarning):
    """A name of facezoo will be removed. Shown by default, because users of a library are meant to see it."""


def deprecated(what: str, *, since: str, removal: str, instead: str) -> Callable[[_Object], _Object]:
    """Mark a function, method or class: each call warns, and type checkers and editors show it.

    Args:
        what: its full name.
        since: the version that deprecates it, "0.2".
        removal: the first version without it, at least one minor version later; a test fails when it is reached.
        instead: what to use.

    >>> @deprecated("facezoo.old", since="0.2", removal="0.4", instead="facezoo.new")
    ... def old():
    ...     return 1
    >>> old.__deprecated__
    'facezoo.old is deprecated since 0.2 and will be removed in 0.4; use facezoo.new'
    """
    return _deprecated(_message(what, since, removal, instead), category=FacezooDeprecationWarning)


def warn_deprecated(what: str, *, since: str, removal: str, instead: str, stacklevel: int = 3) -> None:
    """Warn of an argument, a key or a file format; the arguments are those of :func:`deprecated`.

    Args:
        what: the name as the user wrote it.
        since: see :func:`deprecated`.
        removal: see :func:`deprecated`.
        instead: see :func:`deprecated`.
        stacklevel: 3 names the caller of the function that calls this one.
    """
    warnings.warn(_message(what, since, removal, instead), FacezooDeprecationWarning, stacklevel=stacklevel)


def _message(what: str, since: str, removal: str, instead: str) -> str:
    return f"{what} is deprecated since {since} and will be removed in {removal}; use {instead}"
