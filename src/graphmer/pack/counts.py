"""What a packed split holds: windows and leaves, and the rows that an epoch of training would lay them out in."""

import numpy as np

from graphmer.pack.draw import LeafDraw, draw_leaves
from graphmer.pack.rows import assemble
from graphmer.pack.shards import EntityArrays, SplitArrays


def split_counts(
    split: SplitArrays, entities: EntityArrays, row_length: int, draw: LeafDraw, seed: int
) -> dict[str, object]:
    """Samples, tokens, leaves, queries, edges, documented functions; rows and the share of their positions in use.

    Rows are those of one epoch that shows every window, with leaves drawn from `seed`, each package by itself.
    Raises ParamsError where a window does not fit a row.
    """
    rows, occupied = _rows(split, entities, row_length, draw, seed)
    return {
        "samples": split.num_samples,
        "rows": rows,
        "fill": occupied / (rows * row_length),
        "tokens": len(split.token_id),
        "leaves": len(split.leaf_relation),
        "queries": int(split.leaf_query.sum()),
        "edges": len(split.edge_relation),
        "pairs": len(split.pair_sample),
    }


def _rows(split: SplitArrays, entities: EntityArrays, row_length: int, draw: LeafDraw, seed: int) -> tuple[int, int]:
    """Number of rows, and of positions in them that are no padding."""
    selection = draw_leaves(split, np.arange(split.num_samples), draw, np.random.default_rng(seed))
    package = split.samples["package"].to_numpy(dtype=object)
    rows = occupied = 0
    for name in sorted(set(package)):
        laid_out = assemble(split, entities, selection.only(package == name), row_length)
        rows += laid_out.num_rows
        occupied += int((laid_out.document > 0).sum())
    return rows, occupied
