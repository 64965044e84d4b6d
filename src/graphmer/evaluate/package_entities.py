"""One package's entities as the counted features see them: where each lives and how its name is built."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from graphmer.evaluate.code_stream import CodeStream
from graphmer.evaluate.names import shape, subtokens
from graphmer.evaluate.queries import IDENTIFIER, BoolArray, FloatArray, IntArray
from graphmer.pack.shards import EntityArrays

if TYPE_CHECKING:
    import pandas as pd

OTHER_NAME = 0  # label of every word that is no entity's name


@dataclass(frozen=True)
class PackageEntities:
    """E entities: a package's own and the externals it uses, sorted by their row in the entities.

    name: (E,) label of the short name. shown: (E,) label of the word that shows it in code where that is another one:
    the class of a constructor; else the same. container, file, folder: (E,) ids, unique a string, -1 where external.
    container_entity: (E,) position of the containing entity, -1 where it is none. parts, container_parts: (E, S) shares
    of a name's rarity that each subtoken carries; rows sum to 1. label_of: (words + vocabulary + 1,) name label of
    each stream token. part_of_word: (words, S) 0/1.
    """

    rows: IntArray
    names: list[str]
    name: IntArray
    shown: IntArray
    container: IntArray
    file: IntArray
    folder: IntArray
    container_entity: IntArray
    type_id: IntArray
    external: BoolArray
    shape: IntArray
    parts: Any
    container_parts: Any
    part_of_word: Any
    label_of: IntArray
    num_labels: int

    def local(self, rows: IntArray) -> IntArray:
        """Positions of rows of the entities in this table; they must be there."""
        found: IntArray = np.searchsorted(self.rows, rows)
        return found


def build_package_entities(
    rows: IntArray, entities: EntityArrays, table: "pd.DataFrame", stream: CodeStream, words: Sequence[str]
) -> PackageEntities:
    """rows: sorted rows of the entities. table: entities.parquet. words: those of the split."""
    symbols = [entities.symbols[row] for row in rows]
    names = [entities.names[row] for row in rows]
    parents = [parent_symbol(symbol) for symbol in symbols]
    position = {symbol: index for index, symbol in enumerate(symbols)}
    shown = [_shown_name(name, parent) for name, parent in zip(names, parents)]
    own = [first_word(name) for name in names]
    labels = {name: label for label, name in enumerate(sorted(set(own) | set(shown)), start=OTHER_NAME + 1)}
    label_of = np.full(stream.boundary + 1, OTHER_NAME, np.int64)
    label_of[: len(words)] = [labels.get(word, OTHER_NAME) for word in words]
    files = [file or None for file in table["file"].to_numpy()[rows].tolist()]
    folders = [file.rpartition("/")[0] if file else None for file in files]
    parts, container_parts, part_of_word = _part_tables(names, parents, words, stream)
    return PackageEntities(
        rows=rows,
        names=names,
        name=np.asarray([labels[name] for name in own], np.int64),
        shown=np.asarray([labels[name] for name in shown], np.int64),
        container=_ids(parents),
        file=_ids(files),
        folder=_ids(folders),
        container_entity=np.asarray([position.get(parent or "", -1) for parent in parents], np.int64),
        type_id=entities.type_id[rows].astype(np.int64),
        external=entities.external[rows],
        shape=np.asarray([shape(name) for name in names], np.int64),
        parts=parts,
        container_parts=container_parts,
        part_of_word=part_of_word,
        label_of=label_of,
        num_labels=len(labels) + 1,
    )


def parent_symbol(symbol: str) -> str | None:
    """The symbol that contains another: a class of its method, a module of its function, None of a module or file."""
    place, mark, path = symbol.partition("#")
    if not mark:
        return symbol.rpartition(".")[0] or None
    return f"{place}#{path.rpartition('.')[0]}" if path else None


def first_word(name: str) -> str:
    """The identifier that a name begins with: `list[str]` gives list."""
    match = IDENTIFIER.search(name)
    return match.group() if match else name


def last_name(symbol: str) -> str:
    """The short name at a symbol's end, without the mark of a second definition."""
    tail = symbol.rpartition("#")[2] or symbol.rpartition("#")[0].rpartition("/")[2].removesuffix(".py")
    return tail.rpartition(".")[2].rpartition(":")[2].partition("~")[0]


def _shown_name(name: str, parent: str | None) -> str:
    if name in ("__init__", "<init>", "__new__") and parent:
        return last_name(parent)
    return first_word(name)


def _ids(keys: Sequence[str | None]) -> IntArray:
    order = {key: index for index, key in enumerate(sorted({key for key in keys if key is not None}))}
    return np.asarray([-1 if key is None else order[key] for key in keys], np.int64)


def _part_tables(
    names: Sequence[str], parents: Sequence[str | None], words: Sequence[str], stream: CodeStream
) -> tuple[Any, Any, Any]:
    """Subtoken tables of the names, of their containers' names, and of every word of the package's code."""
    spoken = np.zeros(len(words), np.bool_)
    spoken[stream.token[stream.is_word]] = True
    word_parts = [subtokens(word) if use else () for word, use in zip(words, spoken)]
    name_parts = [subtokens(name) for name in names]
    container_parts = [subtokens(last_name(parent)) if parent else () for parent in parents]
    vocabulary = {
        part: index for index, part in enumerate(sorted({p for row in name_parts + container_parts for p in row}))
    }
    present = _presence(word_parts, vocabulary)
    documents = np.asarray(present.sum(axis=0)).ravel()
    rarity = np.log((1 + spoken.sum()) / (1 + documents)).astype(np.float32)
    return _shares(name_parts, vocabulary, rarity), _shares(container_parts, vocabulary, rarity), present


def _presence(rows: Sequence[Sequence[str]], vocabulary: dict[str, int]) -> Any:
    pairs = sorted({(r, vocabulary[part]) for r, parts in enumerate(rows) for part in parts if part in vocabulary})
    index = np.asarray(pairs, np.int64).reshape(-1, 2)
    values = np.ones(len(index), np.float32)
    return sparse.csr_matrix((values, (index[:, 0], index[:, 1])), shape=(len(rows), max(1, len(vocabulary))))


def _shares(rows: Sequence[Sequence[str]], vocabulary: dict[str, int], rarity: FloatArray) -> Any:
    table = _presence(rows, vocabulary)
    if len(vocabulary):
        table = table.multiply(rarity[None, :]).tocsr()
    total = np.asarray(table.sum(axis=1)).ravel()
    scale = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    return sparse.diags(scale).dot(table).astype(np.float32).tocsr()
