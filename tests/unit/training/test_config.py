"""Validation of a run's configuration."""

import pytest

from facezoo.errors import ConfigError
from facezoo.training.config_file import build_config
from facezoo.zoo import catalog


@pytest.mark.parametrize(("size", "groups"), [(32, (8, 4)), (6, (3, 2)), (4, (2, 2))])
def test_a_head_that_compares_within_the_batch_gets_several_of_each_identity(size, groups):
    data = build_config({"head": "triplet", "batch_size": size}).data
    assert data.sampler == "identities"
    assert data.sampler_options == {"identities": groups[0], "images": groups[1]}
    again = build_config(build_config({"head": "Triplet", "batch_size": size}).model_dump()).data
    assert again == data


def test_a_named_sampler_stays():
    assert build_config({"head": "Triplet", "data": {"sampler": "shuffled"}}).data.sampler == "shuffled"


def test_a_batch_without_pairs_is_refused():
    with pytest.raises(ConfigError, match="compares the images of a batch: batch_size is 7"):
        build_config({"head": "Triplet", "batch_size": 7})


ALONE = [name for name, margin in catalog.HEADS.items() if margin.family != "regulariser"]


@pytest.mark.parametrize("head", [name for name in ALONE if name != "Triplet"])
def test_other_heads_shuffle(head):
    assert build_config({"head": head}).data.sampler == "shuffled"
