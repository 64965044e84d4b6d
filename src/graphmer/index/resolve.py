"""`graphmer resolve`: which definition a call means. What static analysis proved comes first, then what it left open.

Where it left several open, or none, the definitions that the name fits are ranked by the model, those that it lists
before all others: on traced calls its list is a better judge than any fitted combination (disambiguation in README).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from graphmer.artifacts import records
from graphmer.errors import ArtifactError
from graphmer.index.places import Place, triples_at
from graphmer.index.session import Session, split_place
from graphmer.ontology.vocabulary import CALL_RELATIONS, load_ontology

MODEL = "model"  # the resolution of what only the name and the model say
REPEATED = "repeated"  # of what the same code calls by this name on another line


class Meaning(NamedTuple):
    """One definition that a call may mean. resolution: static analysis' own, REPEATED or MODEL. source: who says so.

    confidence: of the triple where static analysis has it; else the model's probability, all else being possible.
    model: the model's probability beside it, None where it was not asked.
    """

    symbol: str
    relation: str
    place: str
    resolution: str
    source: str
    confidence: float
    model: float | None


class Call(NamedTuple):
    """One call on a line. caller: the entity whose code it is."""

    name: str
    file: str
    line: int
    caller: str
    meanings: list[Meaning]


def resolve(session: Session, place: str, k: int) -> list[Call]:
    """The calls on FILE:LINE, each with at most k meanings, the likeliest first.

    Raises ArtifactError where the file is not in the index or no call stands on the line.
    """
    file, line = split_place(place)
    found = session.references.on_line(file, line)
    if not found:
        raise ArtifactError(f"{file}:{line}: no call begins on this line; give the line on which a called name stands")
    return [Call(one.name, one.file, one.line, one.scope, _meanings(session, one)[:k]) for one in found]


def _meanings(session: Session, place: Place) -> list[Meaning]:
    static = list(records(triples_at(session.index.triples, place, CALL_RELATIONS)))
    settled = [row for row in static if row.resolution != "ambiguous"]
    if settled:
        return [_stated(session, row, None) for row in _surest(settled)]
    guesses = _guesses(session, place)
    listed = {(row.relation, row.tail): _stated(session, row, guesses.get((row.relation, row.tail))) for row in static}
    listed |= {
        (row.relation, row.tail): _stated(session, row, guesses.get((row.relation, row.tail)), REPEATED)
        for row in records(session.repeated(place.scope, place.name, CALL_RELATIONS))
    }
    others = {
        (relation, symbol): Meaning(symbol, relation, session.place_of(symbol), MODEL, "ml_extraction", value, value)
        for (relation, symbol), value in guesses.items()
    }
    meanings = others | listed
    order = sorted(meanings, key=lambda key: (key not in listed, -(guesses.get(key, 0.0)), key))
    return [meanings[key] for key in order]


def _surest(rows: Sequence[Any]) -> list[Any]:
    order = {"exact": 0, "inferred": 1, "external": 2}
    return sorted(rows, key=lambda row: (order[row.resolution], -row.confidence, row.relation, row.tail))


def _stated(session: Session, row: Any, model: float | None, resolution: str = "") -> Meaning:
    how = (resolution or row.resolution, row.source, float(row.confidence))
    return Meaning(row.tail, row.relation, session.place_of(row.tail), *how, model)


def _guesses(session: Session, place: Place) -> dict[tuple[str, str], float]:
    """{(relation, symbol): probability} of the entities of the called name that the ontology allows here."""
    ranker, entities = session.ranker, session.index.entities
    if place.scope not in session.row_of:
        return {}
    head_type = str(entities["type"].iat[session.row_of[place.scope]])
    symbols, types = (entities[name].to_numpy(dtype=object) for name in ("entity", "type"))
    found = {}
    for relation in CALL_RELATIONS:
        if head_type not in load_ontology().relations[relation].domain:
            continue
        for _, question in ranker.questions_at([place], place.scope, relation):
            (ranking,) = ranker.rank([question], "mentions_visible")
            # Those that the head has already stand outside evaluation's ranking; here they may be meant all the same.
            for at in session.named(ranking.rows, place.name):
                symbol, is_api = str(symbols[ranking.rows[at]]), types[ranking.rows[at]] == "API"
                # Both relations may end at an API, and nothing tells a class outside from a function there.
                if not (is_api and relation == "instantiates"):
                    found[relation, symbol] = float(ranking.unfiltered[at])
    return found


def as_text(calls: Sequence[Call]) -> str:
    """A block a call: what may be meant, the likeliest first."""
    lines = []
    for call in calls:
        lines.append(f"{call.file}:{call.line}  {call.name}  in {call.caller}")
        for number, one in enumerate(call.meanings, start=1):
            model = "" if one.model is None or one.resolution == MODEL else f", model {one.model:.2f}"
            where = one.place or "outside"
            lines.append(
                f"  {number}  {one.confidence:.2f}  {one.symbol}  {where}  [{one.relation}, {one.resolution}{model}]"
            )
        if not call.meanings:
            lines.append("  nothing in the code base or its imports has this name")
    return "\n".join(lines)
