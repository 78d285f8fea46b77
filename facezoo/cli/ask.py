"""Questions to the user at the terminal."""

from __future__ import annotations

import sys


def accept_terms(name: str, terms: str, *, yes: bool) -> None:
    """Show terms that were not accepted before, and ask; without a terminal only ``yes`` accepts them.

    Raises:
        DataError: they were not accepted.
    """
    from facezoo.download import terms as store

    if not store.accepted(name, terms) and (yes or sys.stdin.isatty()):
        print(f"Terms of {name}: {' '.join(terms.split())}", file=sys.stderr)
    store.require(name, terms, yes=yes or (not store.accepted(name, terms) and confirmed("Accept them?")))


def confirmed(question: str) -> bool:
    """Whether the user answers yes; False without a terminal."""
    import typer

    return sys.stdin.isatty() and typer.confirm(question, err=True)
