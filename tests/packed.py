"""Small packed splits made from a seed, for tests of layout, model and training."""

from pathlib import Path

import numpy as np
import pandas as pd

from graphmer.artifacts import write_json
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import (
    LAYOUT_VERSION,
    SPLITS,
    EntityArrays,
    SplitArrays,
    samples_schema,
    save_arrays,
    save_split,
)
from graphmer.pack.tokenizer import END, PAD, SPECIAL_TOKENS, CodeTokenizer

VOCABULARY = 300  # as many as the tokenizer below has
NAME_SLOTS = 4
KEY_TOKENS = 6
NUM_WORDS = 12
NUM_ENTITIES = 20
FUNCTION_TYPE, CALLS, RETURNS = 5, 7, 15
TYPE_TYPE = 8


def make_entities(seed: int = 0) -> EntityArrays:
    """Twenty entities of one package, functions and types in turn, named word0, word1, ..."""
    rng = np.random.default_rng(seed)
    length = rng.integers(1, NAME_SLOTS + 1, NUM_ENTITIES).astype(np.int32)
    name = rng.integers(len(SPECIAL_TOKENS), VOCABULARY, (NUM_ENTITIES, NAME_SLOTS)).astype(np.int32)
    name[np.arange(NAME_SLOTS)[None, :] >= length[:, None]] = END
    key = rng.integers(len(SPECIAL_TOKENS), VOCABULARY, (NUM_ENTITIES, KEY_TOKENS)).astype(np.int32)
    key_length = rng.integers(2, KEY_TOKENS + 1, NUM_ENTITIES).astype(np.int32)
    key[np.arange(KEY_TOKENS)[None, :] >= key_length[:, None]] = PAD
    types = np.where(np.arange(NUM_ENTITIES) % 2 == 0, FUNCTION_TYPE, TYPE_TYPE).astype(np.int32)
    return EntityArrays(
        type_id=types,
        external=np.zeros(NUM_ENTITIES, np.bool_),
        name_token=name,
        name_length=length,
        key_token=key,
        key_length=key_length,
        symbols=[f"python:p:f.py#e{index:02d}" for index in range(NUM_ENTITIES)],
        packages=["p"] * NUM_ENTITIES,
        names=[f"word{index % NUM_WORDS}" for index in range(NUM_ENTITIES)],
    )


def make_split(seed: int = 0, num_samples: int = 12, max_roots: int = 20, held_out: bool = False) -> SplitArrays:
    """Samples of random tokens; each window's identifiers are words, and some mentions are leaves, or two."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, max_roots + 1, num_samples)
    offset = np.concatenate([[0], np.cumsum(lengths)])
    total = int(offset[-1])
    word = np.where(rng.random(total) < 0.6, rng.integers(0, NUM_WORDS, total), -1).astype(np.int32)
    first = (word < 0) | (rng.random(total) < 0.7)
    first[offset[:-1]] = True
    for index in np.flatnonzero(~first):  # a continuing token belongs to the identifier before it
        word[index] = word[index - 1]
        first[index] = word[index] < 0
    leaves = []
    edges = []
    for sample, length in enumerate(lengths.tolist()):
        anchors = np.sort(rng.choice(length, size=min(3, length), replace=False))
        for anchor in anchors.tolist():
            relation = CALLS if rng.random() < 0.5 else RETURNS
            tail = int(rng.integers(0, NUM_ENTITIES // 2)) * 2 + (relation == RETURNS)
            query = held_out and rng.random() < 0.5
            head = int(rng.integers(0, NUM_ENTITIES))
            leaves.append((sample, relation, anchor, anchor + 1, head, tail, query, False))
            if rng.random() < 0.5:  # a second triple on one mention, as a constructor call gives two
                other = int(rng.integers(0, NUM_ENTITIES // 2)) * 2 + (relation == CALLS)
                leaves.append((sample, RETURNS if relation == CALLS else CALLS, *leaves[-1][2:5], other, False, False))
        edges.append((sample, 13, 0, length - 1, *leaves[-1][4:6]))  # a leaf and an edge between the same two ends
        edges.append((sample, 13, length - 1, 1, leaves[-1][5], leaves[-1][4]))  # and back
        edges.append(
            (sample, 13, 1, length - 2, int(rng.integers(0, NUM_ENTITIES)), int(rng.integers(0, NUM_ENTITIES)))
        )
    leaf = np.asarray(leaves, np.int32).T
    edge = np.asarray(edges, np.int32).T
    samples = pd.DataFrame(
        [(i, "p", "python", "f.py", f"o{i}", "function", 0, 1, int(n), 3) for i, n in enumerate(lengths)],
        columns=samples_schema().names,
    )
    return SplitArrays(
        token_id=rng.integers(len(SPECIAL_TOKENS), VOCABULARY, total).astype(np.int32),
        token_word=word,
        token_first=first,
        token_start=np.arange(total, dtype=np.int32),
        token_end=np.arange(1, total + 1, dtype=np.int32),
        sample_token=offset,
        leaf_relation=leaf[1],
        leaf_anchor_start=leaf[2],
        leaf_anchor_end=leaf[3],
        leaf_head=leaf[4],
        leaf_tail=leaf[5],
        leaf_query=leaf[6].astype(np.bool_),
        leaf_ambiguous=leaf[7].astype(np.bool_),
        leaf_triple=np.arange(leaf.shape[1], dtype=np.int32),
        sample_leaf=np.searchsorted(leaf[0], np.arange(num_samples + 1)),
        edge_relation=edge[1],
        edge_source=edge[2],
        edge_target=edge[3],
        edge_head=edge[4],
        edge_tail=edge[5],
        sample_edge=np.searchsorted(edge[0], np.arange(num_samples + 1)),
        **make_pairs(rng, num_samples, lengths),
        entity_word=(np.arange(NUM_ENTITIES) % NUM_WORDS).astype(np.int32),
        words=[f"word{index}" for index in range(NUM_WORDS)],
        samples=samples,
    )


def make_pairs(rng: np.random.Generator, num_samples: int, lengths: np.ndarray) -> dict[str, np.ndarray]:
    """Every other sample is a documented function whose docstring is its first two roots."""
    sample = np.arange(0, num_samples, 2)
    sizes = rng.integers(4, 10, len(sample))
    return {
        "pair_sample": sample.astype(np.int32),
        "pair_doc_start": np.zeros(len(sample), np.int32),
        "pair_doc_end": np.full(len(sample), 2, np.int32),
        "pair_word": rng.integers(0, NUM_WORDS, len(sample)).astype(np.int32),
        "pair_token": rng.integers(len(SPECIAL_TOKENS), VOCABULARY, int(sizes.sum())).astype(np.int32),
        "pair_token_word": rng.integers(-1, NUM_WORDS, int(sizes.sum())).astype(np.int32),
        "pair_token_first": np.ones(int(sizes.sum()), np.bool_),
        "pair_text": np.concatenate([[0], np.cumsum(sizes)]),
    }


def write_packed(folder: Path, num_samples: int = 40) -> Path:
    """A packed folder on disk: train, val and test splits with their entities, tokenizer and manifest."""
    folder.mkdir(parents=True)
    words = "alpha beta gamma delta epsilon zeta theta iota kappa"  # enough pairs to merge
    tokenizer = CodeTokenizer.train([f"def word0(word1):\n    return word2(word3)\n{words}\n"] * 3, VOCABULARY, 2)
    (folder / "tokenizer.json").write_text(tokenizer.dumps(), encoding="utf-8")
    save_arrays(folder / "entities.npz", make_entities())
    for seed, split in enumerate(SPLITS):
        save_split(folder, split, make_split(seed, num_samples, held_out=split != "train"))
    manifest = {
        "layout_version": LAYOUT_VERSION,
        "ontology_version": load_ontology().version,
        "relations": list(load_ontology().relation_names),
        "entity_types": list(load_ontology().entity_types),
        "name_slots": NAME_SLOTS,
        "key_tokens": KEY_TOKENS,
        "max_roots": 20,
        "vocabulary": VOCABULARY,
    }
    write_json(folder / "manifest.json", manifest)
    return folder
