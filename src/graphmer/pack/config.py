"""Parameters of the pack stage."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PackParams:
    """What becomes arrays, and how much of it; each value has its source in params.yaml."""

    tokenizer_from: str | None
    vocabulary_size: int
    min_frequency: int
    max_roots: int
    name_slots: int
    key_tokens: int
    max_head_tokens: int
    min_doc_words: int
    max_doc_tokens: int
    query_share: float
    max_queries: int
    seed: int

    def __post_init__(self) -> None:
        if self.vocabulary_size < 300:
            raise ValueError(
                f"vocabulary_size: expected at least 300 (256 bytes and specials), got {self.vocabulary_size}"
            )
        for name in (
            "min_frequency",
            "max_roots",
            "name_slots",
            "key_tokens",
            "max_head_tokens",
            "max_queries",
            "min_doc_words",
            "max_doc_tokens",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if not 0 < self.query_share < 1:
            raise ValueError(f"query_share: expected a share between 0 and 1, got {self.query_share}")
