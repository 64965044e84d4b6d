"""`graphmer index` and `search`: what an index holds, that it ranks as evaluation ranks, and what is refused."""

import dataclasses
import json
import os
import shutil
import signal
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from filelock import FileLock
from indexed import ROUTER, add_model, answer, copied, run
from tqdm import tqdm

import graphmer.index.build as building
import graphmer.index.fit as fitting
from graphmer.artifacts import read_table, sha256_tree
from graphmer.errors import ArtifactError
from graphmer.evaluate.code_search import predict_code_search, search_sets
from graphmer.evaluate.combiner import Combiner, FitSet
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.lexical import bm25_scores, lexical_tokens, tfidf_scores
from graphmer.evaluate.neural import load_scorer
from graphmer.evaluate.record import parameters_digest
from graphmer.index.fit import fit_temperature
from graphmer.index.lexicon import Lexicon
from graphmer.index.scoring import Scoring, packed_digest
from graphmer.index.search import FunctionRanker, best_rows
from graphmer.index.store import Index
from graphmer.kg.schema import entities_schema
from graphmer.model.config import ModelParams
from graphmer.pack.shards import load_entities, load_split
from graphmer.params import load_section, load_tree
from graphmer.writing import sole_writer


def test_an_index_lays_windows_out_as_the_pack_stage_does(made: Path) -> None:
    packed, own = made / "data/packed", made / "router.index/packed"
    theirs, mine = load_split(packed, "test"), load_split(own, "train")
    samples = theirs.samples
    rows = samples.index[samples["package"] == "router"].to_numpy()
    assert len(rows) == mine.num_samples > 0
    symbols = (load_entities(packed).symbols, load_entities(own).symbols)
    for at, row in enumerate(rows.tolist()):
        for one, other in (
            ("token_id", "sample_token"),
            ("token_start", "sample_token"),
            ("leaf_relation", "sample_leaf"),
        ):
            assert np.array_equal(piece(theirs, one, other, row), piece(mine, one, other, at))
        tails = [
            [names[tail] for tail in piece(arrays, "leaf_tail", "sample_leaf", number)]
            for names, arrays, number in ((symbols[0], theirs, row), (symbols[1], mine, at))
        ]
        assert tails[0] == tails[1]


def piece(arrays: Any, name: str, offsets: str, sample: int) -> Any:
    bounds = getattr(arrays, offsets)
    return getattr(arrays, name)[bounds[sample] : bounds[sample + 1]]


def test_nothing_in_an_index_is_asked(made: Path) -> None:
    assert not load_split(made / "router.index/packed", "train").leaf_query.any()


def test_a_second_run_parses_and_encodes_what_has_changed_and_no_more(made: Path, tmp_path: Path) -> None:
    code, out = copied(ROUTER, tmp_path / "router"), tmp_path / "index"
    first = answer(made, "index", str(code), "--out", str(out))
    assert first["functions_encoded"] == first["functions"]
    fresh = {
        path: (out / path).read_bytes() for path in ("functions.npy", "functions.parquet", "graph/triples.parquet")
    }
    again = answer(made, "index", str(code), "--out", str(out))
    assert (again["files_parsed"], again["functions_encoded"]) == (0, 0)
    assert {path: (out / path).read_bytes() for path in fresh} == fresh
    (code / "router/errors.py").write_text((code / "router/errors.py").read_text() + "\n\ndef fresh():\n    return 1\n")
    edited = answer(made, "index", str(code), "--out", str(out))
    assert (edited["files_parsed"], edited["functions_encoded"]) == (1, 1)
    assert edited["functions"] == first["functions"] + 1


def test_an_index_within_the_folder_never_reads_itself(made: Path, tmp_path: Path) -> None:
    code, graphs = copied(ROUTER, tmp_path / "router"), []
    for _ in range(2):
        run(made, "index", str(code), "--out", str(code / "index"))
        graphs.append(sha256_tree(code / "index/graph"))
    assert graphs[0] == graphs[1]
    files = set(read_table(code / "index/graph/entities.parquet", entities_schema())["file"]) - {""}
    assert files
    assert all((ROUTER / file).is_file() for file in files)


def test_search_gives_the_place_and_the_reason(made: Path) -> None:
    found = answer(made, "search", "match a path against a pattern", "--index", str(made / "router.index"), "-k", "3")
    assert [hit["rank"] for hit in found["results"]] == [1, 2, 3]
    scores = [hit["score"] for hit in found["results"]]
    assert scores == sorted(scores, reverse=True)
    for hit in found["results"]:
        text = (ROUTER / hit["file"]).read_text(encoding="utf-8").splitlines()
        assert any(hit["qualified_name"].rpartition(".")[2] in line for line in text[hit["line"] - 1 : hit["line"] + 2])
        shown = {word for words in hit["reasons"].values() for word in words}
        assert shown <= set(lexical_tokens("match a path against a pattern"))


def test_functions_of_tests_are_found_only_when_asked_for(made: Path) -> None:
    flags = ("test router", "--index", str(made / "router.index"), "-k", "1000")
    without, everything = answer(made, "search", *flags), answer(made, "search", *flags, "--tests")
    assert not any(hit["file"].startswith("tests/") for hit in without["results"])
    assert any(hit["file"].startswith("tests/") for hit in everything["results"])


def test_search_ranks_held_out_functions_as_the_evaluation_ranks_them(made: Path) -> None:
    params = load_section(load_tree(made / "params.yaml"), "eval", EvalParams)
    limits, data = params.code_search, made / "data"
    scorer = load_scorer(data / "model", data / "packed")
    table = predict_code_search(data / "parsed", scorer, limits, params.link)
    table = table[(table["scorer"] == "graphmer") & (table["setting"] == f"pool{limits.pool}")]
    ranks = dict(zip(table["query"], table["rank"], strict=True))
    _, asked = search_sets(data / "parsed", limits)
    # What the evaluation searches: the code of the documented functions, without the docstrings that ask.
    lexicon = Lexicon.build([lexical_tokens(one.code) for one in asked.functions], limits.bm25_k1, limits.bm25_b)
    scoring = Scoring.load(made / "data/model.scoring.json")
    ranker = FunctionRanker(lexicon, scorer.embed([one.code for one in asked.functions]), scoring.search, scorer.plain)
    assert len(asked.truth) > 3
    for truth in asked.truth.tolist():
        scores = ranker.scores(asked.functions[truth].query).combined
        better = int((scores > scores[truth] + 1e-5).sum())
        assert better + 1 == ranks[asked.functions[truth].symbol]


def test_postings_weigh_words_as_the_libraries_do() -> None:
    documents = [["get", "user", "get"], ["post", "user"], ["close"], ["get", "close", "door", "door"]]
    query = ["get", "door", "get", "unheard"]
    bm25, tfidf = Lexicon.build(documents, 1.5, 0.75).scores(query)
    assert np.allclose(bm25, bm25_scores([query], documents, 1.5, 0.75)[0], atol=1e-6)
    assert np.allclose(tfidf, tfidf_scores([query], documents)[0], atol=1e-6)


def test_the_best_rows_are_those_of_a_full_sort() -> None:
    draw = np.random.default_rng(0)
    for size in (1, 5, 200):
        scores = draw.integers(0, 5, size).astype(np.float32)  # many ties
        allowed = np.flatnonzero(draw.random(size) < 0.7)
        for k in (1, 3, 500):
            slow = sorted(allowed.tolist(), key=lambda row: (-scores[row], row))[:k]
            assert best_rows(scores, allowed, k).tolist() == slow


def test_a_temperature_undoes_scores_that_are_too_sure() -> None:
    draw = np.random.default_rng(1)
    honest = draw.normal(size=(800, 6))
    truth = np.asarray([draw.choice(6, p=np.exp(row) / np.exp(row).sum()) for row in honest])
    honest[:, 5] -= np.log(2)  # the last candidate of each query stands for two
    offset = np.tile(np.log([1, 1, 1, 1, 1, 2]), len(honest)).astype(np.float32)
    query = np.repeat(np.arange(len(honest)), 6)
    relation = np.arange(len(honest)) % 2
    sure = (honest * np.where(relation, 3.0, -3.0)[:, None]).reshape(-1, 1)
    combiner = Combiner("too sure", np.ones(1), np.zeros(1), {0: np.asarray([-1.0]), 1: np.ones(1)})
    data = FitSet(sure.astype(np.float32), offset, query, np.arange(len(honest)) * 6 + truth, relation)
    assert fit_temperature(data, combiner) == pytest.approx(3.0, rel=0.2)


def test_a_scoring_is_read_as_it_was_written_or_not_at_all(made: Path, tmp_path: Path) -> None:
    kept, copy = made / "data/model.scoring.json", tmp_path / "copy.json"
    Scoring.load(kept).save(copy)
    assert copy.read_bytes() == kept.read_bytes()
    tree = json.loads(kept.read_text(encoding="utf-8"))
    tree["links"]["headline"]["trees"]["trees"][0]["left"][0] = 0
    copy.write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(ArtifactError, match="leads nowhere"):
        Scoring.load(copy)
    del tree["links"]["headline"]["trees"]
    copy.write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"damaged .*'trees'.*fits it again"):
        Scoring.load(copy)


def test_a_model_and_an_index_of_another_are_refused(made: Path, tmp_path: Path) -> None:
    other = copied(made / "data/model", tmp_path / "other")
    shutil.rmtree(other)
    params = load_section(load_tree(made / "params.yaml"), "model", ModelParams)
    add_model(other, made / "data/packed", params, seed=2)
    index = ("x", "--index", str(made / "router.index"))
    said = run(made, "search", *index, "--model", str(other), expect=1).stderr
    assert "made with another model" in said
    assert said.count("\n") == 1
    scoring = ("--scoring", str(made / "data/model.scoring.json"), "--model", str(other))
    said = run(made, "index", str(ROUTER), "--out", str(tmp_path / "index"), *scoring, expect=1).stderr
    assert "fitted with another model" in said
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize(
    ("file", "key", "value", "says"),
    [
        ("index.json", "ontology_version", "0.9.0", "a graph of ontology 0.9.0, expected"),
        ("index.json", "index_version", 0, "index version 0, expected"),
    ],
)
def test_an_index_of_another_version_is_refused(
    made: Path, tmp_path: Path, file: str, key: str, value: object, says: str
) -> None:
    index = copied(made / "router.index", tmp_path / "index")
    tree = json.loads((index / file).read_text())
    (index / file).write_text(json.dumps(tree | {key: value}))
    said = run(made, "search", "x", "--index", str(index), "--model", str(made / "data/model"), expect=1).stderr
    assert says in said
    assert "run graphmer index again" in said


def test_a_model_trained_by_another_ontology_is_refused(made: Path, tmp_path: Path) -> None:
    model = copied(made / "data/model", tmp_path / "model")
    tree = json.loads((model / "packed.json").read_text())
    (model / "packed.json").write_text(json.dumps(tree | {"ontology_version": "0.9.0"}))
    said = run(made, "index", str(ROUTER), "--out", str(tmp_path / "x"), "--model", str(model), expect=1).stderr
    assert "trained with ontology_version 0.9.0" in said


def test_a_graph_that_was_changed_under_its_index_is_refused(made: Path, tmp_path: Path) -> None:
    index = copied(made / "router.index", tmp_path / "index")
    entities = read_table(index / "graph/entities.parquet", entities_schema())
    entities.iloc[:-1].to_parquet(index / "graph/entities.parquet")
    model = ("--index", str(index), "--model", str(made / "data/model"))
    said = run(made, "explain", "router.app.Router.add", *model, expect=1).stderr
    assert "was replaced or damaged since it was opened (graph/entities.parquet is not the file" in said
    assert said.count("\n") == 1


def test_ctrl_c_leaves_the_index_as_it_was(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = copied(made / "router.index", tmp_path / "router.index")
    before = sha256_tree(out)
    real = building.pack_graph

    def interrupted(*arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments)

    monkeypatch.setattr(building, "pack_graph", interrupted)
    # Where the tests run in the background, a shell has them ignore the signal.
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        said = run(made, "index", str(ROUTER), "--out", str(out), expect=130).stderr
    finally:
        signal.signal(signal.SIGINT, earlier)
    assert said.endswith("graphmer index: interrupted\n")  # whether something was written the verb does not know
    assert sha256_tree(out) == before
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".partial")]


def test_a_second_writer_is_refused(made: Path, tmp_path: Path) -> None:
    out = copied(made / "router.index", tmp_path / "router.index")
    before = sha256_tree(out)
    with FileLock(tmp_path / ".router.index.lock"):
        said = run(made, "index", str(ROUTER), "--out", str(out), expect=1).stderr
    assert "another run of graphmer writes it" in said
    assert sha256_tree(out) == before


def test_no_lock_is_left_and_who_waited_for_one_that_is_gone_makes_another(tmp_path: Path) -> None:
    out, waiting = tmp_path / "out", FileLock(tmp_path / ".out.lock", thread_local=False)
    ready = threading.Event()

    def wait() -> None:
        ready.set()
        waiting.acquire()

    with sole_writer(out):
        thread = threading.Thread(target=wait)
        thread.start()
        assert ready.wait(60)
        time.sleep(0.2)  # in which it opens the file
        assert not waiting.is_locked
    thread.join(60)
    try:
        assert waiting.is_locked
        with pytest.raises(ArtifactError, match="another run of graphmer writes it"), sole_writer(out):
            pass
    finally:
        waiting.release()


def test_a_folder_that_cannot_be_written_is_one_line(made: Path) -> None:
    said = run(made, "index", str(ROUTER), "--out", "/proc/self/index", expect=1).stderr
    assert said.startswith("graphmer index: /proc/")
    assert "check the path and who may write it" in said
    assert said.count("\n") == 1


def test_a_folder_of_other_files_is_never_replaced(made: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("x")
    said = run(made, "index", str(ROUTER), "--out", str(tmp_path / "mine"), expect=1).stderr
    assert "holds files and is no index" in said
    assert (tmp_path / "mine/thesis.txt").read_text() == "x"


def test_a_hostile_file_name_neither_steers_a_terminal_nor_leaves_the_folder(made: Path, tmp_path: Path) -> None:
    code = copied(ROUTER, tmp_path / "router")
    name = "it's $(touch owned) \u202egpj\u2066;.py"
    (code / name).write_text('def hostile_name():\n    """Say \x1b[31mred."""\n    return 1\n', encoding="utf-8")
    run(made, "index", str(code), "--out", str(tmp_path / "index"))
    flags = ("hostile name", "--index", str(tmp_path / "index"), "-k", "1")
    assert answer(made, "search", *flags)["results"][0]["file"] == name
    shown = run(made, "search", *flags).stdout
    assert "\\u202e" in shown
    assert all(one.isprintable() or one == "\n" for one in shown)
    assert not list(tmp_path.rglob("owned"))


def test_a_missing_scoring_is_fitted_once_and_kept(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "tqdm", lambda **how: tqdm(**how | {"disable": False}))  # as on a terminal
    data = copied(made / "data", tmp_path / "data")
    kept = (data / "model.scoring.json").read_bytes()
    (data / "model.scoring.json").unlink()
    flags = ("index", str(ROUTER), "--out", str(tmp_path / "index"), "--model", str(data / "model"))
    said = run(made, *flags).stderr
    assert "fitting the scoring" in said
    for part in ("reading the data", "links, headline", "links, mentions visible", "search", "confidences"):
        assert f"fit: {part}: " in said
    assert "5/5" in said
    assert (data / "model.scoring.json").read_bytes() == kept
    assert "fitting the scoring" not in run(made, *flags).stderr
    (data / "model.scoring.json").unlink()
    shutil.rmtree(data / "packed")
    said = run(made, *flags, expect=1).stderr
    assert "name the folder with packed/, kg/ and parsed/ by --data" in said
    assert "fitting" not in said


def test_a_model_that_has_moved_is_asked_for(made: Path, tmp_path: Path) -> None:
    index = copied(made / "router.index", tmp_path / "far/index")
    assert "say where it is by --model" in run(made, "search", "x", "--index", str(index), expect=1).stderr
    run(made, "search", "x", "--index", str(index), "--model", str(made / "data/model"))


def test_opening_reads_the_model_where_it_lay(made: Path) -> None:
    index = Index.open(made / "router.index")
    assert index.model_folder.resolve() == (made / "data/model").resolve()
    assert str(made) not in (made / "router.index/index.json").read_text()


def test_an_index_written_through_a_link_opens_from_there(made: Path, tmp_path: Path) -> None:
    (tmp_path / "disk/deep/er").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk/deep/er")
    out = tmp_path / "link/index"
    for _ in range(2):
        run(made, "index", str(ROUTER), "--out", str(out))
        assert Index.open(out).model_folder.resolve() == (made / "data/model").resolve()
    (tmp_path / "itself").symlink_to(tmp_path / "disk/deep/er/index")
    assert answer(made, "index", str(ROUTER), "--out", str(tmp_path / "itself"))["functions_encoded"] == 0
    assert (tmp_path / "itself").is_symlink()


def test_the_current_folder_is_not_replaced_under_ones_feet(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index").mkdir()
    monkeypatch.chdir(tmp_path / "index")
    said = run(made, "index", str(ROUTER), "--out", ".", expect=1).stderr
    assert "the current folder is in it, so it cannot be replaced; name another one" in said
    assert list(Path().iterdir()) == []


def with_other_eval(made: Path, to: Path) -> None:
    """The small model's parameters with another penalty of search's weights."""
    tree = yaml.safe_load((made / "params.yaml").read_text(encoding="utf-8"))
    tree["eval"]["code_search"]["l2"] *= 2
    to.write_text(yaml.safe_dump(tree), encoding="utf-8")


def test_weights_of_other_parameters_are_fitted_again_where_the_data_are(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = copied(made / "data", tmp_path / "data")
    kept, fitted = Scoring.load(data / "model.scoring.json"), []
    with_other_eval(made, tmp_path / "params.yaml")

    def fit(model: Path, data: Path, params: EvalParams) -> Scoring:
        fitted.append(data)
        return dataclasses.replace(kept, eval=parameters_digest(params), packed=packed_digest(data))

    monkeypatch.setattr(building, "fit_scoring", fit)
    build = ("index", str(ROUTER), "--out", str(tmp_path / "index"), "--model", str(data / "model"))
    assert "fitted with other parameters (section eval) than now" in run(tmp_path, *build).stderr
    assert "fitting" not in run(tmp_path, *build).stderr
    assert fitted == [data.resolve()]
    # The index asks with the parameters that its weights were fitted with.
    said = run(made, "complete", "x", "calls", "--index", str(tmp_path / "index"), expect=1).stderr
    assert "its weights were fitted with another section eval than" in said
    named = ("--scoring", str(made / "data/model.scoring.json"))
    said = run(tmp_path, *build, *named, expect=1).stderr
    assert "leave --scoring out" in said
    assert said.count("\n") == 1
    (data / "packed/manifest.json").write_text((data / "packed/manifest.json").read_text() + "\n")
    assert "fitted with other data (" in run(tmp_path, *build).stderr
    shutil.rmtree(data / "kg")
    said = run(made, *build, expect=1).stderr
    assert "fitted with other parameters (section eval) than now; to fit it again name a folder" in said
    assert said.count("\n") == 1


def test_data_that_are_named_and_missing_are_an_error_even_beside_a_scoring(made: Path, tmp_path: Path) -> None:
    flags = ("--out", str(tmp_path / "index"), "--data", str(tmp_path / "nowhere"))
    said = run(made, "index", str(ROUTER), *flags, expect=1).stderr
    assert "nowhere: no such folder" in said
    assert said.count("\n") == 1


def test_a_scoring_of_too_few_weights_or_of_unknown_making_is_refused(made: Path, tmp_path: Path) -> None:
    tree, copy = json.loads((made / "data/model.scoring.json").read_text(encoding="utf-8")), tmp_path / "copy.json"
    for key in ("eval", "packed"):
        copy.write_text(json.dumps({name: value for name, value in tree.items() if name != key}), encoding="utf-8")
        with pytest.raises(ArtifactError, match=rf"does not say what it was fitted with \({key}\); delete it"):
            Scoring.load(copy)
    relation = next(iter(tree["links"]["headline"]["stack"]["by_relation"]), None)
    links = tree["links"]["headline"]
    parts = [tree["search"]["scale"], links["linear"]["pooled"], links["neural"]["scale"], links["stack"]["pooled"]]
    parts += [links["stack"]["by_relation"][relation]] if relation else []
    for weights in parts:
        last = weights.pop()
        copy.write_text(json.dumps(tree), encoding="utf-8")
        with pytest.raises(ArtifactError, match=r"damaged \(weights of .* columns\)"):
            Scoring.load(copy)
        weights.append(last)


@pytest.mark.parametrize("key", ["model", "model_folder", "files", "functions", "entities"])
def test_an_index_that_does_not_say_what_it_is_made_of_is_refused(made: Path, tmp_path: Path, key: str) -> None:
    index = copied(made / "router.index", tmp_path / "index")
    tree = json.loads((index / "index.json").read_text())
    del tree[key]
    (index / "index.json").write_text(json.dumps(tree))
    with pytest.raises(ArtifactError, match=rf"index.json: damaged \(says no {key}\); run graphmer index again"):
        Index.open(index, made / "data/model")
    (index / "index.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"index.json: damaged .*; run graphmer index again"):
        Index.open(index, made / "data/model")


@pytest.mark.parametrize(
    "name", ["functions.npy", "keys.npy", "lexicon/idf.npy", "lexicon/row.npy", "lexicon/offset.npy"]
)
def test_an_array_of_another_length_is_refused_in_one_line(made: Path, tmp_path: Path, name: str) -> None:
    folder = copied(made / "router.index", tmp_path / "index")
    found = np.load(folder / name)
    np.save(folder / name, found[:-1], allow_pickle=False)
    index = Index.open(folder, made / "data/model")
    with pytest.raises(ArtifactError, match=rf": was replaced or damaged .*{name} .*, or run graphmer index again"):
        _ = (index.function_vectors, index.key_vectors, index.lexicon)
    flags = ("--out", str(folder))
    if not name.startswith("lexicon"):
        assert "nothing reused" in run(made, "index", str(ROUTER), *flags).stderr


def test_a_search_for_no_word_is_refused(made: Path) -> None:
    for words in ("", "  ", "?!"):
        said = run(made, "search", words, "--index", str(made / "router.index"), expect=2).stderr
        assert "holds no word; say what the function does" in said
        assert said.count("\n") == 1


def test_a_query_of_half_a_character_is_refused_in_one_line(made: Path) -> None:
    said = run(made, "search", "abc\udcff", "--index", str(made / "router.index"), expect=2).stderr
    assert "words: character 4 is half a one (U+DCFF)" in said
    assert said.count("\n") == 1


def test_a_word_is_shown_at_its_first_place_alone(made: Path) -> None:
    flags = ("find a route by its method and path", "--index", str(made / "router.index"), "-k", "1000", "--tests")
    hits = answer(made, "search", *flags)["results"]
    for hit in hits:
        words = [word for shown in hit["reasons"].values() for word in shown]
        assert len(words) == len(set(words))
        assert all(hit["reasons"].values()) or list(hit["reasons"]) == ["meaning"]
    assert any("neighbours" in hit["reasons"] for hit in hits)


def test_a_hit_that_shows_no_word_was_found_by_its_meaning(made: Path) -> None:
    flags = ("unheard", "--index", str(made / "router.index"), "-k", "1")
    assert answer(made, "search", *flags)["results"][0]["reasons"] == {"meaning": []}
    assert run(made, "search", *flags).stdout.splitlines()[0].endswith("  [meaning]")


def test_no_probability_is_left_where_every_candidate_is_known(made: Path) -> None:
    scoring = Scoring.load(made / "data/model.scoring.json").links["mentions_visible"]
    scores = np.asarray([0.5, -1.0, 2.0], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scoring.probabilities(scores, np.arange(3)).tolist() == [0.0, 0.0, 0.0]
        assert scoring.probabilities(scores[:0], np.arange(0)).shape == (0,)
        assert scoring.probabilities(scores, np.arange(2)).tolist() == [0.0, 0.0, 1.0]


def test_of_two_scorings_kept_at_once_one_stands_whole(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, at = Scoring.load(made / "data/model.scoring.json"), tmp_path / "model.scoring.json"
    real = os.replace

    def overtaken(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "replace", real)
        kept.save(at)  # the other run begins and ends in between
        real(source, target)

    monkeypatch.setattr(os, "replace", overtaken)
    kept.save(at)
    assert at.read_bytes() == (made / "data/model.scoring.json").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [at.name]
