"""Finds documented functions among a file's samples, and lays their docstrings out as arrays."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from graphmer.pack.docstrings import first_paragraph, num_words
from graphmer.pack.samples import Sample
from graphmer.pack.tokenizer import CodeTokenizer, Encoding

MAX_TEXT_WORDS = 1000  # cut by tokens instead: a paragraph of more words than this is prose of another kind


class Documented(NamedTuple):
    """A function with a docstring: its short name, the docstring, and the bytes that this takes in the file."""

    name: str
    docstring: str
    byte_start: int
    byte_end: int


class Pair(NamedTuple):
    """A docstring's first paragraph and the roots of its sample that are the docstring itself."""

    doc_start: int
    doc_end: int
    name: str
    text: Encoding


def find_pairs(
    samples: Sequence[Sample],
    encoding: Encoding,
    documented: Mapping[str, Documented],
    tokenizer: CodeTokenizer,
    min_words: int,
) -> dict[int, Pair]:
    """The pair of each sample that begins a documented function; a docstring of fewer words says too little."""
    found: dict[int, Pair] = {}
    seen: set[str] = set()
    for index, sample in enumerate(samples):
        function = documented.get(sample.window.owner)
        if function is None or sample.window.owner in seen:
            continue
        seen.add(sample.window.owner)
        text = first_paragraph(function.docstring, MAX_TEXT_WORDS)
        if num_words(text) < min_words:
            continue
        starts = encoding.starts[sample.window.tokens]
        start, end = np.searchsorted(starts, [function.byte_start, function.byte_end]).tolist()
        found[index] = Pair(start, end, function.name, tokenizer.encode(text))
    return found


def pair_arrays(
    pairs: Sequence[tuple[int, Pair]], words: dict[str, int], max_tokens: int
) -> dict[str, npt.NDArray[Any]]:
    """The `pair_*` arrays of a split. pairs: sample and pair, by sample. words: grows by the names that are new."""
    tokens, word, first = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)], [np.zeros(0, np.bool_)]
    rows = []
    for sample, pair in pairs:
        table = np.asarray([words.setdefault(name, len(words)) for name in [*pair.text.names, pair.name]], np.int32)
        local = pair.text.words[:max_tokens]
        tokens.append(pair.text.ids[:max_tokens])
        word.append(np.where(local >= 0, table[local], -1).astype(np.int32))
        first.append(pair.text.first[:max_tokens])
        rows.append((sample, pair.doc_start, pair.doc_end, int(table[-1])))
    columns = np.asarray(rows, np.int32).reshape(-1, 4).T
    names = ("pair_sample", "pair_doc_start", "pair_doc_end", "pair_word")
    return {
        **{name: np.ascontiguousarray(column) for name, column in zip(names, columns, strict=True)},
        "pair_token": np.concatenate(tokens),
        "pair_token_word": np.concatenate(word),
        "pair_token_first": np.concatenate(first),
        "pair_text": np.cumsum([len(part) for part in tokens]),
    }
