"""Parameters of the leak audit; each value and its source stand in params.yaml."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class AuditBounds:
    """Most offenders that each check may count; past it the eval stage fails. `null` reports without a bound."""

    repeated_functions: int | None
    repeated_short_functions: int | None
    asked_repeats: int | None
    asked_docstrings: int | None
    query_triples: int | None
    shown_triples: int | None
    held_out_support: int | None
    visible_names: int | None
    visible_imports: int | None
    visible_tokens: int | None
    docstrings_in_code: int | None
    tokenizer: int | None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and value < 0:
                raise ValueError(f"{field.name}: expected null or at least 0, got {value}")


@dataclass(frozen=True)
class AuditParams:
    """Section `eval.audit` of params.yaml; the names of the five on near-duplicates are those of `kg`."""

    near_duplicate_jaccard: float
    near_duplicate_min_tokens: int  # of a function without comments and docstring; shorter: exact copies alone
    shingle_tokens: int
    minhash_values: int
    minhash_seed: int
    min_function_tokens: int  # a repeated function of fewer is counted apart
    retrain_max_bytes: int  # of the train split's texts; past it the tokenizer is checked by their digest alone
    offenders_shown: int  # a check, in leaks.json
    bounds: AuditBounds

    def __post_init__(self) -> None:
        if not 0 < self.near_duplicate_jaccard <= 1:
            raise ValueError(
                f"near_duplicate_jaccard: expected above 0 and at most 1, got {self.near_duplicate_jaccard}"
            )
        for name in ("near_duplicate_min_tokens", "shingle_tokens", "min_function_tokens", "offenders_shown"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if self.minhash_values < 16:
            raise ValueError(f"minhash_values: expected at least 16, got {self.minhash_values}")
        if self.retrain_max_bytes < 0:
            raise ValueError(f"retrain_max_bytes: expected at least 0, got {self.retrain_max_bytes}")
