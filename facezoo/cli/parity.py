"""``facezoo parity``: how far torch and paddle are apart, on the user's own machine."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def command(
    backbone: Annotated[list[str] | None, typer.Option(help="Only this backbone; may be repeated.")] = None,
    head: Annotated[list[str] | None, typer.Option(help="Only this head; may be repeated.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="In the networks' own depth and image size; minutes each on a CPU.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of weights and images.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Compare every backbone and head on torch and paddle, from the same weights on the same batch.

    Backbones: evaluation in float32, a training step in float64. Heads: loss, logits and gradients in float64, each
    backend against the NumPy oracle. The exit code is 1 when anything lies beyond its bound.
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
    known: dict[str, Any] = {}  # in small, many depths of a family are one construction
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
