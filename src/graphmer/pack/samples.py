"""From a file's windows and its triples to samples: roots, candidate leaves, root-to-root edges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from graphmer.ontology.vocabulary import Ontology
from graphmer.pack.tokenizer import Encoding, IntArray
from graphmer.pack.windows import Window

# Their tail stands in the window, so predicting it would be copying: they join two roots instead of adding a leaf.
EDGE_RELATIONS = frozenset({"declares", "reads_from", "writes_to"})


class Mention(NamedTuple):
    """One triple that a file shows, in indices: head and tail are rows of the entities."""

    triple: int
    relation: int
    head: int
    tail: int
    byte_start: int
    byte_end: int
    is_query: bool
    is_ambiguous: bool


class Leaf(NamedTuple):
    """A candidate leaf of one sample."""

    relation: int
    anchor_start: int
    anchor_end: int
    head: int
    tail: int
    is_query: bool
    is_ambiguous: bool
    triple: int


class Edge(NamedTuple):
    """A relation between two roots of one sample, and the entities that it joins."""

    relation: int
    source: int
    target: int
    head: int
    tail: int


@dataclass
class Sample:
    """One window with what the graph says of it."""

    window: Window
    leaves: list[Leaf] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)


@dataclass(frozen=True)
class LeafRules:
    """Which relations may stand as leaves or edges; ids of the ontology."""

    leaf: frozenset[int]
    edge: frozenset[int]

    @classmethod
    def of(cls, ontology: Ontology) -> "LeafRules":
        """Stored relations that are not structural become leaves, in-window ones edges."""
        stored = [ontology.relations[name] for name in ontology.stored_relations]
        return cls(
            leaf=frozenset(relation.id for relation in stored if not relation.structural),
            edge=frozenset(ontology.relations[name].id for name in EDGE_RELATIONS),
        )


def build_samples(
    windows: Sequence[Window],
    encoding: Encoding,
    mentions: Sequence[Mention],
    name_spans: Mapping[int, tuple[int, int]],
    rules: LeafRules,
    max_head_tokens: int,
) -> tuple[list[Sample], int]:
    """Place each mention in the window that shows it.

    name_spans: byte span of the defining name of each entity defined in this file.
    Returns the samples and how many mentions no window shows (an empty span, or one between tokens).
    """
    sample_of, root_of = _locate(windows, len(encoding.ids))
    samples = [Sample(window) for window in windows]
    unplaced = 0
    for mention in mentions:
        tokens = _tokens_in(encoding, mention.byte_start, mention.byte_end)
        if len(tokens) == 0:
            unplaced += 1
            continue
        index = int(sample_of[tokens[0]])
        defined = _defined_in(encoding, name_spans, mention.tail, index, sample_of)
        if mention.relation in rules.edge and defined is not None:
            source = _head_name_root(encoding, name_spans, mention, index, sample_of)
            origin = tokens[0] if source is None else source
            ends = (int(root_of[origin]), int(root_of[defined]))
            edge = Edge(mention.relation, *ends, mention.head, mention.tail)
            if edge.source != edge.target and not mention.is_query and not mention.is_ambiguous:
                samples[index].edges.append(edge)
        elif mention.relation in rules.leaf:
            tokens = tokens[sample_of[tokens] == index][:max_head_tokens]
            start, end = int(root_of[tokens[0]]), int(root_of[tokens[-1]]) + 1
            leaf = Leaf(
                mention.relation,
                start,
                end,
                mention.head,
                mention.tail,
                mention.is_query,
                mention.is_ambiguous,
                mention.triple,
            )
            samples[index].leaves.append(leaf)
    return samples, unplaced


def _locate(windows: Sequence[Window], num_tokens: int) -> tuple[IntArray, IntArray]:
    """(T,) sample and (T,) root of each token of the file."""
    sample_of, root_of = np.full(num_tokens, -1, np.int32), np.full(num_tokens, -1, np.int32)
    for index, window in enumerate(windows):
        sample_of[window.tokens] = index
        root_of[window.tokens] = np.arange(len(window.tokens), dtype=np.int32)
    return sample_of, root_of


def _tokens_in(encoding: Encoding, byte_start: int, byte_end: int) -> IntArray:
    """Tokens that overlap a byte span."""
    low = int(np.searchsorted(encoding.ends, byte_start, side="right"))
    high = int(np.searchsorted(encoding.starts, byte_end, side="left"))
    return np.arange(low, high, dtype=np.int32)


def _defined_in(
    encoding: Encoding, name_spans: Mapping[int, tuple[int, int]], entity: int, sample: int, sample_of: IntArray
) -> int | None:
    """The token where the sample defines the entity's name, or None."""
    span = name_spans.get(entity)
    if span is None:
        return None
    tokens = _tokens_in(encoding, *span)
    return int(tokens[0]) if len(tokens) and sample_of[tokens[0]] == sample else None


def _head_name_root(
    encoding: Encoding, name_spans: Mapping[int, tuple[int, int]], mention: Mention, sample: int, sample_of: IntArray
) -> int | None:
    """`declares` joins the head's name to the member's; a read or a write joins the place that reads or writes."""
    inside = name_spans.get(mention.tail) == (mention.byte_start, mention.byte_end)
    return _defined_in(encoding, name_spans, mention.head, sample, sample_of) if inside else None
