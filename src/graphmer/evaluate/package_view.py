"""One package as a counted scorer may see it: its code, entities and support triples; and one query's hole in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graphmer.evaluate.code_stream import CodeStream, among, build_stream
from graphmer.evaluate.package_entities import PackageEntities, build_package_entities
from graphmer.evaluate.queries import BoolArray, IntArray, LinkQueries
from graphmer.evaluate.siblings import SupportTriples
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import EntityArrays, SplitArrays
from graphmer.pack.tokenizer import CodeTokenizer

if TYPE_CHECKING:
    import pandas as pd

NONE = np.zeros(0, np.int64)
NOTHING_MORE = np.zeros(0, np.bool_)


@dataclass(frozen=True)
class PackageView:
    """What a package shows: its code, and the part of its graph that is support."""

    package: str
    stream: CodeStream
    entities: PackageEntities
    support: SupportTriples


@dataclass(frozen=True)
class Hole:
    """One query in its window, in positions of the package's code stream.

    tail: the position of the tail, or of every candidate where none is known to be the one. start, end: first and last
    position of the mention that is asked. hidden: words that the window does not show.
    imported: words whose import in this file is hidden, in every setting. others: further places in the window where
    a hidden word stood. visible: positions of the window that are not hidden. unseen: positions that no count may
    use: the window's and the hidden import's.
    """

    head: int
    tail: int | IntArray
    relation: int
    file: int
    start: int
    end: int
    hidden: IntArray
    imported: IntArray
    others: IntArray
    visible: IntArray
    unseen: IntArray


def build_views(
    arrays: SplitArrays,
    entities: EntityArrays,
    entity_table: "pd.DataFrame",
    triples: "pd.DataFrame",
    tokenizer: CodeTokenizer,
    held_out: BoolArray = NOTHING_MORE,
) -> Iterator[PackageView]:
    """One view a package of the split, in the order of their names; held-out and ambiguous triples are no support.

    entity_table, triples: entities.parquet and triples.parquet, whole. held_out: as in LinkData.
    """
    row_of = {symbol: row for row, symbol in enumerate(entities.symbols)}
    owner = np.asarray(entities.packages, dtype=object)
    for package in sorted(set(arrays.samples["package"])):
        mine = np.flatnonzero(triples["package"].to_numpy() == package)
        heads = np.asarray([row_of[symbol] for symbol in triples["head"].to_numpy()[mine]], np.int64)
        tails = np.asarray([row_of[symbol] for symbol in triples["tail"].to_numpy()[mine]], np.int64)
        rows = np.unique(np.concatenate([np.flatnonzero(owner == package), heads, tails]))
        stream = build_stream(arrays, package, tokenizer)
        table = build_package_entities(rows, entities, entity_table, stream, arrays.words)
        keep = _is_support(arrays, triples, mine, held_out)
        relations = load_ontology().relations
        relation = np.asarray([relations[name].id for name in triples["relation"].to_numpy()[mine]], np.int64)
        position = _mention_positions(arrays, stream, len(triples))[mine]
        support = SupportTriples(table.local(heads)[keep], relation[keep], table.local(tails)[keep], position[keep])
        yield PackageView(package, stream, table, support)


def without_support(view: PackageView) -> PackageView:
    """The same package where nothing of its graph is visible, only its code and the candidates' names."""
    return PackageView(view.package, view.stream, view.entities, SupportTriples(NONE, NONE, NONE, NONE))


def _is_support(arrays: SplitArrays, triples: "pd.DataFrame", mine: IntArray, held_out: BoolArray) -> IntArray:
    asked = np.zeros(len(triples), np.bool_)
    asked[: len(held_out)] = held_out
    asked[arrays.leaf_triple[arrays.leaf_query]] = True
    ambiguous = triples["resolution"].to_numpy() == "ambiguous"
    return np.flatnonzero(~asked[mine] & ~ambiguous[mine])


def _mention_positions(arrays: SplitArrays, stream: CodeStream, num_triples: int) -> IntArray:
    """(triples,) stream position of the first token of each triple's mention, -1 where no window shows it."""
    row = arrays.sample_token[arrays.leaf_sample] + arrays.leaf_anchor_start
    positions = np.full(num_triples, -1, np.int64)
    positions[arrays.leaf_triple] = stream.position_of[row]
    return positions


def find_hole(view: PackageView, arrays: SplitArrays, queries: LinkQueries, query: int) -> Hole:
    """Where a query stands in its package's code, and what is hidden there."""
    stream, leaf, sample = view.stream, int(queries.leaf[query]), int(queries.sample[query])
    base = int(arrays.sample_token[sample])
    start = int(stream.position_of[base + arrays.leaf_anchor_start[leaf]])
    end = int(stream.position_of[base + arrays.leaf_anchor_end[leaf] - 1])
    words = queries.hidden_words[query]
    window = stream.sample_positions[sample]
    file = int(stream.file[start])
    named = among(stream.token[window], words)
    at_hole = (window >= start) & (window <= end)
    imports = stream.imports_of[file]
    imports = imports[among(stream.token[imports], words)]
    head, tail = view.entities.local(np.asarray([queries.head[query], queries.tail[query]]))
    return Hole(
        head=int(head),
        tail=int(tail),
        relation=int(queries.relation[query]),
        file=file,
        start=start,
        end=end,
        hidden=words if queries.hidden else NONE,
        imported=words,
        others=window[named & ~at_hole] if queries.hidden else NONE,
        visible=window[~(named | at_hole)] if queries.hidden else window,
        unseen=np.concatenate([window, imports[stream.sample[imports] != sample]]),
    )
