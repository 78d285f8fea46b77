"""``facezoo weights verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    target: Annotated[list[str], typer.Argument(help="Files, or names out of `facezoo weights list`.")],
    out: Annotated[Path | None, typer.Option(help="Cache folder to look in instead of the usual one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Hash files against the index or their receipt, and look through those facezoo wrote."""
    from facezoo.cli.show import print_json
    from facezoo.weights.verify import verify

    verdicts = [verdict for word in target for verdict in verify(word, out)]
    if as_json:
        print_json([vars(verdict) for verdict in verdicts])
    else:
        for verdict in verdicts:
            facts = "".join(f", {key} {value}" for key, value in verdict.facts.items())
            state = f"WRONG: {verdict.fault}" if verdict.fault else f"right by the {verdict.against}"
            if not verdict.fault and verdict.against == "nothing":
                state = "nothing to compare it with"
            print(f"{verdict.path}: {state}; sha256 {verdict.sha256}{facts}")
    if any(verdict.fault for verdict in verdicts):
        raise typer.Exit(2)
