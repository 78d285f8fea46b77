"""A network of timm with a loss of facezoo, embeddings by ``facezoo.Embedder``, and a run of ``facezoo.train``.

pip install timm
python examples/with_timm.py
"""

from __future__ import annotations

import argparse

import numpy as np
import timm

import facezoo


def main(argv: list[str] | None = None) -> float:
    """Train; the last loss."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--out", default=None, help="folder of the run; default: a new one below runs/")
    options = parser.parse_args(argv)
    network = timm.create_model("mobilenetv3_small_050", pretrained=False, num_classes=64)  # 64: the embedding
    scaling = facezoo.Preprocess(size=(64, 64))  # RGB, -1 to 1; give timm's mean and std for its pretrained weights
    finished = facezoo.train(
        network, head="ArcFace", head_options={"scale": 16.0}, preprocess=scaling, out=options.out,
        steps=options.steps, batch_size=16, data__identities=16, data__images_per_identity=8, data__workers=0,
    )  # fmt: skip
    embedder = facezoo.Embedder(network, preprocess=scaling)
    embeddings = embedder.embed(np.zeros((2, 64, 64, 3), np.uint8))
    print(f"loss {finished.result.loss:.3f}, embeddings {embeddings.shape}")
    return finished.result.loss


if __name__ == "__main__":
    main()
