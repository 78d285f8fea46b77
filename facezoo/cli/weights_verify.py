"""``facezoo weights verify``."""

from __future__ import annotations

from typing import Annotated

import typer

from facezoo.cli import options


def command(
    target: Annotated[
        list[str], typer.Argument(metavar="FILE|NAME", help="Files, or names from `facezoo weights list`.")
    ],
    out: options.CacheFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Check files by the hashes of the index or of their download.

    Weight files written by facezoo are also read and checked.
    """
    from facezoo.cli.show import print_json, say
    from facezoo.weights.verify import verify

    verdicts = [verdict for text in target for verdict in verify(text, out)]
    if as_json:
        print_json([vars(verdict) for verdict in verdicts])
    else:
        for verdict in verdicts:
            facts = "".join(f", {key} {value}" for key, value in verdict.facts.items())
            state = f"WRONG: {verdict.fault}" if verdict.fault else f"correct by the {verdict.against}"
            if not verdict.fault and verdict.against == "nothing":
                state = "nothing to compare it with"
            say(f"{verdict.path}: {state}; sha256 {verdict.sha256}{facts}")
    if any(verdict.fault for verdict in verdicts):
        raise typer.Exit(2)
