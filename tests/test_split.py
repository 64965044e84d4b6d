"""Near-duplicates between splits, and the cut of held-out triples into support and queries."""

import dataclasses
import random
import re

import pandas as pd
import pyarrow as pa
import pytest

from graphmer.kg.config import GraphParams
from graphmer.kg.near_duplicates import near_duplicates
from graphmer.kg.split import support_query

PARAMS = GraphParams(
    max_candidates=5,
    max_alias_hops=20,
    max_values=16,
    max_flow_steps=1_000_000,
    inferred_confidence=0.9,
    near_duplicate_jaccard=0.7,
    near_duplicate_min_tokens=30,
    shingle_tokens=5,
    minhash_values=256,
    minhash_seed=0,
)


def program(seed: int, num_lines: int = 60) -> str:
    """A file whose lines are like no other file's."""
    draw = random.Random(seed)
    return "".join(
        f"value_{draw.randrange(10**9)} = call_{draw.randrange(10**9)}(x, {draw.random()})\n" for _ in range(num_lines)
    )


def edited(text: str, share: float, seed: int) -> str:
    """The same file with a share of its lines replaced."""
    draw = random.Random(seed)
    return "".join(
        f"other_{draw.randrange(10**9)} = {draw.random()}\n" if draw.random() < share else line
        for line in text.splitlines(keepends=True)
    )


TOKEN = re.compile(r"\w+|[^\w\s]")


def files(*rows: tuple[str, str], kind: str = "code") -> pa.Table:
    """(split, text) as the columns of files.parquet that the search reads."""
    return pa.Table.from_pylist([{"split": split, "text": text, "kind": kind, "status": "ok"} for split, text in rows])


def slow_jaccard(first: str, second: str, width: int) -> float:
    grams = []
    for text in (first, second):
        tokens = TOKEN.findall(text)
        grams.append({tuple(tokens[at : at + width]) for at in range(len(tokens) - width + 1)})
    return len(grams[0] & grams[1]) / len(grams[0] | grams[1])


def test_a_train_file_that_nearly_repeats_a_test_file_is_removed_and_the_test_file_kept():
    text = program(1)
    copy = edited(text, 0.05, seed=2)
    (found,) = near_duplicates(files(("train", copy), ("train", program(3)), ("test", text)), PARAMS)
    assert (found.removed, found.kept) == (0, 2)
    assert found.jaccard == pytest.approx(slow_jaccard(text, copy, PARAMS.shingle_tokens))


@pytest.mark.parametrize(
    ("first", "second", "removed"), [("val", "test", 0), ("test", "val", 1), ("train", "val", 0), ("val", "train", 1)]
)
def test_of_two_copies_the_one_in_test_is_kept_before_val_before_train(first: str, second: str, removed: int):
    (found,) = near_duplicates(files((first, program(1)), (second, program(1))), PARAMS)
    assert found.removed == removed


def test_copies_within_one_split_stay():
    assert near_duplicates(files(("train", program(1)), ("train", program(1)), ("test", program(2))), PARAMS) == []


def test_a_copy_is_found_whatever_its_layout():
    text = program(1)
    respaced = text.replace(" = ", "  =  ").replace("\n", "\n\n")
    assert len(near_duplicates(files(("train", respaced), ("test", text)), PARAMS)) == 1


def test_short_files_are_duplicates_only_as_exact_copies():
    assert near_duplicates(files(("train", "from .core import a, b"), ("test", "from .core import a, c")), PARAMS) == []
    assert (
        len(near_duplicates(files(("train", "from .core import a, b"), ("test", "from .core import a, b")), PARAMS))
        == 1
    )


def test_a_common_licence_header_makes_no_duplicates():
    licence = "".join(f" * clause {clause} of a long licence\n" for clause in range(100))
    rows = [
        (split, f"/*\n{licence} */\n// more\npackage {split};\nclass {split} {{}}\n") for split in ("train", "test")
    ]
    assert near_duplicates(files(*rows), PARAMS) == []
    assert len(near_duplicates(files(*rows, kind="document"), PARAMS)) == 1


def test_files_without_a_token_are_never_duplicates():
    assert near_duplicates(files(("train", ""), ("val", "\n\n"), ("test", "")), PARAMS) == []


def test_a_file_removed_from_val_removes_nothing_from_train():
    """Of a chain test - val - train, only what is near a file that stays goes."""
    test = program(1, 100)
    val = edited(test, 0.10, seed=2)
    train = edited(val, 0.10, seed=3)
    assert slow_jaccard(test, val, 5) > 0.7 > slow_jaccard(test, train, 5)
    assert slow_jaccard(val, train, 5) > 0.7
    assert [
        found.removed for found in near_duplicates(files(("test", test), ("val", val), ("train", train)), PARAMS)
    ] == [1]


def test_the_search_finds_what_a_comparison_of_all_pairs_finds():
    rows = [("test", program(seed)) for seed in range(12)]
    rows += [
        ("train", edited(program(seed % 12), share, seed)) for seed, share in enumerate([0.0, 0.04, 0.08, 0.4, 0.6] * 6)
    ]
    found = {repeat.removed for repeat in near_duplicates(files(*rows), PARAMS)}
    expected = {
        row
        for row in range(12, len(rows))
        if max(slow_jaccard(rows[row][1], rows[kept][1], PARAMS.shingle_tokens) for kept in range(12)) >= 0.7
    }
    assert found == expected
    assert 0 < len(expected) < len(rows) - 12


def test_a_threshold_of_one_leaves_only_exact_copies():
    strict = dataclasses.replace(PARAMS, near_duplicate_jaccard=1.0)
    table = files(("train", edited(program(1), 0.05, 2)), ("train", program(1)), ("test", program(1)))
    assert [found.removed for found in near_duplicates(table, strict)] == [1]


def test_documents_are_compared_and_manifests_are_not():
    text = program(1)
    assert len(near_duplicates(files(("train", text), ("test", text), kind="document"), PARAMS)) == 1
    assert near_duplicates(files(("train", text), ("test", text), kind="manifest"), PARAMS) == []


def triples(count: int, packages: int = 1, ambiguous_every: int = 10**9) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "head": f"python:p:m.py#f{row}",
                "relation": "calls",
                "tail": f"python:p:m.py#g{row * 7 % 13}",
                "package": f"p{row % packages}",
                "resolution": "ambiguous" if row % ambiguous_every == 0 else "exact",
            }
            for row in range(count)
        ]
    )


def test_the_share_of_queries_is_the_one_asked_for():
    share = support_query(triples(20_000), seed=0, query_share=0.2, max_queries=10**9).mean()
    assert share == pytest.approx(0.2, abs=0.015)  # five standard errors


def test_a_triple_keeps_its_side_in_another_order_and_another_table():
    table = triples(2_000)
    whole = support_query(table, seed=3, query_share=0.2, max_queries=10**9)
    shuffled = table.sample(frac=0.5, random_state=1)
    assert (support_query(shuffled, seed=3, query_share=0.2, max_queries=10**9) == whole[shuffled.index]).all()


def test_another_seed_draws_other_queries():
    first, second = (support_query(triples(2_000), seed, query_share=0.5, max_queries=10**9) for seed in (0, 1))
    assert 0.4 < (first == second).mean() < 0.6


def test_an_ambiguous_triple_is_never_a_query():
    table = triples(1_000, ambiguous_every=2)
    is_query = support_query(table, seed=0, query_share=0.9, max_queries=10**9)
    assert not is_query[(table["resolution"] == "ambiguous").to_numpy()].any()
    assert is_query.any()


def test_a_package_gives_at_most_the_cap_and_the_lowest_hashes_stay():
    table = triples(3_000, packages=3)
    free = support_query(table, seed=0, query_share=0.3, max_queries=10**9)
    capped = support_query(table, seed=0, query_share=0.3, max_queries=100)
    tighter = support_query(table, seed=0, query_share=0.3, max_queries=50)
    assert table[capped].groupby("package").size().tolist() == [100, 100, 100]
    assert not (capped & ~free).any()
    assert not (tighter & ~capped).any()
