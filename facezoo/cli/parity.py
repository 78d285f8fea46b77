"""``facezoo parity``: the difference between torch and paddle, measured on this machine."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from facezoo.cli import options


def command(
    backbone: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this backbone; repeatable.")] = None,
    head: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this loss head; repeatable.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Full depth and image size; minutes per network on a CPU.")
    ] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of weights and images.")] = 0,
    as_json: options.AsJson = False,
) -> None:
    """Compare every backbone and head on torch and paddle, with equal weights and an equal batch.

    Backbones: evaluation in float32 and a training step in float64. Heads: loss, logits and gradients in float64, each
    backend against the NumPy reference. The exit code is 1 if any difference exceeds its bound.
    """
    from dataclasses import replace

    from facezoo.cli.show import print_json
    from facezoo.parity.backbones import measure_backbone
    from facezoo.parity.heads import measure_head
    from facezoo.parity.reduced import construction, reduced
    from facezoo.zoo import catalog

    only_heads, only_backbones = bool(head) and not backbone, bool(backbone) and not head
    networks = [] if only_heads else [catalog.backbone_spec(name) for name in backbone or catalog.BACKBONES]
    losses = [] if only_backbones else [catalog.head_margin(name).name for name in head or catalog.HEADS]
    rows: list[Any] = []
    known: dict[str, Any] = {}  # reduced, many depths of a family are the same network
    for spec in networks:
        key = spec.name if full else construction(reduced(spec))
        if key not in known:
            known[key] = measure_backbone(spec, full=full, seed=seed)
        rows.append(replace(known[key], name=spec.name))
        if not as_json:
            _show_backbone(rows[-1], first=len(rows) == 1)
    cases: list[Any] = []
    for name in losses:
        for found in measure_head(name):
            cases.append(found)
            if not as_json:
                _show_head(found, first=len(cases) == 1)
    beyond = [row.name for row in [*rows, *cases] if row.excesses()]
    if as_json:
        print_json({"backbones": [_record(row) for row in rows], "heads": [_record(row) for row in cases]})
    else:
        print(f"\n{len(rows) + len(cases) - len(beyond)} of {len(rows) + len(cases)} rows within their bounds")
    if beyond:
        raise typer.Exit(1)


def _record(row: Any) -> dict[str, Any]:
    return {**vars(row), "beyond": row.excesses()}


def _show_backbone(row: Any, *, first: bool) -> None:
    from facezoo.parity.backbones import BOUNDS

    if first:
        print(f"{'backbone':<20}" + "".join(f"{name:>12}" for name in BOUNDS))
        print(f"{'bound':<20}" + "".join(f"{bound:>12.0e}" for bound in BOUNDS.values()))
    values = "".join(f"{getattr(row, name):>12.1e}" for name in BOUNDS)
    print(f"{row.name:<20}{values}{'  BEYOND' if row.excesses() else ''}", flush=True)


def _show_head(row: Any, *, first: bool) -> None:
    from facezoo.parity.heads import BOUND, COLUMNS

    if first:
        print(f"\n{'head':<64}" + "".join(f"{name:>18}" for name in COLUMNS))
        print(f"{'bound':<64}" + "".join(f"{BOUND:>18.0e}" for _ in COLUMNS))
    values = "".join(f"{getattr(row, name):>18.1e}" for name in COLUMNS)
    print(f"{row.name:<64}{values}{'  BEYOND' if row.excesses() else ''}", flush=True)
