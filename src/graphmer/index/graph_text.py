"""Code and what is known of its mentions as one row of the layout, by the pack stage's own functions."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graphmer.artifacts import read_json
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.assembly import Assembly
from graphmer.pack.draw import Selection
from graphmer.pack.rows import Rows, assemble
from graphmer.pack.samples import LeafRules, Mention, build_samples
from graphmer.pack.shards import EntityArrays
from graphmer.pack.tokenizer import END, PAD, CodeTokenizer
from graphmer.pack.windows import cut_windows

if TYPE_CHECKING:
    from graphmer.index.api import GraphTriple


class _File(NamedTuple):
    """What a sample says of its file; a text of its own has none."""

    package: str = ""
    language: str = ""
    file: str = ""


def laid_out(code: str, triples: "Sequence[GraphTriple]", tokenizer: CodeTokenizer, model: Path) -> Rows:
    """One row: the code's tokens as roots, a leaf for each triple at its mention.

    model: its folder, whose packed.json says how long windows and names may be. Raises ValueError as
    GraphMER.encode_graph says.
    """
    limits: dict[str, Any] = read_json(model / "packed.json")
    encoding = tokenizer.encode(code)
    if not 0 < len(encoding.ids) <= limits["max_roots"]:
        raise ValueError(f"code: expected 1 to {limits['max_roots']} tokens, got {len(encoding.ids)}")
    mentions = [_mention(number, one, code) for number, one in enumerate(triples)]
    breaks = np.zeros(len(encoding.ids), np.bool_)
    windows = cut_windows([], "", "module", encoding.starts, breaks, limits["max_roots"])
    rules = LeafRules.of(load_ontology())
    samples, unplaced = build_samples(windows, encoding, mentions, {}, rules, limits["max_roots"])
    if unplaced or len(samples[0].leaves) != len(triples):
        raise ValueError(
            f"triples: {len(triples) - len(samples[0].leaves)} show no token, or their relation is no leaf"
        )
    assembly = Assembly(max_doc_tokens=1)
    assembly.add(samples[0], None, encoding, _File())
    names = ["", *(one.tail for one in triples)]
    arrays = assembly.finish(names)
    slots = limits["name_slots"]
    count = len(arrays.leaf_relation)
    nothing = np.zeros(0, np.int64)
    selection = Selection(
        np.zeros(1, np.int64), np.ones(1, np.bool_), np.zeros(count, np.int64), np.arange(count),
        np.zeros(count, np.bool_), nothing, nothing,
    )  # fmt: skip
    length = len(encoding.ids) + slots * count
    return assemble(arrays, _named(names, tokenizer, slots), selection, length)


def _mention(number: int, one: "GraphTriple", code: str) -> Mention:
    relations = load_ontology().relations
    if one.relation not in relations or relations[one.relation].derived:
        raise ValueError(f"triple {number}: '{one.relation}' is no stored relation of the ontology")
    if not 0 <= one.start < one.end <= len(code):
        raise ValueError(f"triple {number}: characters {one.start} to {one.end} are not in the code")
    start, end = (len(code[:at].encode("utf-8")) for at in (one.start, one.end))
    return Mention(number, relations[one.relation].id, 0, number + 1, start, end, False, False)


def _named(names: Sequence[str], tokenizer: CodeTokenizer, slots: int) -> EntityArrays:
    """Entities of which nothing but the names is read."""
    ids = tokenizer.batch_ids(list(names))
    token = np.full((len(names), slots), END, np.int32)
    for row, one in enumerate(ids):
        token[row, : min(len(one), slots)] = one[:slots]
    count = len(names)
    zeros = np.zeros(count, np.int32)
    return EntityArrays(
        type_id=zeros, external=np.zeros(count, np.bool_), name_token=token,
        name_length=np.asarray([len(one) for one in ids], np.int32), key_token=np.full((count, 1), PAD, np.int32),
        key_length=zeros, symbols=list(names), packages=[""] * count, names=list(names),
    )  # fmt: skip
