"""Parameters of the ablation."""

from dataclasses import dataclass
from typing import Literal

Term = Literal["mlm", "sbo", "mnm", "link", "text_code", "antisymmetry", "acyclicity"]


@dataclass(frozen=True)
class VariantSwitches:
    """Every ablated switch, set absolutely: a variant says the same whatever `model` says.

    terms: those of the objective that keep the weight that train.loss gives them. use_curriculum: whether the stages of
    train.curriculum are kept.
    """

    use_rel_attention_bias: bool
    use_hgat: bool
    hop_decay: Literal["additive", "multiplicative", "none"]
    terms: tuple[Term, ...]
    use_curriculum: bool


@dataclass(frozen=True)
class AblationParams:
    """Which cells are trained, how long, and what they are paired with."""

    baseline: str
    compared: tuple[str, ...]  # the variants of which cells are trained, the baseline among them
    seeds: tuple[int, ...]
    steps: int
    warmup_steps: int
    verdict_from_seeds: int
    variants: dict[str, VariantSwitches]

    def __post_init__(self) -> None:
        unknown = [name for name in self.compared if name not in self.variants]
        if unknown:
            raise ValueError(f"compared: no '{unknown[0]}' in ablation.variants; known: {', '.join(self.variants)}")
        if len(set(self.compared)) != len(self.compared):
            raise ValueError(f"compared: expected different variants, got {list(self.compared)}")
        if self.baseline not in self.compared:
            raise ValueError(f"baseline: expected one of {', '.join(self.compared)}, got {self.baseline}")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds: expected one or more different seeds, got {list(self.seeds)}")
        if self.verdict_from_seeds < 3:
            raise ValueError(f"verdict_from_seeds: expected at least 3, got {self.verdict_from_seeds}")
        if not 0 <= self.warmup_steps < self.steps:
            raise ValueError(f"warmup_steps: expected fewer than steps ({self.steps}), got {self.warmup_steps}")
