"""``paddle.Model.fit`` with a loss of facezoo, ``paddle.summary``, ``paddle.jit.save``, and VisualDL if installed.

python examples/with_paddle_model.py
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

import paddle
from synthetic_data import IDENTITIES, SIZE, paddle_dataset

import facezoo


class WithHead(paddle.nn.Layer):
    """The network that ``paddle.Model`` trains: it returns embeddings, and holds the loss's class weights."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = facezoo.create_backbone(
            "MobileFaceNet", backend="paddle", embedding_size=64, input_size=SIZE, seed=0
        )
        self.head = facezoo.create_head(
            "CosFace", backend="paddle", embedding_size=64, num_classes=IDENTITIES, scale=16.0, seed=0
        )

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        """Embeddings (N, 64)."""
        return self.backbone(images)


def main(argv: list[str] | None = None) -> float:
    """Fit, summarise, save and load; the last loss."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--out", type=Path, default=Path("runs/paddle-model"))
    options = parser.parse_args(argv)
    network = WithHead()
    model = paddle.Model(network)
    optimizer = paddle.optimizer.AdamW(1e-3, parameters=network.parameters())
    model.prepare(optimizer, loss=network.head)
    callbacks = []
    if importlib.util.find_spec("visualdl"):
        callbacks.append(paddle.callbacks.VisualDL(str(options.out / "visualdl")))
    model.fit(
        paddle_dataset(), batch_size=16, epochs=1 + options.steps // 8, num_iters=options.steps, drop_last=True,
        verbose=0, callbacks=callbacks,
    )  # fmt: skip
    (loss,) = model.eval_batch(*[[values[:16]] for values in paddle_dataset().tensors])
    print(f"loss {float(loss):.3f}")
    print(paddle.summary(network.backbone, (1, 3, SIZE, SIZE)))

    network.eval()
    shape = paddle.static.InputSpec([None, 3, SIZE, SIZE], "float32")
    paddle.jit.save(network.backbone, str(options.out / "backbone"), input_spec=[shape])
    loaded = paddle.jit.load(str(options.out / "backbone"))
    images = paddle_dataset().tensors[0][:2]
    apart = float((loaded(images) - network.backbone(images)).abs().max())
    print(f"jit.save and jit.load: largest difference {apart:.1e}")
    return float(loss)


if __name__ == "__main__":
    main()
