"""A loop with Hugging Face accelerate.

pip install accelerate
python examples/with_accelerate.py          # or: accelerate launch examples/with_accelerate.py
"""

from __future__ import annotations

import argparse
import itertools

import torch
from accelerate import Accelerator
from synthetic_data import IDENTITIES, torch_loader

import facezoo


def main(argv: list[str] | None = None) -> float:
    """Train; the last loss."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=16)
    options = parser.parse_args(argv)
    accelerator = Accelerator(gradient_accumulation_steps=2)
    backbone = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=64, input_size=64, seed=0)
    head = facezoo.create_head(
        "CosFace", backend="torch", embedding_size=64, num_classes=IDENTITIES, scale=16.0, seed=0
    )
    optimizer = torch.optim.AdamW([*backbone.parameters(), *head.parameters()], lr=1e-3)
    backbone, head, optimizer, loader = accelerator.prepare(backbone, head, optimizer, torch_loader())
    for images, labels in itertools.islice(itertools.chain.from_iterable(itertools.repeat(loader)), options.steps):
        with accelerator.accumulate(backbone, head):
            loss = head(backbone(images), labels)
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(backbone.parameters(), 5.0)
            optimizer.step()
            optimizer.zero_grad()
    accelerator.print(f"loss {loss.item():.3f}")
    return loss.item()


if __name__ == "__main__":
    main()
