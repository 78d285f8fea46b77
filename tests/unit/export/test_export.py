import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tiny_network import PREPROCESS, tiny

import facezoo
from facezoo import backends
from facezoo.data.tools.network_input import gather, network_input
from facezoo.errors import BackendUnavailableError, ConfigError, ExportError, UnknownNameError
from facezoo.export import TARGETS, export_model
from facezoo.export import targets as targets_module
from facezoo.export.onnx_file import open_onnx, read_mark

TORCH = ["onnx", "torchscript", "torch-export"]
PADDLE = ["paddle-inference", "paddle-lite-ready"]


def only(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("to", [*TORCH, *PADDLE])
@pytest.mark.parametrize("pixels", [False, True])
def test_every_format_gives_the_original_embeddings(tmp_path, to, pixels):
    target = TARGETS[to]
    report = export_model(tiny(target.backend), tmp_path / "net", to=to, with_preprocess=pixels)
    assert report.files[0].suffix == target.suffix
    assert report.difference.images == 8
    assert report.difference.relative < 1e-5
    assert report.size == sum(path.stat().st_size for path in report.files)
    note = json.loads((tmp_path / "net.facezoo.json").read_text())
    assert note["preprocess"] == PREPROCESS.to_dict()
    assert note["preprocess_inside"] is pixels
    assert only(tmp_path) == sorted({"net.facezoo.json", *(path.name for path in report.files)})


@pytest.mark.parametrize("to, backend", [("onnx", "paddle"), ("paddle-inference", "torch")])
def test_a_model_of_the_other_backend_is_converted(tmp_path, to, backend):
    report = export_model(tiny(backend), tmp_path / "net", to=to, fold=True)
    assert report.folded
    assert report.difference.relative < 1e-5


def test_an_onnx_file_takes_any_batch_of_pixels_and_holds_its_metadata(tmp_path):
    module = tiny("torch")
    export_model(module, tmp_path / "net.onnx", to="onnx", with_preprocess=True)
    run = open_onnx(tmp_path / "net.onnx")
    crops = gather(None, (32, 48))
    expected = backends.load("torch").build_inference(module)(crops)
    for count in (1, 3, 8):
        np.testing.assert_allclose(run(crops[:count]), expected[:count], rtol=1e-4, atol=1e-5 * abs(expected).max())
    mark = read_mark(tmp_path / "net.onnx")
    assert mark["backbone"] == "IR18"
    assert mark["input"] == "uint8 RGB (N, H, W, 3)"


@pytest.mark.parametrize("to", ["onnx", "torchscript"])
def test_half_precision_halves_the_file(tmp_path, to):
    whole = export_model(tiny("torch", embedding_size=512), tmp_path / "whole", to=to)
    half = export_model(tiny("torch", embedding_size=512), tmp_path / "half", to=to, precision="float16")
    assert half.size < 0.75 * whole.size
    assert 0 < half.difference.cosine < 1e-3


@pytest.fixture
def crops_folder(tmp_path):
    folder = tmp_path / "crops"
    folder.mkdir()
    for index, crop in enumerate(gather(None, (40, 40))):
        Image.fromarray(crop).save(folder / f"{index}.png")
    (folder / "broken.jpg").write_bytes(b"no image")
    return folder


def test_int8_is_calibrated_on_the_users_images(tmp_path, crops_folder):
    whole = export_model(tiny("torch", embedding_size=512), tmp_path / "whole", to="onnx")
    small = export_model(
        tiny("torch", embedding_size=512), tmp_path / "small", to="onnx", precision="int8", images=crops_folder,
        with_preprocess=True,
    )  # fmt: skip
    assert small.size < 0.75 * whole.size
    assert 1e-6 < small.difference.cosine < 5e-2
    assert only(tmp_path) == ["crops", "small.facezoo.json", "small.onnx", "whole.facezoo.json", "whole.onnx"]


@pytest.mark.parametrize("name", ["MobileNetV1", "MobileNetV2"])
def test_int8_gives_the_range_after_a_relu_all_steps(tmp_path, crops_folder, name):
    import onnx

    network = facezoo.create_backbone(name, backend="torch", seed=0, input_size=32, embedding_size=8)
    report = export_model(network, tmp_path / "n", to="onnx", precision="int8", images=crops_folder, tolerance=2)
    kinds = [node.op_type for node in onnx.load(report.files[0]).graph.node]
    assert kinds.count("Conv") > 20
    assert not {"Relu", "Clip"} & set(kinds), "an activation of its own means that the values before it are quantised"


@pytest.mark.parametrize("count", [9, 11, 20])
def test_int8_takes_any_number_of_images(tmp_path, count):
    folder = tmp_path / "crops"
    folder.mkdir()
    crops = gather(None, (40, 40))
    for index in range(count):
        Image.fromarray(np.roll(crops[index % len(crops)], index, axis=1)).save(folder / f"{index}.png")
    report = export_model(tiny("torch"), tmp_path / "small", to="onnx", precision="int8", images=folder, tolerance=2)
    assert report.difference.images == 8
    assert (tmp_path / "small.onnx").is_file()


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_external_tensors_are_joined_to_one_file(tmp_path, crops_folder, monkeypatch, precision):
    """As above 2 GB, where torch writes one file per tensor."""
    import onnx

    native = backends.load("torch").exporter()
    written = native.save

    def spread(*arguments):
        files = written(*arguments)
        onnx.save(
            onnx.load(files[0]), files[0], save_as_external_data=True, all_tensors_to_one_file=False, size_threshold=64
        )
        assert len(list(files[0].parent.iterdir())) > 10
        return files

    monkeypatch.setattr(native, "save", spread)
    report = export_model(
        tiny("torch", embedding_size=512), tmp_path / "out" / "net", to="onnx", precision=precision, images=crops_folder
    )
    assert only(tmp_path / "out") == ["net.facezoo.json", "net.onnx", "net.onnx.data"]
    assert [path.name for path in report.files] == ["net.onnx", "net.onnx.data"]
    assert report.size == sum(path.stat().st_size for path in report.files)
    assert read_mark(report.files[0])["precision"] == precision
    monkeypatch.undo()
    whole = export_model(
        tiny("torch", embedding_size=512), tmp_path / "whole", to="onnx", precision=precision, images=crops_folder
    )
    images = network_input(gather(crops_folder, (32, 48)), PREPROCESS)
    assert np.allclose(open_onnx(report.files[0])(images), open_onnx(whole.files[0])(images), atol=1e-6)


def test_above_the_tolerance_nothing_is_written_and_the_previous_file_stays(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"earlier")
    with pytest.raises(ExportError, match=r"refused: on 8 images .* allowed 1e-15"):
        export_model(tiny("torch"), tmp_path / "net", to="onnx", precision="float16", tolerance=1e-15)
    assert (tmp_path / "net.onnx").read_bytes() == b"earlier"
    assert only(tmp_path) == ["net.onnx"]


def test_a_writer_that_changes_a_value_is_caught(tmp_path, monkeypatch):
    native = backends.load("torch").exporter()
    original = native.save

    def faulty(network, *rest):
        network.backbone.neck.linear.weight.data[0, 0] += 100.0
        return original(network, *rest)

    monkeypatch.setattr(native, "save", faulty)
    with pytest.raises(ExportError, match="cosine distance"):
        export_model(tiny("torch"), tmp_path / "net", to="torchscript")
    assert only(tmp_path) == []


def test_a_model_that_gives_nan_is_not_exported(tmp_path):
    module = tiny("torch")
    module.neck.linear.weight.data[0, 0] = float("nan")
    with pytest.raises(ExportError, match="original model gives NaN"):
        export_model(module, tmp_path / "net", to="torchscript")
    assert only(tmp_path) == []


def test_options_that_exclude_each_other(tmp_path):
    module = tiny("torch")
    with pytest.raises(UnknownNameError, match="unknown export target 'onxn'; did you mean 'onnx'"):
        export_model(module, tmp_path / "net", to="onxn")
    with pytest.raises(ConfigError, match="paddle-inference does not support int8; expected one of onnx, openvino"):
        export_model(module, tmp_path / "net", to="paddle-inference", precision="int8")
    with pytest.raises(ConfigError, match="int8 needs face crops"):
        export_model(module, tmp_path / "net", to="onnx", precision="int8")
    with pytest.raises(UnknownNameError, match="precision 'fp16'"):
        export_model(module, tmp_path / "net", to="onnx", precision="fp16")


@pytest.mark.parametrize("missing, to", [("torch", "onnx"), ("paddle", "paddle-inference"), ("openvino", "openvino")])
def test_a_missing_module_is_named(tmp_path, monkeypatch, missing, to):
    found = targets_module.importlib.util.find_spec
    monkeypatch.setattr(
        targets_module.importlib.util, "find_spec", lambda name: None if name == missing else found(name)
    )
    with pytest.raises(BackendUnavailableError, match=f"export to {to} needs {missing}, which is not installed: pip"):
        export_model(None, tmp_path / "net", to=to)


@pytest.mark.parametrize("color", ["RGB", "BGR", "gray"])
def test_the_described_input_is_that_of_both_backends(color):
    channels = 1 if color == "gray" else 3
    preprocess = replace(PREPROCESS, color=color, mean=PREPROCESS.mean[:channels], std=PREPROCESS.std[:channels])
    crops = gather(None, (32, 48))
    ours = network_input(crops, preprocess)
    import paddle
    import torch

    torch_pixels = backends.load("torch").exporter().to_input(torch.from_numpy(crops), preprocess)
    paddle_pixels = backends.load("paddle").exporter().to_input(paddle.to_tensor(crops), preprocess)
    np.testing.assert_allclose(ours, torch_pixels.numpy(), atol=1e-5)
    np.testing.assert_allclose(ours, paddle_pixels.numpy(), atol=1e-5)
