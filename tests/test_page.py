"""The HTML report without a browser: what it embeds is the graph, nothing of it is markup, and the same each time."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from imports import ROOT
from page_project import DOCSTRING, FILE_NAME, embedded, plant_graph, plant_project

from graphmer.artifacts import read_json, write_json, write_table, write_text
from graphmer.errors import ArtifactError
from graphmer.kg.schema import triples_schema
from graphmer.report.page import LIBRARIES, PAGE, STYLES, embedded_json, main, render, report_data

LOCK = json.loads((ROOT / PAGE / "package-lock.json").read_text(encoding="utf-8"))
WANTED = json.loads((ROOT / PAGE / "package.json").read_text(encoding="utf-8"))["dependencies"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant_project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The page's own parts, with a line of text for each library: what a browser does with these is tested in one."""
    folder = tmp_path / "page"
    shutil.copytree(ROOT / PAGE, folder, ignore=shutil.ignore_patterns("node_modules"))
    for name in LIBRARIES:
        write_text(folder / "node_modules" / name, f"/* {name} */\n//# sourceMappingURL=x.map\n")
    write_text(folder / STYLES[0], "td { color: red }\n/*# sourceMappingURL=x.css.map */\n")
    return folder


class Elements(HTMLParser):
    """Every element that a parser finds, and the text of scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.scripts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script" and data.strip():
            self.scripts.append(data)


def decoded(column: dict[str, str]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(column["base64"]), dtype=f"<{column['width']}")


def texts(column: dict[str, object]) -> list[str]:
    return [column["values"][code] for code in decoded(column["codes"])]  # type: ignore[index,arg-type]


def test_the_embedded_columns_are_the_graphs_tables(project: Path, page: Path) -> None:
    data = embedded(render(page, report_data(project, None)))["graph"]
    entities, triples = (pd.read_parquet(project / f"data/kg/{name}.parquet") for name in ("entities", "triples"))
    columns = data["entities"]  # type: ignore[index]
    assert columns["qualified_name"] == entities["qualified_name"].tolist()
    for name in ("type", "package", "file", "language"):
        assert texts(columns[name]) == entities[name].tolist()
    assert decoded(columns["line"]).tolist() == entities["line_start"].tolist()
    symbols, columns = entities["entity"].to_numpy(), data["triples"]  # type: ignore[index]
    for end in ("head", "tail"):
        assert symbols[decoded(columns[end])].tolist() == triples[end].tolist()
    for name in ("relation", "resolution", "source", "file"):
        assert texts(columns[name]) == triples[name].tolist()
    assert decoded(columns["line"]).tolist() == triples["line_start"].tolist()
    assert decoded(columns["confidence"]).tolist() == triples["confidence"].tolist()


def test_counts_by_relation_add_up_to_the_graph(project: Path) -> None:
    triples = pd.read_parquet(project / "data/kg/triples.parquet")
    counts = report_data(project, None)["relations"]
    by_hand = triples.groupby(["relation", "resolution"]).size().to_dict()
    found = {
        (relation, resolution): counts["triples"][row][column]
        for row, resolution in enumerate(counts["resolutions"])
        for column, relation in enumerate(counts["relations"])
        if counts["triples"][row][column]
    }
    assert found == by_hand


def test_no_text_from_code_is_markup(project: Path, page: Path) -> None:
    html = render(page, report_data(project, None))
    bare = render(page, {})
    assert Elements(html).names == Elements(bare).names
    assert Elements(html).attributes[-1] == Elements(bare).attributes[-1]
    data = embedded(html)["graph"]
    docstrings = [text for _, text in data["entities"]["docstring"]]  # type: ignore[index]
    assert DOCSTRING.encode().decode("unicode_escape") in docstrings
    assert any(FILE_NAME in name for name in data["entities"]["file"]["values"])  # type: ignore[index]


@pytest.mark.parametrize("text", ["</script>", "<!--", "<script", "]]>", "&lt;", "\u2028", "<!--data-->", "\\u003c"])
def test_embedded_json_has_no_tag_and_reads_back(text: str) -> None:
    assert "<" not in embedded_json({text: [text]})
    assert json.loads(embedded_json({text: [text]})) == {text: [text]}


def test_a_marker_of_the_page_in_the_data_stays_text(page: Path) -> None:
    assert embedded(render(page, {"x": "<!--scripts-->"})) == {"x": "<!--scripts-->"}


def test_the_policy_lets_only_the_pages_own_scripts_run_and_nothing_be_fetched(page: Path) -> None:
    html = render(page, {})
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', html)
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    assert len(digests) == len(LIBRARIES) + 1
    assert re.findall(r"'sha256-([^']+)'", policy) == digests
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy
    assert html.index("Content-Security-Policy") < html.index("<script")


def test_nothing_in_the_pages_own_parts_names_a_host() -> None:
    for path in (ROOT / PAGE).iterdir():
        if path.is_file():
            assert not re.search(r"https?://|//[a-z]+\.", path.read_text(encoding="utf-8")), path.name


def test_the_page_points_to_no_file_beside_it(page: Path) -> None:
    html = render(page, {})
    assert "sourceMappingURL" not in html
    assert not [one for one in Elements(html).attributes if "src" in one or one.get("rel") == "stylesheet"]


def test_another_process_writes_the_same_bytes(project: Path, page: Path, tmp_path: Path) -> None:
    outs = []
    for seed in ("1", "2"):
        outs.append(tmp_path / f"{seed}.html")
        command = [sys.executable, "-m", "graphmer.report.page", "--root", str(project), "--page", str(page)]
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": f"UTC+{seed}"}
        subprocess.run([*command, "--out", str(outs[-1])], check=True, env=environment, capture_output=True)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert str(tmp_path).encode() not in outs[0].read_bytes()


def test_a_graph_alone_needs_no_metrics(project: Path, page: Path, tmp_path: Path) -> None:
    data = report_data(tmp_path / "nowhere", project / "data/kg")
    assert not {"train", "tasks", "ablation"} & data.keys()
    assert ("packages", "1") in data["facts"]


def test_results_are_those_of_the_committed_tables(project: Path) -> None:
    data = report_data(project, None)
    rows = [row for row in data["tasks"]["rows"] if (row["task"], row["scorer"]) == ("link_prediction", "graphmer")]
    headline = read_json(ROOT / "metrics/eval.json")["link_prediction"]["headline"]["graphmer"]
    assert {"value": headline["mrr"], "low": headline["mrr_low"], "high": headline["mrr_high"]}.items() <= next(
        row for row in rows if row["setting"] == "headline"
    ).items()
    steps = data["train"]["curve"]["step"]
    assert steps == sorted(steps)
    assert data["train"]["curve"]["loss.sbo"] == [None] * len(steps)  # a term without a weight has no curve


def test_the_long_ablation_takes_the_short_ones_place_once_it_has_run(project: Path, tmp_path: Path) -> None:
    root = tmp_path / "long"
    shutil.copytree(project, root)
    assert report_data(root, None)["ablation"]["source"] == "plots/ablation.csv"
    write_text(
        root / "results/ablation/ablation.csv",
        "row,measure,full,mean,difference,low,high,files_low,files_high,by_seed,seeds,queries,files,verdict\n"
        "no_hgat,link_prediction.headline.graphmer.mrr,0.7,0.6,-0.1,-0.2,-0.05,-0.1,-0.1,-0.1;-0.1,3,9,4,worse\n"
        "no_hgat,link_prediction.headline.B.graphmer.mrr,0.7,0.6,-0.1,-0.2,-0.05,-0.1,-0.1,-0.1;-0.1,3,9,4,worse\n",
    )
    write_json(root / "results/ablation/ablation.json", {"baseline": "full"})
    shown = report_data(root, None)["ablation"]
    assert (shown["source"], shown["baseline"]) == ("results/ablation/ablation.csv", "full")
    assert [(row["row"], row["measure"]) for row in shown["rows"]] == [
        ("no_hgat", "link prediction, with symbols (MRR)")
    ]


def broken_counts(root: Path) -> None:
    write_json(root / "metrics/kg.json", read_json(root / "metrics/kg.json") | {"triples": 1})


def stray_tail(root: Path) -> None:
    path = root / "data/kg/triples.parquet"
    frame = pd.read_parquet(path)
    frame.loc[0, "tail"] = "python:p:nowhere"
    write_table(frame, path, triples_schema())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (broken_counts, r"data/kg: .* entities and .* triples, metrics/kg\.json says .* and 1; run dvc repro"),
        (stray_tail, r"'python:p:nowhere' is no entity"),
        (lambda root: (root / "data/kg/entities.parquet").unlink(), r"entities\.parquet: not found"),
        (lambda root: (root / "plots/train.csv").unlink(), r"train\.csv: not found"),
        (lambda root: (root / "plots/train.csv").write_text("step\n"), r"train\.csv: no rows"),
    ],
)
def test_what_is_missing_or_of_another_run_is_one_line_and_no_file(
    project: Path, page: Path, tmp_path: Path, damage, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "damaged"
    shutil.copytree(project, root)
    damage(root)
    assert main(["--root", str(root), "--page", str(page), "--out", str(tmp_path / "r.html")]) == 1
    errors = capsys.readouterr().err
    assert re.search(said, errors)
    assert errors.count("\n") == 1
    assert not (tmp_path / "r.html").exists()


def test_libraries_that_were_not_fetched_are_one_line(page: Path) -> None:
    (page / "node_modules" / LIBRARIES[0]).unlink()
    with pytest.raises(ArtifactError, match=r"cytoscape\.min\.js: not found; run make report"):
        render(page, {})


@pytest.mark.parametrize("text", ["'</script>'", "'</SCRIPT'", "'<!--'"])
def test_a_library_that_would_end_its_own_element_is_refused(page: Path, text: str) -> None:
    write_text(page / "node_modules" / LIBRARIES[0], text)
    with pytest.raises(ArtifactError, match="pin another version"):
        render(page, {})


def test_a_folder_without_a_graph_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--kg", str(tmp_path), "--out", str(tmp_path / "r.html")]) == 1
    assert "entities.parquet: not found" in capsys.readouterr().err


def test_every_library_is_pinned_by_version_and_digest_and_by_no_host() -> None:
    locked = {name.removeprefix("node_modules/"): one for name, one in LOCK["packages"].items() if name}
    assert {name: one["version"] for name, one in locked.items()} == WANTED
    assert {name.split("/")[0] for name in LIBRARIES} == set(WANTED)
    for one in locked.values():
        assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", one["integrity"])
        assert "resolved" not in one


def test_the_default_graph_fits_into_thirty_megabytes(page: Path) -> None:
    if not (ROOT / "data/kg/triples.parquet").is_file():
        pytest.skip("data/kg is not here: dvc repro or dvc pull")
    text = render(page, report_data(ROOT, None))
    assert len(text.encode()) < 30e6 - 2.5e6  # the libraries' part


def test_a_graph_of_one_function_has_a_report_too(tmp_path: Path, page: Path) -> None:
    write_text(tmp_path / "code/main.py", "def f() -> None:\n    pass\n")
    graph = plant_graph(tmp_path / "code", tmp_path / "kg")
    assert embedded(render(page, report_data(tmp_path, graph)))["facts"]
