"""Peers from outside the pipeline: taken in where their digests are this run's, else told and left out."""

from pathlib import Path

import pandas as pd
import pytest

from graphmer.artifacts import sha256_file, write_json, write_table
from graphmer.errors import ArtifactError
from graphmer.evaluate.external_peers import ExternalPeers, ranks_schema, read_external_peers

DIGESTS = {
    "link_prediction": {"questions": "a" * 64, "training": "b" * 64},
    "code_search": {"questions": "c" * 64, "training": "d" * 64},
}
RANKS = [
    ("link_prediction", "headline", "complex", "q2", 4.0),
    ("link_prediction", "headline", "complex", "q1", 2.0),
    ("code_search", "pool4", "minilm", "f", 1.0),
]


def record(folder: Path, rows: list[tuple[str, str, str, str, float]] = RANKS) -> Path:
    """peers.json and peers.parquet as `make peers` leaves them."""
    write_table(pd.DataFrame(rows, columns=ranks_schema().names), folder / "peers.parquet", ranks_schema())
    tasks = {task: {"digests": digests} for task, digests in DIGESTS.items()}
    write_json(folder / "peers.json", {"tasks": tasks, "ranks": sha256_file(folder / "peers.parquet")})
    return folder / "peers.json"


def table(setting: str, queries: list[str], **columns: object) -> pd.DataFrame:
    """Predictions of the pipeline's one scorer, rank 3 everywhere."""
    facts = {"setting": setting, "scorer": "sibling", "query": queries, "rank": 3.0, "package": "p", "pool": 9}
    return pd.DataFrame(facts | columns)


def tasks() -> dict[str, pd.DataFrame]:
    return {
        "link_prediction": table("headline", ["q1", "q2"], file=["a.py", "b.py"]),
        "code_search": table("pool4", ["f"], file="c.py"),
        "masked_tokens": table("all", ["0:1"], file="c.py"),
    }


def test_the_same_digests_bring_every_peers_ranks_beside_the_pipelines_own(tmp_path: Path):
    peers = read_external_peers(record(tmp_path), lambda: DIGESTS)
    assert peers.messages == ()
    assert peers.counts() == {"peers.merged": 2, "peers.stale": 0, "peers.missing": 0}
    merged = peers.merged(tasks())
    links = merged["link_prediction"].set_index(["scorer", "query"])
    assert links.loc[("complex", "q1"), ["rank", "file", "pool"]].tolist() == [2.0, "a.py", 9]
    assert links.loc[("complex", "q2"), ["rank", "file", "pool"]].tolist() == [4.0, "b.py", 9]
    assert links.loc["sibling", "rank"].tolist() == [3.0, 3.0]
    assert set(merged["code_search"]["scorer"]) == {"sibling", "minilm"}
    assert set(merged["masked_tokens"]["scorer"]) == {"sibling"}
    assert all(list(merged[task].columns) == list(tasks()[task].columns) for task in merged)


@pytest.mark.parametrize("part", ["questions", "training"])
@pytest.mark.parametrize("task", list(DIGESTS))
def test_a_task_with_another_digest_is_left_out_and_says_what_changed_and_what_renews_it(
    tmp_path: Path, task: str, part: str
):
    here = DIGESTS | {task: DIGESTS[task] | {part: "0" * 64}}
    peers = read_external_peers(record(tmp_path), lambda: here)
    (message,) = peers.messages
    assert task in message
    assert f"other {part}, " in message
    assert "stale" in message
    assert "`make peers`" in message
    assert "\n" not in message
    assert peers.counts() == {"peers.merged": 1, "peers.stale": 1, "peers.missing": 0}
    merged = peers.merged(tasks())
    assert set(merged[task]["scorer"]) == {"sibling"}
    (other,) = set(DIGESTS) - {task}
    assert len(set(merged[other]["scorer"])) == 2


def test_where_nothing_was_measured_one_line_says_so_and_no_digest_is_computed(tmp_path: Path):
    def never() -> dict[str, dict[str, str]]:
        raise AssertionError("there is nothing to compare")

    peers = read_external_peers(tmp_path / "peers.json", never)
    assert len(peers.messages) == 1
    assert "not there" in peers.messages[0]
    assert peers.counts() == {"peers.merged": 0, "peers.stale": 0, "peers.missing": 1}
    assert peers.merged(tasks()).keys() == tasks().keys()


def test_ranks_that_were_changed_after_they_were_measured_are_refused(tmp_path: Path):
    path = record(tmp_path)
    better = pd.DataFrame([(*row[:4], 1.0) for row in RANKS], columns=ranks_schema().names)
    write_table(better, tmp_path / "peers.parquet", ranks_schema())
    with pytest.raises(ArtifactError, match=r"peers\.parquet: missing, or not the ranks .* `make peers`"):
        read_external_peers(path, lambda: DIGESTS)


def test_a_record_without_digests_is_refused(tmp_path: Path):
    write_json(tmp_path / "peers.json", {"tasks": {"code_search": {"mrr": 0.9}}})
    with pytest.raises(ArtifactError, match="no record of peers with the digests"):
        read_external_peers(tmp_path / "peers.json", lambda: DIGESTS)


@pytest.mark.parametrize("queries", [["q1"], ["q1", "q3"], ["q1", "q2", "q2"], ["q1", "q2", "q3"]])
def test_a_peer_that_did_not_answer_exactly_what_is_asked_is_refused(queries: list[str]):
    ranks = pd.DataFrame({"setting": "headline", "scorer": "complex", "query": queries, "rank": 1.0})
    with pytest.raises(ArtifactError, match=r"link_prediction\.headline: 'complex' ranks"):
        ExternalPeers({"link_prediction": ranks}, ()).merged(tasks())


def test_a_peer_cannot_take_the_name_of_a_scorer_of_the_pipeline():
    ranks = pd.DataFrame({"setting": "headline", "scorer": "sibling", "query": ["q1", "q2"], "rank": 1.0})
    with pytest.raises(ArtifactError, match=r"\['sibling'\] are scorers of the pipeline"):
        ExternalPeers({"link_prediction": ranks}, ()).merged(tasks())
