"""A loop with ``paddle.DataParallel``: each process computes its part of the images, gradients are averaged.

    python -m paddle.distributed.launch --nproc_per_node 2 --backend gloo examples/paddle_data_parallel.py

On GPUs leave ``--backend gloo`` out. Class weights are parameters of the wrapped layer, so they are averaged too; to
divide the classes over the processes instead, use ``facezoo train``.
"""

from __future__ import annotations

import argparse
import itertools

import paddle
from paddle import distributed
from synthetic_data import paddle_dataset
from with_paddle_model import WithHead


class WithLoss(WithHead):
    """One layer from images and labels to the loss, so that ``DataParallel`` sees all parameters in one call."""

    def forward(self, images: paddle.Tensor, labels: paddle.Tensor) -> paddle.Tensor:
        """The loss."""
        return self.head(self.backbone(images), labels)


def main(argv: list[str] | None = None) -> float:
    """Train; the last loss."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args(argv)
    distributed.init_parallel_env()
    model = paddle.DataParallel(WithLoss())
    optimizer = paddle.optimizer.Momentum(0.01, 0.9, parameters=model.parameters())
    data = paddle_dataset()
    sampler = paddle.io.DistributedBatchSampler(data, batch_size=8, shuffle=True, drop_last=True)
    loader = paddle.io.DataLoader(data, batch_sampler=sampler)
    batches = itertools.chain.from_iterable(itertools.repeat(loader))
    for images, labels in itertools.islice(batches, options.steps):
        loss = model(images, labels)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
    print(f"process {distributed.get_rank()} of {distributed.get_world_size()}: loss {float(loss):.3f}")
    return float(loss)


if __name__ == "__main__":
    main()
