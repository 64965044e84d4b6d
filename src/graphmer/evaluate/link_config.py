"""Parameters of link prediction: the queries, the counted features' smoothing, and the combiner's fit."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class LinkParams:
    """Section `eval.link` of params.yaml."""

    max_queries: int  # a test package
    max_fit_queries: int  # a val package: they only fit the combiners' weights
    min_candidates: int  # after filtering; queries with fewer are dropped and counted
    max_holes: int  # hidden mentions of one window that the cloze reads, nearest first
    cloze_prior: float  # pseudo-counts that an n-gram order gives to the next shorter one
    file_cache: float  # share of the unigram taken from the same file's code outside the window
    sibling_prior: float  # pseudo-counts that class, file and folder give to the next wider level
    near_tokens: int  # lexical tokens each side of the hole that count as near
    l2: float  # penalty on the pooled weights
    relation_l2: float  # penalty on a relation's departure from the pooled weights
    min_relation_queries: int  # fewer in val: the relation keeps the pooled weights
    negatives: int  # candidates of a val query that the fit sees beside those with evidence
    max_iterations: int  # Newton steps; a fit that needs more is an error, not a result
    boosting_rounds: int  # trees of the mixture
    boosting_rate: float
    boosting_leaves: int  # of a tree
    boosting_l2: float  # penalty on a leaf's value
    seed: int

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "seed" and value <= 0:
                raise ValueError(f"{field.name}: expected a number above 0, got {value}")
        if self.file_cache >= 1:
            raise ValueError(f"file_cache: expected a share below 1, got {self.file_cache}")
