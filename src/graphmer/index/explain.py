"""`graphmer explain`: what the graph says around a symbol, or what speaks for one triple.

For a triple the graph's evidence and the network's are shown apart, as evaluation reports them apart. The triple itself
and all else between its two ends are hidden from the scores, as evaluation hides them.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graphmer.artifacts import records
from graphmer.evaluate.combiner import Combiner
from graphmer.evaluate.package_entities import parent_symbol
from graphmer.evaluate.queries import FloatArray
from graphmer.evaluate.ranking import filtered_rank
from graphmer.evaluate.symbolic import FEATURES
from graphmer.index.neighbourhood import Edge, by_whom, neighbourhood, neighbourhood_text, shown_edge
from graphmer.index.places import KINDS
from graphmer.index.rankings import Ranking
from graphmer.index.scoring import LINK_SCORERS, LinkScoring
from graphmer.index.session import Session
from graphmer.ontology.vocabulary import Relation

if TYPE_CHECKING:
    import pandas as pd

MAX_PATHS, MAX_EDGES = 5, 3
MAX_HUB = 50  # a node of more triples says nothing by what it joins
SHOWN_FEATURES = 8
TREES = "trees"


class ScoreParts(NamedTuple):
    """How one scorer sees the tail. rank: among `pool` candidates, ties at the mean. score: as it combines."""

    rank: float
    score: float


class Evidence(NamedTuple):
    """What speaks for a triple.

    stated: the graph's own triples of these ends and this relation. allowed: whether the ontology lets it join them.
    paths: other ways from head to tail. siblings: heads of the head's own container, then file, with the same tail and
    relation. imports: what the head's file imports of the tail. mention: file:line that was scored, empty where the
    head's code has none; then there are no scores. features: the symbolic features that weigh most in the linear
    part, and the trees. network: its own columns.
    """

    head: str
    relation: str
    tail: str
    allowed: bool
    stated: list[Edge]
    paths: list[str]
    siblings: dict[str, list[str]]
    imports: list[str]
    mention: str
    pool: int
    scores: dict[str, ScoreParts]
    probability: float | None
    features: dict[str, float]
    network: dict[str, float]


def evidence(session: Session, head: str, relation: Relation, tail: str) -> Evidence:
    """What the graph and the network say for a triple, which may or may not be in the graph."""
    index, triples = session.index, session.index.triples
    types = index.entities["type"].to_numpy(dtype=object)
    ends = (session.row_of[head], session.row_of[tail])
    same = (triples["head"] == head) & (triples["tail"] == tail) & (triples["relation"] == relation.name)
    allowed = relation.allows(str(types[ends[0]]), str(types[ends[1]]))
    mention, ranking = (
        _scored(session, np.flatnonzero(same.to_numpy()), head, relation, tail) if allowed else ("", None)
    )
    position = ranking.position(ends[1]) if ranking else None
    found = Evidence(
        head, relation.name, tail, allowed,
        stated=[shown_edge(row, True) for row in records(triples[same])],
        paths=_paths(triples, head, tail), siblings=_siblings(triples, head, relation.name, tail),
        imports=_imports(session, head, tail), mention="", pool=0, scores={}, probability=None, features={}, network={},
    )  # fmt: skip
    if ranking is None or position is None:
        return found
    gain = _gains(session.index.scoring.links["mentions_visible"], ranking, position, relation.id)
    strongest = sorted(gain, key=lambda name: (-abs(gain[name]), name))[:SHOWN_FEATURES]
    return found._replace(
        mention=mention,
        pool=len(ranking.rows) - len(ranking.known),
        scores={name: _part(ranking, ranking.scores[name], position) for name in LINK_SCORERS},
        probability=float(ranking.probability[position]),
        features={name: round(gain[name], 3) for name in strongest},
        network=dict(zip(("cosine", "name_log_likelihood"), map(float, ranking.network[position]), strict=True)),
    )


def _gains(scoring: LinkScoring, ranking: Ranking, position: int, relation: int) -> dict[str, float]:
    """What a candidate has over the mean of all as `graphmer` counts: by each feature's linear weight, by the trees.

    The trees are one number: each asks of several features at once.
    """
    linear, (mixed, *_) = _weights(scoring.mixture.linear, relation), _weights(scoring.stack.weights, relation)
    gain = mixed * linear * (ranking.features[position] - ranking.features.mean(axis=0))
    trees = ranking.scores["boosting"]
    found = dict(zip(FEATURES, map(float, gain), strict=True))
    return found | {TREES: float(mixed * (trees[position] - trees.mean()))}


def _weights(combiner: Combiner, relation: int) -> FloatArray:
    """(F,) of raw features."""
    weights: FloatArray = combiner.by_relation.get(relation, combiner.pooled) / combiner.scale
    return weights


def _scored(
    session: Session, stated: "np.typing.NDArray[np.intp]", head: str, relation: Relation, tail: str
) -> tuple[str, Ranking | None]:
    """file:line of the mention that is scored and its ranking: the triple's own, else the first that names the tail."""
    row = session.row_of[tail]
    for triple in stated.tolist():
        question = session.ranker.question_of(triple)
        if question is not None:
            at = session.index.triples.iloc[triple]
            return f"{at['file']}:{at['line_start']}", session.ranker.rank([question], "mentions_visible")[0]
    if relation.name not in KINDS:
        return "", None
    places = session.references.of_scope(head, relation.name)
    names = [place for place in places if session.named(np.asarray([row]), place.name)]
    for place, question in session.ranker.questions_at(names[:1], head, relation.name):
        known = question._replace(tail=row)
        return f"{place.file}:{place.line}", session.ranker.rank([known], "mentions_visible")[0]
    return "", None


def _part(ranking: Ranking, values: "np.typing.NDArray[np.floating]", position: int) -> ScoreParts:
    return ScoreParts(filtered_rank(values, position, ranking.known), float(values[position]))


def _paths(triples: "pd.DataFrame", head: str, tail: str) -> list[str]:
    """Up to MAX_PATHS shortest ways from head to tail over at most MAX_EDGES other triples, either way round."""
    near: dict[str, list[tuple[str, str]]] = defaultdict(list)
    settled = triples[triples["resolution"] != "ambiguous"]
    for one, relation, other in zip(settled["head"], settled["relation"], settled["tail"], strict=True):
        if {one, other} != {head, tail}:
            near[one].append((f"-{relation}->", other))
            near[other].append((f"<-{relation}-", one))
    found: list[str] = []
    level = [(head, head)]
    for _ in range(MAX_EDGES):
        further = []
        for end, path in level:
            if end != head and len(near[end]) > MAX_HUB:
                continue
            for arrow, other in sorted(set(near[end])):
                way = f"{path} {arrow} {other}"
                if other == tail:
                    found.append(way)
                elif f" {other} " not in f" {path} ":
                    further.append((other, way))
        if len(found) >= MAX_PATHS:
            break
        level = further
    return found[:MAX_PATHS]


def _siblings(triples: "pd.DataFrame", head: str, relation: str, tail: str) -> dict[str, list[str]]:
    same = triples[(triples["relation"] == relation) & (triples["tail"] == tail) & (triples["head"] != head)]
    heads = sorted(set(same["head"]))
    home, file = parent_symbol(head), head.partition("#")[0]
    close = [one for one in heads if home and parent_symbol(one) == home]
    in_file = [one for one in heads if one.partition("#")[0] == file and one not in close]
    others = [one for one in heads if one not in close and one not in in_file]
    return {"container": close, "file": in_file, "elsewhere": others}


def _imports(session: Session, head: str, tail: str) -> list[str]:
    """What the head's file imports that is the tail, holds it, or is its module."""
    triples = session.index.triples
    file = str(session.index.entities["file"].iat[session.row_of[head]])
    imported = triples[(triples["relation"] == "imports") & (triples["file"] == file)]
    holders = {tail}
    home = parent_symbol(tail)
    while home:
        holders.add(home)
        home = parent_symbol(home)
    return [f"{row.file}:{row.line_start} {row.tail}" for row in records(imported[imported["tail"].isin(holders)])]


def evidence_text(found: Evidence) -> str:
    """The graph's evidence, then the scores, symbolic and neural apart."""
    lines = [f"{found.head} {found.relation} {found.tail}"]
    lines += [f"  stated: {edge.place} [{edge.resolution}{by_whom(edge.source)}]" for edge in found.stated]
    if not found.stated:
        lines.append("  stated: no")
    if not found.allowed:
        lines.append("  the ontology does not let this relation join entities of these types")
    lines += [f"  path: {path}" for path in found.paths]
    for level, heads in found.siblings.items():
        if heads:
            lines.append(f"  siblings, {level}: {len(heads)}, as {heads[0]}")
    lines += [f"  import: {one}" for one in found.imports]
    if not found.scores:
        lines.append("  scores: none, the head's code has no mention that could be asked about")
        return "\n".join(lines)
    lines.append(f"  scored at {found.mention}, {found.pool} candidates, probability {found.probability:.2f}")
    lines += [f"    {name:<9} rank {part.rank:g}" for name, part in found.scores.items()]
    lines.append("    symbolic: " + ", ".join(f"{name} {value:+.2f}" for name, value in found.features.items()))
    lines.append("    neural: " + ", ".join(f"{name} {value:.3f}" for name, value in found.network.items()))
    return "\n".join(lines)


def explained(session: Session, question: Sequence[Any]) -> tuple[dict[str, Any], str]:
    """For a program and as text: of (symbol,) its neighbourhood, of (head, relation, tail) the evidence."""
    if len(question) == 1:
        around = neighbourhood(session, question[0])
        return {**around._asdict(), "edges": [edge._asdict() for edge in around.edges]}, neighbourhood_text(around)
    found = evidence(session, *question)
    tree = found._asdict() | {
        "stated": [edge._asdict() for edge in found.stated],
        "scores": {name: part._asdict() for name, part in found.scores.items()},
    }
    return tree, evidence_text(found)
