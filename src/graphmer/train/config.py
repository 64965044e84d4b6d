"""Parameters of training."""

from dataclasses import dataclass
from typing import Literal

from graphmer.model.config import BiasGradient


@dataclass(frozen=True)
class LeafParams:
    """How samples show their leaves, drawn anew each epoch."""

    max_leaves: int
    max_leaves_per_anchor: int
    leaf_drop: float
    masked_leaf_share: float
    hide_share: float

    def __post_init__(self) -> None:
        _at_least(self, 1, "max_leaves", "max_leaves_per_anchor")
        _shares(self, "leaf_drop", "masked_leaf_share", "hide_share")


@dataclass(frozen=True)
class NegativeParams:
    """Keys that a query of the link loss must tell from its tail, beside the other tails of its group."""

    typed: int
    hard: int

    def __post_init__(self) -> None:
        _at_least(self, 0, "typed", "hard")


@dataclass(frozen=True)
class TextCodeParams:
    """How docstrings meet their functions."""

    pairs: int
    max_text: int
    max_code: int
    hide_share: float

    def __post_init__(self) -> None:
        _at_least(self, 1, "max_text", "max_code")
        _shares(self, "hide_share")
        if self.pairs < 2:
            raise ValueError(f"pairs: expected at least 2, a docstring needs another function, got {self.pairs}")


@dataclass(frozen=True)
class CurriculumStage:
    """Until this share of the steps, rows are `divisor` times shorter and as many more, and show fewer leaves."""

    until: float
    divisor: int
    leaf_share: float

    def __post_init__(self) -> None:
        _shares(self, "until", "leaf_share")
        _at_least(self, 1, "divisor")


TERMS = ("mlm", "sbo", "mnm", "link", "text_code", "antisymmetry", "acyclicity")


@dataclass(frozen=True)
class LossParams:
    """Weights of the objective's terms."""

    mlm: float
    sbo: float
    mnm: float
    link: float
    text_code: float
    antisymmetry: float
    acyclicity: float
    temperature: float

    def __post_init__(self) -> None:
        for name in TERMS:
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: expected at least 0, got {getattr(self, name)}")
        if not any(getattr(self, name) > 0 for name in TERMS):
            raise ValueError("mlm: expected a weight above 0 for at least one term of the loss, got none")
        if self.temperature <= 0:
            raise ValueError(f"temperature: expected above 0, got {self.temperature}")


@dataclass(frozen=True)
class TrainParams:
    """Everything of training that changes its result; devices and processes come from the environment."""

    seed: int
    init_from: str | None
    steps: int
    rows: int
    link_rows: int
    row_length: int
    learning_rate: float
    final_learning_rate: float
    warmup_steps: int
    weight_decay: float
    beta1: float
    beta2: float
    max_gradient_norm: float
    precision: Literal["fp32", "bf16", "fp16"]
    bias_gradient: BiasGradient  # of the attention bias: through every block, or through one drawn anew each time
    mask_share: float
    span_end: float
    max_span: int
    document_share: float
    negatives: NegativeParams
    text_code: TextCodeParams
    report_every: int
    curriculum: tuple[CurriculumStage, ...]
    leaves: LeafParams
    loss: LossParams

    def __post_init__(self) -> None:
        _at_least(self, 1, "steps", "rows", "link_rows", "row_length", "max_span", "report_every")
        _at_least(self, 0, "warmup_steps", "seed")
        _at_least(self, 0, "weight_decay")
        _shares(self, "mask_share", "span_end", "document_share")
        if self.mask_share <= 0:
            raise ValueError(
                f"mask_share: expected above 0, validation masks tokens in any case, got {self.mask_share}"
            )
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 0 and under 1, got {getattr(self, name)}")
        if not self.max_gradient_norm > 0:
            raise ValueError(f"max_gradient_norm: expected above 0, got {self.max_gradient_norm}")
        if self.warmup_steps >= self.steps:
            raise ValueError(f"warmup_steps: expected fewer than steps ({self.steps}), got {self.warmup_steps}")
        if self.rows % self.link_rows:
            raise ValueError(f"link_rows: expected a divisor of rows ({self.rows}), got {self.link_rows}")
        ends = [stage.until for stage in self.curriculum]
        if ends != sorted(set(ends)):
            raise ValueError(f"curriculum: expected stages with growing `until`, got {ends}")
        for stage in self.curriculum:
            if self.row_length % stage.divisor:
                raise ValueError(
                    f"curriculum: expected divisors of row_length ({self.row_length}), got {stage.divisor}"
                )
        if self.learning_rate <= 0 or not 0 <= self.final_learning_rate <= self.learning_rate:
            raise ValueError(
                f"learning_rate: expected 0 <= final_learning_rate <= learning_rate and above 0, "
                f"got {self.final_learning_rate} and {self.learning_rate}"
            )


def _at_least(params: object, bound: int, *names: str) -> None:
    for name in names:
        if getattr(params, name) < bound:
            raise ValueError(f"{name}: expected at least {bound}, got {getattr(params, name)}")


def _shares(params: object, *names: str) -> None:
    for name in names:
        if not 0 <= getattr(params, name) <= 1:
            raise ValueError(f"{name}: expected a share from 0 to 1, got {getattr(params, name)}")
