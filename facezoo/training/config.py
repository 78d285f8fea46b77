"""Settings of a training run: YAML file under command-line options; an unknown key is an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from facezoo.backends import default_backend
from facezoo.canonical.class_rows import ClassRows, divide_classes
from facezoo.errors import ConfigError
from facezoo.specs.base import BackboneSpec
from facezoo.specs.preprocess import Preprocess
from facezoo.training.config_groups import (
    Data,
    Distillation,
    FineTuning,
    Number,
    Optimizer,
    Parallel,
    Schedule,
    Strict,
    Validation,
)
from facezoo.training.trackers.earlier_key import without_tensorboard_key
from facezoo.zoo import catalog
from facezoo.zoo.head_options import HeadOptions
from facezoo.zoo.user_class import is_user_class


class RunConfig(Strict):
    """Everything a run depends on. Defaults are facezoo's own recipe."""

    backend: Literal["torch", "paddle"] = Field(default_factory=default_backend)
    backbone: str = Field("IR50", description="a name of the zoo, or package.module:Class")
    backbone_options: dict[str, Any] = Field(default_factory=dict)
    embedding_size: int = Field(512, ge=1)
    preprocess: dict[str, Any] | None = Field(
        None, description="of a backbone from outside the zoo: color, size, mean, std, template"
    )
    weights: str | None = Field(
        None, description="what the backbone starts from: a weight file, or a name of the index; it sets the backbone"
    )
    fine_tuning: FineTuning = FineTuning()
    head: str = Field("ArcFace", description="a name of the zoo, or package.module:Class")
    head_options: dict[str, Any] = Field(default_factory=dict)
    data: Data = Data()
    epochs: int = Field(10, ge=1)
    steps: int | None = Field(None, ge=1, description="overrides epochs")
    batch_size: int = Field(32, ge=2)
    accumulation: int = Field(1, ge=1, description="micro-batches a step is split into")
    optimizer: Optimizer = Optimizer()
    lr: Number = Field(0.05, gt=0)
    momentum: Number = Field(0.9, ge=0, lt=1, description="of SGD")
    weight_decay: Number = Field(5e-4, ge=0)
    clip_norm: Number | None = Field(5.0, gt=0)
    schedule: Schedule = Schedule()
    validation: Validation = Validation()
    parallel: Parallel = Parallel()
    distillation: Distillation = Distillation()
    average: Number = Field(
        0.0, ge=0, lt=1, description="decay of a moving average of the weights, which is then what is kept: 0.999"
    )
    precision: Literal["auto", "float32", "bfloat16", "float16", "float64"] = Field(
        "float32", description="auto: bfloat16 where the device has units for it, otherwise float32"
    )
    device: str = Field("auto", description="auto, cpu, gpu or gpu:N")
    threads: int = Field(0, ge=0)
    compiled: bool = Field(True, description="embed by a compiled program where results stay the same")
    compile: bool = Field(False, description="train by torch.compile; torch only")
    channels_last: bool | None = Field(
        None, description="memory format of the images; none: where it is faster and as exact; torch only"
    )
    checkpointing: bool = Field(False, description="recompute the backbone's activations in the backward pass")
    seed: int = Field(0, ge=0)
    checkpoint_every: int = Field(500, ge=1, description="steps between checkpoints")
    keep: int = Field(2, ge=1, description="checkpoints kept")
    log_every: int = Field(10, ge=1)
    trackers: list[Literal["tensorboard", "wandb", "mlflow", "visualdl"]] | None = Field(
        None, description="programs that show the run; none: TensorBoard where it is installed"
    )
    stages: list[dict[str, Any]] = Field(
        default_factory=list,
        description="stages one after the other: each a name and the keys that it changes; see docs/fine-tuning.md",
    )
    notes: str = Field("", description="source of a recipe, published figures")

    @model_validator(mode="before")
    @classmethod
    def _groups(cls, values: dict[str, Any]) -> dict[str, Any]:
        """A head that compares the images of a batch gets several of each identity, unless a sampler is named."""
        head, data, size = values.get("head"), values.get("data", {}), values.get("batch_size", 32)
        if not (isinstance(head, str) and isinstance(data, Mapping) and isinstance(size, int)):
            return values  # the fields will report it
        if (
            is_user_class(head)
            or "sampler" in data
            or "sampler_options" in data
            or not catalog.head_margin(head).compares
        ):
            return values
        if size < 4 or size % 2:
            raise ConfigError(f"{head} compares the images of a batch: batch_size is {size}; expected 4, 6, 8 or so")
        images = 4 if size > 4 and size % 4 == 0 else 2
        groups = {"sampler": "identities", "sampler_options": {"identities": size // images, "images": images}}
        return {**values, "data": {**data, **groups}}

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, values: Any) -> Any:
        """``optimizer: adamw`` stands for ``optimizer: {name: adamw}``."""
        short = isinstance(values, Mapping) and isinstance(values.get("optimizer"), str)
        return {**values, "optimizer": {"name": values["optimizer"]}} if short else values

    @model_validator(mode="before")
    @classmethod
    def _earlier_keys(cls, values: Any) -> Any:
        return without_tensorboard_key(values) if isinstance(values, Mapping) else values

    @field_validator("backbone", "head")
    @classmethod
    def _public_name(cls, name: str, info: ValidationInfo) -> str:
        """The name as the catalog spells it: ``arcface`` becomes ``ArcFace``."""
        if is_user_class(name):
            return name
        return catalog.backbone_name(name) if info.field_name == "backbone" else catalog.head_name(name)

    @model_validator(mode="after")
    def _names(self) -> RunConfig:
        self.input_rule()
        if not is_user_class(self.head):
            margin = HeadOptions.parse(self.head, self.head_options).margin
            if margin.family == "regulariser":
                raise ConfigError(
                    f"{margin.name} does not train a backbone alone; use it beside a classifier: "
                    f"head_options.extra={{{margin.name}: 1.0}}"
                )
        return self

    @model_validator(mode="after")
    def _consistent(self) -> RunConfig:
        """Settings that are valid each, and not together."""
        schedule, validation = self.schedule, self.validation
        if not re.fullmatch(r"auto|cpu|(gpu|cuda)(:\d+)?", self.device):
            raise ConfigError(f"device is {self.device!r}; expected auto, cpu, gpu or gpu:N")
        if self.data.path == []:
            raise ConfigError("data.path is []; expected one path or several")
        if schedule.name == "step" and not all(0 < share < 1 for share in schedule.milestones):
            raise ConfigError(
                f"schedule.milestones is {schedule.milestones}; expected shares of all steps, above 0 and below 1: "
                "epochs 20 and 28 of 34 are [0.588, 0.824]"
            )
        if self.optimizer.nesterov and (self.optimizer.name != "sgd" or not self.momentum):
            raise ConfigError("optimizer.nesterov is true; it needs optimizer.name sgd and a momentum above 0")
        if self.batch_size // self.accumulation < 2:
            raise ConfigError(
                f"accumulation is {self.accumulation}; expected at most {self.batch_size // 2} for batch_size "
                f"{self.batch_size}, since batch norm needs two images per micro-batch"
            )
        if validation.patience and not validation.every:
            raise ConfigError(f"validation.patience is {validation.patience}; it needs validation.every")
        self._check_parallel()
        for name in ("compile", "channels_last"):
            if getattr(self, name) and self.backend != "torch":
                raise ConfigError(f"{name} is true; {self.backend} has it not: leave it out, or take --backend torch")
        recomputing = self.checkpointing or self.backbone_options.get("checkpointing")
        if self.compile and recomputing:
            raise ConfigError("compile and checkpointing are both true; expected one: torch.compile has no such blocks")
        if self.checkpointing and is_user_class(self.backbone):
            raise ConfigError(
                f"checkpointing is true; expected a backbone of the zoo, since only those know their blocks: call "
                f"the framework's own checkpointing inside {self.backbone}"
            )
        self._check_distillation()
        self._check_fine_tuning()
        if validation.sets and (validation.data or validation.holdout):
            raise ConfigError("validation.sets is given beside validation.data or holdout; expected one of them")
        if validation.watch is not None and validation.watch not in validation.sets:
            named = ", ".join(validation.sets) or "none"
            raise ConfigError(f"validation.watch is {validation.watch!r}; expected a name of validation.sets: {named}")
        for name in ("pairs", "landmarks"):
            if getattr(validation, name) is not None and validation.data is None:
                raise ConfigError(f"validation.{name} is {getattr(validation, name)!r}; it needs validation.data")
        return self

    def _check_parallel(self) -> None:
        parallel = self.parallel
        if parallel.sample_rate < 1 and parallel.head == "dense":
            raise ConfigError(f"parallel.sample_rate is {parallel.sample_rate}; it needs parallel.head sharded or auto")
        if (parallel.sample_rate < 1 or parallel.head == "sharded") and not self.divisible:
            raise ConfigError(
                f"{self.head} cannot be divided over processes or sampled, as it or a term of it needs all classes in "
                "one place: set parallel.head to dense and parallel.sample_rate to 1"
            )
        if parallel.compression != "none" and self.backend != "torch":
            raise ConfigError(f"parallel.compression is {parallel.compression!r}; {self.backend} has none")

    def _check_distillation(self) -> None:
        chosen = self.distillation
        if chosen.teacher is None:
            given = sorted(chosen.model_fields_set - {"teacher"})
            if given and chosen != type(chosen)():
                raise ConfigError(f"distillation.{given[0]} is given; it needs distillation.teacher")
        elif chosen.teacher == "average" and not self.average:
            raise ConfigError("distillation.teacher is average; it needs average, its decay, as average=0.999")
        elif chosen.loss == "logits" and (chosen.teacher == "average" or not Path(chosen.teacher).is_dir()):
            raise ConfigError(
                "distillation.loss is logits, which needs the class centres of the teacher: store its embeddings with "
                "`facezoo embed DATA --aligned --weights TEACHER --out FOLDER` and give the folder as teacher"
            )

    def _check_fine_tuning(self) -> None:
        chosen = self.fine_tuning
        if self.weights is None:
            if chosen != type(chosen)():
                raise ConfigError("fine_tuning is given; it needs weights, which the backbone starts from")
        elif chosen.lora_rank and (chosen.freeze or chosen.train_from or chosen.layer_decay != 1):
            raise ConfigError(
                "fine_tuning.lora_rank trains adapters alone; leave out freeze, train_from and layer_decay, and name "
                "layers by lora_layers"
            )

    @property
    def divisible(self) -> bool:
        """Whether the head's classes can be divided over processes."""
        return not is_user_class(self.head) and HeadOptions.parse(self.head, self.head_options).divisible

    def class_rows(self, num_classes: int, rank: int, world_size: int) -> ClassRows | None:
        """The classes that a process holds; None where each holds all.

        Raises:
            ConfigError: the classes must be divided, and there are fewer than processes.
        """
        parallel = self.parallel
        required = parallel.head == "sharded" or parallel.sample_rate < 1
        if required and num_classes < world_size:
            raise ConfigError(
                f"{num_classes} classes cannot be divided over {world_size} processes: set parallel.head to dense and "
                "parallel.sample_rate to 1, or start fewer processes"
            )
        wanted = required or (parallel.head == "auto" and 1 < world_size <= num_classes)
        return divide_classes(num_classes, rank, world_size) if wanted and self.divisible else None

    def spec(self) -> BackboneSpec | None:
        """The backbone of the zoo with its options; None for a class from outside."""
        if is_user_class(self.backbone):
            return None
        options = {"checkpointing": True, **self.backbone_options} if self.checkpointing else self.backbone_options
        spec = catalog.backbone_spec(self.backbone, embedding_size=self.embedding_size, **options)
        if self.weights is None or self.preprocess is None:
            return spec
        return replace(spec, preprocess=Preprocess.from_dict(self.preprocess))  # of the weight file

    def input_rule(self) -> Preprocess:
        """How images become the backbone's input.

        Raises:
            ConfigError: ``preprocess`` is given for a backbone of the zoo, which has its own, or is not valid.
        """
        spec = self.spec()
        if spec is None:
            return Preprocess() if self.preprocess is None else Preprocess.from_dict(self.preprocess)
        if self.preprocess is not None and self.weights is None:
            raise ConfigError(f"preprocess is given, but {spec.name} has its own; it is for package.module:Class")
        return spec.preprocess
