"""Small networks of the catalog, with batch norms as after training."""

import numpy as np

import facezoo
from facezoo.canonical.state import inventory


def small(name):
    """Options that make a network small."""
    if name.startswith("Swin"):
        return {"input_size": 56, "patch_size": 2, "embedding_size": 8}
    return {"input_size": 32, "embedding_size": 8}


def perturbed(module, seed):
    """Random statistics, weights and biases of batch norms, as after training."""
    rng, state = np.random.default_rng(seed), facezoo.get_state(module)
    norms = [item for item in inventory(module) if item.layer == "batch_norm"]
    deep = sum(item.entry == "weight" for item in norms) > 120  # weights near 1 overflow after hundreds of blocks
    for item in norms:
        low, high = (0.7, 1.3) if item.entry in ("running_var", "weight") else (-0.1, 0.1)
        if deep and item.entry == "weight":
            low, high = 0.1, 0.3
        state[item.name] = rng.uniform(low, high, item.shape).astype(np.float32)
    facezoo.set_state(module, state)
    return module
