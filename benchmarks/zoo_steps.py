"""Three training steps of every backbone with ArcFace, and of every head with MobileFaceNet, on both backends.

Real faces, with the engine and the loader of a normal run. The table contains the loss of each step; the exit code is 1
if one is not finite. With ``--out`` each row is written to a file, and a second call runs only the missing cases.

    python benchmarks/zoo_steps.py --data FOLDER --out steps.jsonl
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import sys
import time
from pathlib import Path

from facezoo.training.config_file import load_config
from facezoo.training.setup import build_loader, create_engine, open_data
from facezoo.zoo import catalog

Case = tuple[str, str, str]  # backend, backbone, head


def cases(backends: list[str], backbones: list[str] | None, heads: list[str] | None) -> list[Case]:
    """The cases: first the heads, then the networks from small to large."""
    networks = sorted(catalog.BACKBONES.values(), key=lambda spec: spec.parameters or 0)
    by_head = [("MobileFaceNet", name) for name in catalog.HEADS if heads is None or name in heads]
    by_network = [(spec.name, "ArcFace") for spec in networks if backbones is None or spec.name in backbones]
    chosen = [pair for pair in by_head if heads is not None or backbones is None]
    chosen += [pair for pair in by_network if backbones is not None or heads is None]
    return [(backend, *pair) for pair in dict.fromkeys(chosen) for backend in backends]


def run(case: Case, data: list[str], batch_size: int, steps: int, lr: float, scratch: Path) -> dict[str, object]:
    """The losses of one case."""
    backend, backbone, head = case
    given = {"head": head}
    if catalog.head_margin(head).family == "regulariser":  # these do not train alone
        given = {"head": "Softmax", "head_options.extra": {head: 1.0}}
    config = load_config(
        None,
        {
            "backend": backend, "backbone": backbone, **given, "batch_size": batch_size, "lr": lr, "compiled": False,
            "data.path": data, "data.augmentation": "flip", "seed": 1,
        },
    )  # fmt: skip
    source, _ = open_data(config)
    engine = create_engine(config, source.num_classes)
    engine.set_learning_rate(lr)
    losses: list[float] = []
    began = time.perf_counter()
    with build_loader(config, source, scratch, 0, 1) as loader:
        for step, batch in enumerate(loader.epoch(0)):
            losses.append(engine.train_step(batch.images, batch.labels, step).loss)
            if len(losses) == steps:
                break
    return {
        "backend": backend, "backbone": backbone, "head": head, "losses": losses,
        "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--backend", nargs="+", default=["torch", "paddle"])
    parser.add_argument("--backbone", nargs="+")
    parser.add_argument("--head", nargs="+")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--lr", type=float, default=0.001)
    parser.add_argument("--out", type=Path, default=Path("zoo_steps.jsonl"))
    options = parser.parse_args()
    known = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    rows = {(row["backend"], row["backbone"], row["head"]): row for row in known}
    wanted = cases(options.backend, options.backbone, options.head)
    for number, case in enumerate(wanted, 1):
        if case not in rows:
            row = run(case, options.data, options.batch_size, options.steps, options.lr, options.out.parent)
            rows[case] = row
            with options.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
            gc.collect()
        row = rows[case]
        shown = "  ".join(f"{loss:.4f}" for loss in row["losses"])
        print(f"{number}/{len(wanted)}  {case[0]:<7}{case[1]:<18}{case[2]:<18}{shown}  {row['seconds']} s", flush=True)
    bad = [case for case in wanted if not all(map(math.isfinite, rows[case]["losses"]))]
    falling = sum(rows[case]["losses"][-1] < rows[case]["losses"][0] for case in wanted)
    print(f"{len(wanted)} cases, {len(bad)} with a loss that is not finite, {falling} with a loss that fell")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
