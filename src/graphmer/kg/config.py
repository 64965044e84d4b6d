"""Parameters of the build_kg stage."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GraphParams:
    """How references are resolved and near-duplicates found; each value has its source in params.yaml."""

    max_candidates: int
    max_alias_hops: int
    max_values: int
    max_flow_steps: int
    inferred_confidence: float
    near_duplicate_jaccard: float
    near_duplicate_min_tokens: int
    shingle_tokens: int
    minhash_values: int
    minhash_seed: int

    def __post_init__(self) -> None:
        for name in (
            "max_candidates",
            "max_alias_hops",
            "max_flow_steps",
            "shingle_tokens",
            "near_duplicate_min_tokens",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if self.max_values < 2:
            raise ValueError(f"max_values: expected at least 2, got {self.max_values}")
        for name in ("inferred_confidence", "near_duplicate_jaccard"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected above 0 and at most 1, got {getattr(self, name)}")
        if self.minhash_values < 16:
            raise ValueError(f"minhash_values: expected at least 16, got {self.minhash_values}")
