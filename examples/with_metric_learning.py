"""facezoo's losses in pytorch-metric-learning's trainer, and its miners and losses on a backbone of facezoo.

pip install pytorch-metric-learning
python examples/with_metric_learning.py
"""

from __future__ import annotations

import argparse
import logging

import torch
from pytorch_metric_learning import losses, miners, samplers, trainers
from synthetic_data import IDENTITIES, torch_dataset, torch_loader

import facezoo


def main(argv: list[str] | None = None) -> float:
    """Train in both ways; the last loss."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.manual_seed(0)
    backbone = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=64, input_size=64)
    head = facezoo.create_head("CosFace", backend="torch", embedding_size=64, num_classes=IDENTITIES, scale=16.0)
    data = torch_dataset()

    # 1. its trainer with a loss of facezoo
    trainer = trainers.MetricLossOnly(
        models={"trunk": backbone},
        optimizers={"trunk_optimizer": torch.optim.AdamW([*backbone.parameters(), *head.parameters()], lr=1e-3)},
        batch_size=16,
        loss_funcs={"metric_loss": head},
        dataset=data,
        sampler=samplers.MPerClassSampler(data.tensors[1], m=4, length_before_new_iter=16 * options.steps),
        dataloader_num_workers=0,
    )
    trainer.train(num_epochs=1)
    images, labels = next(iter(torch_loader()))
    print(f"CosFace of facezoo in MetricLossOnly: loss {head(backbone(images), labels).item():.3f}")

    # 2. its miner and loss on the backbone
    loss_of, miner = losses.TripletMarginLoss(), miners.MultiSimilarityMiner()
    embeddings = backbone(images)
    loss = loss_of(embeddings, labels, miner(embeddings, labels))
    loss.backward()
    print(f"TripletMarginLoss on MobileFaceNet: loss {loss.item():.3f}")
    return loss.item()


if __name__ == "__main__":
    main()
