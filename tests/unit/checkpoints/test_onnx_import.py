"""ONNX files come back as networks of the zoo that embed alike on both backends, and train on."""

import contextlib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_files import VARIANTS, network, renamed, run, saved, with_pixels_inside, written, written_out

import facezoo
from facezoo import backends
from facezoo.checkpoints.graphs.walk import identity_statistics
from facezoo.data.sources.synthetic import SyntheticFaces
from facezoo.data.tools.network_input import gather, network_input
from facezoo.errors import CheckpointError, ConfigError, FacezooError, UnknownNameError
from facezoo.export import export_model
from facezoo.interfaces.engine import EngineSettings

torch = pytest.importorskip("torch")
CLOSE = 1e-5  # cosine distance


def distance(one, two):
    one, two = (x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1)[:, None] for x in (one, two))
    return ((one - two) ** 2).sum(axis=1).max() / 2


def check(path, name, variant, pixels=False):
    """Import the file, and compare both backends with ONNX Runtime."""
    imported = facezoo.import_checkpoint(path)
    assert imported.backbone == name
    for key, value in variant.items():
        assert getattr(imported.spec, key) == ((value, value) if key == "input_size" else value), key
    crops = gather(None, imported.preprocess.size, 3, 3)
    fed = crops.transpose(0, 3, 1, 2).astype(np.float32) if pixels else network_input(crops, imported.preprocess)
    wanted = run(path, np.ascontiguousarray(fed))
    for backend in backends.available():
        ours = backends.load(backend).build_inference(imported.build(backend=backend))(crops)
        assert distance(ours, wanted) <= CLOSE, backend
        assert np.abs(ours - wanted).max() <= 1e-4 * np.abs(wanted).max(), backend
    return imported


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("onnx")


@pytest.fixture(scope="module")
def folded(folder):
    """MobileFaceNet by torch's old exporter, which folds every BN that it can."""
    return written(network("MobileFaceNet", np.random.default_rng(0)), folder / "folded.onnx", opset=11)


@pytest.mark.parametrize("name", VARIANTS)
def test_files_of_the_old_exporter(name, tmp_path, rng):
    path = written(network(name, rng), tmp_path / "n.onnx", opset=11 if name != "ViTT" else 14)
    imported = check(saved(renamed(onnx.load(path), rng), path), name, VARIANTS[name])
    assert imported.layout == {"IResNet18": "onnx_iresnet", "ViTT": "onnx_vit"}.get(name, "onnx_mobilefacenet")
    assert imported.preprocess.mean == (127.5,) * 3
    assert any("used all" in line for line in imported.report)


@pytest.mark.parametrize("name", ["MobileFaceNet", "ViTT", pytest.param("IResNet18", marks=pytest.mark.full)])
def test_files_that_are_not_folded(name, tmp_path, rng):
    module = network(name, rng)
    imported = check(written(module, tmp_path / "n.onnx", folded=False), name, VARIANTS[name])
    assert not any("folded" in line for line in imported.report)
    state = facezoo.get_state(module)
    assert set(imported.state) == set(state)
    for key, value in state.items():
        assert np.allclose(imported.state[key], value, rtol=1e-6, atol=1e-7), key


@pytest.mark.parametrize("name", ["MobileFaceNet", pytest.param("IResNet18", marks=pytest.mark.full),
                                  pytest.param("ViTT", marks=pytest.mark.full)])  # fmt: skip
@pytest.mark.parametrize("optimised", [True, pytest.param(False, marks=pytest.mark.full)])
def test_files_of_the_new_exporter(name, optimised, tmp_path, rng):
    path = written(network(name, rng), tmp_path / "n.onnx", new=True, folded=optimised)
    check(path, name, VARIANTS[name])


def test_layers_written_out_as_operators(tmp_path, rng):
    for name in ("IResNet18", "MobileFaceNet"):
        path = written(network(name, rng), tmp_path / f"{name}.onnx", folded=False)
        check(saved(written_out(onnx.load(path)), path), name, VARIANTS[name])


def test_a_deeper_and_wider_network(tmp_path, rng):
    variant = {"embedding_size": 8, "input_size": 32, "blocks": (2, 1, 2, 1), "scale": 1}
    check(written(network("MobileFaceNet", rng, **variant), tmp_path / "n.onnx"), "MobileFaceNet", variant)
    variant = VARIANTS["MobileFaceNet"] | {"expansions": (48, 40, 64, 56, 96, 72), "second_groups": 128}
    check(written(network("MobileFaceNet", rng, **variant), tmp_path / "n.onnx"), "MobileFaceNet", variant)


def test_input_rules_of_the_graph(folded, tmp_path, rng):
    model = with_pixels_inside(onnx.load(folded), mean=(127.5,), factor=(0.0078125,))
    imported = check(saved(model, tmp_path / "a.onnx"), "MobileFaceNet", VARIANTS["MobileFaceNet"], pixels=True)
    assert (imported.preprocess.color, imported.preprocess.mean) == ("RGB", (127.5,) * 3)
    assert imported.preprocess.std == (128.0,) * 3
    model = with_pixels_inside(onnx.load(folded), (1, 2, 3), (1 / 10, 1 / 20, 1 / 30), flipped=True)
    imported = check(saved(model, tmp_path / "b.onnx"), "MobileFaceNet", VARIANTS["MobileFaceNet"], pixels=True)
    assert (imported.preprocess.color, imported.preprocess.mean) == ("BGR", (1.0, 2.0, 3.0))
    assert imported.preprocess.std == (10.0, 20.0, 30.0)


def test_exports_of_facezoo_keep_their_rules(tmp_path, rng):
    module = facezoo.create_backbone("MobileFaceNet", backend="torch", seed=0, embedding_size=8)
    module.spec = type(module.spec)(**{**vars(module.spec), "preprocess": facezoo.Preprocess("BGR", std=(128.0,) * 3)})
    for inside in (False, True):
        path = tmp_path / f"{inside}.onnx"
        export_model(module, path, to="onnx", with_preprocess=inside)
        imported = facezoo.import_checkpoint(path)
        assert (imported.preprocess.color, imported.preprocess.std) == ("BGR", (128.0,) * 3)


def test_half_precision_and_unit_length(folded, tmp_path):
    model = onnx.load(folded)
    for tensor in model.graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.dtype == np.float32:
            tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float16), tensor.name))
    del model.graph.value_info[:]
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    imported = facezoo.import_checkpoint(saved(model, tmp_path / "half.onnx"))
    assert imported.state["stem.conv.weight"].dtype == np.float32

    model = onnx.load(folded)
    before = model.graph.output[0].name
    model.graph.node.append(helper.make_node("ReduceL2", [before], ["length"], axes=[1], keepdims=1))
    model.graph.node.append(helper.make_node("Div", [before, "length"], ["unit"]))
    model.graph.output[0].name = "unit"
    imported = facezoo.import_checkpoint(saved(model, tmp_path / "unit.onnx"))
    assert any("divides the embedding by its norm" in line for line in imported.report)


def test_folded_norms_are_identities_with_the_statistics_of_the_images(folded, tmp_path):
    plain = facezoo.import_checkpoint(folded)
    folder = tmp_path / "crops"
    folder.mkdir()
    from PIL import Image

    for number in range(8):
        noise = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    measured = facezoo.import_checkpoint(folded, images=folder)
    crops = gather(folder, (32, 32))
    x = torch.from_numpy(network_input(crops, measured.preprocess))
    seen = []
    with torch.no_grad():
        outs = [imported.build(backend="torch")(x).numpy() for imported in (plain, measured)]
        module = measured.build(backend="torch")
        module.neck.linear.register_forward_hook(lambda layer, inputs, output: seen.append(output.numpy()))
        module(x)
        module.train()(x)
    assert distance(*outs) <= CLOSE  # whatever the images
    assert distance(*seen) <= 1e-4  # in training too, since the batch is that of the statistics
    for name in (key for key in plain.state if key.endswith("running_var")):
        norm = name.removesuffix(".running_var")
        if norm != "neck.bn_out":
            scale = plain.state[f"{norm}.weight"] / np.sqrt(plain.state[name] + np.float32(1e-5))
            assert np.allclose(scale, 1, atol=2e-7), norm


@pytest.mark.parametrize("eps", [1e-5, 2e-5, 1e-3, 1e-6])
def test_the_plain_identity_is_exact(eps):
    mean, variance = identity_statistics(3, eps)
    assert (np.float32(variance) + np.float32(eps) == 1).all()
    assert not mean.any()


def test_without_onnx_runtime_the_identity_is_plain(folded, monkeypatch):
    monkeypatch.setattr("facezoo.checkpoints.graphs.network.installed", lambda: False)
    monkeypatch.setattr("facezoo.checkpoints.graphs.importer.installed", lambda: False)
    imported = facezoo.import_checkpoint(folded)
    assert any("not compared" in line for line in imported.report)
    assert (imported.state["stem.bn.weight"] == 1).all()
    x = torch.from_numpy(network_input(gather(None, (32, 32), 2, 2), imported.preprocess))
    with torch.no_grad():
        assert distance(imported.build(backend="torch")(x).numpy(), run(folded, x.numpy())) <= CLOSE


def test_an_imported_network_trains_on(folded, backend):
    imported = facezoo.import_checkpoint(folded)
    faces = SyntheticFaces(4, 4, size=32)
    images, labels = np.stack([faces.image(index) for index in range(16)]), faces.labels
    head = facezoo.create_head("CosFace", backend=backend, embedding_size=16, num_classes=4, seed=0)
    settings = EngineSettings(preprocess=imported.preprocess, precision="float32")
    engine = backends.load(backend).build_engine(settings, imported.build(backend=backend), head)
    engine.set_learning_rate(0.02)
    results = [engine.train_step(images, labels, step) for step in range(20)]
    assert all(result.applied for result in results)
    assert results[-1].loss < 0.6 * results[0].loss


def changed(folded, change):
    model = onnx.load(folded)
    change(model)
    return model


def _extra(model):
    model.graph.initializer.append(numpy_helper.from_array(np.ones((3, 4), np.float32), "left.over"))


def _two_outputs(model):
    model.graph.output.append(helper.make_tensor_value_info(model.graph.node[0].output[0], TensorProto.FLOAT, None))


def _quantised(model):
    model.graph.node.insert(0, helper.make_node("QuantizeLinear", ["images", "s"], ["q"]))


def _foreign(model):
    model.graph.node[3].domain = "com.microsoft"


def _stride(model):
    conv = [node for node in model.graph.node if node.op_type == "Conv"][1]
    next(item for item in conv.attribute if item.name == "strides").ints[:] = [2, 2]


def _sigmoid(model):
    model.graph.node[1].CopyFrom(helper.make_node("Sigmoid", model.graph.node[1].input[:1], model.graph.node[1].output))


def _cycle(model):
    model.graph.node[0].input[0] = model.graph.output[0].name


REFUSED = {
    "an initializer that nothing reads": (_extra, "1 initializers belong to no layer of the network: left.over"),
    "two outputs": (_two_outputs, "has 2 outputs"),
    "quantised": (_quantised, "is quantised"),
    "an operator of a runtime": (_foreign, "the operator com.microsoft"),
    "another stride": (_stride, r"with stride \(2, 2\); expected \(1, 1\)"),
    "another activation": (_sigmoid, "a group of nodes .Sigmoid.; expected prelu.*--backend onnx"),
    "a cycle": (_cycle, "which no node before it gives"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused(kind, folded, tmp_path):
    change, message = REFUSED[kind]
    path = saved(changed(folded, change), tmp_path / "n.onnx")
    with pytest.raises(CheckpointError, match=message):
        facezoo.import_checkpoint(path)


def test_damaged_files_and_wrong_requests(folded, tmp_path, seed):
    data = folded.read_bytes()
    (tmp_path / "cut.onnx").write_bytes(data[: len(data) // 2])
    (tmp_path / "empty.onnx").write_bytes(b"")
    (tmp_path / "text.onnx").write_text("not a model")
    for name in ("cut", "empty", "text", "missing"):
        with pytest.raises(CheckpointError, match=name):
            facezoo.import_checkpoint(tmp_path / f"{name}.onnx")
    with pytest.raises(UnknownNameError, match="onnx_vit"):
        facezoo.import_checkpoint(folded, layout="onnx_vitt")
    with pytest.raises(CheckpointError, match="nearest is onnx_iresnet"):
        facezoo.import_checkpoint(folded, layout="onnx_iresnet")
    np.savez(tmp_path / "a.npz", a=np.zeros(3))
    with pytest.raises(ConfigError, match="only ONNX files"):
        facezoo.import_checkpoint(tmp_path / "a.npz", images=tmp_path)
    rng = np.random.default_rng(seed)
    for _ in range(20):  # damage anywhere ends with an error of facezoo or with the same network
        broken = bytearray(data)
        for place in rng.integers(0, len(data), 8):
            broken[place] = rng.integers(256)
        (tmp_path / "broken.onnx").write_bytes(bytes(broken[: 20_000 if rng.random() < 0.5 else len(data)]))
        with contextlib.suppress(FacezooError):
            facezoo.import_checkpoint(tmp_path / "broken.onnx")


def test_the_file_is_recognised_without_its_suffix(folded, tmp_path):
    (tmp_path / "weights.bin").write_bytes(folded.read_bytes())
    assert facezoo.import_checkpoint(tmp_path / "weights.bin").backbone == "MobileFaceNet"
