"""Parameters of the ablation."""

from dataclasses import dataclass
from typing import Literal

Term = Literal["mlm", "sbo", "mnm", "link", "text_code", "antisymmetry", "acyclicity"]


@dataclass(frozen=True)
class VariantSwitches:
    """Every ablated switch, set absolutely: a variant says the same whatever `model` says.

    terms: those of the objective that keep the weight that train.loss gives them. use_curriculum: whether the stages of
    train.curriculum are kept. show_graph: at test.
    """

    use_rel_attention_bias: bool
    use_hgat: bool
    hop_decay: Literal["additive", "multiplicative", "none"]
    terms: tuple[Term, ...]
    use_curriculum: bool
    graph_form: Literal["intact", "plain_tokens", "shuffled_relations", "random_tails"]
    show_graph: bool


@dataclass(frozen=True)
class LongParams:
    """The ablation that decides: which rows, with which seeds, how long."""

    rows: tuple[str, ...]
    seeds: tuple[int, ...]
    steps: int
    warmup_steps: int

    def __post_init__(self) -> None:
        _check_cells("rows", self.rows, self.seeds, self.steps, self.warmup_steps)


@dataclass(frozen=True)
class AblationParams:
    """Which cells are trained, how long, and what they are paired with."""

    baseline: str
    compared: tuple[str, ...]  # the variants of which cells are trained, the baseline among them
    seeds: tuple[int, ...]
    steps: int
    warmup_steps: int
    verdict_from_seeds: int
    long: LongParams
    variants: dict[str, VariantSwitches]

    def __post_init__(self) -> None:
        for field, names in (("compared", self.compared), ("long.rows", self.long.rows)):
            unknown = [name for name in names if name not in self.variants]
            if unknown:
                raise ValueError(f"{field}: no '{unknown[0]}' in ablation.variants; known: {', '.join(self.variants)}")
        _check_cells("compared", self.compared, self.seeds, self.steps, self.warmup_steps)
        if self.baseline not in self.compared:
            raise ValueError(f"baseline: expected one of {', '.join(self.compared)}, got {self.baseline}")
        if self.verdict_from_seeds < 3:
            raise ValueError(f"verdict_from_seeds: expected at least 3, got {self.verdict_from_seeds}")
        if self.baseline not in self.long.rows:
            raise ValueError(f"long.rows: expected the baseline {self.baseline} among them, got {list(self.long.rows)}")


def _check_cells(field: str, names: tuple[str, ...], seeds: tuple[int, ...], steps: int, warmup_steps: int) -> None:
    if len(set(names)) != len(names):
        raise ValueError(f"{field}: expected different variants, got {list(names)}")
    if not seeds or len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds: expected one or more different seeds, got {list(seeds)}")
    if not 0 <= warmup_steps < steps:
        raise ValueError(f"warmup_steps: expected fewer than steps ({steps}), got {warmup_steps}")
