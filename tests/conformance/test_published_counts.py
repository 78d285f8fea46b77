"""Parameters and multiply-adds against the published figures, over stems, necks and widths; without tensor values."""

from __future__ import annotations

import pytest

from facezoo.errors import ConfigError
from facezoo.zoo import catalog
from facezoo.zoo.cost import cost, measure, quantity

FACE = """
ResNet18        24020672 11436736 11462336 1742.9
ResNet34        34128832 21544896 21570496 3592.6
ResNet50        74886208 24550464 24654400 4080.7
ResNet101       93878336 43542592 43646528 7792.9
ResNet152      109521984 59186240 59290176 11505.2
ResNeXt50       74358080 24022336 24126272 4260.5
ResNeXt101      93506880 43171136 43275072 8000.1
SEResNeXt50     76889072 26553328 26657264 4263.1
SEResNeXt101    98284592 47948848 48052784 8004.8
DenseNet121     32639872  7472000  7523712 2746.2
DenseNet161     81860736 27592512 27704608 7612.2
DenseNet169     54228096 13330304 13414656 3287.3
DenseNet201     66259584 19069824 19167232 4225.0
MobileNetV1     28900672  3732800  3784512  593.4
MobileNetV2     34340608  2880768  2945536  331.6
MobileNetV3Large 27059888 3465008  3513456  238.2
MobileNetV3Small 15380384 1223456  1252320   69.3
ShuffleNetV1    24992664  1397784  1446232  154.5
ShuffleNetV2    26948456  1780584  1832296  164.4
GhostNet        26759364  3164484  3212932  162.7
EfficientNetB0  36124284  4664444  4729212  416.6
EfficientNetB3  49236008 11484200 11562024  999.7
EfficientNetB7 128018896 65099216 65229264 5231.5
DPN68           32655018 12206122 12248042 2343.7
DPN92          102422848 36357184 36493760 6477.9
DPN98          126325184 60259520 60396096 11603.2
"""  # with the face stem: name, parameters with neck E, GAP, GDC, millions of multiply-adds with neck E
OTHER = [
    ("ResNet50", {}, 40_290_880, 1092.6),
    ("ResNet101", {}, 59_283_008, 2020.7),
    ("ResNet152", {}, 74_926_656, 2948.7),
    ("ResNeXt101", {"group_width": 8, "neck": "E"}, 138_120_512, 16521.2),
    ("ShuffleNetV1", {"width": 0.5}, 508_588, None),
    ("ShuffleNetV1", {"width": 1.5}, 2_812_912, None),
    ("ShuffleNetV1", {"width": 2.0}, 4_611_760, None),
    ("ShuffleNetV1", {"groups": 8, "neck": "E"}, 39_437_544, 169.3),
    ("ShuffleNetV2", {"width": 0.5}, 919_328, None),
    ("ShuffleNetV2", {"width": 1.5}, 3_060_256, None),
    ("ShuffleNetV2", {"width": 2.0, "neck": "E"}, 56_740_456, 634.0),
    ("MobileNetV1", {"input_size": 224, "stem": "imagenet", "neck": "pool"}, 3_206_976, 567.7),
    ("LightCNN29v2", {}, 11_596_320, 2831.1),
    ("LightCNN9", {"form": "official"}, 5_480_864, None),
    ("LightCNN29", {"form": "official"}, 12_573_280, 3619.2),
    ("LightCNN29v2", {"form": "official"}, 10_475_872, 3617.1),
    ("LightCNN_v4", {}, 10_345_600, 3555.2),
    ("EfficientNetB0", {"neck": "E", "padding": "static"}, 36_124_284, None),
    ("IR50", {}, 43_574_976, 6296.5),
    ("IR50", {"block": "published"}, 43_585_600, 6296.5),
    ("MobileFaceNet", {}, 1_200_512, 221.2),
]


@pytest.mark.parametrize("line", FACE.strip().splitlines(), ids=lambda line: line.split()[0])
def test_face_stem(line):
    name, *counts, adds = line.split()
    for neck, count in zip(("E", "GAP", "GDC"), counts, strict=True):
        found = measure(catalog.backbone_spec(name, stem="face", neck=neck))
        assert found.parameters == int(count)
        if neck == "E":
            assert found.multiply_adds / 1e6 == pytest.approx(float(adds), abs=0.0501)


@pytest.mark.parametrize("name, options, parameters, adds", OTHER)
def test_other_forms(name, options, parameters, adds):
    found = measure(catalog.backbone_spec(name, **options))
    assert found.parameters == parameters
    if adds is not None:
        assert found.multiply_adds / 1e6 == pytest.approx(adds, abs=0.0501)


def test_the_table_covers_the_catalog():
    for name, spec in catalog.BACKBONES.items():
        found = cost(spec)
        assert spec.parameters in (None, found.parameters), name
    for name in ("MobileFaceNet", "LightSENet", "ViTT", "ShuffleNetV2"):
        assert measure(catalog.BACKBONES[name]) == cost(catalog.BACKBONES[name])


@pytest.mark.parametrize("text, value", [("800k", 800_000), ("2.5M", 2_500_000), ("1G", 10**9), ("12", 12)])
def test_quantity(text, value):
    assert quantity(text) == value


@pytest.mark.parametrize("text", ["", "M", "-3M", "many", "nan", "inf"])
def test_quantity_refuses(text):
    with pytest.raises(ConfigError, match="quantity"):
        quantity(text)
