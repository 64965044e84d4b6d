"""`complete`, `resolve`, `explain` and the rankings behind them, on a held-out package and a small model."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from indexed import ROUTER, answer, copied, run

import graphmer.index.apply as applying
from graphmer.artifacts import read_table, sha256_bytes, sha256_tree
from graphmer.errors import ArtifactError
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.link_prediction import LinkTask, load_link_data, query_key
from graphmer.evaluate.neural import load_scorer
from graphmer.evaluate.queries import Setting
from graphmer.evaluate.ranking import filtered_rank
from graphmer.index import shell
from graphmer.index.apply import apply_proposals
from graphmer.index.complete import Proposal, complete
from graphmer.index.links import LinkRanker
from graphmer.index.places import References
from graphmer.index.scoring import Calibration, Scoring
from graphmer.index.session import Session
from graphmer.index.store import Index
from graphmer.index.terminal import read_params
from graphmer.kg.schema import triples_schema
from graphmer.ontology.vocabulary import load_ontology

DOORS = "python:router:router/doors.py#"
VISIT, POP = f"{DOORS}visit", f"{DOORS}Door.pop"


def session_of(made: Path, index: str = "router.index") -> Session:
    return Session(Index.open(made / index), read_params(made / "params.yaml").eval.link)


@pytest.fixture(scope="module")
def session(made: Path) -> Session:
    return session_of(made)


@pytest.mark.parametrize("setting", ["headline", "mentions_visible"])
def test_held_out_queries_rank_as_the_evaluation_ranks_them(made: Path, setting: Setting) -> None:
    data = made / "data"
    params: EvalParams = read_params(made / "params.yaml").eval
    links, neural = load_link_data(data / "packed", data / "kg"), load_scorer(data / "model", data / "packed")
    task = LinkTask(links, params.link)
    table = task.predict(setting, neural)
    scoring = Scoring.load(data / "model.scoring.json")
    ranker = LinkRanker(links, "test", "router", neural, scoring, params.link)
    queries = task.queries("test", setting)
    mine = [number for number, key in enumerate(queries.pool) if key.startswith("router:")]
    triples = links.splits["test"].leaf_triple[queries.leaf[mine]].tolist()
    questions = [ranker.question_of(triple) for triple in triples]
    assert len(mine) > 5
    rankings = ranker.rank([question for question in questions if question], setting)
    for scorer in ("graphmer", "symbolic", "linear", "boosting", "neural"):
        ranks = {row["query"]: row["rank"] for row in table[table["scorer"] == scorer].to_dict("records")}
        for number, ranking in zip(mine, rankings, strict=True):
            position = ranking.position(int(queries.tail[number]))
            assert position is not None
            rank = filtered_rank(ranking.scores[scorer], position, ranking.known)
            assert rank == ranks[query_key(links, queries, number)]


def test_the_vectors_of_an_index_rank_as_the_model_itself_does(made: Path, session: Session) -> None:
    """The folder's own graph, windows and stored keys against the same package in the packed corpus, all shown."""
    data = made / "data"
    links, neural = load_link_data(data / "packed", data / "kg"), load_scorer(data / "model", data / "packed")
    arrays = links.splits["test"]
    arrays.leaf_query[:] = False
    links = type(links)({"test": arrays}, links.entities, links.entity_table, links.triples, links.tokenizer)
    scoring = Scoring.load(data / "model.scoring.json")
    link = read_params(made / "params.yaml").eval.link
    theirs, mine = LinkRanker(links, "test", "router", neural, scoring, link), session.ranker
    key = ["head", "relation", "tail"]
    own = {tuple(row): number for number, row in enumerate(session.index.triples[key].to_numpy())}
    compared = 0
    for number, row in enumerate(links.triples[key].to_numpy()):
        question = theirs.question_of(number) if tuple(row) in own else None
        other = mine.question_of(own[tuple(row)]) if question else None
        if question is None or other is None or compared >= 25:
            continue
        (one,), (two,) = theirs.rank([question], "mentions_visible"), mine.rank([other], "mentions_visible")
        symbols = (links.entities.symbols, mine.data.entities.symbols)
        assert [symbols[0][at] for at in one.rows] == [symbols[1][at] for at in two.rows]
        assert np.allclose(one.scores["graphmer"], two.scores["graphmer"], atol=1e-3)
        compared += 1
    assert compared == 25


def test_probabilities_are_a_distribution_without_what_is_known(session: Session) -> None:
    triples = session.index.triples
    calls = np.flatnonzero((triples["relation"] == "calls").to_numpy())[:10]
    questions = [question for question in map(session.ranker.question_of, calls.tolist()) if question]
    for ranking in session.ranker.rank(questions, "mentions_visible"):
        assert ranking.probability.sum() == pytest.approx(1.0)
        assert not ranking.probability[ranking.known].any()
        best = ranking.best(5)
        assert list(ranking.scores["graphmer"][best]) == sorted(ranking.scores["graphmer"][best], reverse=True)


def test_candidates_keep_to_the_relations_range(session: Session) -> None:
    types = session.index.entities["type"].to_numpy()
    triples = session.index.triples
    for relation in ("calls", "raises", "returns", "instantiates"):
        rows = np.flatnonzero((triples["relation"] == relation).to_numpy())[:3]
        for question in filter(None, map(session.ranker.question_of, rows.tolist())):
            (ranking,) = session.ranker.rank([question], "mentions_visible")
            assert set(types[ranking.rows]) <= load_ontology().relations[relation].range


def test_a_calibration_is_a_logistic_of_log_odds() -> None:
    same = Calibration(1.0, 0.0)
    for share in (0.1, 0.5, 0.99):
        assert same(share) == pytest.approx(share)
    assert Calibration(2.0, -1.0)(0.5) == pytest.approx(1 / (1 + np.e))
    assert 0 < same(0.0) < same(1.0) < 1


OPEN = '''"""Calls that static analysis cannot settle."""


class Door:
    def __init__(self):
        self.colour = "red"
        self.width = 80

    def unlatch(self, key):
        return key

    def pop(self, key):
        return key


class Gate:
    def unlatch(self, key):
        return key

    def swing(self):
        return 1


def visit(thing, other):
    thing.unlatch(1)
    other.swing()
    thing.pop(3)
    Door().unlatch(4)
    return Door().unlatch(2)


def repaint(thing):
    shade = thing.colour
    thing.width = shade
    return shade
'''


@pytest.fixture(scope="module")
def doors(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A code base in which calls are left open, its index and its graph."""
    at = tmp_path_factory.mktemp("doors")
    shutil.copytree(ROUTER, at / "code")
    (at / "code/router/doors.py").write_text(OPEN, encoding="utf-8")
    flags = ("--out", str(at / "index"), "--name", "router")
    run(made, "index", str(at / "code"), *flags)
    run(made, "kg", str(at / "code"), "--out", str(at / "kg"), "--name", "router")
    return at


def test_resolve_says_what_is_proved_and_ranks_what_is_left_open(made: Path, doors: Path) -> None:
    def at(line: int) -> Any:
        return answer(made, "resolve", f"router/doors.py:{line}", "--index", str(doors / "index"))["calls"]

    lines = OPEN.splitlines()
    for line, resolutions in (
        ("    Door().unlatch(4)", ("exact", "inferred")),
        ("    return Door().unlatch(2)", ("repeated",)),
    ):
        (proved,) = [call for call in at(lines.index(line) + 1) if call["name"] == "unlatch"]
        assert proved["meanings"][0]["symbol"] == f"{DOORS}Door.unlatch"
        assert proved["meanings"][0]["resolution"] in resolutions
    (left_open,) = at(lines.index("    thing.unlatch(1)") + 1)
    assert {one["symbol"].rpartition("#")[2] for one in left_open["meanings"]} == {"Door.unlatch", "Gate.unlatch"}
    shares = [one["model"] for one in left_open["meanings"]]
    assert shares == sorted(shares, reverse=True)
    # The graph has an edge once: that `visit` calls Door.unlatch is proved on another line.
    assert {one["resolution"] for one in left_open["meanings"]} == {"ambiguous", "repeated"}
    assert all(one["place"].startswith("router/doors.py:") for one in left_open["meanings"])


def test_a_line_without_a_call_and_a_file_that_is_not_there_are_one_line(made: Path, doors: Path) -> None:
    index = ("--index", str(doors / "index"))
    for place, says in (
        ("router/doors.py:2", "no call begins on this line"),
        ("router/doors.py:999", "the file has"),
        ("router/nowhere.py:1", "is not in the index"),
        ("doors.py", "expected FILE:LINE"),
    ):
        said = run(made, "resolve", place, *index, expect=1).stderr
        assert says in said
        assert said.count("\n") == 1


def test_a_longer_path_is_answered_for_only_where_the_indexed_text_lies_there(
    made: Path, doors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = OPEN.splitlines().index("    thing.unlatch(1)") + 1
    index = ("--index", str(doors / "index"))
    (tmp_path / "elsewhere/router").mkdir(parents=True)
    (tmp_path / "elsewhere/router/doors.py").write_text("x = 1\n" * 99, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for place, says in (
        ("nowhere/router/doors.py", "is not in the index"),
        ("../router/doors.py", "is not in the index"),
        ("elsewhere/router/doors.py", "is not the text that was indexed"),
        (f"{tmp_path}/elsewhere/router/doors.py", "is not the text that was indexed"),
        (".doors.py", "is not in the index"),
    ):
        said = run(made, "resolve", f"{place}:{line}", *index, expect=1).stderr
        assert says in said
        assert said.count("\n") == 1
    (tmp_path / "elsewhere/router/doors.py").write_text(OPEN, encoding="utf-8")
    places = ("elsewhere/router/doors.py", f"{doors}/code/router/doors.py", "./router/doors.py", "doors.py")
    for place in places:
        (call,) = answer(made, "resolve", f"{place}:{line}", *index)["calls"]
        assert call["file"] == "router/doors.py"


@pytest.mark.parametrize("place", ["router/doors.py", "doors.py", "./doors.py"])
def test_a_path_at_which_another_text_lies_is_not_answered_for(
    place: str, made: Path, doors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = OPEN.splitlines().index("    thing.unlatch(1)") + 1
    flags = (f"{place}:{line}", "--index", str(doors / "index"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(f"\n{OPEN}", encoding="utf-8")
    said = run(made, "resolve", *flags, expect=1).stderr
    assert "is not the text that was indexed; if it has changed run graphmer index again" in said
    assert said.count("\n") == 1
    (tmp_path / place).write_text(OPEN, encoding="utf-8")
    assert answer(made, "resolve", *flags)["calls"][0]["file"] == "router/doors.py"


def test_a_files_own_path_names_it_where_one_nearer_the_root_has_the_same_text(
    doors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    references = References(doors / "index/parsed")
    for name in ("__init__.py", "router/__init__.py"):
        references._texts[name], references._digests[name] = "", sha256_bytes(b"")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "router").mkdir()
    (tmp_path / "router/__init__.py").write_bytes(b"")
    assert references.files_ending("router/__init__.py") == "router/__init__.py"


def test_a_file_has_as_many_lines_as_line_ends_and_one_where_the_last_has_none(made: Path, doors: Path) -> None:
    references = References(doors / "index/parsed")
    count = OPEN.count("\n")
    assert references.on_line("router/doors.py", count) == []
    with pytest.raises(ArtifactError, match=f"the file has {count} lines"):
        references.on_line("router/doors.py", count + 1)
    references._texts["router/doors.py"] = "def f():\n    g()"
    assert references.on_line("router/doors.py", 2) == []
    with pytest.raises(ArtifactError, match="the file has 2 lines"):
        references.on_line("router/doors.py", 3)


def test_explain_shows_every_triple_of_a_symbol(made: Path, session: Session) -> None:
    triples = session.index.triples
    symbol = triples.loc[triples["relation"] == "calls", "head"].iat[0]
    shown = answer(made, "explain", symbol, "--index", str(made / "router.index"))
    expected = triples[(triples["head"] == symbol) | (triples["tail"] == symbol)]
    assert len(shown["edges"]) == len(expected)
    stated = {(row["head"], row["relation"], row["tail"]) for row in expected.to_dict("records")}
    for edge in shown["edges"]:
        ends = (symbol, edge["other"]) if edge["outgoing"] else (edge["other"], symbol)
        assert (ends[0], edge["relation"], ends[1]) in stated


def test_explain_tells_symbolic_and_neural_evidence_apart(made: Path, session: Session) -> None:
    triples = session.index.triples
    row = triples[(triples["relation"] == "calls") & (triples["resolution"] == "exact")].iloc[0]
    flags = (row["head"], "calls", row["tail"], "--index", str(made / "router.index"))
    shown = answer(made, "explain", *flags)
    assert shown["allowed"]
    assert [edge["place"] for edge in shown["stated"]] == [f"{row['file']}:{row['line_start']}"]
    assert set(shown["scores"]) == {"graphmer", "symbolic", "neural"}
    assert set(shown["network"]) == {"cosine", "name_log_likelihood"}
    for path in shown["paths"]:
        assert path.startswith(row["head"])
        assert path.endswith(row["tail"])
        assert path != f"{row['head']} -calls-> {row['tail']}"
    backwards = answer(made, "explain", row["tail"], "declares", row["head"], "--index", str(made / "router.index"))
    assert backwards["stated"] == []


def test_an_unknown_symbol_is_answered_with_the_nearest(made: Path) -> None:
    index = ("--index", str(made / "router.index"))
    said = run(made, "explain", "router.app.App.handel", *index, expect=1).stderr
    assert "no entity has this symbol" in said
    assert "nearest: " in said
    assert "router.app." in said.partition("nearest")[2]
    said = run(made, "complete", "router.app", "call", *index, expect=1).stderr
    assert "did you mean 'calls'?" in said


def test_complete_proposes_what_the_graph_lacks_and_the_ontology_allows(made: Path, doors: Path) -> None:
    found = answer(made, "complete", "router.doors.visit", "calls", "--index", str(doors / "index"))
    (one,) = found["proposals"]  # a builtin value may have a `pop` too, so static analysis says nothing of it
    assert (one["head"], one["relation"], one["tail"]) == (VISIT, "calls", POP)
    assert one["line"] == OPEN.splitlines().index("    thing.pop(3)") + 1
    assert 0 < one["confidence"] < 1
    assert one["source"] == "ml_extraction"
    assert found["mentions"] == {"settled": 4, "listed": 2, "no_such_name": 0, "asked": 1}
    triples = read_table(doors / "index/graph/triples.parquet", triples_schema())
    assert (VISIT, "calls", POP) not in set(zip(triples["head"], triples["relation"], triples["tail"], strict=True))


def test_attributes_and_types_are_completed_where_static_analysis_is_silent(made: Path, doors: Path) -> None:
    def proposed(symbol: str, relation: str) -> list[tuple[str, int]]:
        found = answer(made, "complete", f"router.doors.{symbol}", relation, "--index", str(doors / "index"))
        return [(one["tail"].rpartition("#")[2], one["line"]) for one in found["proposals"]]

    lines = OPEN.splitlines()
    assert proposed("repaint", "reads_from") == [("Door.colour", lines.index("    shade = thing.colour") + 1)]
    assert proposed("repaint", "writes_to") == [("Door.width", lines.index("    thing.width = shade") + 1)]
    assert proposed("Door.unlatch", "reads_from") == []
    for relation in ("overrides", "tests"):
        said = run(made, "complete", "router.doors.repaint", relation, "--index", str(doors / "index"), expect=1).stderr
        assert "nothing in the code is left open for it" in said


def test_relations_that_leave_nothing_open_are_refused(made: Path) -> None:
    index = ("--index", str(made / "router.index"))
    said = run(made, "complete", "router.app", "declares", *index, expect=1).stderr
    assert "nothing in the code is left open for it" in said
    symbol = next(iter(session_of(made).index.entities.query("type == 'Variable'")["entity"]))
    assert "needs a head that is one of" in run(made, "complete", symbol, "calls", *index, expect=1).stderr


def proposal(**changes: Any) -> Proposal:
    """That `visit` calls Door.pop."""
    start = OPEN.index("pop(3)")
    place = ("router/doors.py", OPEN.count("\n", 0, start) + 1, start, start + 3, "pop")
    return Proposal(VISIT, "calls", POP, 0.75, *place)._replace(**changes)


def test_applied_proposals_are_new_rows_of_a_valid_graph(made: Path, doors: Path, tmp_path: Path) -> None:
    graph = copied(doors / "kg", tmp_path / "kg")
    before = read_table(graph / "triples.parquet", triples_schema())
    entities = (graph / "entities.parquet").read_bytes()
    params = read_params(made / "params.yaml").folder
    static = before[before["resolution"] == "exact"].iloc[0]
    every = [
        proposal(),
        proposal(head=static["head"], relation=static["relation"], tail=static["tail"]),
        proposal(tail=f"{DOORS}Gate.vanish"),
        proposal(tail=f"{DOORS}Door"),  # `calls` needs a function
        proposal(head=f"{DOORS}Door.unlatch", file="router/gone.py"),
    ]
    done = apply_proposals(graph, doors / "index/parsed", every, params)
    assert done.added == [proposal()]
    reasons = {"there": 1, "unknown_symbol": 1, "other_code": 1, "breaks_a_rule": 1}
    assert done.skipped == {"too_unsure": 0, "mention_settled": 0, **reasons}
    after = read_table(graph / "triples.parquet", triples_schema())
    ours = after[after["source"] == "ml_extraction"]
    assert ours[["head", "relation", "tail"]].to_numpy().tolist() == [[VISIT, "calls", POP]]
    assert ours["confidence"].iat[0] == pytest.approx(0.75)
    pd.testing.assert_frame_equal(after[after["source"] != "ml_extraction"].reset_index(drop=True), before)
    assert (graph / "entities.parquet").read_bytes() == entities
    figures = json.loads((graph / "validation.json").read_text())
    assert figures["triples"] == len(after)
    assert figures["domain_range"] == 1.0
    assert json.loads((graph / "manifest.json").read_text())["ml_extraction"] == {"added": 1}
    again = apply_proposals(graph, doors / "index/parsed", [proposal()], params)
    assert (again.added, again.skipped["there"]) == ([], 1)


def test_a_graph_that_cannot_take_proposals_is_left_as_it_was(made: Path, doors: Path, tmp_path: Path) -> None:
    params = read_params(made / "params.yaml").folder
    run(made, "kg", str(doors / "code"), "--out", str(tmp_path / "lines"), "--name", "router", "--format", "jsonl")
    old = copied(doors / "kg", tmp_path / "old")
    tree = json.loads((old / "manifest.json").read_text())
    (old / "manifest.json").write_text(json.dumps(tree | {"ontology_version": "0.9.0"}))
    bare = copied(doors / "kg", tmp_path / "bare")
    shutil.rmtree(bare / ".graphmer-cache")
    for graph, says in (
        (tmp_path / "lines", "no graph in Parquet"),
        (old, "a graph of ontology 0.9.0, expected"),
        (bare, "holds no parsed rows to check the graph on"),
    ):
        before = sha256_tree(graph)
        with pytest.raises(ArtifactError, match=says):
            apply_proposals(graph, doors / "index/parsed", [proposal()], params)
        assert sha256_tree(graph) == before


def test_what_another_run_added_before_the_lock_was_taken_is_kept(
    made: Path, doors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = copied(doors / "kg", tmp_path / "kg")
    params = read_params(made / "params.yaml").folder
    other = proposal(head=f"{DOORS}repaint")
    real = applying.sole_writer

    @contextmanager
    def after_another(folder: Path) -> Iterator[None]:
        monkeypatch.setattr(applying, "sole_writer", real)
        assert apply_proposals(graph, doors / "index/parsed", [other], params).added == [other]
        with real(folder):
            yield

    monkeypatch.setattr(applying, "sole_writer", after_another)
    assert apply_proposals(graph, doors / "index/parsed", [proposal()], params).added == [proposal()]
    triples = read_table(graph / "triples.parquet", triples_schema())
    heads = set(triples[triples["source"] == "ml_extraction"]["head"])
    assert heads == {VISIT, other.head}
    assert json.loads((graph / "manifest.json").read_text())["ml_extraction"] == {"added": 2}


def test_a_graph_that_another_run_writes_takes_no_proposals(made: Path, doors: Path, tmp_path: Path) -> None:
    graph = copied(doors / "kg", tmp_path / "kg")
    params = read_params(made / "params.yaml").folder
    with FileLock(tmp_path / ".kg.lock"), pytest.raises(ArtifactError, match="another run of graphmer writes it"):
        apply_proposals(graph, doors / "index/parsed", [proposal()], params)


def test_complete_applies_from_the_shell(made: Path, doors: Path, tmp_path: Path) -> None:
    graph = copied(doors / "kg", tmp_path / "kg")
    flags = ("router.doors.visit", "calls", "--index", str(doors / "index"), "--apply", str(graph))
    unsure = answer(made, "complete", *flags, "--apply-at-least", "1")["applied"]
    assert (unsure["added"], unsure["skipped"]["too_unsure"]) == (0, 1)
    flags = (*flags, "--apply-at-least", "0")
    assert answer(made, "complete", *flags)["applied"]["added"] == 1
    applied = answer(made, "complete", *flags)["applied"]
    assert (applied["added"], applied["skipped"]["there"]) == (0, 1)


def test_every_verb_teaches_by_an_example_and_says_its_exit_status(made: Path) -> None:
    for verb in ("index", "search", "complete", "resolve", "explain"):
        text = getattr(shell, verb).__doc__
        assert f"Example: graphmer {verb} " in text
        assert "Exit status: 0" in text


def test_a_session_answers_as_the_command_does(made: Path, doors: Path) -> None:
    session = Session(Index.open(doors / "index"), read_params(made / "params.yaml").eval.link)
    found = complete(session, VISIT, load_ontology().relations["calls"], 10)
    shown = answer(made, "complete", VISIT, "calls", "--index", str(doors / "index"))
    assert [one._asdict() for one in found.proposals] == shown["proposals"]
