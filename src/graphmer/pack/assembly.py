"""Grows the arrays of one split, sample by sample."""

from typing import Any

import numpy as np
import numpy.typing as npt

from graphmer.pack.documented import Pair, pair_arrays
from graphmer.pack.samples import Sample
from graphmer.pack.shards import SplitArrays, samples_schema
from graphmer.pack.tokenizer import Encoding


class Assembly:
    """Grows the arrays of one split, sample by sample."""

    def __init__(self, max_doc_tokens: int) -> None:
        self.max_doc_tokens = max_doc_tokens
        self.pairs: list[tuple[int, Pair]] = []
        self.words: dict[str, int] = {}
        self.tokens: list[tuple[npt.NDArray[Any], ...]] = []
        self.leaves: list[tuple[int, ...]] = []
        self.edges: list[tuple[int, ...]] = []
        self.counts: list[tuple[int, int, int]] = []
        self.rows: list[tuple[Any, ...]] = []

    def add(self, sample: Sample, pair: Pair | None, encoding: Encoding, file: Any) -> None:
        """Append one sample; `file` is its row of files.parquet."""
        chosen = sample.window.tokens
        global_word = np.asarray([self.words.setdefault(name, len(self.words)) for name in encoding.names], np.int32)
        local = encoding.words[chosen]
        word = np.where(local >= 0, global_word[local] if len(global_word) else -1, -1).astype(np.int32)
        spans = (encoding.starts[chosen], encoding.ends[chosen])
        self.tokens.append((encoding.ids[chosen], word, encoding.first[chosen], *spans))
        leaves = sorted(sample.leaves, key=lambda leaf: (leaf.anchor_start, leaf.relation, leaf.triple))
        self.leaves += leaves
        self.edges += sorted(set(sample.edges))
        self.counts.append((len(chosen), len(leaves), len(set(sample.edges))))
        place = (file.package, file.language, file.file, sample.window.owner, sample.window.kind)
        extent = (int(spans[0][0]), int(spans[1][-1]), len(chosen), len(leaves))
        if pair is not None:
            self.pairs.append((len(self.rows), pair))
        self.rows.append((len(self.rows), *place, *extent))

    def finish(self, names: list[str]) -> SplitArrays:
        """The arrays; `names` are the entities' short names."""
        import pandas as pd

        columns = [np.concatenate(column) for column in zip(*self.tokens, strict=True)]
        leaves = _table(self.leaves, 8)
        edges = _table(self.edges, 5)
        pairs = pair_arrays(self.pairs, self.words, self.max_doc_tokens)
        offsets = np.concatenate([np.zeros((1, 3), np.int64), np.cumsum(np.asarray(self.counts, np.int64), axis=0)])
        return SplitArrays(
            token_id=columns[0],
            token_word=columns[1],
            token_first=columns[2],
            token_start=columns[3],
            token_end=columns[4],
            sample_token=offsets[:, 0].copy(),
            leaf_relation=leaves[0],
            leaf_anchor_start=leaves[1],
            leaf_anchor_end=leaves[2],
            leaf_head=leaves[3],
            leaf_tail=leaves[4],
            leaf_query=leaves[5].astype(np.bool_),
            leaf_ambiguous=leaves[6].astype(np.bool_),
            leaf_triple=leaves[7],
            sample_leaf=offsets[:, 1].copy(),
            edge_relation=edges[0],
            edge_source=edges[1],
            edge_target=edges[2],
            edge_head=edges[3],
            edge_tail=edges[4],
            sample_edge=offsets[:, 2].copy(),
            **pairs,
            entity_word=np.asarray([self.words.get(name, -1) for name in names], np.int32),
            words=list(self.words),
            samples=pd.DataFrame(self.rows, columns=samples_schema().names),
        )


def _table(rows: list[tuple[int, ...]], width: int) -> npt.NDArray[np.int32]:
    """Rows as columns, each of its own memory."""
    return np.ascontiguousarray(np.asarray(rows, np.int32).reshape(-1, width).T)
