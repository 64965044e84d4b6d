"""Parameters of the eval stage; each value and its source stand in params.yaml."""

from dataclasses import dataclass

from graphmer.evaluate.audit_config import AuditParams
from graphmer.evaluate.link_config import LinkParams


def _require(name: str, value: float, condition: bool, expected: str) -> None:
    if not condition:
        raise ValueError(f"{name}: expected {expected}, got {value}")


@dataclass(frozen=True)
class BootstrapParams:
    """How intervals are drawn."""

    resamples: int
    confidence: float  # 0.95: the percentile interval from 2.5 to 97.5 %
    packages_from: int  # so many packages and more are resampled instead of files
    seed: int

    def __post_init__(self) -> None:
        _require("resamples", self.resamples, self.resamples >= 100, "at least 100")
        _require("confidence", self.confidence, 0 < self.confidence < 1, "a share between 0 and 1")
        _require("packages_from", self.packages_from, self.packages_from >= 2, "at least 2")


@dataclass(frozen=True)
class CodeSearchParams:
    """Which documented functions are asked for, among how many, and how the counted peers weigh words."""

    min_query_words: int  # of the docstring's first paragraph; shorter ones are documents but not queries
    max_query_words: int  # what follows is cut, for every scorer alike
    min_code_lines: int  # of the function without its docstring
    pool: int  # candidates a query in the pool settings
    bm25_k1: float
    bm25_b: float
    max_fit_queries: int  # of val, for the combination's weights
    l2: float  # penalty on the combination's weights
    seed: int

    def __post_init__(self) -> None:
        for name in ("min_query_words", "min_code_lines", "max_fit_queries"):
            _require(name, getattr(self, name), getattr(self, name) >= 1, "at least 1")
        _require(
            "max_query_words", self.max_query_words, self.max_query_words >= self.min_query_words, "the minimum or more"
        )
        _require("pool", self.pool, self.pool >= 2, "at least 2")
        _require("bm25_k1", self.bm25_k1, self.bm25_k1 > 0, "above 0")
        _require("bm25_b", self.bm25_b, 0 <= self.bm25_b <= 1, "a share from 0 to 1")
        _require("l2", self.l2, self.l2 > 0, "above 0")


@dataclass(frozen=True)
class MaskedParams:
    """Masked tokens and masked nodes, and the counts that they are compared with."""

    mask_share: float  # of a window's tokens, the exact count rounded up
    max_samples: int  # function windows, chosen by hash
    ngram_order: int  # tokens on either side of the hole that the longest context reads
    ngram_prior: float  # pseudo-counts that a context gives to the next shorter one
    cache_prior: float  # pseudo-counts that the file's own n-grams give to the train split's
    seed: int

    def __post_init__(self) -> None:
        _require("mask_share", self.mask_share, 0 < self.mask_share < 1, "a share between 0 and 1")
        _require("max_samples", self.max_samples, self.max_samples >= 1, "at least 1")
        _require("ngram_order", self.ngram_order, 1 <= self.ngram_order <= 3, "1, 2 or 3")
        for name in ("ngram_prior", "cache_prior"):
            _require(name, getattr(self, name), getattr(self, name) > 0, "above 0")


@dataclass(frozen=True)
class CallGraphParams:
    """Call-graph completion."""

    l2: float  # penalty on the weights of the standardised columns

    def __post_init__(self) -> None:
        _require("l2", self.l2, self.l2 > 0, "above 0")


@dataclass(frozen=True)
class DisambiguationParams:
    """Disambiguation of traced call targets."""

    l2: float  # penalty on the combination's weights

    def __post_init__(self) -> None:
        _require("l2", self.l2, self.l2 > 0, "above 0")


@dataclass(frozen=True)
class DependencyParams:
    """Dependency inference: what fit packages teach, and the boosted trees over import facts."""

    prior: float  # pseudo-importers that an alias' rate takes from what names alone are worth
    min_rate: float  # share of importers that must declare an alias, for the peer that goes by aliases alone
    neighbours: int  # fit packages with the most similar imports that vote, by the encoder
    rounds: int  # trees, one after another
    depth: int  # of a tree
    learning_rate: float
    min_leaf: int  # candidates in a leaf of a tree, at least
    folds: int  # parts of the fit packages, each held out once to set the threshold
    seed: int

    def __post_init__(self) -> None:
        _require("prior", self.prior, self.prior > 0, "above 0")
        _require("min_rate", self.min_rate, 0 < self.min_rate <= 1, "a share above 0")
        for name in ("neighbours", "rounds", "depth", "min_leaf"):
            _require(name, getattr(self, name), getattr(self, name) >= 1, "at least 1")
        _require("learning_rate", self.learning_rate, self.learning_rate > 0, "above 0")
        _require("folds", self.folds, self.folds >= 2, "at least 2")


@dataclass(frozen=True)
class EvalParams:
    """Section `eval` of params.yaml."""

    show_graph: bool  # to the network; symbolic features keep what a setting lets them see
    link: LinkParams
    call_graph: CallGraphParams
    disambiguation: DisambiguationParams
    code_search: CodeSearchParams
    masked: MaskedParams
    dependencies: DependencyParams
    bootstrap: BootstrapParams
    audit: AuditParams
