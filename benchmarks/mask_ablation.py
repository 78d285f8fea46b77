"""Accuracy without and with masks, by the share of masked training faces.

python benchmarks/mask_ablation.py --train celeba296 --lfw lfw-deepfunneled --lists lfw --mfr2 mfr2 --out ablation

One run for each share, equal but for ``data.augmentation_options.mask``, then the protocols lfw, lfw_masked and mfr2.
Runs and results stay in ``--out``: repeat an interrupted command to continue it. ``--set`` changes the runs,
as in ``facezoo train``; ``--mesh 0`` and ``--mesh 1`` train on masks of one generator only.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from facezoo.cli.main import main as facezoo
from facezoo.evaluation.protocols.result import load_result


def run(*words: object) -> None:
    """One command of facezoo; a failure ends the benchmark."""
    code = facezoo([str(word) for word in words])
    if code:
        raise SystemExit(code)


def trained(share: float, given: argparse.Namespace) -> Path:
    """The weights of the run with this share of masked faces."""
    folder = given.out / f"mask-{share:g}-mesh-{given.mesh:g}-{given.backend}"
    weights = folder / "weights.safetensors"
    if not weights.is_file():
        settings = [f"data.augmentation={given.augmentation}", *given.set]
        settings += [
            f"data.augmentation_options.{name}={value}" for name, value in (("mask", share), ("mask_mesh", given.mesh))
        ]
        run(
            "-q", "train", "--config", given.config, "--backend", given.backend, "--data", given.train, "--auto-resume",
            "--seed", given.seed, "--out", folder, *(word for setting in settings for word in ("--set", setting)),
        )  # fmt: skip
    return weights


def evaluated(weights: Path, protocol: str, given: argparse.Namespace) -> str:
    """The accuracy with its interval, in percent."""
    out = weights.with_name(f"{protocol}.json")
    if not out.is_file():
        data = ["--data", given.mfr2] if protocol == "mfr2" else ["--data", given.lfw, "--lists", given.lists]
        run(
            "-q",
            "evaluate",
            "--protocol",
            protocol,
            "--weights",
            weights,
            "--backend",
            given.backend,
            *data,
            "--out",
            out,
        )
    figure = load_result(out)["tasks"][0]["figures"][0]
    return f"{100 * figure['value']:.2f} ({100 * figure['low']:.2f} to {100 * figure['high']:.2f})"


def main() -> None:
    """Train, evaluate and print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="training faces, aligned")
    parser.add_argument("--lfw", help="photos of LFW; without them lfw and lfw_masked are left out")
    parser.add_argument("--lists", help="folder of LFW's pairs.txt and landmarks.csv")
    parser.add_argument("--mfr2", help="MFR2; without it mfr2 is left out")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.1, 0.15, 0.2, 0.33])
    parser.add_argument("--mesh", type=float, default=0.5, help="share of masks by the generator mesh")
    parser.add_argument("--config", default="tiny_mobilefacenet")
    parser.add_argument("--augmentation", default="light")
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    protocols = [*(["lfw", "lfw_masked"] if given.lfw else []), *(["mfr2"] if given.mfr2 else [])]
    if not protocols or bool(given.lfw) != bool(given.lists):
        parser.error("give --lfw with --lists, or --mfr2, or all three")
    rows = []
    for share in given.shares:
        weights = trained(share, given)
        rows.append([f"{100 * share:g} %", *(evaluated(weights, protocol, given) for protocol in protocols)])
    print("| " + " | ".join(["masked faces in training", *protocols]) + " |")
    print("|" + "---|" * (1 + len(protocols)))
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
