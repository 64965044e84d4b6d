"""What must hold of a graph, each check a share of triples that keep to it and the places that do not."""

from collections import defaultdict, namedtuple
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from graphmer.corpus.licences import is_allowed
from graphmer.kg.linearise import all_reached, class_order
from graphmer.kg.signatures import compatible
from graphmer.ontology.vocabulary import RESOLUTIONS, SOURCES, Ontology

if TYPE_CHECKING:
    import pandas as pd

CONSTRUCTORS = frozenset({"__init__", "__new__", "__init_subclass__", "__class_getitem__", "__post_init__"})
FAMILY = ("inherits_from", "implements")


class Offender(NamedTuple):
    """One triple that breaks a rule, and how."""

    row: int
    reason: str


@dataclass(frozen=True)
class Graph:
    """A graph as its checks see it: triples with the types of their ends, and what the parsed tables add.

    triples: rows of triples.parquet. types: entity type by entity. modifiers: words by definition (Java visibility).
    signatures, names: by entity. split_of: the split of each internal entity.
    """

    triples: "pd.DataFrame"
    types: dict[str, str]
    names: dict[str, str]
    signatures: dict[str, str]
    modifiers: dict[str, str]
    split_of: dict[str, str]

    @cached_property
    def rows(self) -> list[Any]:
        """Triples as named tuples."""
        # Column by column: Arrow's texts cost four times as much one by one, as a data frame's own rows read them.
        names = list(self.triples.columns)
        row = namedtuple("row", names)  # type: ignore[misc]
        return list(map(row._make, zip(*(self.triples[name].tolist() for name in names), strict=True)))

    @cached_property
    def parents(self) -> dict[str, list[str]]:
        """Direct superclasses and interfaces, in the order in which they are written."""
        found: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for row in self.rows:
            if row.relation in FAMILY:
                found[row.head].append((row.byte_start, row.tail))
        return {head: [tail for _, tail in sorted(tails)] for head, tails in found.items()}

    @cached_property
    def owners(self) -> dict[str, str]:
        """The definition that declares each member."""
        return {row.tail: row.head for row in self.rows if row.relation == "declares"}

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """Direct subclasses and implementers."""
        found: dict[str, list[str]] = defaultdict(list)
        for head, tails in self.parents.items():
            for tail in tails:
                found[tail].append(head)
        return found

    @cached_property
    def _ancestors(self) -> dict[str, set[str]]:
        return {}

    @cached_property
    def _descendants(self) -> dict[str, set[str]]:
        return {}

    def ancestors(self, symbol: str) -> set[str]:
        """All superclasses and interfaces, direct or not; cycles end."""
        if symbol not in self._ancestors:
            self._ancestors[symbol] = all_reached(symbol, self.parents)
        return self._ancestors[symbol]

    def descendants(self, symbol: str) -> set[str]:
        """All subclasses and implementers, direct or not; cycles end."""
        if symbol not in self._descendants:
            self._descendants[symbol] = all_reached(symbol, self.children)
        return self._descendants[symbol]


def domain_range(graph: Graph, ontology: Ontology) -> list[Offender]:
    """Triples whose relation does not join the types of their ends."""
    found = []
    for row in graph.rows:
        relation = ontology.relations.get(row.relation)
        ends = graph.types.get(row.head, "no entity"), graph.types.get(row.tail, "no entity")
        if relation is None or not relation.allows(*ends):
            found.append(Offender(row.Index, f"'{row.relation}' may not join {ends[0]} to {ends[1]}"))
    return found


def acyclicity(graph: Graph, ontology: Ontology) -> list[Offender]:
    """Triples that lie on a cycle of an acyclic relation."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    found = []
    for name in (relation.name for relation in ontology.relations.values() if relation.acyclic):
        rows = [row for row in graph.rows if row.relation == name]
        nodes = {
            symbol: place for place, symbol in enumerate(sorted({end for row in rows for end in (row.head, row.tail)}))
        }
        if not rows:
            continue
        heads, tails = ([nodes[getattr(row, end)] for row in rows] for end in ("head", "tail"))
        edges = coo_array((np.ones(len(rows)), (heads, tails)), shape=(len(nodes), len(nodes)))
        _, component = connected_components(edges.tocsr(), directed=True, connection="strong")
        size = np.bincount(component)
        for row, head, tail in zip(rows, heads, tails, strict=True):
            if head == tail or (component[head] == component[tail] and size[component[head]] > 1):
                found.append(Offender(row.Index, f"lies on a cycle of '{name}'"))
    return sorted(found)


def signature(graph: Graph, language: str) -> list[Offender]:
    """Overrides whose method cannot be called as the overridden one can; constructors are left out."""
    found = []
    for row in graph.rows:
        if row.relation != "overrides" or row.language != language or graph.names.get(row.tail) in CONSTRUCTORS:
            continue
        own, other = graph.signatures.get(row.head, ""), graph.signatures.get(row.tail, "")
        if own and other and not compatible(own, other, language):
            found.append(Offender(row.Index, f"{own} does not stand in for {other}"))
    return found


def licence(graph: Graph, allowed: Collection[str]) -> list[Offender]:
    """Triples of a package whose licence is not on the allow list."""
    verdict = {text: is_allowed(text, allowed) for text in sorted(set(graph.triples["license"]))}
    return [
        Offender(row.Index, f"licence {row.license} is not allowed") for row in graph.rows if not verdict[row.license]
    ]


def duplicates(graph: Graph) -> list[Offender]:
    """Triples that stand twice."""
    repeated = graph.triples.duplicated(["head", "relation", "tail"]).to_numpy()
    return [Offender(int(row), "stands twice") for row in repeated.nonzero()[0]]


def leakage(graph: Graph) -> list[Offender]:
    """Triples that join splits: an internal end of another split, or the same edge, or its mirror, in two splits."""
    found = []
    splits: dict[tuple[str, str], str] = {}
    for row in graph.rows:
        for end in (row.head, row.tail):
            other = graph.split_of.get(end, row.split)
            if other != row.split:
                found.append(Offender(row.Index, f"{end} is of split {other}, the triple of {row.split}"))
                break
        pair = (min(row.head, row.tail), max(row.head, row.tail))
        if splits.setdefault(pair, row.split) != row.split:
            found.append(Offender(row.Index, f"the same two ends are joined in split {splits[pair]}"))
    return sorted({offender.row: offender for offender in found}.values())


def constraints(graph: Graph, ontology: Ontology) -> list[Offender]:
    """Triples that break any other declared rule, one reason each."""
    rules: tuple[Callable[[Graph, Ontology], Iterable[Offender]], ...] = (
        _vocabulary,
        _multiplicity,
        _antisymmetry,
        _ancestry,
        _visibility,
        _linearisation,
        _containment,
        _confidence,
    )
    first: dict[int, Offender] = {}
    for rule in rules:
        for offender in rule(graph, ontology):
            first.setdefault(offender.row, offender)
    return sorted(first.values())


def _vocabulary(graph: Graph, ontology: Ontology) -> Iterable[Offender]:
    for row in graph.rows:
        if row.source not in SOURCES:
            yield Offender(row.Index, f"source '{row.source}' is none of {', '.join(SOURCES)}")
        elif row.resolution not in RESOLUTIONS:
            yield Offender(row.Index, f"resolution '{row.resolution}' is none of {', '.join(RESOLUTIONS)}")
        elif row.relation in ontology.relations and ontology.relations[row.relation].derived:
            yield Offender(row.Index, f"'{row.relation}' is derived and never stored")


def _multiplicity(graph: Graph, ontology: Ontology) -> Iterable[Offender]:
    by_head: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in graph.rows:
        if row.resolution != "ambiguous":
            by_head[row.relation, row.head].append(row)
    for (name, head), rows in by_head.items():
        relation = ontology.relations.get(name)
        if relation is None:
            continue
        limit = relation.limit(rows[0].language, graph.types.get(head, ""))
        if limit is not None and len(rows) > limit:
            yield from (Offender(row.Index, f"{len(rows)} tails of '{name}', at most {limit}") for row in rows)


def _antisymmetry(graph: Graph, ontology: Ontology) -> Iterable[Offender]:
    for name in (relation.name for relation in ontology.relations.values() if relation.antisymmetric):
        pairs = {(row.head, row.tail) for row in graph.rows if row.relation == name}
        for row in graph.rows:
            if row.relation == name and (row.tail, row.head) in pairs:
                yield Offender(row.Index, f"'{name}' holds both ways")


def _ancestry(graph: Graph, ontology: Ontology) -> Iterable[Offender]:
    for row in graph.rows:
        if row.relation == "overrides":
            own, other = graph.owners.get(row.head), graph.owners.get(row.tail)
            if own is None or other is None or other not in graph.ancestors(own):
                yield Offender(row.Index, f"{other} is no ancestor of {own}")


def _visibility(graph: Graph, ontology: Ontology) -> Iterable[Offender]:
    """A private member of Java is not used from another top-level class.

    A record's component is private, but everybody reads it through the accessor that the language makes.
    """
    for row in graph.rows:
        member = row.language == "java" and row.relation in ("calls", "overrides", "reads_from", "writes_to")
        words = graph.modifiers.get(row.tail, "").split() if member else []
        private = "private" in words and not ("record" in words and row.relation == "reads_from")
        if private and _top_level(row.head) != _top_level(row.tail):
            yield Offender(row.Index, "the tail is private in another top-level class")


def _top_level(symbol: str) -> str:
    file, _, path = symbol.partition("#")
    return f"{file}#{path.partition('.')[0]}"


def _linearisation(graph: Graph, ontology: Ontology) -> Iterable[Offender]:
    """Python's method resolution order exists."""
    orders: dict[str, list[str] | None] = {}
    for row in graph.rows:
        inherits = row.relation == "inherits_from" and row.language == "python"
        if inherits and class_order(row.head, graph.parents, orders) is None:
            yield Offender(row.Index, "the bases do not linearise (C3)")


def _containment(graph: Graph, ontology: Ontology) -> Iterable[Offender]:
    said = {row.tail for row in graph.rows if row.relation in ("defines", "declares")}
    for row in graph.rows:
        if row.relation == "contains" and row.tail in said:
            yield Offender(row.Index, "'contains' repeats what 'defines' or 'declares' says")


def _confidence(graph: Graph, ontology: Ontology) -> Iterable[Offender]:
    sums: dict[tuple[str, ...], float] = defaultdict(float)
    for row in graph.rows:
        if not 0 <= row.confidence <= 1:
            yield Offender(row.Index, f"confidence {row.confidence} is not in [0, 1]")
        elif row.resolution == "ambiguous":
            sums[_choice(graph, row)] += row.confidence
    for row in graph.rows:
        if row.resolution == "ambiguous" and sums[_choice(graph, row)] > 1.001:
            total = sums[_choice(graph, row)]
            yield Offender(row.Index, f"the candidates' confidences sum to {total:.2f}")


def _choice(graph: Graph, row: Any) -> tuple[str, ...]:
    """What candidates are candidates for. A with statement calls two methods, by different names, at one place."""
    name = graph.names.get(row.tail, "")
    special = name if name.startswith("__") and name != "__init__" else ""
    return row.head, row.relation, row.file, str(row.byte_start), special
