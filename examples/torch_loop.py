"""A loop of your own on PyTorch: autocast, compilation and accuracy.

python examples/torch_loop.py --steps 8
python examples/torch_loop.py --compile
"""

from __future__ import annotations

import argparse
import itertools

import torch
from synthetic_data import IDENTITIES, torch_loader

import facezoo


def main(argv: list[str] | None = None) -> float:
    """Train; the last loss."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--compile", action="store_true", help="compile network and loss as one graph each")
    options = parser.parse_args(argv)
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    backbone = facezoo.create_backbone("MobileFaceNet", backend="torch", embedding_size=64, input_size=64).to(device)
    head = facezoo.create_head("CosFace", backend="torch", embedding_size=64, num_classes=IDENTITIES, scale=16.0)
    head.to(device)
    embed, loss_of = (torch.compile(backbone), torch.compile(head)) if options.compile else (backbone, head)
    optimizer = torch.optim.AdamW([*backbone.parameters(), *head.parameters()], lr=2e-3)
    batches = itertools.chain.from_iterable(itertools.repeat(torch_loader()))
    for step, (images, labels) in enumerate(itertools.islice(batches, options.steps), 1):
        images, labels = images.to(device), labels.to(device)
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            embeddings = embed(images)
            loss = loss_of(embeddings, labels)  # float32, also under autocast
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step == 1 or step % 10 == 0:
            right = (head.cosines(embeddings.float()).argmax(1) == labels).float().mean()  # without the margin
            print(f"step {step}: loss {loss.item():.3f}, accuracy of the batch {right:.2f}")
    return loss.item()


if __name__ == "__main__":
    main()
