"""The graphs of all packages as two sorted tables. Strings are sorted once, as entities; triples are then numbers."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graphmer.corpus.parse.columns import concat, constant_column, encoded_schema, string_column, whole
from graphmer.kg.edges import Edges, Int32
from graphmer.kg.entities import external_entities
from graphmer.kg.facts import ExternalEntity
from graphmer.kg.manifest_facts import manifest_language
from graphmer.kg.package import PackageGraph
from graphmer.kg.schema import triples_schema

if TYPE_CHECKING:
    import pyarrow as pa

OF_THE_FILE = ("package", "version", "license", "file", "split")


def joined_entities(graphs: list[PackageGraph], externals: list[ExternalEntity]) -> tuple["pa.Table", list[Int32]]:
    """All entities, sorted; and for each graph, where each of its own entities and externals stands there."""
    import pyarrow.compute as pc

    table = concat([*(graph.entities for graph in graphs), external_entities(externals)]).combine_chunks()
    order = pc.sort_indices(whole(table.column("entity")))
    table = table.take(order).combine_chunks()
    symbols = whole(table.column("entity"))
    twice = pc.equal(symbols[1:], symbols[:-1]).index(True).as_py() if len(symbols) > 1 else -1
    assert twice < 0, f"{symbols[twice].as_py()}: two entities of one symbol"
    place_E = np.empty(len(table), np.int32)
    place_E[order.to_numpy()] = np.arange(len(table), dtype=np.int32)
    offsets = np.cumsum([0, *(len(graph.entities) for graph in graphs)])
    external_place = dict(zip((one.entity for one in externals), place_E[offsets[-1] :].tolist(), strict=True))
    numbers = []
    for graph, start, end in zip(graphs, offsets[:-1], offsets[1:], strict=True):
        others = np.asarray([external_place[one.entity] for one in graph.externals], np.int32)
        numbers.append(np.concatenate([place_E[start:end], others]))
    return table, numbers


def joined_triples(
    graphs: list[PackageGraph], numbers: list[Int32], entities: "pa.Table", files: "pa.Table"
) -> "pa.Table":
    """All triples, sorted by head, relation and tail.

    numbers: as joined_entities gives them.  files: rows of files.parquet, which say the rest of each triple.
    """
    import pyarrow as pa

    edges = _joined_edges([graph.edges for graph in graphs], numbers)
    key = (edges.head.astype(np.int64) * max(len(edges.relations), 1) + edges.relation) * max(len(entities), 1)
    order = np.argsort(key + edges.tail, kind="stable")
    symbols = whole(entities.column("entity"))
    of_file = {name: _taken(whole(files.column(name)), edges.file[order]) for name in OF_THE_FILE}
    columns = {
        **of_file,
        "head": _named(edges.head[order], symbols),
        "relation": _named(edges.relation[order], pa.array(edges.relations, pa.string())),
        "tail": _named(edges.tail[order], symbols),
        "language": _taken(_languages(files), edges.file[order]),
        "line_start": pa.array(edges.line_start[order]),
        "line_end": pa.array(edges.line_end[order]),
        "byte_start": pa.array(edges.byte_start[order]),
        "byte_end": pa.array(edges.byte_end[order]),
        "source": constant_column("static_analysis", len(order)),
        "confidence": pa.array(edges.confidence[order].astype(np.float32)),
        "resolution": _named(edges.resolution[order], pa.array(edges.resolutions, pa.string())),
    }
    schema = encoded_schema(triples_schema(), frozenset())
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _joined_edges(parts: list[Edges], numbers: list[Int32]) -> Edges:
    """Edges of all packages, with the numbers of the sorted entities."""
    relations = sorted({name for part in parts for name in part.relations})
    resolutions = sorted({name for part in parts for name in part.resolutions})
    renamed = [
        part._replace(
            head=number[part.head],
            tail=number[part.tail],
            relation=_places(part.relations, relations)[part.relation],
            resolution=_places(part.resolutions, resolutions)[part.resolution],
        )
        for part, number in zip(parts, numbers, strict=True)
    ]
    columns = zip(*(part[: Edges._fields.index("relations")] for part in renamed), strict=True)
    return Edges._make([*map(np.concatenate, columns), relations, resolutions])


def _places(names: list[str], all_names: list[str]) -> Int32:
    return np.asarray([all_names.index(name) for name in names], np.int32)


def _languages(files: "pa.Table") -> "pa.DictionaryArray":
    """The language of each file; of a manifest, the one whose packages it describes."""
    columns = (files.column(name).to_pylist() for name in ("language", "kind", "file"))
    return string_column(
        [manifest_language(file) if kind == "manifest" else language for language, kind, file in zip(*columns)]
    )


def _taken(values: "pa.Array", rows: Int32) -> "pa.DictionaryArray":
    import pyarrow as pa

    encoded = values if isinstance(values, pa.DictionaryArray) else values.dictionary_encode()
    return _named(encoded.indices.to_numpy()[rows], encoded.dictionary)


def _named(codes: Int32, names: "pa.Array") -> "pa.DictionaryArray":
    """Numbers as the names that they stand for; a name that none stands for goes, the order stays."""
    import pyarrow as pa

    used: npt.NDArray[np.bool_] = np.zeros(len(names), np.bool_)
    used[codes] = True
    place = np.cumsum(used, dtype=np.int32) - 1
    return pa.DictionaryArray.from_arrays(pa.array(place[codes], pa.int32()), names.filter(pa.array(used)))
