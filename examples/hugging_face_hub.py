"""A weight file with its card to a repository of the Hugging Face Hub, and back.

pip install huggingface_hub
hf auth login
python examples/hugging_face_hub.py OWNER/NAME --weights runs/tiny/weights.safetensors --licence apache-2.0
"""

from __future__ import annotations

import argparse

from facezoo.weights.hub import from_pretrained, push_to_hub


def main(argv: list[str] | None = None) -> str:
    """Push and load; the address of the commit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("repository", metavar="OWNER/NAME")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--licence", default="unknown")
    options = parser.parse_args(argv)
    address = push_to_hub(options.weights, options.repository, licence=options.licence)
    network = from_pretrained(options.repository)
    print(f"{address}: {network.spec.name}, {network.embedding_size} values")
    return address


if __name__ == "__main__":
    main()
