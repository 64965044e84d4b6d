"""An index or a model that is not as it was written: one line that says what to do, and an index that is made anew."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from indexed import ROUTER, answer, copied, run

import graphmer.index.build as building
import graphmer.index.fit as fitting
import graphmer.model.checkpoint as checkpoint
from graphmer import GraphMER
from graphmer.artifacts import read_table, sha256_file, sha256_tree
from graphmer.errors import ArtifactError
from graphmer.index.functions import functions_schema
from graphmer.index.store import Index

AGAIN = "; open it again, or run graphmer index again"


def write_again(made: Path, index: Path, at: Path) -> None:
    """Another index in the place of one."""
    code = copied(ROUTER, at / "router")
    (code / "router/errors.py").write_text((code / "router/errors.py").read_text() + "\n\ndef fresh():\n    return 1\n")
    run(made, "index", str(code), "--out", str(index))


def reorder_functions(index: Path) -> None:
    path = index / "functions.parquet"
    read_table(path, functions_schema()).iloc[::-1].to_parquet(path, index=False)


def without_numbers(index: Path) -> None:
    vectors = np.load(index / "functions.npy")
    np.save(index / "functions.npy", np.full_like(vectors, np.nan))


def narrow_keys(index: Path) -> None:
    np.save(index / "keys.npy", np.load(index / "keys.npy")[:, :-1])


def shuffle_rows(index: Path) -> None:
    np.save(index / "lexicon/row.npy", np.load(index / "lexicon/row.npy")[::-1].astype(np.float64))


def words_of_lists(index: Path) -> None:
    path = index / "lexicon/words.json"
    tree = json.loads(path.read_text())
    path.write_text(json.dumps(tree | {"words": [[word] for word in tree["words"]]}))


def cut_files(index: Path) -> None:
    path = index / "parsed/files.parquet"
    path.write_bytes(path.read_bytes()[:-100])


def other_files(index: Path) -> None:
    pd.read_parquet(index / "parsed/files.parquet").iloc[::-1].to_parquet(index / "parsed/files.parquet", index=False)


DAMAGE = (reorder_functions, without_numbers, narrow_keys, shuffle_rows, words_of_lists, cut_files, other_files)


def ask_everything(index: Path, made: Path) -> None:
    model = GraphMER.from_pretrained(made / "data/model", index, made / "params.yaml")
    model.search("find a route")
    model.rank_tails("router.app.Router.add", "instantiates")


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: str(damage.__name__))
def test_a_damaged_file_is_refused_and_the_next_run_heals_it(made: Path, tmp_path: Path, damage: Any) -> None:
    index = copied(made / "router.index", tmp_path / "index")
    damage(index)
    with pytest.raises(ArtifactError, match=f"was replaced or damaged since it was opened .*{AGAIN}$"):
        ask_everything(index, made)
    said = run(made, "index", str(ROUTER), "--out", str(index)).stderr
    if damage not in (shuffle_rows, words_of_lists):  # words are counted anew by every run
        assert said.startswith("graphmer index: nothing reused: ")
        assert said.count("graphmer index: ") == 1
    ask_everything(index, made)
    files = Index.open(made / "router.index").manifest["files"]
    assert Index.open(index).manifest["files"] == files
    assert {name: sha256_file(index / name) for name in files} == files


def test_a_reader_that_was_opened_before_never_mixes_two_indices(made: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    run(made, "index", str(ROUTER), "--out", str(index))
    readers = [GraphMER.from_pretrained(made / "data/model", index, made / "params.yaml") for _ in range(2)]
    readers[0].search("find a route")
    write_again(made, index, tmp_path)
    for reader in readers:
        with pytest.raises(ArtifactError, match=AGAIN):
            reader.neighbourhood("router.app.Router.add")
        with pytest.raises(ArtifactError, match=AGAIN):
            reader.rank_tails("router.app.Router.add", "instantiates")
    readers[0].search("find a route")  # all that it asks was read before
    with pytest.raises(ArtifactError, match=AGAIN):
        readers[1].search("find a route")
    ask_everything(index, made)


def test_a_file_that_is_replaced_while_it_is_read_is_refused(made: Path, tmp_path: Path) -> None:
    index = copied(made / "router.index", tmp_path / "index")
    opened = Index.open(index, made / "data/model")
    with pytest.raises(ArtifactError, match="was replaced or damaged"), opened.intact("keys.npy"):
        shutil.copyfile(index / "functions.npy", tmp_path / "other")
        os.replace(tmp_path / "other", index / "keys.npy")
    with pytest.raises(ArtifactError, match="was replaced or damaged"), opened.intact("graph/triples.parquet"):
        shutil.rmtree(index)
        (index / "graph/triples.parquet").read_bytes()


def test_a_search_reads_the_digests_of_its_own_files_alone(made: Path, tmp_path: Path) -> None:
    index = copied(made / "router.index", tmp_path / "index")
    for name in ("graph", "parsed", "keys.npy"):
        shutil.rmtree(index / name, ignore_errors=True)
    flags = ("--index", str(index), "--model", str(made / "data/model"))
    assert run(made, "search", "find a route", *flags).stdout


def test_the_model_is_read_once(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, real = [], checkpoint.load_file
    monkeypatch.setattr(checkpoint, "load_file", lambda path: read.append(path) or real(path))
    model = GraphMER.from_pretrained(made / "data/model", made / "router.index", made / "params.yaml")
    model.search("find a route")
    model.rank_tails("router.app.Router.add", "instantiates")
    assert len(read) == 1


@pytest.mark.parametrize("text", ["[]", "null", "3", '"x"', "{"])
@pytest.mark.parametrize("name", ["index.json", "scoring.json", "lexicon/words.json"])
def test_json_of_another_shape_in_an_index_is_one_line(made: Path, tmp_path: Path, name: str, text: str) -> None:
    index = copied(made / "router.index", tmp_path / "index")
    (index / name).write_text(text)
    if name != "index.json":  # as if it had been written so
        tree = json.loads((index / "index.json").read_text())
        tree["files"][name] = sha256_file(index / name)
        (index / "index.json").write_text(json.dumps(tree))
    flags = ("--index", str(index), "--model", str(made / "data/model"))
    said = run(made, "search", "find a route", *flags, expect=1).stderr
    assert said.endswith("run graphmer index again\n")
    assert said.count("\n") == 1
    assert name in said


@pytest.mark.parametrize("text", ["[]", "null", "{}", '{"files": [], "model": 1, "vocabulary": {}}', "{"])
@pytest.mark.parametrize("name", ["packed.json", "config.json"])
def test_json_of_another_shape_in_a_model_is_one_line(made: Path, tmp_path: Path, name: str, text: str) -> None:
    model = copied(made / "data/model", tmp_path / "model")
    (model / name).write_text(text)
    said = run(made, "index", str(ROUTER), "--out", str(tmp_path / "x"), "--model", str(model), expect=1).stderr
    assert f"{name}: " in said
    assert said.endswith("restore it as training wrote it\n")
    assert said.count("\n") == 1
    if name == "config.json":
        with pytest.raises(ArtifactError, match="restore it as training wrote it"):
            GraphMER.from_pretrained(model)


@pytest.mark.parametrize("text", ["[]", "null", "{}", "{"])
def test_kept_weights_of_another_shape_are_one_line(made: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "weights.json").write_text(text)
    flags = ("--out", str(tmp_path / "x"), "--scoring", str(tmp_path / "weights.json"))
    said = run(made, "index", str(ROUTER), *flags, expect=1).stderr
    assert said.endswith("delete it, and graphmer index fits it again\n")
    assert said.count("\n") == 1


def test_a_missing_model_is_asked_for_by_its_flag(made: Path, tmp_path: Path) -> None:
    flags = ("index", str(ROUTER), "--out", str(tmp_path / "x"), "--model")
    (tmp_path / "empty").mkdir()
    untokenized = copied(made / "data/model", tmp_path / "untokenized")
    (untokenized / "tokenizer.json").unlink()
    for model in (tmp_path / "nowhere", tmp_path / "empty", untokenized):
        said = run(made, *flags, str(model), expect=1).stderr
        assert said.endswith("; name a trained model with --model\n")
        assert "dvc" not in said
        assert said.count("\n") == 1


def test_an_index_that_lost_its_manifest_is_known_by_its_other_files(made: Path, tmp_path: Path) -> None:
    index = copied(made / "router.index", tmp_path / "index")
    (index / "index.json").unlink()
    said = run(made, "search", "x", "--index", str(index), expect=1).stderr
    assert "no index (index.json is missing); name another one, or run graphmer index again" in said
    said = run(made, "index", str(ROUTER), "--out", str(index)).stderr
    assert "nothing reused" in said
    assert answer(made, "search", "find a route", "--index", str(index))["results"]
    (index / "index.json").write_text("[]")
    (index / "thesis.txt").write_text("x")
    assert "holds files and is no index" in run(made, "index", str(ROUTER), "--out", str(index), expect=1).stderr
    assert (index / "thesis.txt").is_file()


def test_a_folder_with_another_programs_index_json_is_never_replaced(made: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.json").write_text('{"pages": []}')
    said = run(made, "index", str(ROUTER), "--out", str(tmp_path / "site"), expect=1).stderr
    assert "holds files and is no index" in said
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["index.json"]


def unfitted(made: Path, at: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Flags of a model without weights, whose fit is never to begin."""
    data = copied(made / "data", at / "data")
    (data / "model.scoring.json").unlink()

    def fit(*_: object) -> None:
        raise AssertionError("the fit takes minutes")

    monkeypatch.setattr(building, "fit_scoring", fit)
    return ("--out", str(at / "index"), "--model", str(data / "model"))


def test_what_can_be_refused_at_once_is_refused_before_the_fit(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = unfitted(made, tmp_path, monkeypatch)
    for name in ("nothing", "constant"):
        (tmp_path / name).mkdir()
    (tmp_path / "constant/values.py").write_text("from os import sep\n\nHALF = 0.5\nJOINT = sep\n")
    for code, licence, says in (
        (ROUTER, "GPL-3.0-only", "is not on the allow list"),
        (tmp_path / "nothing", "MIT", "nothing: "),
        (tmp_path / "constant", "MIT", f"{tmp_path}/constant: the code defines no function"),
    ):
        said = run(made, "index", str(code), *flags, "--license", licence, expect=1).stderr
        assert says in said
        assert "fitting" not in said
        assert ".partial" not in said
        assert said.count("graphmer index: ") == 1
    assert not (tmp_path / "index").exists()


def test_weights_that_could_not_be_kept_or_fitted_are_refused_before_the_graph_is_built(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = unfitted(made, tmp_path, monkeypatch)
    kept = tmp_path / "data/model.scoring.json"
    monkeypatch.setattr(building, "graph_folder", lambda *_: pytest.fail("the graph takes minutes"))
    with monkeypatch.context() as closed:
        closed.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path / "data")
        said = run(made, "index", str(ROUTER), *flags, expect=1).stderr
    assert f"{kept}: cannot be written" in said
    shutil.rmtree(tmp_path / "data/kg")
    said += run(made, "index", str(ROUTER), *flags, expect=1).stderr
    assert f"{tmp_path}/data/kg: not found; the scoring is fitted on the training corpus' validation split" in said
    assert "fitting" not in said
    assert said.count("\n") == 2


def test_another_models_vectors_are_not_reused_and_parsed_rows_are(made: Path, tmp_path: Path) -> None:
    index = copied(made / "router.index", tmp_path / "index")
    tree = json.loads((index / "index.json").read_text())
    (index / "index.json").write_text(json.dumps(tree | {"model": "0" * 64}))
    done = run(made, "index", str(ROUTER), "--out", str(index), "--json")
    assert "no vector reused: " in done.stderr
    counts = json.loads(done.stdout)
    assert counts["files_parsed"] == 0
    assert counts["functions_encoded"] == counts["functions"]
    assert sha256_tree(index / "graph") == sha256_tree(made / "router.index/graph")


def test_a_fit_by_hand_that_finds_no_data_is_one_line(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ["--data", str(tmp_path), "--out", str(tmp_path / "x.json"), "--params", str(made / "params.yaml")]
    monkeypatch.setattr("sys.argv", ["fit", str(made / "data/model"), *flags])
    with pytest.raises(SystemExit, match=r"^graphmer\.index\.fit: .*/packed: not found; the scoring is fitted on"):
        fitting.main()
