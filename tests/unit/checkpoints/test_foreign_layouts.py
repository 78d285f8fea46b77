"""Every published layout has the published number of keys and of values, and is distinguished from all others."""

import pickle
import subprocess
import sys
import zlib
from collections import OrderedDict

import numpy as np
import pytest
from foreign_files import file_shapes, file_values
from published import PUBLISHED
from safetensors.numpy import save_file

import facezoo
from facezoo.checkpoints.foreign.base import Found
from facezoo.checkpoints.foreign.table import find_layout, recognise
from facezoo.errors import CheckpointError, UnknownNameError

torch = pytest.importorskip("torch")

DEFAULT = {
    "adaface_ir_18", "arcface_paddle_mobilefacenet_128", "arcface_paddle_r50", "arcface_torch_mbf_large",
    "arcface_torch_vit_t", "cvlface_vit_small", "evolve_attention56", "evolve_efficientnet_b0", "evolve_ir_se_50",
    "facex_lightcnn29", "facex_repvgg_a0_deploy", "facex_resnest50", "facex_rexnet_se", "facex_swin_t",
    "facex_tfnas_a", "lightcnn_9", "lightcnn_v4", "plsc_iresnet18", "plsc_vit_t",
}  # fmt: skip
ROWS = [pytest.param(*row, id=row[0], marks=() if row[0] in DEFAULT else pytest.mark.full) for row in PUBLISHED]
TRIPS = ("arcface_paddle_mobilefacenet_128", "arcface_torch_mbf_scale1", "evolve_mobilefacenet", "lightcnn_v4")
TRIP_ROWS = [pytest.param(*row, id=row[0], marks=() if row[0] in TRIPS else pytest.mark.full) for row in PUBLISHED]


@pytest.mark.parametrize("name, parameters, keys, backbone, variant, style", ROWS)
def test_published_layout_has_every_key(name, parameters, keys, backbone, variant, style):
    layout, _ = find_layout(name)
    found = Found(backbone, variant, style)
    shapes, count = file_shapes(layout, found)
    assert (count, len(shapes)) == (parameters, keys)
    recognised, as_found = recognise(shapes)
    assert recognised is layout
    assert (as_found.spec(), as_found.style) == (found.spec(), style)


@pytest.mark.parametrize("name, parameters, keys, backbone, variant, style", TRIP_ROWS)
def test_values_come_back(tmp_path, name, parameters, keys, backbone, variant, style):
    seed = zlib.crc32(name.encode())
    print(f"seed {seed}")
    layout, _ = find_layout(name)
    ours, theirs = file_values(layout, Found(backbone, variant, style), np.random.default_rng(seed))
    path = tmp_path / "weights.bin"
    if style == "paddle":
        path.write_bytes(pickle.dumps(theirs, protocol=4))
    else:
        torch.save({key: torch.from_numpy(value) for key, value in theirs.items()}, path)
    state = facezoo.import_checkpoint(path, layout=name).state
    assert list(state) == list(ours)
    for key, value in ours.items():
        assert np.array_equal(state[key], value), key


@pytest.fixture(scope="module")
def mobile():
    layout, _ = find_layout("evolve_mobilefacenet")
    return file_values(layout, Found("MobileFaceNet", {"embedding_size": 16}), np.random.default_rng(1))


def wrapped(tensors, prefix=""):
    return OrderedDict((prefix + key, torch.from_numpy(np.array(value))) for key, value in tensors.items())


@pytest.mark.parametrize(
    "project, color, std, wrap",
    [
        ("evolve", "RGB", 127.5, lambda t: wrapped(t)),
        ("evolve", "RGB", 127.5, lambda t: wrapped(t, "module.")),
        ("facex", "BGR", 128.0, lambda t: {"state_dict": wrapped(t, "backbone."), "epoch": 17}),
        ("facex", "BGR", 128.0, lambda t: {"epoch": 3, "state_dict": wrapped(t, "module.feat_net.")}),
        (
            "facex", "BGR", 128.0,
            lambda t: {"state_dict": {**wrapped(t, "module.backbone."), "module.head.weight": torch.zeros(4, 2)}},
        ),
    ],
)  # fmt: skip
def test_wrappers_and_prefixes_are_removed_and_decide_the_preprocessing(tmp_path, mobile, project, color, std, wrap):
    ours, theirs = mobile
    torch.save(wrap(theirs), tmp_path / "a.pth")
    imported = facezoo.import_checkpoint(tmp_path / "a.pth")
    assert imported.layout == f"{project}_mobilefacenet"
    assert (imported.preprocess.color, imported.preprocess.std) == (color, (std,) * 3)
    assert np.array_equal(imported.state["stem.conv.weight"], ours["stem.conv.weight"])
    assert any("MobileFaceNet" in line for line in imported.report)


def test_legacy_torch_format_and_npz_and_safetensors_read_the_same(tmp_path, mobile):
    ours, theirs = mobile
    torch.save(wrapped(theirs), tmp_path / "old", _use_new_zipfile_serialization=False)
    np.savez(tmp_path / "b.npz", **theirs)
    save_file(theirs, tmp_path / "c.safetensors")
    for name in ("old", "b.npz", "c.safetensors"):
        state = facezoo.import_checkpoint(tmp_path / name).state
        assert all(np.array_equal(state[key], value) for key, value in ours.items()), name


def test_a_given_layout_overrides_the_wrapper_and_refuses_another_network(tmp_path, mobile):
    save_file(mobile[1], tmp_path / "a.safetensors")
    assert facezoo.import_checkpoint(tmp_path / "a.safetensors", layout="facex_mobilefacenet").preprocess.color == "BGR"
    with pytest.raises(CheckpointError, match="has the layout 'evolve_mobilefacenet'; asked for 'facex_ir'"):
        facezoo.import_checkpoint(tmp_path / "a.safetensors", layout="facex_ir")
    with pytest.raises(UnknownNameError, match="did you mean 'evolve_mobilefacenet'"):
        facezoo.import_checkpoint(tmp_path / "a.safetensors", layout="volve_mobilefacenet")


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda t: t.pop("bn.bias"), r"1 missing \(bn.bias\)"),
        (lambda t: t.update({"extra.weight": np.zeros(3, np.float32)}), r"1 left over \(extra.weight\)"),
        (lambda t: t.update({"bn.bias": np.zeros(3, np.float32)}), r"bn.bias has shape \(3,\); expected \(16,\)"),
        (lambda t: t.update({"bn.bias": np.full(16, np.nan, np.float32)}), "bn.bias holds NaN"),
        (lambda t: t.clear(), "expected a dictionary of tensors"),
        (lambda t: t.pop("conv_23.conv.conv.weight"), "unknown layout"),
    ],
)
def test_tensors_that_do_not_match_the_layout_are_refused(tmp_path, mobile, spoil, message):
    tensors = dict(mobile[1])
    spoil(tensors)
    np.savez(tmp_path / "a.npz", **(tensors or {"x": np.zeros(0)}))
    if not tensors:
        torch.save({"epoch": 3}, tmp_path / "a.npz")
    with pytest.raises(CheckpointError, match=message):
        facezoo.import_checkpoint(tmp_path / "a.npz")


def test_second_names_must_be_the_same_tensors(tmp_path):
    layout, _ = find_layout("arcface_paddle_r18")
    _, theirs = file_values(layout, Found("IResNet18", {"embedding_size": 2}, "paddle"), np.random.default_rng(2))
    theirs["res2a._batch_norm.bias"] = theirs["res2a._batch_norm.bias"] + 1
    (tmp_path / "a.pdparams").write_bytes(pickle.dumps(theirs, protocol=4))
    with pytest.raises(CheckpointError, match=r"block_list.0._batch_norm.bias and res2a._batch_norm.bias differ"):
        facezoo.import_checkpoint(tmp_path / "a.pdparams")


@pytest.mark.parametrize("kept", ["block_list.", "res"])
def test_one_of_two_names_is_enough(tmp_path, kept):
    layout, _ = find_layout("arcface_paddle_r18")
    ours, theirs = file_values(layout, Found("IResNet18", {"embedding_size": 2}, "paddle"), np.random.default_rng(2))
    theirs = {key: value for key, value in theirs.items() if key.startswith((kept, "conv.", "prelu.", "fc."))}
    (tmp_path / "a.pdparams").write_bytes(pickle.dumps(theirs, protocol=4))
    state = facezoo.import_checkpoint(tmp_path / "a.pdparams").state
    assert list(state) == list(ours)
    assert all(np.array_equal(state[key], value) for key, value in ours.items())


def test_a_training_head_alone_is_named(tmp_path):
    (tmp_path / "a.pdparams").write_bytes(pickle.dumps({"head.weight": np.ones((4, 8), np.float32)}, protocol=4))
    with pytest.raises(CheckpointError, match=r"only a training head \(head.weight, ...\); expected a backbone"):
        facezoo.import_checkpoint(tmp_path / "a.pdparams")


def test_integers_are_refused_as_weights(tmp_path, mobile):
    _, theirs = mobile
    key = next(key for key in theirs if key.endswith("conv.weight"))
    np.savez(tmp_path / "a.npz", **{**theirs, key: theirs[key].astype(np.int32)})
    with pytest.raises(CheckpointError, match="has type int32; expected floating point"):
        facezoo.import_checkpoint(tmp_path / "a.npz")


def test_a_swin_for_small_images_is_recognised_by_its_patches():
    layout, _ = find_layout("facex_swin_t")
    shapes, count = file_shapes(layout, Found("SwinT", {"patch_size": 2, "input_size": 112}))
    assert (count, len(shapes)) == (46_785_018, 195)
    found = recognise(shapes)[1]
    assert found.spec().patch_size == 2
    assert found.spec().input_size == (112, 112)


def test_torch_files_import_where_only_paddle_is_installed(tmp_path, mobile):
    pytest.importorskip("paddle")
    torch.save({"state_dict": wrapped(mobile[1], "backbone.")}, tmp_path / "a.pth")
    script = f"""
import importlib.machinery, sys
find = importlib.machinery.PathFinder.find_spec
def hidden(name, path=None, target=None):
    return None if name.split(".")[0] == "torch" else find(name, path, target)
importlib.machinery.PathFinder.find_spec = hidden
import facezoo, facezoo.backends
assert facezoo.backends.available() == ["paddle"], facezoo.backends.available()
imported = facezoo.import_checkpoint({str(tmp_path / "a.pth")!r})
assert imported.layout == "facex_mobilefacenet"
print(imported.build(backend="paddle").embedding_size, "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[-2:] == ["16", "False"]


def test_published_ir_is_assigned_to_a_project_by_its_prefix(tmp_path):
    layout, _ = find_layout("adaface_ir_18")
    _, theirs = file_values(
        layout, Found("IR18", {"block": "published", "embedding_size": 2}), np.random.default_rng(4)
    )
    lightning = {**wrapped(theirs, "model."), "head.kernel": torch.zeros(2, 5), "head.t": torch.zeros(1)}
    torch.save({"state_dict": lightning, "hyper_parameters": {"lr": 0.1}}, tmp_path / "a.ckpt")
    imported = facezoo.import_checkpoint(tmp_path / "a.ckpt")
    assert (imported.layout, imported.preprocess.color) == ("adaface_ir", "BGR")
    assert any("2 tensors of the training head" in line for line in imported.report)
    torch.save(wrapped(theirs, "model.net."), tmp_path / "b.pt")
    imported = facezoo.import_checkpoint(tmp_path / "b.pt")
    assert (imported.layout, imported.preprocess.color) == ("cvlface_ir", "RGB")


@pytest.mark.parametrize("form", ["features.module.", "module.features.", "features."])
def test_checkpoints_of_magface(form, tmp_path):
    """Named as trainer.py and trainer_dist.py save them, with the class weights beside the network."""
    layout, project = find_layout("magface_iresnet")
    assert project == "magface"
    ours, theirs = file_values(layout, Found("IResNet18", {"embedding_size": 8}), np.random.default_rng(1))
    head = "module.fc.weight" if form.startswith("module.") else "fc.weight"
    tensors = {form + key: torch.from_numpy(value) for key, value in theirs.items()} | {head: torch.zeros(8, 30)}
    torch.save({"epoch": 25, "arch": "iresnet18", "state_dict": tensors, "best_acc1": 0}, tmp_path / "a.pth")
    imported = facezoo.import_checkpoint(tmp_path / "a.pth")
    assert (imported.layout, imported.backbone, imported.spec.bn_eps) == ("magface_iresnet", "IResNet18", 2e-5)
    assert (imported.preprocess.color, imported.preprocess.mean[0], imported.preprocess.std[0]) == ("BGR", 0.0, 255.0)
    assert all(np.array_equal(imported.state[key], value) for key, value in ours.items())
    assert any("1 tensors of the training head" in line for line in imported.report)
    assert imported.build(backend="torch").stem.bn.eps == 2e-5
    plain = facezoo.import_checkpoint(tmp_path / "a.pth", layout="arcface_torch_iresnet")
    assert (plain.spec.bn_eps, plain.preprocess.color) == (1e-5, "RGB")


def test_the_configuration_beside_a_file_of_cvlface_states_its_colours(tmp_path):
    layout, _ = find_layout("cvlface_ir")
    _, theirs = file_values(
        layout, Found("IR18", {"block": "published", "embedding_size": 8}), np.random.default_rng(1)
    )
    save_file({f"net.{key}": value for key, value in theirs.items()}, tmp_path / "w.safetensors")
    for name, text, color in (
        ("none", "", "RGB"), ("model.yaml", "color_space: RGB", "RGB"), ("w.yaml", "color_space: 'BGR'", "BGR"),
        ("model.yaml", "input_size: [3, 112, 112]\ncolor_space: BGR\n", "BGR"),
    ):  # fmt: skip
        for old in tmp_path.glob("*.yaml"):
            old.unlink()
        if text:
            (tmp_path / name).write_text(text)
        imported = facezoo.import_checkpoint(tmp_path / "w.safetensors")
        assert (imported.layout, imported.preprocess.color) == ("cvlface_ir", color)
        assert any(f"as {name} beside the file states" in line for line in imported.report) == bool(text)
    for text, message in (("color_space: GRB", "is 'GRB'; expected RGB or BGR"), ("a: [", "cannot be read")):
        (tmp_path / "model.yaml").write_text(text)
        with pytest.raises(CheckpointError, match=message):
            facezoo.import_checkpoint(tmp_path / "w.safetensors")
