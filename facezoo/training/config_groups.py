"""Groups of keys of a run's configuration."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from facezoo.errors import ConfigError

Number = Annotated[float, Field(allow_inf_nan=False)]


class Strict(BaseModel):
    """A group of keys; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Strict):
    """The training images, their order and their augmentation."""

    path: str | list[str] | None = Field(
        None, description="folder, list file, .rec or shards; several are joined; none: synthetic faces"
    )
    weights: list[Number] | None = Field(
        None, description="one for each path: how often its images come in an epoch, on average; none: once"
    )
    identities: int = Field(64, ge=2, description="of the synthetic faces")
    images_per_identity: int = Field(20, ge=2, description="of the synthetic faces")
    min_images: int = Field(1, ge=1, description="identities with fewer images are skipped")
    same_names: Literal["refuse", "merge", "apart"] = Field("refuse", description="one name in two of the paths")
    sampler: Literal["shuffled", "weighted", "identities", "sequential"] = Field(
        "shuffled", description="order of the images; with Triplet: identities, four or two images of each in a batch"
    )
    sampler_options: dict[str, Number] = Field(default_factory=dict)
    augmentation: str = Field("paper", description="recipe: paper, light, none, ...")
    augmentation_options: dict[str, Any] = Field(default_factory=dict)
    workers: int = Field(0, ge=0, description="processes that prepare images; 0 prepares them in the training process")
    cache: bool = Field(False, description="keep decoded images in memory")
    cache_gigabytes: Number = Field(1.0, gt=0, description="limit of the cache; further images are decoded each time")
    max_bad_share: Number = Field(0.01, ge=0, le=1, description="share of unreadable images above which the run stops")

    @model_validator(mode="after")
    def _weighed(self) -> Data:
        if self.weights is not None:
            paths = [self.path] if isinstance(self.path, str) else self.path or []
            if len(self.weights) != len(paths) or min(self.weights) <= 0:
                raise ConfigError(
                    f"data.weights is {self.weights}; expected one above 0 for each of {len(paths)} paths"
                )
            if self.sampler not in ("shuffled", "weighted"):
                raise ConfigError(
                    f"data.weights is given; the sampler {self.sampler} takes none: use shuffled or weighted"
                )
        return self


class Schedule(Strict):
    """The learning rate at each step, as a share of ``lr``."""

    name: Literal["constant", "step", "polynomial", "cosine"] = "cosine"
    warmup: Number = Field(0.05, ge=0, le=0.5, description="share of all steps with a linearly increasing rate")
    milestones: list[Number] = Field(default_factory=lambda: [0.5, 0.75, 0.9], description="step: shares of all steps")
    gamma: Number = Field(0.1, gt=0, lt=1, description="step: factor at each milestone")
    power: Number = Field(2.0, gt=0, description="polynomial: exponent")
    floor: Number = Field(0.0, ge=0, lt=1, description="lowest share of lr")


class Optimizer(Strict):
    """What updates the weights; ``lr``, ``momentum`` and ``weight_decay`` stand beside it."""

    name: Literal["sgd", "adamw", "lamb"] = "sgd"
    nesterov: bool = Field(False, description="SGD: Nesterov's form of the momentum")
    beta1: Number = Field(0.9, ge=0, lt=1, description="AdamW and LAMB: decay of the mean of gradients")
    beta2: Number = Field(0.999, ge=0, lt=1, description="AdamW and LAMB: decay of the mean of squared gradients")
    eps: Number | None = Field(None, gt=0, description="AdamW and LAMB; none: 1e-8 and 1e-6")


class ValidationSet(Strict):
    """One of several sets of pairs."""

    data: str = Field(description="a verification .bin, or an LFW-like folder")
    pairs: str | None = Field(None, description="pair list for a folder")
    landmarks: str | None = Field(None, description="landmark table for a folder")


class Validation(Strict):
    """Validation during the run."""

    every: int = Field(0, ge=0, description="steps between validations; 0: only at the end")
    at_start: bool | None = Field(None, description="also before the first step; none: where the run has weights")
    sets: dict[str, ValidationSet] = Field(
        default_factory=dict, description="name -> data, pairs, landmarks: several sets, each with a curve"
    )
    watch: str | None = Field(
        None, description="the set that decides which weights are the best and when to stop; none: the first"
    )
    data: str | None = Field(None, description="a verification .bin, or an LFW-like folder; none: identities held out")
    pairs: str | None = Field(None, description="pair list for a folder")
    landmarks: str | None = Field(None, description="landmark table for a folder")
    holdout: int = Field(0, ge=0, description="identities of the training set kept for validation; synthetic faces: 16")
    patience: int = Field(0, ge=0, description="validations without improvement before the run stops; 0: never")


class Parallel(Strict):
    """Several processes that train together; see docs/scaling.md."""

    head: Literal["auto", "dense", "sharded"] = Field(
        "auto", description="dense: every process holds all classes; sharded: each holds a share; auto: by the head"
    )
    sample_rate: Number = Field(1.0, gt=0, le=1, description="Partial FC: share of the classes computed in a step")
    sync_batch_norm: bool = Field(False, description="batch norm over the images of all processes")
    find_unused: bool = Field(False, description="some parameters of the backbone may take no part in a step")
    compression: Literal["none", "float16", "bfloat16"] = Field(
        "none", description="type that gradients are sent in; torch only"
    )
    timeout: Number = Field(1800.0, gt=0, description="seconds that a process waits for the others")


class Distillation(Strict):
    """What the backbone learns from a teacher, beside the labels."""

    teacher: str | None = Field(
        None,
        description="weight file, name of the index, folder of stored embeddings, or average: the run's own average",
    )
    loss: Literal["angular", "cosine", "l2", "relational", "logits"] = Field(
        "angular", description="distance between the embeddings; logits needs stored embeddings"
    )
    share: Number = Field(0.5, ge=0, le=1, description="weight of the distillation; the head's loss has the rest")
    share_end: Number | None = Field(None, ge=0, le=1, description="weight at the last step; none: as at the first")
    factor: Number = Field(10.0, gt=0, description="the distance is multiplied by it")
    temperature: Number = Field(4.0, gt=0, description="of the loss logits")
    scale: Number = Field(64.0, gt=0, description="of the cosines of the loss logits")
    precision: Literal["float32", "bfloat16"] = Field("float32", description="that a teacher computes in")


class FineTuning(Strict):
    """How a backbone that starts from ``weights`` is adapted."""

    head: Literal["centres", "drawn"] = Field(
        "centres", description="class weights at the start: means of the embeddings of each identity, or drawn"
    )
    head_images: int = Field(20, ge=1, description="images of each identity that its mean takes")
    freeze: list[str] = Field(default_factory=list, description="blocks (stem, stages.0) or patterns of names")
    train_from: str | None = Field(
        None, description="the first block that is trained, or last_stage; those before it are frozen"
    )
    backbone_rate: Number = Field(1.0, ge=0, description="factor of lr in the backbone; the head has lr")
    layer_decay: Number = Field(1.0, gt=0, le=1, description="factor of lr from each block to the one before it")
    freeze_statistics: bool = Field(False, description="batch norm keeps its running statistics and computes with them")
    lora_rank: int = Field(0, ge=0, description="rank of adapters that are trained instead of the weights; 0: none")
    lora_alpha: Number | None = Field(None, gt=0, description="the adapters count alpha / rank; none: alpha = rank")
    lora_layers: list[str] = Field(
        default_factory=lambda: ["*"], description="patterns of the names of linear layers and 1x1 convolutions"
    )
