"""Leaks of link prediction: query triples in training or support, and names in windows that claim to hide them.

What is secret is read from the graph and the source here, not from the queries' own lists of hidden words.
"""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from graphmer.evaluate.link_prediction import LinkData, LinkTask
from graphmer.evaluate.package_view import Hole, PackageView
from graphmer.evaluate.queries import IDENTIFIER, MAX_ANCHOR_WORDS, BoolArray, LinkQueries
from graphmer.evaluate.shown import Shown
from graphmer.evaluate.window_text import Sources
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import SplitArrays

JAVA_IMPORT = re.compile(rb"^[ \t]*import\b[^;]*;", re.MULTILINE)
Pair = tuple[int, int]


class Offender(NamedTuple):
    """One leak. check: the metric that counts it; what: who leaks what, in one line."""

    check: str
    what: str


def either_way(heads: Iterable[int], tails: Iterable[int]) -> set[Pair]:
    """Pairs of entities, and the same turned round."""
    pairs = set(zip(heads, tails, strict=True))
    return pairs | {(tail, head) for head, tail in pairs}


def query_triples(data: LinkData, train: SplitArrays, queries: LinkQueries) -> Iterator[Offender]:
    """Queries whose head and tail are joined in training, by any relation and in either direction.

    Looked for among the packed train split's leaves and edges, and among the graph's train triples.
    """
    rows = {symbol: row for row, symbol in enumerate(data.entities.symbols)}
    mine = data.triples[data.triples["split"] == "train"]
    known = either_way(train.leaf_head.tolist(), train.leaf_tail.tolist())
    known |= either_way(train.edge_head.tolist(), train.edge_tail.tolist())
    known |= either_way((rows[head] for head in mine["head"]), (rows[tail] for tail in mine["tail"]))
    for query, pair in enumerate(zip(queries.head.tolist(), queries.tail.tolist(), strict=True)):
        if pair in known:
            yield Offender("query_triples", f"{described(data, queries, query)}: the pair is joined in train")


def held_out_support(data: LinkData, task: LinkTask, queries: LinkQueries) -> Iterator[Offender]:
    """Triples that the split holds out and that counts see as support, each once."""
    secret = data.triples[data.held_out] if len(data.held_out) else data.triples.iloc[:0]
    ids, rows = load_ontology().relations, {symbol: row for row, symbol in enumerate(data.entities.symbols)}
    held = {
        (rows[head], ids[relation].id, rows[tail])
        for head, relation, tail in zip(secret["head"], secret["relation"], secret["tail"], strict=True)
    }
    seen: set[str] = set()
    for _, view, _, _ in task.holes(queries):
        if view.package not in seen:
            seen.add(view.package)
            yield from _held_out_in(view, held, data)


def _held_out_in(view: PackageView, held: set[tuple[int, int, int]], data: LinkData) -> Iterator[Offender]:
    support, rows = view.support, view.entities.rows
    names = data.entities.symbols
    triples = zip(rows[support.head].tolist(), support.relation.tolist(), rows[support.tail].tolist(), strict=True)
    for head, relation, tail in triples:
        if (head, relation, tail) in held:
            shown = load_ontology().relation_names[relation]
            yield Offender("held_out_support", f"{names[head]} {shown} {names[tail]}: held out, and counted as support")


def shown_triples(data: LinkData, queries: LinkQueries, inputs: Iterable[Shown]) -> Iterator[Offender]:
    """Leaves and edges of a query's input that join its head and tail, are held out, or stand where nothing may."""
    arrays = data.splits[queries.split]
    for shown in inputs:
        pair = {int(queries.head[shown.query]), int(queries.tail[shown.query])}
        leaves = [(int(arrays.leaf_head[row]), int(arrays.leaf_tail[row])) for row in shown.leaves.tolist()]
        edges = [(int(arrays.edge_head[row]), int(arrays.edge_tail[row])) for row in shown.edges.tolist()]
        label = described(data, queries, shown.query)
        if any(set(ends) == pair for ends in leaves + edges):
            yield Offender("shown_triples", f"{label}: its window shows a triple between the two")
        if arrays.leaf_query[shown.leaves].any() or arrays.leaf_ambiguous[shown.leaves].any():
            yield Offender("shown_triples", f"{label}: its window shows a held-out or ambiguous triple")
        if queries.setting == "zero_support" and leaves + edges:
            yield Offender("shown_triples", f"{label}: zero_support shows {len(leaves)} leaves, {len(edges)} edges")


def counted_triples(data: LinkData, task: LinkTask, queries: LinkQueries) -> Iterator[Offender]:
    """Support that the counted features use for a query although it joins the query's head and tail."""
    for query, view, hole, hidden in task.holes(queries):
        support = view.support
        joins = (support.head == hole.head) & (support.tail == hole.tail)
        joins |= (support.head == hole.tail) & (support.tail == hole.head)
        if (joins & ~hidden).any():
            yield Offender("shown_triples", f"{described(data, queries, query)}: counts use a triple between the two")
        if queries.setting == "zero_support" and len(support.head):
            yield Offender("shown_triples", f"{described(data, queries, query)}: zero_support counts triples")


def visible_names(
    data: LinkData, queries: LinkQueries, inputs: Iterable[Shown], sources: Sources
) -> Iterator[Offender]:
    """Inputs that show a name which the setting hides: as a whole word of the window, or on a leaf."""
    arrays = data.splits[queries.split]
    for shown in inputs:
        label = described(data, queries, shown.query)
        if shown.text is None:
            yield Offender("visible_names", f"{label}: its input ids are not its window's")
            continue
        secret = secret_words(data, arrays, queries, shown.query, sources)
        found = secret & set(IDENTIFIER.findall(shown.text))
        if found:
            yield Offender("visible_names", f"{label}: its window shows {', '.join(sorted(found))}")
        found = secret & {word for name in shown.names for word in IDENTIFIER.findall(name)}
        if found:
            yield Offender("visible_names", f"{label}: a leaf beside it shows {', '.join(sorted(found))}")


def counted_names(data: LinkData, task: LinkTask, queries: LinkQueries, sources: Sources) -> Iterator[Offender]:
    """Names and imports that the counted features use although the query hides them."""
    arrays = data.splits[queries.split]
    imports: dict[str, _Imports] = {}
    for query, view, hole, hidden in task.holes(queries):
        label = described(data, queries, query)
        secret = secret_words(data, arrays, queries, query, sources)
        words = np.unique(view.stream.token[hole.visible]) if queries.hidden else NOTHING
        found = secret & {arrays.words[word] for word in words[words < view.stream.num_words].tolist()}
        if found:
            yield Offender("visible_names", f"{label}: counts see {', '.join(sorted(found))} in the window")
        if view.package not in imports:
            imports[view.package] = _Imports(view, arrays, sources)
        yield from imports[view.package].offenders(label, hole, secret)
        yield from _imported_support(data, view, hole, hidden, secret, label)


NOTHING = np.zeros(0, np.int64)


class _Imports:
    """The words within a package's import statements, found by Python's own parser and, for Java, by line."""

    def __init__(self, view: PackageView, arrays: SplitArrays, sources: Sources) -> None:
        self._words: dict[int, dict[str, list[int]]] = {}
        spans = {
            file: import_spans(path, source)
            for file, path in enumerate(view.stream.files)
            if (source := sources.files.get((view.package, path))) is not None
        }
        rows = np.flatnonzero(view.stream.position_of >= 0)
        positions = view.stream.position_of[rows]
        file_R, start_R, word_R = view.stream.file[positions], arrays.token_start[rows], arrays.token_word[rows]
        for file, ranges in spans.items():
            of_file = np.flatnonzero((file_R == file) & (word_R >= 0)) if ranges else NOTHING
            for low, high in ranges:
                inside = of_file[(start_R[of_file] >= low) & (start_R[of_file] < high)]
                for row in inside.tolist():
                    found = self._words.setdefault(file, {}).setdefault(arrays.words[int(word_R[row])], [])
                    found.append(int(positions[row]))

    def offenders(self, label: str, hole: Hole, secret: set[str]) -> Iterator[Offender]:
        """Imports of secret words in the hole's file that counts may use."""
        words = self._words.get(hole.file, {})
        places = {place: word for word in secret for place in words.get(word, [])}
        seen = set(places) - set(hole.unseen.tolist()) if places else set()
        if seen:
            named = ", ".join(sorted({places[place] for place in seen}))
            yield Offender("visible_imports", f"{label}: counts see the file's import of {named}")


def import_spans(path: str, source: bytes) -> list[tuple[int, int]]:
    """Byte spans of a file's import statements; of Python that its own parser rejects, none."""
    if not path.endswith((".py", ".pyi")):
        return [match.span() for match in JAVA_IMPORT.finditer(source)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a held-out package's odd escapes are not ours to tell
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    lines = np.cumsum([0, *(len(line) + 1 for line in source.split(b"\n"))])
    return [
        (
            int(lines[node.lineno - 1]) + node.col_offset,
            int(lines[(node.end_lineno or 1) - 1]) + (node.end_col_offset or 0),
        )
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def _imported_support(
    data: LinkData, view: PackageView, hole: Hole, hidden: BoolArray, secret: set[str], label: str
) -> Iterator[Offender]:
    """`imports` triples of the hole's file whose tail bears a secret name and that counts may use."""
    support, entities = view.support, view.entities
    number = load_ontology().relations["imports"].id
    rows = np.flatnonzero((support.relation == number) & ~hidden)
    rows = rows[entities.file[support.head[rows]] == entities.file[hole.head]]
    for tail in support.tail[rows].tolist():
        name = entities.names[tail]
        if secret & set(IDENTIFIER.findall(name)[:1]):
            yield Offender("visible_imports", f"{label}: counts see that the file imports {name}")


def secret_words(data: LinkData, arrays: SplitArrays, queries: LinkQueries, query: int, sources: Sources) -> set[str]:
    """The words of a query's tail, by its entity's name, and those of its mention, by the source."""
    tail = int(queries.tail[query])
    words = set(IDENTIFIER.findall(data.entities.names[tail]))
    sample, leaf = int(queries.sample[query]), int(queries.leaf[query])
    base = int(arrays.sample_token[sample])
    low = int(arrays.token_start[base + int(arrays.leaf_anchor_start[leaf])])
    high = int(arrays.token_end[base + int(arrays.leaf_anchor_end[leaf]) - 1])
    mention = set(IDENTIFIER.findall(sources.windows[sample][low:high].decode("utf-8", "replace")))
    return words | (mention if len(mention) <= MAX_ANCHOR_WORDS else set())


def described(data: LinkData, queries: LinkQueries, query: int) -> str:
    """A query in one line."""
    symbols = data.entities.symbols
    relation = load_ontology().relation_names[int(queries.relation[query])]
    head, tail = symbols[int(queries.head[query])], symbols[int(queries.tail[query])]
    return f"{queries.setting}: {head} {relation} {tail}"
