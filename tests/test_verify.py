"""`graphmer verify`: a project whose parts agree passes, and each kind of tampering is one line that names the file."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from imports import ROOT, reached
from verified import edit_json, edit_rows, plant, planted_tasks, relock

from graphmer.artifacts import read_json, read_table, sha256_file, write_json, write_text
from graphmer.errors import ArtifactError, ParamsError
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.predictions import prediction_rows, predictions_schema, task_tables
from graphmer.evaluate.record import LIBRARY, READ_BESIDES, check_record, reached_modules
from graphmer.evaluate.summary import summarise
from graphmer.params import load_section, load_tree
from graphmer.report.findings import Finding
from graphmer.report.verify import RESULTS, manifest_findings, verify_project

HEADLINE = "link_prediction/headline/graphmer/mrr"
Tamper = Callable[[Path], object]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def project(sound: Path, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    return Path(shutil.copytree(sound, tmp_path / "project", symlinks=True))


def differing(root: Path) -> list[str]:
    return [finding.line() for finding in verify_project(root) if finding.kind == "differs"]


def test_a_project_none_of_whose_packages_was_traced_passes(tmp_path: Path) -> None:
    assert differing(plant(tmp_path, without=("call_graph", "disambiguation"))) == []


def test_a_project_whose_parts_agree_passes(sound: Path) -> None:
    findings = list(verify_project(sound))
    assert [finding for finding in findings if finding.kind == "differs"] == []
    assert {finding.where for finding in findings if finding.kind == "absent"} == {
        path for path in RESULTS if not (ROOT / path).exists()
    }
    agreed = {finding.where for finding in findings if finding.kind == "agrees"}
    assert {"data/model/model.safetensors", "data/kg/triples.parquet", "data/eval/predictions.parquet"} <= agreed
    assert {"metrics/eval.json: link_prediction.headline.gain.mrr_low", "README.md", "docs/specs.md"} <= agreed
    assert {"metrics/ablation.json: no_rel_bias.link_prediction.headline.graphmer.mrr.low", "dvc.lock"} <= agreed
    assert "src/graphmer/evaluate/bootstrap.py" in agreed


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def another_column(path: Path) -> None:
    pd.read_parquet(path).rename(columns={"value": "rank"}).to_parquet(path)


def parameter(root: Path) -> None:
    path = root / "params.yaml"
    text = path.read_text(encoding="utf-8")
    assert "resamples: 1000" in text
    path.write_text(text.replace("resamples: 1000", "resamples: 1001"), encoding="utf-8")


def reword(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def locked_command(root: Path) -> None:
    reword(root / "dvc.lock", "python stages/eval.py", "python stages/other.py")


ALTERED: dict[str, Tamper] = {
    r"data/model/model\.safetensors: expected sha256 \w{64}, found sha256 \w{64}": lambda at: append(
        at / "data/model/model.safetensors"
    ),
    r"data/kg/triples\.parquet: expected sha256": lambda at: append(at / "data/kg/triples.parquet"),
    r"data/parsed/files\.parquet: expected sha256": lambda at: append(at / "data/parsed/files.parquet"),
    r"data/packed/tokenizer\.json: expected sha256 \w+, found no file": lambda at: (
        at / "data/packed/tokenizer.json"
    ).unlink(),
    r"data/packed/more\.npz: expected no file": lambda at: write_text(at / "data/packed/more.npz", "x"),
    r"metrics/eval\.json: link_prediction\.headline\.graphmer\.mrr: expected 0\.\d+, found 0\.999$": lambda at: (
        edit_json(at / "metrics/eval.json", HEADLINE, 0.999)
    ),
    r"metrics/eval\.json: link_prediction\.headline\.gain\.mrr_low: expected -?0\.\d+, found 0\.01$": lambda at: (
        edit_json(at / "metrics/eval.json", "link_prediction/headline/gain/mrr_low", 0.01)
    ),
    r"metrics/eval\.json: masked_tokens\.all\.miracle\.accuracy: expected nothing, found 1\.0$": lambda at: edit_json(
        at / "metrics/eval.json", "masked_tokens/all/miracle", {"accuracy": 1.0}
    ),
    r"dvc\.lock: eval: metrics/eval\.json: expected md5 \w+, found": lambda at: None,  # by the three above
    r"data/eval/predictions\.parquet: expected sha256": lambda at: edit_rows(
        at / "data/eval/predictions.parquet", "value", 120, 29.5
    ),
    r"metrics/eval\.json: code_search\.pool1000\.bm25\.mrr: expected 0\.\d+, found 0\.\d+$": lambda at: (
        None
    ),  # by that row
    r"data/eval/figures\.parquet: link_prediction\.\w+\.\w+\.\w+\.\w+\.\w+: expected": lambda at: edit_rows(
        at / "data/eval/figures.parquet", "low", 60, 0.5
    ),
    r"src/graphmer/evaluate/run\.py: expected sha256 0{64}, found sha256": lambda at: edit_json(
        at / "data/eval/run.json", "code", {"evaluate/run.py": "0" * 64, "ontology/ontology.yaml": "0" * 64}
    ),
    r"run\.json: seeds: eval\.link: expected 7, found 0": lambda at: edit_json(
        at / "data/eval/run.json", "seeds/eval.link", 7
    ),
    r"run\.json: parameters of params\.yaml: eval: expected \w{64}, found": parameter,
    r"dvc\.lock: eval: parameter eval\.[\w.]+ is ": lambda at: None,  # by that parameter
    r"dvc\.lock: eval: command is 'python stages/eval\.py', locked 'python stages/other\.py'": locked_command,
    r"plots/eval_peers\.csv: code_search\.pool1000\.\w+\.mrr: expected": lambda at: reword(
        at / "plots/eval_peers.csv", "0.", "9."
    ),
    r"README\.md: expected in line \d+ '\| link": lambda at: reword(
        at / "README.md", "| headline | mrr | graphmer 0.", "| headline | mrr | graphmer 9."
    ),
    r"docs/data_card\.md: expected in line \d+ '\| trio \| \d.* found '\| trio \| 9": lambda at: reword(
        at / "docs/data_card.md", "| trio | ", "| trio | 9"
    ),
    r"metrics/ablation\.json: no_rel_bias\.link_prediction\.headline\.graphmer\.mrr\.difference: .* found 0\.5$": (
        lambda at: edit_json(
            at / "metrics/ablation.json", "no_rel_bias/link_prediction/headline/graphmer/mrr/difference", 0.5
        )
    ),
    r"data/ablation/full-1/figures\.json: link_prediction\.headline\.neural\.mrr: expected 0\.\d+, found 0\.5$": (
        lambda at: edit_json(at / "data/ablation/full-1/figures.json", "link_prediction.headline.neural.mrr", 0.5)
    ),
}
MISSING: dict[str, Tamper] = {
    r"dvc\.lock: eval: metrics/eval\.json is not committed": lambda at: (at / "metrics/eval.json").unlink(),
    r"metrics/eval\.json: data/eval/predictions\.parquet: not found": lambda at: (
        at / "data/eval/predictions.parquet"
    ).unlink(),
    r"documents: metrics/kg\.json: not found": lambda at: (at / "metrics/kg.json").unlink(),
    r"data/eval/run\.json: data/eval/run\.json: not found": lambda at: (at / "data/eval/run.json").unlink(),
}
FOREIGN: dict[str, Tamper] = {
    r"documents: README\.md: not found": lambda at: (at / "README.md").unlink(),
    r"dvc\.lock: dvc\.lock: not committed": lambda at: (at / "dvc.lock").unlink(),
    r"predictions\.parquet: columns .* are not the expected": lambda at: another_column(
        at / "data/eval/predictions.parquet"
    ),
    r"run\.json: version: 2 was expected": lambda at: edit_json(at / "data/eval/run.json", "version", 3),
    r"results: results/benchmarks/latency\.json: not readable": lambda at: write_text(
        at / "results/benchmarks/latency.json", "{"
    ),
}
GROUPS = {"altered": ALTERED, "missing": MISSING, "foreign": FOREIGN}


@pytest.fixture(scope="module")
def found(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Of each group of tamperings the lines that a project with all of them gives."""
    lines = {}
    for name, group in GROUPS.items():
        copy = Path(shutil.copytree(sound, tmp_path_factory.mktemp(name) / "project", symlinks=True))
        for tamper in group.values():
            tamper(copy)
        lines[name] = differing(copy)
    return lines


@pytest.mark.parametrize(("group", "line"), [(name, line) for name, group in GROUPS.items() for line in group])
def test_what_was_tampered_with_is_a_line_that_names_it(found: dict[str, list[str]], group: str, line: str) -> None:
    assert any(re.search(f"^differs: .*{line}", one) for one in found[group]), found[group]
    assert all("\n" not in one for one in found[group])


def test_a_forged_figure_is_found_when_lock_record_and_documents_were_forged_along(project: Path) -> None:
    from graphmer.report.documents import documents

    edit_json(project / "metrics/eval.json", HEADLINE, 0.999)
    edit_json(project / "data/eval/run.json", "outputs/eval.json", sha256_file(project / "metrics/eval.json"))
    for path, text in documents(project).items():
        write_text(project / path, text)
    relock(project)
    (line,) = differing(project)
    assert line.startswith("differs: metrics/eval.json: link_prediction.headline.graphmer.mrr: expected 0.")


def test_a_folder_of_ones_own_has_no_pinned_digest_to_differ_from(project: Path) -> None:
    tree = load_tree(project / "params.yaml")
    (project / "mine.yaml").write_text(
        "name: mine\nsources:\n  - {kind: path, name: own, path: own, version: '1', license: MIT, languages: [python], "
        "split: by_module}\n"
    )
    tree["fetch"]["corpus"] = "mine.yaml"
    (project / "data/raw").mkdir()
    for name, kinds in {"own": {"agrees"}, "other": {"differs"}}.items():
        write_json(project / "data/raw/manifest.json", {"sources": [{"name": name, "sha256": "ab"}]})
        found = [one for one in manifest_findings(project, tree) if one.where.startswith("data/raw/")]
        assert {one.kind for one in found} == kinds


def test_what_was_not_pulled_or_never_made_is_told_with_its_command_and_fails_nothing(project: Path) -> None:
    for name in ("data/eval", "data/model", "data/kg", "data/packed", "data/parsed", "data/ablation", "results"):
        shutil.rmtree(project / name)
    told = [finding for finding in verify_project(project) if finding.kind != "agrees"]
    assert {finding.kind for finding in told if "benchmarks" not in finding.where} == {
        "absent",
        "differs",
    }
    # These pages show what results/ held: without it they say so, and differ.
    assert {finding.where for finding in told if finding.kind == "differs"} == {
        "docs/scale.md", "docs/benchmarks.md", "docs/model_card.md", "docs/specs.md", "docs/walkthrough.md",
        "docs/sharing.md",
    }  # fmt: skip
    said = {finding.where: finding.said for finding in told if finding.kind == "absent"}
    assert said["data/eval"] == "not here; make repro (dvc repro eval) makes it"
    assert said["results/peers.json"] == "not here; make peers makes it"
    assert set(RESULTS) <= set(said)


def test_a_figure_that_comes_from_no_prediction_is_told(project: Path) -> None:
    edit_json(project / "metrics/eval.json", "leaks", {"exact": 0, "near": 0})
    notes = [finding for finding in verify_project(project) if finding.kind == "note"]
    where = "metrics/eval.json: leaks"
    assert Finding("note", where, "2 figures come from no prediction; their digest alone is checked") in notes


def test_a_shared_model_of_other_weights_is_a_note_and_one_that_was_changed_differs(project: Path) -> None:
    folder = project / "models/small"
    write_text(folder / "model.safetensors", "weights")
    files = {"model.safetensors": sha256_file(folder / "model.safetensors")}
    here = read_json(project / "data/model/config.json")["files"]["model.safetensors"]
    for made_of, kinds in ((here, []), ("ab", ["note"])):
        write_json(folder / "config.json", {"files": files, "weights": {"of": made_of}})
        found = [finding for finding in verify_project(project) if finding.where.startswith("models/small")]
        assert [finding.kind for finding in found if finding.kind != "agrees"] == kinds
    write_text(folder / "model.safetensors", "others")
    assert any(line.startswith("differs: models/small/model.safetensors: ") for line in differing(project))


def test_kept_results_of_a_profile_must_be_what_their_environment_says(project: Path) -> None:
    write_text(project / "results/base/metrics/eval.json", "{}")
    digests = {"metrics/eval.json": sha256_file(project / "results/base/metrics/eval.json")}
    write_json(project / "results/base/environment.json", {"sha256": digests})
    assert not [line for line in differing(project) if "results/base" in line]
    write_text(project / "results/base/metrics/eval.json", "{ }")
    assert any(
        line.startswith("differs: results/base/metrics/eval.json: expected sha256") for line in differing(project)
    )


def test_no_project_and_bad_parameters_are_the_users_error(project: Path, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"no dvc\.yaml, so no project"):
        list(verify_project(tmp_path))
    write_text(project / "params.yaml", yaml.safe_dump({**load_tree(project / "params.yaml"), "extra": {}}))
    with pytest.raises(ParamsError, match="extra: unknown section"):
        list(verify_project(project))


def graphmer(*flags: str, cwd: Path, expect: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "graphmer.cli", "verify", *flags]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def test_the_exit_status_tells_agreement_difference_and_usage_apart(project: Path, tmp_path: Path) -> None:
    assert graphmer(cwd=project, expect=0).stdout.splitlines()[-1].endswith(" are not here")
    assert "no project" in graphmer(cwd=tmp_path, expect=2).stderr
    assert "pass --gates too" in graphmer("--strict", cwd=project, expect=2).stderr
    append(project / "data/model/model.safetensors")
    said = json.loads(graphmer("--json", "--root", str(project), cwd=tmp_path, expect=1).stdout)
    assert ("differs", "data/model/model.safetensors") in {(one["kind"], one["where"]) for one in said["findings"]}


def test_verifying_imports_no_torch(sound: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from graphmer.report.verify import verify_project; "
        f"list(verify_project(Path({str(sound)!r}))); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_figures_follow_from_the_table_of_predictions_as_from_the_tasks() -> None:
    params = load_section(load_tree(ROOT / "params.yaml"), "eval", EvalParams)
    tasks = planted_tasks()
    figures, flat = summarise(tasks, params)
    again, flat_again = summarise(task_tables(prediction_rows(tasks)), params)
    assert flat == flat_again
    pd.testing.assert_frame_equal(figures, again)


def test_the_record_names_the_code_that_the_stage_reaches_and_no_other(sound: Path) -> None:
    start = LIBRARY / "evaluate/run.py"
    assert reached_modules(LIBRARY, start) == reached(start) | {start}
    record = read_json(sound / "data/eval/run.json")
    assert set(READ_BESIDES) <= set(record["code"])
    assert "cli.py" not in record["code"]
    assert "model/attention.py" in record["code"]


def test_two_runs_on_the_same_files_leave_the_same_record(sound: Path, tmp_path: Path) -> None:
    again = plant(tmp_path)
    assert (again / "data/eval/run.json").read_bytes() == (sound / "data/eval/run.json").read_bytes()
    text = (again / "data/eval/run.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert "+" not in "".join(read_json(again / "data/eval/run.json")["packages"].values())


def test_a_record_of_a_checkpoint_from_elsewhere_says_nothing_of_its_training(sound: Path) -> None:
    record = read_json(sound / "data/eval/run.json")
    assert record["device"] == {"eval": "cpu", "train": "cpu"}
    assert set(record["parameters"]) == {"eval", "model", "train"}
    record["device"]["train"] = None
    check_record(record, "run.json")
    record["device"]["train"] = "AMD EPYC"
    with pytest.raises(ArtifactError, match=r"run\.json: device\.train: 'AMD EPYC' is not one of"):
        check_record(record, "run.json")
    with pytest.raises(
        ArtifactError, match=r"run\.json: top level: Additional properties .* \('host' was unexpected\)"
    ):
        check_record(read_json(sound / "data/eval/run.json") | {"host": "here"}, "run.json")


def test_the_planted_predictions_have_the_columns_of_the_real_ones(sound: Path) -> None:
    assert len(read_table(sound / "data/eval/predictions.parquet", predictions_schema())) > 100
