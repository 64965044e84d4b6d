"""What the graph says around a symbol."""

from typing import Any, NamedTuple

from graphmer.artifacts import records
from graphmer.index.session import Session


class Edge(NamedTuple):
    """One triple as it is shown. other: the end that is not the symbol itself; outgoing: whether it is the tail."""

    relation: str
    outgoing: bool
    other: str
    place: str
    resolution: str
    source: str
    confidence: float


class Neighbourhood(NamedTuple):
    """A symbol, what it is, and its triples by relation, those that start at it first."""

    symbol: str
    type: str
    qualified_name: str
    place: str
    signature: str
    docstring: str
    edges: list[Edge]


def neighbourhood(session: Session, symbol: str) -> Neighbourhood:
    """The triples around a symbol, in the order of relation and place."""
    row = session.index.entities.iloc[session.row_of[symbol]]
    triples = session.index.triples
    edges = [shown_edge(one, True) for one in records(triples[triples["head"] == symbol])]
    edges += [
        shown_edge(one, False) for one in records(triples[(triples["tail"] == symbol) & (triples["head"] != symbol)])
    ]
    edges.sort(key=lambda one: (not one.outgoing, one.relation, one.other, one.place))
    words = {name: str(row[name]) for name in ("type", "qualified_name", "signature", "docstring")}
    return Neighbourhood(symbol=symbol, place=session.place_of(symbol), edges=edges, **words)


def shown_edge(row: Any, outgoing: bool) -> Edge:
    """A row of triples.parquet; outgoing: whether the symbol that is explained is its head."""
    other = row.tail if outgoing else row.head
    place = f"{row.file}:{row.line_start}" if row.file else ""
    return Edge(row.relation, outgoing, other, place, row.resolution, row.source, float(row.confidence))


def neighbourhood_text(found: Neighbourhood) -> str:
    """What it is, then a line a triple."""
    lines = [f"{found.symbol}", f"  {found.type} {found.qualified_name}{found.signature}  {found.place or 'outside'}"]
    if found.docstring:
        lines.append(f"  {found.docstring.strip().splitlines()[0]}")
    for edge in found.edges:
        arrow = f"-{edge.relation}->" if edge.outgoing else f"<-{edge.relation}-"
        sure = edge.resolution if edge.confidence == 1 else f"{edge.resolution} {edge.confidence:.2f}"
        lines.append(f"  {arrow:<20} {edge.other}  {edge.place}  [{sure}{by_whom(edge.source)}]")
    return "\n".join(lines)


def by_whom(source: str) -> str:
    """Who says so, where it is not static analysis."""
    return "" if source == "static_analysis" else f", {source}"
