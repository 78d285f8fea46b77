"""All layouts and their names."""

from __future__ import annotations

from facezoo.checkpoints.foreign.arcface_iresnet import ArcfaceIResNet
from facezoo.checkpoints.foreign.arcface_paddle import ArcfacePaddle
from facezoo.checkpoints.foreign.attention import AttentionLayout
from facezoo.checkpoints.foreign.base import Found, Layout, Shapes
from facezoo.checkpoints.foreign.efficientnet import EfficientNetLayout
from facezoo.checkpoints.foreign.evolve_ir import EvolveIR
from facezoo.checkpoints.foreign.evolve_resnet import EvolveResNet
from facezoo.checkpoints.foreign.ghostnet import GhostNetLayout
from facezoo.checkpoints.foreign.hrnet import HRNetLayout
from facezoo.checkpoints.foreign.hse_mobilenet import HSEMobileNet
from facezoo.checkpoints.foreign.lightcnn import (
    FacexLightCNNLayout,
    LightCNN9Layout,
    LightCNN29Layout,
    LightCNN29v2Layout,
    LightCNNv4Layout,
)
from facezoo.checkpoints.foreign.mbf import ArcfaceMbf
from facezoo.checkpoints.foreign.mobilefacenet import EvolveMobileFaceNet
from facezoo.checkpoints.foreign.paddle_mobilefacenet import PaddleMobileFaceNet
from facezoo.checkpoints.foreign.published_ir import PublishedIR
from facezoo.checkpoints.foreign.repvgg import RepVGGLayout
from facezoo.checkpoints.foreign.resnest import ResNeStLayout
from facezoo.checkpoints.foreign.rexnet import ReXNetLayout
from facezoo.checkpoints.foreign.swin import SwinLayout
from facezoo.checkpoints.foreign.tfnas import TFNASLayout
from facezoo.checkpoints.foreign.vit import ViTLayout
from facezoo.errors import UnknownNameError

LAYOUTS: tuple[Layout, ...] = (
    EvolveIR(),
    PublishedIR(),
    ArcfaceIResNet(),
    ArcfacePaddle(),
    EvolveResNet(),
    EvolveMobileFaceNet(),
    ArcfaceMbf(),
    PaddleMobileFaceNet(),
    GhostNetLayout(),
    AttentionLayout(),
    EfficientNetLayout(),
    HRNetLayout(),
    TFNASLayout(),
    RepVGGLayout(),
    ReXNetLayout(),
    ResNeStLayout(),
    LightCNN9Layout(),
    LightCNN29Layout(),
    LightCNN29v2Layout(),
    LightCNNv4Layout(),
    FacexLightCNNLayout(),
    ViTLayout(),
    SwinLayout(),
    HSEMobileNet(),
)

SYNONYMS = {  # the projects' own names of their networks
    "arcface_torch_mbf": "arcface_torch_mobilefacenet",
    "arcface_torch_r": "arcface_torch_iresnet",
    "arcface_paddle_r": "arcface_paddle_iresnet",
    "facex_resnet": "facex_ir",
}


def names() -> dict[str, tuple[Layout, str]]:
    """Name of a layout -> the layout and the project, "facex_ir" for instance."""
    table = {}
    for layout in LAYOUTS:
        for project in layout.projects:
            prefix = "lightcnn" if project == "lightcnn_v4" else project
            table[f"{prefix}_{layout.family}"] = (layout, project)
    return table


def name_of(layout: Layout, project: str) -> str:
    """The name of a layout as one project publishes it."""
    return next(name for name, entry in names().items() if entry == (layout, project))


def find_layout(name: str) -> tuple[Layout, str]:
    """The layout of a name, and the project whose preprocessing applies.

    Args:
        name: as :func:`names` lists them; a suffix is ignored, so
            "facex_resnest50" is "facex_resnest".

    Raises:
        UnknownNameError: no such layout; the message gives the nearest.
    """
    known = names()
    for short, full in SYNONYMS.items():
        if name.startswith(short) and not name.startswith(tuple(known)):
            name = full
    fits = [key for key in known if name.startswith(key)]
    if not fits:
        raise UnknownNameError("layout", name, known)
    return known[max(fits, key=len)]


def recognise(shapes: Shapes) -> tuple[Layout, Found] | None:
    """The layout that these keys and shapes belong to."""
    for layout in LAYOUTS:
        if (found := layout.recognise(shapes)) is not None:
            return layout, found
    return None
