"""Link prediction: every setting, every scorer, one row a query and scorer, and the figures over them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from graphmer.artifacts import read_table, sha256_file, stable_hash
from graphmer.errors import ArtifactError, EvaluationError
from graphmer.evaluate.combiner import Combiner, FitSet, fit_combiner, thin_candidates
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.mixture import Mixture, Stack, fit_mixture, fit_stack, folds
from graphmer.evaluate.package_view import Hole, PackageView, build_views, find_hole, without_support
from graphmer.evaluate.peers import FITTED_PEERS, PEERS, rough_score
from graphmer.evaluate.queries import BoolArray, FloatArray, IntArray, LinkQueries, Setting, build_queries
from graphmer.evaluate.ranking import check_scores, filtered_rank
from graphmer.evaluate.scorer import NeuralScorer
from graphmer.evaluate.symbolic import COLUMN, FEATURES, SymbolicFeatures, column, matching_rows
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.kg.split import held_out
from graphmer.pack.shards import EntityArrays, SplitArrays, load_entities, load_split, read_manifest
from graphmer.pack.tokenizer import CodeTokenizer

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, list[FloatArray]]
REPACK = "run dvc repro pack"
NUM_SYMBOLIC = len(FEATURES)
QUERIES_AT_ONCE = 64  # bounds memory only
# Untrained: the same net with random weights, its neural columns alone. It shows what token overlap gives for free.
NEURAL_SCORERS = ("neural", "untrained")


@dataclass(frozen=True)
class LinkData:
    """What link prediction reads: val and test windows, the entities, and the graph's two tables.

    held_out: (triples,) which of them the split holds out, those too that no window asks for (edges within a window);
    empty where the leaves' own flags say all. repeated: functions that copy one of an earlier split.
    """

    splits: dict[str, SplitArrays]
    entities: EntityArrays
    entity_table: "pd.DataFrame"
    triples: "pd.DataFrame"
    tokenizer: CodeTokenizer
    held_out: BoolArray = field(default_factory=lambda: np.zeros(0, np.bool_))
    repeated: frozenset[str] = frozenset()


def load_link_data(packed: Path, kg: Path, repeated: frozenset[str] = frozenset()) -> LinkData:
    """Read the packed val and test splits and the graph. repeated: as in LinkData.

    Raises ArtifactError where one is missing or damaged, or `packed` was made from another graph.
    """
    manifest = read_manifest(packed)
    for name, digest in manifest["kg"].items():
        if sha256_file(kg / name) != digest:
            raise ArtifactError(f"{packed}: packed from another {name} than {kg / name}; {REPACK}")
    drawn = manifest.get("held_out")
    if drawn is None:
        raise ArtifactError(f"{packed}: packed by an earlier version, which did not say what it held out; {REPACK}")
    triples = read_table(kg / "triples.parquet", triples_schema())
    return LinkData(
        splits={split: load_split(packed, split) for split in ("val", "test")},
        entities=load_entities(packed),
        entity_table=read_table(kg / "entities.parquet", entities_schema()),
        triples=triples,
        tokenizer=CodeTokenizer.load(packed / "tokenizer.json"),
        held_out=held_out(triples, **drawn),
        repeated=repeated,
    )


class LinkTask:
    """Holds what all settings share: the packages' code and graph, indexed once."""

    def __init__(self, data: LinkData, params: LinkParams) -> None:
        self.data, self._params = data, params
        self._features: dict[tuple[str, bool], list[tuple[PackageView, SymbolicFeatures]]] = {}
        self._queries: dict[tuple[str, Setting], LinkQueries] = {}

    def queries(self, split: str, setting: Setting) -> LinkQueries:
        """The queries of one split and setting."""
        if (split, setting) not in self._queries:
            data = self.data
            tables = (data.splits[split], data.entities, data.triples)
            built = build_queries(split, *tables, self._params, setting, repeated=data.repeated)
            self._queries[split, setting] = built
        return self._queries[split, setting]

    def predict(
        self,
        setting: Setting,
        neural: NeuralScorer | None = None,
        untrained: NeuralScorer | None = None,
    ) -> "pd.DataFrame":
        """Ranks of every test query by every scorer, weights fitted on val; one row a query and scorer.

        Raises EvaluationError that names the scorer where scores are missing, misshapen or not finite.
        """
        val, test = self.queries("val", setting), self.queries("test", setting)
        nets = {name: net for name, net in zip(NEURAL_SCORERS, (neural, untrained)) if net is not None}
        val_columns = {name: _checked(name, net.link(val), val) for name, net in nets.items()}
        test_columns = {name: _checked(name, net.link(test), test) for name, net in nets.items()}
        fit_set, fold = self._fit_set(val, val_columns)
        combiners = self._fit(fit_set, val_columns)
        counted = fit_set.with_columns(range(NUM_SYMBOLIC))
        symbolic, ours = fit_mixture("symbolic", counted, self._params), None
        if neural is not None:
            net = fit_set.features[:, NUM_SYMBOLIC:][:, : len(val_columns["neural"])]  # it comes first among the nets
            ours = fit_stack("graphmer", counted, net, fold, self._params)
        rows: list[dict[str, object]] = []
        for asked in _some_at_once(self._matrices(test)):
            mixed = _mixed(asked, test, test_columns, symbolic, ours)
            for (query, matrix), scores in zip(asked, mixed, strict=True):
                scores |= {name: peer(matrix) for name, peer in PEERS.items()}
                for name, combiner in combiners.items():
                    chosen = _chosen(name, matrix, test_columns, query)
                    scores[name] = combiner.score(chosen, int(test.relation[query]))
                rows += self._rank(test, query, matrix, scores)
        return _as_table(rows)

    def _views(self, split: str, setting: Setting) -> list[tuple[PackageView, SymbolicFeatures]]:
        blind = setting == "zero_support"
        if (split, blind) not in self._features:
            data, arrays = self.data, self.data.splits[split]
            tables = (data.entities, data.entity_table, data.triples)
            views = build_views(arrays, *tables, data.tokenizer, data.held_out)
            chosen = [without_support(view) if blind else view for view in views]
            self._features[split, blind] = [(view, SymbolicFeatures(view, arrays, self._params)) for view in chosen]
        return self._features[split, blind]

    def holes(self, queries: LinkQueries) -> Iterator[tuple[int, PackageView, Hole, BoolArray]]:
        """(query, package, hole, (S,) support that no feature may use): what counted features see, for the audit."""
        arrays = self.data.splits[queries.split]
        for view, features in self._views(queries.split, queries.setting):
            for query in matching_rows(view, queries).tolist():
                hole = find_hole(view, arrays, queries, query)
                yield query, view, hole, features.hidden_support(hole)

    def _matrices(self, queries: LinkQueries) -> Iterator[tuple[int, FloatArray]]:
        """(query, (P, F) symbolic features), package by package."""
        arrays = self.data.splits[queries.split]
        for view, features in self._views(queries.split, queries.setting):
            for query in matching_rows(view, queries).tolist():
                yield query, features.matrix(queries, query, find_hole(view, arrays, queries, query))

    def _fit(self, data: FitSet, neural: Mapping[str, Columns]) -> dict[str, Combiner]:
        """The peers of few features, and each net's columns alone."""
        wanted = {name: _peer_columns(name) for name in FITTED_PEERS}
        start = NUM_SYMBOLIC
        for name, columns in neural.items():
            wanted[name] = list(range(start, start + len(columns)))
            start += len(columns)
        return {name: fit_combiner(name, data.with_columns(chosen), self._params) for name, chosen in wanted.items()}

    def _fit_set(self, val: LinkQueries, neural: Mapping[str, Columns]) -> tuple[FitSet, IntArray]:
        """Val's candidates, thinned, and (Q,) the fold of each query."""
        parts: list[FloatArray] = []
        offsets: list[FloatArray] = []
        sizes: list[int] = []
        truths: list[int] = []
        relations: list[int] = []
        samples: list[int] = []
        draw = np.random.default_rng(self._params.seed)
        for query, matrix in self._matrices(val):
            wide = np.hstack([matrix, *(_stacked(columns, query) for columns in neural.values())])
            truth, known = int(val.truth[query]), val.known[query]
            kept, weight = thin_candidates(wide, truth, known, rough_score(matrix), self._params.negatives, draw)
            truths.append(sum(sizes))  # the truth comes first among its candidates
            parts.append(wide[kept])
            offsets.append(weight)
            sizes.append(len(kept))
            relations.append(int(val.relation[query]))
            samples.append(int(val.sample[query]))
        if not parts:
            raise EvaluationError(
                "link prediction: the val split has no query; give the corpus a val package with code"
            )
        windows = self.data.splits["val"].samples.iloc[samples]
        fit_set = FitSet(
            np.concatenate(parts),
            np.concatenate(offsets),
            np.repeat(np.arange(len(sizes)), sizes),
            np.asarray(truths, np.int64),
            np.asarray(relations, np.int64),
        )
        return fit_set, folds(windows["package"].tolist(), windows["file"].tolist())

    def _rank(
        self, queries: LinkQueries, query: int, matrix: FloatArray, scores: Mapping[str, FloatArray]
    ) -> list[dict[str, object]]:
        data, arrays = self.data, self.data.splits[queries.split]
        triple = data.triples.iloc[int(arrays.leaf_triple[queries.leaf[query]])]
        sample = arrays.samples.iloc[int(queries.sample[query])]
        truth = int(queries.truth[query])
        shared: dict[str, object] = {
            "setting": queries.setting,
            "package": triple["package"],
            "language": triple["language"],
            "relation": triple["relation"],
            "head": triple["head"],
            "tail": triple["tail"],
            "file": sample["file"],
            "stratum": stratum(matrix, truth, queries.hidden),
            "pool": len(matrix),
            "query": query_key(data, queries, query),
        }
        rows = []
        for name, values in scores.items():
            check_scores(name, query, values, len(matrix))
            rows.append({**shared, "scorer": name, "rank": filtered_rank(values, truth, queries.known[query])})
        return rows


def query_key(data: LinkData, queries: LinkQueries, query: int) -> str:
    """What names a query in predictions: a hash of its triple."""
    triple = data.triples.iloc[int(data.splits[queries.split].leaf_triple[queries.leaf[query]])]
    return f"{stable_hash(triple['head'], triple['relation'], triple['tail']):016x}"


def stratum(matrix: FloatArray, truth: int, hidden: bool) -> str:
    """What is left of the tail's name: A itself in the window, B subtokens there, C itself elsewhere, D nothing."""
    if not hidden and column(matrix, "mention")[truth] > 0:
        return "A"
    if column(matrix, "parts_window")[truth] > 0:
        return "B"
    return "C" if column(matrix, "words_in_package")[truth] > 0 else "D"


def _some_at_once(matrices: Iterator[tuple[int, FloatArray]]) -> Iterator[list[tuple[int, FloatArray]]]:
    """The same, in lists: what is asked of the trees at once."""
    while asked := list(islice(matrices, QUERIES_AT_ONCE)):
        yield asked


def _mixed(
    asked: Sequence[tuple[int, FloatArray]],
    queries: LinkQueries,
    columns: Mapping[str, Columns],
    symbolic: Mixture,
    ours: Stack | None,
) -> list[dict[str, FloatArray]]:
    """Scores of each query by the mixture, by its parts, and by the mixture with the net's columns."""
    relations = [int(queries.relation[query]) for query, _ in asked]
    parts = symbolic.parts([matrix for _, matrix in asked], relations)
    scores = [{"linear": linear, "boosting": trees, "symbolic": linear + trees} for linear, trees in parts]
    if ours is not None:
        for (query, _), relation, found in zip(asked, relations, scores, strict=True):
            found["graphmer"] = ours.score(found["symbolic"], _stacked(columns["neural"], query), relation)
    return scores


def _as_table(rows: list[dict[str, object]]) -> "pd.DataFrame":
    import pandas as pd

    if not rows:
        raise EvaluationError("link prediction: the test split has no query; give the corpus a test package with code")
    table = pd.DataFrame(rows)
    return table.sort_values(["setting", "scorer", "query"], kind="stable", ignore_index=True)


def _checked(scorer: str, columns: Columns, queries: LinkQueries) -> Columns:
    """The columns themselves; raises EvaluationError where one does not fit the queries."""
    sizes = queries.pool_sizes
    for name, rows in columns.items():
        label = f"{scorer}.{name}"
        if len(rows) != len(queries):
            raise EvaluationError(f"scorer '{label}': expected scores of {len(queries)} queries, got {len(rows)}")
        for query, row in enumerate(rows):
            check_scores(label, query, row, int(sizes[query]))
    return columns


def _stacked(columns: Columns, query: int) -> FloatArray:
    """(P, K) a net's columns of one query."""
    return np.stack([rows[query] for rows in columns.values()], axis=1).astype(np.float32)


def _peer_columns(peer: str) -> list[int]:
    return [COLUMN[name] for name in FITTED_PEERS[peer]]


def _chosen(scorer: str, matrix: FloatArray, neural: Mapping[str, Columns], query: int) -> FloatArray:
    """The features that a combiner of this name was fitted on."""
    return matrix[:, _peer_columns(scorer)] if scorer in FITTED_PEERS else _stacked(neural[scorer], query)
