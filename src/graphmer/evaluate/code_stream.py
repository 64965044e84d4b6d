"""One package's code as a single stream of lexical tokens, rebuilt from the packed windows.

Identifiers stand whole (a word), everything else as its vocabulary id, so that counts see the code as the encoder
does, and hiding a word hides it here and there alike. Documents are left out: counts are over code.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphmer.evaluate.queries import BoolArray, IntArray
from graphmer.pack.shards import SplitArrays
from graphmer.pack.tokenizer import CodeTokenizer

GAP = 4  # boundary tokens between files, as many as the longest context reaches


@dataclass(frozen=True)
class Punctuation:
    """Stream tokens of the marks that features look at."""

    dot: int
    comma: int
    opening: int
    closing: int
    at: int
    equals: int
    colon: int
    newline: int

    @classmethod
    def of(cls, tokenizer: CodeTokenizer, num_words: int) -> "Punctuation":
        """Look the marks up in the vocabulary; stream tokens of marks follow those of words."""
        marks = {"dot": ".", "comma": ",", "opening": "(", "closing": ")", "at": "@", "equals": "=", "colon": ":"}
        found = {name: num_words + tokenizer.ids(mark)[0] for name, mark in marks.items()}
        return cls(**found, newline=num_words + tokenizer.ids("\n.")[0])


@dataclass(frozen=True)
class CodeStream:
    """T lexical tokens of one package, file after file.

    token: (T,) index into SplitArrays.words, or num_words + vocabulary id, or `boundary`. sample, file: (T,), -1 at
    boundaries. in_import: (T,) within an import statement. position_of: {row of SplitArrays.token_id: position}
    as an array over the rows, -1 for other packages' rows. sample_positions: {sample: its positions}. imports_of:
    positions within import statements, a file each.
    """

    token: IntArray
    sample: IntArray
    file: IntArray
    in_import: BoolArray
    position_of: IntArray
    sample_positions: dict[int, IntArray]
    imports_of: list[IntArray]
    files: list[str]
    num_words: int
    boundary: int
    marks: Punctuation

    @property
    def is_word(self) -> BoolArray:
        """(T,) identifiers and keywords."""
        return self.token < self.num_words

    def context(self, position: int, hidden: IntArray, reach: int) -> IntArray:
        """(2 reach + 1,) tokens around a position; hidden words, wherever they stand, read as a boundary."""
        window: IntArray = self.token[position - reach : position + reach + 1].copy()
        window[among(window, hidden)] = self.boundary
        return window


def among(values: IntArray, few: IntArray) -> BoolArray:
    """Where values are one of a few; for two or three it is several times faster than a set membership test."""
    found = np.zeros(len(values), np.bool_)
    for value in few.tolist():
        found |= values == value
    return found


def build_stream(arrays: SplitArrays, package: str, tokenizer: CodeTokenizer) -> CodeStream:
    """The stream of one package's code windows."""
    samples = arrays.samples
    chosen = samples.index[(samples["package"] == package) & (samples["kind"] != "document")].to_numpy()
    files = sorted(set(samples.loc[chosen, "file"]))
    rows, sample_R, file_R = _rows_in_order(arrays, chosen, files)
    first = arrays.token_first[rows]
    first[:1] = True
    position_R = np.cumsum(first) - 1 + GAP * (file_R + 1)
    position_of = np.full(len(arrays.token_id), -1, np.int64)
    position_of[rows] = position_R
    num_words = len(arrays.words)
    boundary = num_words + int(arrays.token_id.max(initial=0)) + 1
    size = int(position_R[-1]) + 1 + GAP if len(rows) else GAP
    token, sample, file = np.full(size, boundary, np.int64), np.full(size, -1, np.int64), np.full(size, -1, np.int64)
    word = arrays.token_word[rows]
    token[position_R[first]] = np.where(word >= 0, word, num_words + arrays.token_id[rows])[first]
    sample[position_R], file[position_R] = sample_R, file_R
    marks = Punctuation.of(tokenizer, num_words)
    in_import = _import_statements(token, boundary, marks, arrays.words)
    return CodeStream(
        token=token,
        sample=sample,
        file=file,
        in_import=in_import,
        position_of=position_of,
        sample_positions=_positions_by_sample(sample),
        imports_of=[np.flatnonzero(in_import & (file == index)) for index in range(len(files))],
        files=files,
        num_words=num_words,
        boundary=boundary,
        marks=marks,
    )


def _rows_in_order(arrays: SplitArrays, chosen: IntArray, files: Sequence[str]) -> tuple[IntArray, IntArray, IntArray]:
    """(R,) token rows of the chosen samples, file after file as they stand there, with their sample and file."""
    file_of = {name: index for index, name in enumerate(files)}
    spans = [np.arange(arrays.sample_token[sample], arrays.sample_token[sample + 1]) for sample in chosen]
    sizes = [len(span) for span in spans]
    rows = np.concatenate([np.zeros(0, np.int64), *spans])
    file_R = np.repeat([file_of[name] for name in arrays.samples.loc[chosen, "file"]], sizes)
    order = np.lexsort((arrays.token_start[rows], file_R))
    return rows[order], np.repeat(chosen, sizes)[order], file_R[order]


def _positions_by_sample(sample: IntArray) -> dict[int, IntArray]:
    order = np.argsort(sample, kind="stable")
    values, starts = np.unique(sample[order], return_index=True)
    pieces = np.split(order, starts[1:])
    return {int(value): piece for value, piece in zip(values, pieces) if value >= 0}


def _import_statements(token: IntArray, boundary: int, marks: Punctuation, words: list[str]) -> BoolArray:
    """(T,) tokens from an `import` or `from` at a line's start to that line's end, brackets closed."""
    openers = [index for index, word in enumerate(words) if word in ("import", "from")]
    after_break = np.concatenate([[True], (token[:-1] == marks.newline) | (token[:-1] == boundary)])
    flags = np.zeros(len(token), np.bool_)
    for start in np.flatnonzero(np.isin(token, openers) & after_break).tolist():
        end, depth = start, 0
        while token[end] != boundary and (token[end] != marks.newline or depth > 0):
            depth += int(token[end] == marks.opening) - int(token[end] == marks.closing)
            end += 1
        flags[start:end] = True
    return flags
