"""`graphmer complete`: triples that the graph may lack, each with what stands for it in the code and how sure it is.

Asked are the mentions in a symbol's own code at which static analysis settled nothing: there, the entities of the word
that stands there are ranked among all that the relation's range allows in the package. A mention that static analysis
left open between candidates is `resolve`'s to judge, since every candidate of it is in the graph already.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from graphmer.errors import OntologyError
from graphmer.index.places import KINDS, Place, open_places, triples_at
from graphmer.index.session import Session
from graphmer.kg.predicted import SOURCE
from graphmer.ontology.vocabulary import CALL_RELATIONS, Relation

FAMILIES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(CALL_RELATIONS, CALL_RELATIONS),
    **dict.fromkeys(("inherits_from", "implements"), ("inherits_from", "implements")),
    **dict.fromkeys(("reads_from", "writes_to", "uses"), ("reads_from", "writes_to", "uses")),
}


class Proposal(NamedTuple):
    """A triple that the graph does not have. confidence: calibrated probability that it holds. mention: the words."""

    head: str
    relation: str
    tail: str
    confidence: float
    file: str
    line: int
    byte_start: int
    byte_end: int
    mention: str
    source: str = SOURCE


class Completion(NamedTuple):
    """Proposals, the surest first, and what became of the mentions.

    mentions: how many are settled (there, or by the same name on another line), listed between candidates, of a name
    that nothing has (no_such_name), and asked.
    """

    proposals: list[Proposal]
    mentions: dict[str, int]


def complete(session: Session, head: str, relation: Relation, k: int) -> Completion:
    """At most k triples that the code of `head` speaks for and the graph lacks.

    Raises OntologyError where the relation has no mentions that could be asked, or cannot start at such an entity.
    """
    _check_relation(session, head, relation)
    family = FAMILIES.get(relation.name, (relation.name,))
    places = session.references.of_scope(head, relation.name)
    unsettled = open_places(session.index.triples, places, family)
    blank = [place for place in unsettled if triples_at(session.index.triples, place, family).empty]
    silent = [place for place in blank if session.repeated(head, place.name, family).empty]
    settled = len(places) - len(unsettled) + len(blank) - len(silent)
    counts = Counter(settled=settled, listed=len(unsettled) - len(blank))
    best: dict[str, Proposal] = {}
    for proposal in _proposed(session, head, relation, silent, counts):
        if proposal.tail not in best or proposal.confidence > best[proposal.tail].confidence:
            best[proposal.tail] = proposal
    ordered = sorted(best.values(), key=lambda one: (-one.confidence, one.tail))
    return Completion(ordered[:k], {name: counts[name] for name in ("settled", "listed", "no_such_name", "asked")})


def _check_relation(session: Session, head: str, relation: Relation) -> None:
    if relation.name not in KINDS:
        raise OntologyError(
            f"'{relation.name}': nothing in the code is left open for it; complete {', '.join(sorted(KINDS))}"
        )
    head_type = str(session.index.entities["type"].iat[session.row_of[head]])
    if head_type not in relation.domain:
        domain = ", ".join(sorted(relation.domain))
        raise OntologyError(f"'{relation.name}' needs a head that is one of {domain}, got {head_type} ({head})")


def _proposed(
    session: Session, head: str, relation: Relation, places: Sequence[Place], counts: "Counter[str]"
) -> list[Proposal]:
    ranker, index = session.ranker, session.index
    asked = ranker.questions_at(places, head, relation.name)
    symbols = index.entities["entity"].to_numpy(dtype=object)
    calibrated = index.scoring.calibration
    found = []
    for (place, _), ranking in zip(asked, ranker.rank([one for _, one in asked], "mentions_visible"), strict=True):
        known = set(ranking.known.tolist())
        named = [at for at in session.named(ranking.rows, place.name) if at not in known]
        counts["asked" if named else "no_such_name"] += 1
        for at in named:
            confidence = calibrated(float(ranking.unfiltered[at]))
            span = (place.file, place.line, place.byte_start, place.byte_end, place.name)
            found.append(Proposal(head, relation.name, str(symbols[ranking.rows[at]]), confidence, *span))
    counts["no_such_name"] += len(places) - len(asked)
    return found


def as_text(found: Completion) -> str:
    """A line a proposal, then what became of the mentions."""
    lines = []
    for number, one in enumerate(found.proposals, start=1):
        triple = f"{one.confidence:.2f}  {one.relation} {one.tail}"
        lines.append(f"{number:>2}  {triple}  {one.file}:{one.line} {one.mention}  [{one.source}]")
    if not lines:
        lines.append("nothing to propose")
    lines.append(
        "mentions: " + ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in found.mentions.items())
    )
    return "\n".join(lines)
