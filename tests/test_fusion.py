"""H-GAT fusion against a loop over triples, tails and heads in float64."""

import numpy as np
import pytest
import torch
from packed import NAME_SLOTS, make_entities, make_split
from test_model import RELATIONS, make_model

from graphmer.model.batch import rows_batch
from graphmer.pack.draw import LeafDraw, draw_leaves
from graphmer.pack.rows import assemble


@pytest.mark.parametrize("seed", range(2))
def test_a_leafs_tail_takes_from_its_heads_what_attention_gives_and_roots_stay(seed: int) -> None:
    split, entities, model = make_split(seed), make_entities(seed), make_model(seed).double()
    selection = draw_leaves(
        split, np.arange(split.num_samples), LeafDraw(3, 2, 0.2, 0.3, 0.7), np.random.default_rng(seed)
    )
    rows = assemble(split, entities, selection, 96)
    batch, _ = rows_batch(rows, np.arange(rows.num_rows), RELATIONS, NAME_SLOTS)
    fusion = model.encoder.fusion
    assert fusion is not None
    x_BSD = torch.randn(*batch.token.shape, 16, dtype=torch.float64)
    expected = x_BSD.reshape(-1, 16).clone()
    flat = x_BSD.reshape(-1, 16)
    for leaf, relation in enumerate(batch.leaf_relation.tolist()):
        weight = (fusion.down_RDK[relation] @ fusion.up_RKD[relation]).T
        by_tail, by_head = fusion.attend_R2D[relation]
        heads = batch.leaf_head[leaf][batch.leaf_head_filled[leaf]].tolist()
        for tail in batch.leaf_position[leaf][batch.leaf_filled[leaf]].tolist():
            turned = [weight @ flat[head] for head in heads]
            score = torch.stack([by_tail @ (weight @ flat[tail]) + by_head @ one for one in turned])
            share = torch.softmax(torch.where(score > 0, score, 0.2 * score), dim=0)
            expected[tail] += sum(part * one for part, one in zip(share, turned, strict=True))
    assert int((batch.slot > 0).sum()) > len(batch.leaf_relation) > 0
    with torch.no_grad():
        assert torch.allclose(fusion(x_BSD, batch).reshape(-1, 16), expected, atol=1e-6)
