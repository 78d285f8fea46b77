"""Export the backbones of the zoo to ONNX, run each in ONNX Runtime, and print the differences as a table.

``python benchmarks/export_zoo.py --out docs/export-zoo.md``; networks above 100 million parameters only with ``--all``.
Weights are random; running statistics are those of a batch of synthetic faces, as after training.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from facezoo.data.tools.network_input import gather, network_input
from facezoo.errors import FacezooError
from facezoo.export import export_model
from facezoo.specs.base import BackboneSpec
from facezoo.zoo import catalog
from facezoo.zoo.create import build_backbone

LARGE = 100_000_000
TOLERANCE = 1e-5  # of cosine distance: with random weights, deep ResNets exceed the default tolerance
HEAD = "| backbone | file | seconds | cosine distance | values | lengths |\n|---|---|---|---|---|---|"


def network_with_statistics(spec: BackboneSpec) -> object:
    """The network with random weights and the running statistics of synthetic faces."""
    import torch

    module = build_backbone(spec, backend="torch", seed=0)
    for layer in module.modules():
        if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm):
            layer.momentum = 1.0
    with torch.no_grad():
        module.train()(torch.from_numpy(network_input(gather(None, spec.input_size), spec.preprocess)))
    return module.eval()


def row(name: str) -> str:
    """One line of the table."""
    spec = catalog.backbone_spec(name)
    with tempfile.TemporaryDirectory() as folder:
        try:
            report = export_model(
                network_with_statistics(spec), Path(folder) / name, to="onnx", with_preprocess=True, tolerance=TOLERANCE
            )
        except FacezooError as error:
            return f"| {name} | {error} | | | | |"
    found = report.difference
    return (
        f"| {name} | {report.size / 1e6:.1f} MB | {report.seconds:.0f} | {found.cosine:.1e} | {found.relative:.1e} | "
        f"{found.norm:.1e} |"
    )


def main() -> int:
    """Print the table; rows that are already in the file are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="backbones; default: the catalog")
    parser.add_argument("--all", action="store_true", help="also those above 100 million parameters")
    parser.add_argument("--out", type=Path, help="file for the rows; rows that it contains are not measured again")
    asked = parser.parse_args()
    done = {}
    if asked.out and asked.out.is_file():
        lines = [line for line in asked.out.read_text(encoding="utf-8").splitlines() if " MB | " in line]
        done = {line.split("|")[1].strip(): line for line in lines}
    print(HEAD)
    for name in asked.names or catalog.list_backbones():
        if not asked.all and not asked.names and (catalog.backbone_spec(name).parameters or 0) > LARGE:
            continue
        if name not in done:
            done[name] = row(name)
            if asked.out:
                text = "\n".join([HEAD, *(done[key] for key in catalog.list_backbones() if key in done)])
                asked.out.write_text(text + "\n", encoding="utf-8")
        print(done[name], flush=True)
    return int(any(" MB | " not in line for line in done.values()))


if __name__ == "__main__":
    sys.exit(main())
