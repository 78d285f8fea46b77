"""A loop of your own on PaddlePaddle, with automatic mixed precision.

python examples/paddle_loop.py --steps 8
"""

from __future__ import annotations

import argparse
import itertools

import paddle
from synthetic_data import IDENTITIES, paddle_dataset

import facezoo


def main(argv: list[str] | None = None) -> float:
    """Train; the last loss."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=40)
    options = parser.parse_args(argv)
    paddle.seed(0)
    backbone = facezoo.create_backbone("MobileFaceNet", backend="paddle", embedding_size=64, input_size=64)
    head = facezoo.create_head("CosFace", backend="paddle", embedding_size=64, num_classes=IDENTITIES, scale=16.0)
    optimizer = paddle.optimizer.AdamW(2e-3, parameters=[*backbone.parameters(), *head.parameters()])
    gpu = paddle.device.is_compiled_with_cuda()
    scaler = paddle.amp.GradScaler(enable=gpu)
    loader = paddle.io.DataLoader(paddle_dataset(), batch_size=16, shuffle=True, drop_last=True)
    batches = itertools.chain.from_iterable(itertools.repeat(loader))
    for step, (images, labels) in enumerate(itertools.islice(batches, options.steps), 1):
        with paddle.amp.auto_cast(enable=gpu, level="O1"):
            embeddings = backbone(images)
            loss = head(embeddings, labels)  # float32, also under auto_cast
        scaled = scaler.scale(loss)
        scaled.backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.clear_grad()
        if step == 1 or step % 10 == 0:
            right = (head.cosines(embeddings).argmax(1) == labels).astype("float32").mean()  # without the margin
            print(f"step {step}: loss {float(loss):.3f}, accuracy of the batch {float(right):.2f}")
    return float(loss)


if __name__ == "__main__":
    main()
