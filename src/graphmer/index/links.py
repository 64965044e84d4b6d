"""Which entity stands at a mention: evaluation's own features, network columns and fitted combination, for any place.

A question is a head, a relation and a mention in a window. It is asked as evaluation asks: the triples between the head
and what the mention may mean are hidden from every feature, and so is all else that the same mention shows.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from graphmer.artifacts import stable_hash
from graphmer.errors import EvaluationError
from graphmer.evaluate.call_sites import CallSite
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.link_prediction import QUERIES_AT_ONCE, LinkData
from graphmer.evaluate.neural import ModelScorer
from graphmer.evaluate.package_entities import first_word
from graphmer.evaluate.package_view import NONE, Hole, PackageView, build_views, find_hole
from graphmer.evaluate.queries import (
    FloatArray,
    IntArray,
    LinkQueries,
    Setting,
    candidate_pools,
    hidden_words,
    true_tails,
)
from graphmer.evaluate.site_features import place_sites, with_leaves
from graphmer.evaluate.symbolic import SymbolicFeatures
from graphmer.index.places import Place
from graphmer.index.rankings import Question, Ranking
from graphmer.index.scoring import NEURAL, LinkScoring, Scoring
from graphmer.index.store import Index
from graphmer.index.windows import SPLIT
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import SplitArrays
from graphmer.pack.tokenizer import CodeTokenizer

KEY = ["head", "relation", "tail"]


class IndexScorer(ModelScorer):
    """The model over an index, whose entity keys were encoded when it was made."""

    def __init__(self, index: Index) -> None:
        super().__init__(index.model, index.packed)
        self._stored = index.key_vectors
        self.splits[SPLIT] = index.windows

    def _entity_keys(self, rows: IntArray) -> FloatArray:
        keys: FloatArray = np.array(self._stored[rows], np.float32)
        return keys


class LinkRanker:
    """Ranks candidates in one package. What all questions share is made once."""

    def __init__(
        self, data: LinkData, split: str, package: str, neural: ModelScorer, scoring: Scoring, params: LinkParams
    ) -> None:
        """Raises EvaluationError where the split holds no such package."""
        self.data, self.split, self.package = data, split, package
        self.row_of = {symbol: row for row, symbol in enumerate(data.entities.symbols)}
        self._names = np.asarray(data.entities.names, dtype=object)
        self._neural, self._scoring = neural, scoring
        self._arrays: SplitArrays = data.splits[split]
        tables = (data.entities, data.entity_table, data.triples)
        views = build_views(self._arrays, *tables, data.tokenizer, data.held_out)
        self._view = _of_package(views, package)
        self._features = SymbolicFeatures(self._view, self._arrays, params)
        mine = data.triples[data.triples["package"] == package]
        ends = [np.asarray([self.row_of[symbol] for symbol in mine[end]], np.int64) for end in ("head", "tail")]
        self._pools = candidate_pools(data.entities, mine, *ends)
        self._true_tails = true_tails(mine, *ends)

    @classmethod
    def of_index(cls, index: Index, params: LinkParams) -> "LinkRanker":
        """The ranker of an index: everything in its graph is support."""
        data = LinkData(
            splits={SPLIT: index.windows},
            entities=index.entity_arrays,
            entity_table=index.entities,
            triples=index.triples,
            tokenizer=CodeTokenizer.load(index.packed / "tokenizer.json"),
        )
        package = str(index.triples["package"].iat[0])
        return cls(data, SPLIT, package, IndexScorer(index), index.scoring, params)

    def questions_at(self, places: Sequence[Place], head: str, relation: str) -> list[tuple[Place, Question]]:
        """The mentions as questions; one that no window shows is left out."""
        sites = [
            CallSite(
                self.package, head, place.file, place.name, "call", (),
                ((place.byte_start, place.byte_end, place.line),), frozenset(), {}, False,
            )
            for place in places
        ]  # fmt: skip
        placed = place_sites(sites, self._arrays)
        asked = (self.row_of[head], load_ontology().relations[relation].id)
        numbers = zip(placed.site.tolist(), placed.sample.tolist(), placed.start.tolist(), placed.end.tolist())
        return [
            (places[site], Question(*asked, sample, start, end, name=places[site].name))
            for site, sample, start, end in numbers
        ]

    def question_of(self, triple: int) -> Question | None:
        """A triple of the graph as a question about itself; None where no window shows it as a leaf."""
        arrays = self._arrays
        found = np.flatnonzero(arrays.leaf_triple == triple)
        if not len(found):
            return None
        leaf = int(found[0])
        ends = (int(arrays.leaf_anchor_start[leaf]), int(arrays.leaf_anchor_end[leaf]))
        sample, tail = int(arrays.leaf_sample[leaf]), int(arrays.leaf_tail[leaf])
        return Question(int(arrays.leaf_head[leaf]), int(arrays.leaf_relation[leaf]), sample, *ends, tail)

    def settled(self, relations: Sequence[str], limit: int, seed: int) -> Iterator[tuple[Question, Ranking]]:
        """Mentions that static analysis settled, asked as if it had not: which of `calls` candidates is meant?

        Each question says what is true, its relation and tail, and the word; its ranking is of the word alone. Mentions
        whose word no candidate has are left out. At most `limit`, by a hash of the triple and the seed.
        """
        arrays, triples = self._arrays, self.data.triples
        ids = [load_ontology().relations[name].id for name in relations]
        leaves = np.flatnonzero(np.isin(arrays.leaf_relation, ids) & ~arrays.leaf_ambiguous)
        chosen = triples[KEY].iloc[arrays.leaf_triple[leaves]].itertuples(index=False, name=None)
        drawn = sorted(
            (stable_hash(seed, *key), triple) for key, triple in zip(chosen, arrays.leaf_triple[leaves].tolist())
        )
        mine = (triples["package"] == self.package).to_numpy()
        calls = load_ontology().relations["calls"].id
        asked: list[tuple[Question, Question]] = []
        for _, triple in drawn:
            true = self.question_of(triple) if mine[triple] else None
            if true is None or true.tail is None or len(asked) >= limit:
                continue
            name = first_word(self.data.entities.names[true.tail].rpartition(".")[2])
            blind = true._replace(relation=calls, tail=None, name=name)
            if len(self._of_name(blind)):
                asked.append((true._replace(name=name), blind))
        rankings = self.rank([blind for _, blind in asked], "mentions_visible")
        yield from zip([true for true, _ in asked], rankings, strict=True)

    def rank(self, questions: Sequence[Question], setting: Setting) -> list[Ranking]:
        """The candidates of each question, scored. setting: headline hides the names at the mention, as evaluation's
        headline does, and wants to know each question's tail; mentions_visible shows the code as it stands."""
        if not questions:
            return []
        tails = [self._stand_in(question) for question in questions]
        queries = self._queries(questions, tails, setting)
        assert queries.arrays is not None
        columns = self._neural.link(queries)
        network = [np.stack([columns[name][number] for name in NEURAL], axis=1) for number in range(len(questions))]
        found: list[Ranking] = []
        for start in range(0, len(questions), QUERIES_AT_ONCE):
            asked = range(start, min(start + QUERIES_AT_ONCE, len(questions)))
            found += self._ranked(queries, questions, asked, network, self._scoring.links[setting])
        return found

    def _ranked(
        self,
        queries: LinkQueries,
        questions: Sequence[Question],
        asked: Sequence[int],
        network: Sequence[FloatArray],
        scoring: LinkScoring,
    ) -> Iterator[Ranking]:
        """Some of the questions, which the trees are asked about at once."""
        holes = [self._hole(queries, number, questions[number]) for number in asked]
        matrices = [self._features.matrix(queries, number, hole) for number, hole in zip(asked, holes, strict=True)]
        relations = [int(queries.relation[number]) for number in asked]
        scored = scoring.scores(matrices, [network[number] for number in asked], relations)
        for number, matrix, scores in zip(asked, matrices, scored, strict=True):
            known = queries.known[number]
            filtered, unfiltered = (scoring.probabilities(scores["graphmer"], out) for out in (known, NONE))
            rows = queries.candidates(number)
            yield Ranking(rows, matrix, network[number], known, scores, filtered, unfiltered)

    def _stand_in(self, question: Question) -> int:
        """The tail that decides what is hidden: the known one, else any candidate of the word that stands there."""
        if question.tail is not None:
            return question.tail
        named = self._of_name(question)
        return int(named[0]) if len(named) else question.head

    def _of_name(self, question: Question) -> IntArray:
        pool = self._pools[self._pool_key(question)]
        rows: IntArray = pool[self._names[pool] == question.name]
        return rows

    def _pool_key(self, question: Question) -> str:
        return f"{self.package}:{question.relation}"

    def _queries(self, questions: Sequence[Question], tails: Sequence[int], setting: Setting) -> LinkQueries:
        relation, head = (np.asarray([one[at] for one in questions], np.int64) for at in (1, 0))
        sample, start, end = (np.asarray([one[at] for one in questions], np.int64) for at in (2, 3, 4))
        columns = {
            "leaf_relation": relation, "leaf_anchor_start": start, "leaf_anchor_end": end, "leaf_head": head,
            "leaf_tail": np.asarray(tails, np.int64), "leaf_query": np.ones(len(tails), np.bool_),
            "leaf_ambiguous": np.zeros(len(tails), np.bool_), "leaf_triple": np.full(len(tails), -1),
        }  # fmt: skip
        wider, leaf = with_leaves(self._arrays, sample, columns)
        keys = [self._pool_key(one) for one in questions]
        pools = {key: self._pools[key] for key in sorted(set(keys))}
        return LinkQueries(
            setting=setting, split=self.split, leaf=leaf, relation=relation, head=head,
            tail=columns["leaf_tail"], sample=sample, pool=keys, pools=pools,
            truth=np.zeros(len(questions), np.int64),
            known=[self._known(one, pools[key]) for one, key in zip(questions, keys, strict=True)],
            hidden=setting != "mentions_visible",
            hidden_words=hidden_words(wider, self.data.entities, leaf),
            support=~wider.leaf_query & ~wider.leaf_ambiguous, arrays=wider,
        )  # fmt: skip

    def _known(self, question: Question, pool: IntArray) -> IntArray:
        """Positions of the tails that the graph has of this head and relation, but for the one that is asked about."""
        true = self._true_tails.get((question.head, question.relation), NONE)
        others = pool != (-1 if question.tail is None else question.tail)
        known: IntArray = np.flatnonzero(np.isin(pool, true, assume_unique=True) & others)
        return known

    def _hole(self, queries: LinkQueries, number: int, question: Question) -> Hole:
        assert queries.arrays is not None
        hole = find_hole(self._view, queries.arrays, queries, number)
        named = NONE if question.tail is not None else self._of_name(question)
        # Hidden alike for every candidate of the word, so that hiding tells nothing of which one it is.
        return replace(hole, tail=self._view.entities.local(named)) if len(named) else hole


def _of_package(views: Iterable[PackageView], package: str) -> PackageView:
    for view in views:
        if view.package == package:
            return view
    raise EvaluationError(f"the windows hold no package '{package}'; run graphmer index again")
