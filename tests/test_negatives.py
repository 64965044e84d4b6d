"""Negatives of the link loss: they fit, they are no true tails, and the hard ones come from where the tail lives."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from packed import CALLS, FUNCTION_TYPE, make_entities, make_split

from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import EntityArrays, SplitArrays
from graphmer.train.config import NegativeParams
from graphmer.train.negatives import Negatives, container_of, file_of

NONE = np.zeros(0, np.int64)
ONTOLOGY = load_ontology()
METHOD_TYPE, VARIABLE_TYPE = (ONTOLOGY.type_id(name) for name in ("Method", "Variable"))


def negatives_of(split: SplitArrays, entities: EntityArrays) -> Negatives:
    return Negatives(split, entities, ONTOLOGY, ["p"], np.zeros(split.num_samples, np.int64))


def true_triples(split: SplitArrays) -> set[tuple[int, int, int]]:
    leaves = zip(split.leaf_head.tolist(), split.leaf_relation.tolist(), split.leaf_tail.tolist(), strict=True)
    edges = zip(split.edge_head.tolist(), split.edge_relation.tolist(), split.edge_tail.tolist(), strict=True)
    return {*leaves, *edges}


def of_symbols(symbols: list[str], types: list[int], package: str = "p") -> EntityArrays:
    """Entities by symbol; their short name is what follows the last separator."""
    base = make_entities()
    rows = np.zeros(len(symbols), np.int64)
    return replace(
        base,
        type_id=np.asarray(types, np.int32),
        external=np.zeros(len(symbols), np.bool_),
        name_token=base.name_token[rows],
        name_length=base.name_length[rows],
        key_token=base.key_token[rows],
        key_length=base.key_length[rows],
        symbols=symbols,
        packages=[package] * len(symbols),
        names=[symbol.replace("#", ".").replace("/", ".").rpartition(".")[2] for symbol in symbols],
    )


def calling(tails: list[int], heads: list[int], num_entities: int) -> SplitArrays:
    """One sample whose leaves are calls, head to tail."""
    split = make_split(0, 1)
    count = len(tails)
    return replace(
        split,
        leaf_relation=np.full(count, CALLS, np.int32),
        leaf_anchor_start=np.zeros(count, np.int32),
        leaf_anchor_end=np.ones(count, np.int32),
        leaf_head=np.asarray(heads, np.int32),
        leaf_tail=np.asarray(tails, np.int32),
        leaf_query=np.zeros(count, np.bool_),
        leaf_ambiguous=np.zeros(count, np.bool_),
        leaf_triple=np.arange(count, dtype=np.int32),
        sample_leaf=np.asarray([0, count]),
        edge_relation=NONE.astype(np.int32),
        edge_source=NONE.astype(np.int32),
        edge_target=NONE.astype(np.int32),
        edge_head=NONE.astype(np.int32),
        edge_tail=NONE.astype(np.int32),
        sample_edge=np.zeros(2, np.int64),
        entity_word=np.zeros(num_entities, np.int32),
    )


TREE = [
    "python:p:a.py#C.run",  # 0: the tail
    "python:p:a.py#C.stop",  # 1: same class
    "python:p:a.py#C.wait",  # 2: same class
    "python:p:a.py#C.x",  # 3: same class, a variable: calls cannot mean it
    "python:p:a.py#other",  # 4: same file
    "python:p:b.py#D.run",  # 5: same name
    "python:p:b.py#E.run",  # 6: same name
    "python:p:b.py#far",  # 7
    "python:p:b.py#head",  # 8
]
TREE_TYPES = [METHOD_TYPE] * 3 + [VARIABLE_TYPE, FUNCTION_TYPE] + [METHOD_TYPE] * 2 + [FUNCTION_TYPE] * 2


def drawn(
    tails: list[int], hard: int, typed: int = 0, seed: int = 0, leaves: list[int] | None = None
) -> tuple[set[int], Negatives]:
    """Keys beside the tails of the first leaf's query, or of `leaves`."""
    negatives = negatives_of(calling(tails, [8] * len(tails), len(TREE)), of_symbols(TREE, TREE_TYPES))
    leaf = np.asarray([0] if leaves is None else leaves)
    keys, _, _ = negatives.keys(leaf, np.random.default_rng(seed), NegativeParams(typed, hard), NONE)
    return set(keys.tolist()) - {tails[i] for i in leaf.tolist()}, negatives


@pytest.mark.parametrize("seed", range(4))
def test_no_negative_is_a_true_tail_and_known_marks_each_that_is_a_key(seed: int) -> None:
    split, entities = make_split(seed, 60), make_entities()
    true = true_triples(split)
    rng = np.random.default_rng(seed)
    negatives = negatives_of(split, entities)
    leaf = rng.choice(len(split.leaf_head), 30, replace=False)
    keys, target, known = negatives.keys(leaf, rng, NegativeParams(2, 2), NONE)
    assert keys[target].tolist() == split.leaf_tail[leaf].tolist()
    assert keys.tolist() == sorted(set(keys.tolist()))
    for query, row in enumerate(leaf.tolist()):
        head, relation = int(split.leaf_head[row]), int(split.leaf_relation[row])
        for column, key in enumerate(keys.tolist()):
            assert known[query, column] == ((head, relation, key) in true and column != target[query])
    for row in leaf.tolist():  # one query alone: no other brings its true tails in
        head, relation = int(split.leaf_head[row]), int(split.leaf_relation[row])
        alone, place, _ = negatives.keys(np.asarray([row]), rng, NegativeParams(4, 4), NONE)
        beside = np.delete(alone, place)
        assert not any((head, relation, int(key)) in true for key in beside)
        allowed = ONTOLOGY.relations[ONTOLOGY.relation_names[relation]].range
        assert {ONTOLOGY.entity_types[entities.type_id[key]] for key in beside} <= allowed


def test_a_true_tail_that_only_an_edge_states_is_known_too() -> None:
    split = replace(
        calling([0], [8], len(TREE)),
        edge_relation=np.asarray([CALLS], np.int32),
        edge_head=np.asarray([8], np.int32),
        edge_tail=np.asarray([5], np.int32),
        edge_source=np.zeros(1, np.int32),
        edge_target=np.ones(1, np.int32),
        sample_edge=np.asarray([0, 1]),
    )
    negatives = negatives_of(split, of_symbols(TREE, TREE_TYPES))
    assert negatives.is_known(0, np.arange(9)).tolist() == [row in (0, 5) for row in range(9)]
    keys, _, _ = negatives.keys(np.asarray([0]), np.random.default_rng(0), NegativeParams(9, 9), NONE)
    assert keys.tolist() == [0, 1, 2, 4, 6, 7, 8]


def test_hard_negatives_share_the_name_then_the_class_then_the_file() -> None:
    for seed in range(20):
        assert drawn([0], hard=1, seed=seed)[0] < {5, 6}
        assert drawn([0], hard=2, seed=seed)[0] == {5, 6}
        assert {5, 6} < drawn([0], hard=3, seed=seed)[0] < {5, 6, 1, 2}
        assert drawn([0], hard=4, seed=seed)[0] == {5, 6, 1, 2}
        assert drawn([0], hard=5, seed=seed)[0] == {5, 6, 1, 2, 4}


def test_a_known_namesake_gives_its_place_to_the_next() -> None:
    for seed in range(20):
        assert drawn([0, 5], hard=1, seed=seed)[0] == {6}
        assert {6} < drawn([0, 5], hard=2, seed=seed)[0] < {6, 1, 2}


def test_the_pool_at_large_fills_up_and_is_drawn_once_at_most() -> None:
    for seed in range(20):
        assert drawn([0], hard=6, seed=seed)[0] in ({5, 6, 1, 2, 4, 7}, {5, 6, 1, 2, 4, 8})
        assert drawn([0], hard=20, typed=20, seed=seed)[0] == {1, 2, 4, 5, 6, 7, 8}
        assert len(drawn([0], hard=2, typed=2, seed=seed)[0]) == 4


def test_typed_negatives_are_drawn_evenly() -> None:
    counts = Counter(key for seed in range(1400) for key in drawn([0, 4], hard=0, typed=2, seed=seed)[0])
    assert set(counts) == {1, 2, 5, 6, 7, 8}  # all that fit, but for the two true tails
    assert all(abs(count - 1400 / 3) < 5 * (1400 * 2 / 9) ** 0.5 for count in counts.values())


def test_draws_depend_on_leaf_and_seed_alone() -> None:
    split, entities = make_split(0, 60), make_entities()
    leaf = np.arange(20)

    def keys(seed: int) -> list[int]:
        negatives = negatives_of(split, entities)
        return negatives.keys(leaf, np.random.default_rng(seed), NegativeParams(1, 1), NONE)[0].tolist()

    assert keys(1) == keys(1)
    assert any(keys(1) != keys(seed) for seed in range(2, 6))


def test_extra_entities_are_keys_in_any_case_and_queries_may_be_none() -> None:
    _, negatives = drawn([0, 1], hard=0)
    rng = np.random.default_rng(0)
    keys, target, known = negatives.keys(np.asarray([0]), rng, NegativeParams(0, 0), np.asarray([8, 3, 1, 8]))
    assert keys.tolist() == [0, 1, 3, 8]
    assert target.tolist() == [0]
    assert known.tolist() == [[False, True, False, False]]  # 1 is another true tail of that head
    keys, target, known = negatives.keys(NONE, rng, NegativeParams(2, 2), np.asarray([4]))
    assert (keys.tolist(), target.tolist(), known.shape) == ([4], [], (0, 1))


def test_pools_are_of_one_package_and_the_externals_that_it_uses() -> None:
    entities = of_symbols(
        ["python:p:a.py#f", "python:p:a.py#g", "python:q:b.py#f", "python:q:b.py#h"], [FUNCTION_TYPE] * 4
    )
    entities = replace(entities, packages=["p", "p", "q", "q"])
    negatives = negatives_of(calling([1, 3], [0, 0], 4), entities)
    assert {key: pool.tolist() for key, pool in negatives.pools.items()} == {(0, CALLS): [0, 1, 3]}


@pytest.mark.parametrize(
    ("symbol", "container", "file"),
    [
        ("python:p:src/a.py#C.run", "python:p:src/a.py#C", "python:p:src/a.py"),
        ("python:p:src/a.py#f", "python:p:src/a.py#", "python:p:src/a.py"),
        ("python:p:src/a.py#f.<lambda1>~2", "python:p:src/a.py#f", "python:p:src/a.py"),
        ("python:p:src/a.py#", "python:p:src", "python:p:src/a.py"),
        ("java:p:org.jpy#", "java:p:org", "java:p:org.jpy"),
        ("python:api:http.cookiejar.CookieJar.copy", "python:api:http.cookiejar.CookieJar", "python:api:http"),
        ("library:types", "library:types", "library:types"),
    ],
)
def test_a_symbol_says_its_container_and_its_file(symbol: str, container: str, file: str) -> None:
    assert (container_of(symbol), file_of(symbol)) == (container, file)
