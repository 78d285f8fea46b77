from dataclasses import replace

import numpy as np

from facezoo import get_state, set_state
from facezoo.specs.preprocess import Preprocess
from facezoo.zoo.catalog import backbone_spec
from facezoo.zoo.create import build_backbone

SEED = 7
PREPROCESS = Preprocess(color="BGR", size=(32, 48), mean=(100.0, 110.0, 125.0), std=(60.0, 70.0, 128.0))


def tiny(backend, name="IR18", **changes):
    """A network of four small blocks, with a rectangular input, unequal means and stds, and running statistics."""
    spec = replace(
        backbone_spec(name, embedding_size=16, input_size=(32, 48)), preprocess=PREPROCESS, parameters=None,
        **{"units": (1, 1, 1, 1), "widths": (8, 8, 16, 16), **changes},
    )  # fmt: skip
    module = build_backbone(spec, backend=backend, seed=SEED)
    rng = np.random.default_rng(SEED)
    state = get_state(module)
    for key, value in state.items():
        if key.endswith("running_mean"):
            state[key] = rng.normal(0, 0.1, value.shape).astype(np.float32)
        if key.endswith("running_var"):
            state[key] = rng.uniform(0.5, 2, value.shape).astype(np.float32)
    set_state(module, state)
    module.eval()
    return module
