"""Curated triples: added and marked, never in a static fact's place, and refused in one line with file and line."""

import csv
from pathlib import Path

import pandas as pd
import pytest
import yaml
from imports import ROOT
from test_build import PARAMS, parse_packages
from test_cli import graphmer

from graphmer.artifacts import read_json, read_table
from graphmer.errors import OntologyError
from graphmer.kg.build import build_graph
from graphmer.kg.curated_rows import COLUMNS, curated_files, curated_rows
from graphmer.kg.schema import triples_schema

PLUGINS = {
    "app/__init__.py": "",
    "app/core.py": (
        "class Base:\n    def run(self): ...\n\n\nclass Other:\n    def run(self): ...\n\n\n"
        "class Child(Base):\n    def run(self): ...\n\n\n"
        "def fire(hooks, thing):\n"
        "    größe = 1  # naïve\n"
        "    for hook in hooks:\n"
        "        hook(größe)\n"
        "    thing.run()\n"
    ),
    "app/plugins.py": "import json\n\n\ndef greet(size): ...\n\n\ndef leave(size):\n    json.dumps(size)\n",
    "app/base.py": "class Node: ...\n\n\nclass Leaf(Node): ...\n",
}
PACKAGES = {"shop": PLUGINS, "other": {"other/__init__.py": "", "other/away.py": "def far(): ...\n"}}
CORE = "python:shop:app/core.py#"
GREET = "python:shop:app/plugins.py#greet"
# head, relation, tail, file, line_start, line_end, mention, confidence, version, note
HOOK = (f"{CORE}fire", "calls", GREET, "app/core.py", "15", "16", "hook", "0.9", "1.0", "a plugin, set at run time")


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMER_WORKERS", "1")


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPHMER_WORKERS", "1")
        return parse_packages(tmp_path_factory.mktemp("corpus"), PACKAGES, {"shop": "train", "other": "test"})


def write(path: Path, *rows: tuple[str, ...], comment: str = "# Hooks of the shop.\n") -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(comment)
        csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *rows])
    return path


def but(**changes: str) -> tuple[str, ...]:
    """The hook's row with other cells."""
    return tuple(changes.get(name, cell) for name, cell in zip(COLUMNS, HOOK, strict=True))


def build(parsed: Path, out: Path, *rows: tuple[str, ...]) -> tuple[pd.DataFrame, dict[str, int]]:
    build_graph(parsed, out / "kg", PARAMS, [write(out / "rows.csv", *rows)])
    triples = read_table(out / "kg" / "triples.parquet", triples_schema())
    return triples, read_json(out / "kg" / "manifest.json")["curated"]


def find(triples: pd.DataFrame, head: str, relation: str, tail: str) -> pd.Series:
    rows = triples[(triples["head"] == head) & (triples["relation"] == relation) & (triples["tail"] == tail)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_curated_triple_is_added_marked_and_shown_by_its_mention(parsed: Path, tmp_path: Path):
    triples, counts = build(parsed, tmp_path, HOOK)
    row = find(triples, *HOOK[:3])
    assert (row.source, row.resolution, row.split, row.license, row.version) == (
        "manual_curation", "inferred", "train", "MIT", "1.0"
    )  # fmt: skip
    assert row.confidence == pytest.approx(0.9)
    assert (row.line_start, row.line_end) == (15, 15)
    assert PLUGINS["app/core.py"].encode()[row.byte_start : row.byte_end] == b"hook"
    assert PLUGINS["app/core.py"].encode()[: row.byte_start].endswith(b"for ")
    assert {name: count for name, count in counts.items() if count} == {"added": 1}


def test_a_mention_is_no_part_of_a_longer_word_and_may_hold_any_letter(parsed: Path, tmp_path: Path):
    triples, _ = build(parsed, tmp_path, but(line_start="13", line_end="16", mention="größe"))
    row = find(triples, *HOOK[:3])
    assert PLUGINS["app/core.py"].encode()[row.byte_start : row.byte_end].decode() == "größe"
    assert row.line_start == 14


def test_a_mention_of_the_tail_is_exact_and_of_an_external_one_external(parsed: Path, tmp_path: Path):
    rows = (
        but(tail=f"{CORE}Base.run", line_start="17", line_end="17", mention="run"),
        but(head=GREET, relation="invokes", tail="python:api:json.dumps", file="app/plugins.py", line_start="8",
            line_end="8", mention="json.dumps"),
    )  # fmt: skip
    triples, _ = build(parsed, tmp_path, *rows)
    assert find(triples, *rows[0][:3]).resolution == "exact"
    assert find(triples, *rows[1][:3]).resolution == "external"


def test_a_static_fact_stays_and_an_ambiguous_one_is_settled_and_both_are_counted(parsed: Path, tmp_path: Path):
    inherits = (f"{CORE}Child", "inherits_from", f"{CORE}Base", "app/core.py", "9", "9", "Base", "0.5", "", "")
    settles = but(tail=f"{CORE}Other.run", line_start="17", line_end="17", mention="run", confidence="1")
    before, _ = build(parsed, tmp_path)
    assert find(before, *settles[:3]).resolution == "ambiguous"
    triples, counts = build(parsed, tmp_path, inherits, settles)
    assert find(triples, *inherits[:3]).equals(find(before, *inherits[:3]))
    assert find(triples, *settles[:3]).source == "manual_curation"
    assert len(triples) == len(before)
    assert {name: count for name, count in counts.items() if count} == {"repeats_static": 1, "settles_ambiguous": 1}


def test_rows_of_a_package_or_a_version_that_the_corpus_lacks_are_counted_alone(parsed: Path, tmp_path: Path):
    before, _ = build(parsed, tmp_path)
    triples, counts = build(parsed, tmp_path, but(version="0.9"), but(head="python:gone:a.py#f"))
    assert triples.equals(before)
    assert {name: count for name, count in counts.items() if count} == {"other_version": 1, "other_package": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tail": "python:shop:x.py#greet"}, f"no entity 'python:shop:x.py#greet' in the graph; nearest is {GREET}"),
        ({"head": "python:shop:app/core.py#gone"}, "no entity 'python:shop:app/core.py#gone' in the graph"),
        ({"relation": "phones"}, "unknown relation 'phones'"),
        ({"relation": "tested_by"}, "unknown relation 'tested_by'"),
        ({"relation": "inherits_from"}, "'inherits_from' may not join Function to Function"),
        ({"head": f"{CORE}Other", "relation": "calls", "tail": f"{CORE}Base"}, "may not join Class to Class"),
        ({"confidence": "1.5"}, "confidence '1.5': expected a number above 0, at most 1"),
        ({"confidence": "nan"}, "confidence 'nan'"),
        ({"confidence": "high"}, "confidence 'high'"),
        ({"line_start": "x"}, "line_start 'x': expected a line number"),
        ({"line_start": "17"}, "lines 17 to 16: expected 1 <= line_start <= line_end"),
        ({"line_start": "0"}, "lines 0 to 16"),
        ({"line_end": "18"}, "line 18 is outside shop/app/core.py, which has 17 lines"),
        ({"mention": "ook"}, "lines 15 to 16 of shop/app/core.py do not hold 'ook'"),
        ({"mention": " "}, "no mention"),
        ({"file": "app/gone.py"}, "no file 'app/gone.py' in shop"),
        ({"tail": "python:other:other/away.py#far"}, "is of split test, app/core.py of train"),
        (
            {"head": f"{CORE}Child.run", "relation": "overrides", "tail": f"{CORE}Other.run"},
            f"contradicts {CORE}Child.run overrides {CORE}Base.run",
        ),
        (
            {"head": f"{CORE}Base", "relation": "inherits_from", "tail": f"{CORE}Child"},
            "closes a cycle of 'inherits_from'",
        ),
    ],
)  # fmt: skip
def test_a_bad_row_is_one_line_that_names_the_csv_file_and_line(
    changes: dict[str, str], message: str, parsed: Path, tmp_path: Path
):
    with pytest.raises(OntologyError) as caught:
        build(parsed, tmp_path, but(tail="python:shop:app/plugins.py#leave"), but(**changes))
    assert str(caught.value).startswith(f"{tmp_path / 'rows.csv'}:4: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "kg").exists()


def test_two_packages_of_one_split_are_not_joined(tmp_path: Path):
    parsed = parse_packages(tmp_path, PACKAGES, {"shop": "train", "other": "train"})
    with pytest.raises(OntologyError, match="joins the packages other and shop"):
        build(parsed, tmp_path, but(tail="python:other:other/away.py#far"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("head,tail\n", r"rows.csv:1: expected the columns head,relation,.*; got head,tail"),
        ("", r"rows.csv:1: expected the columns"),
        (f"# a\n# b\n{','.join(COLUMNS)}\na,b\n", r"rows.csv:4: expected 10 cells, got 2"),
        (f'{",".join(COLUMNS)}\n"a,b\n', r"rows.csv:2: not CSV"),
    ],
)
def test_a_file_that_is_no_such_table_is_one_line(text: str, message: str, tmp_path: Path):
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(OntologyError, match=message):
        list(curated_rows([tmp_path / "rows.csv"]))


def test_a_triple_that_stands_in_two_files_is_refused(tmp_path: Path):
    paths = [write(tmp_path / name, HOOK) for name in ("a.csv", "b.csv")]
    with pytest.raises(OntologyError, match=r"b.csv:3: repeats .*a.csv:3"):
        list(curated_rows(paths))


def test_a_latin_1_file_and_a_missing_one_are_refused(tmp_path: Path):
    (tmp_path / "rows.csv").write_bytes(b"caf\xe9\n")
    with pytest.raises(OntologyError, match=r"rows.csv: not UTF-8"):
        list(curated_rows([tmp_path / "rows.csv"]))
    with pytest.raises(OntologyError, match="no such file or folder"):
        curated_files(tmp_path / "gone.csv")


def test_the_command_takes_curated_triples_and_says_how_many(tmp_path: Path):
    for file, text in PLUGINS.items():
        (tmp_path / "shop" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "shop" / file).write_text(text)
    write(tmp_path / "rows.csv", but(version=""))
    flags = ("kg", "shop", "--out", "kg", "--license", "MIT", "--curated", "rows.csv")
    done = graphmer(*flags, cwd=tmp_path)
    assert ["curated,", "added", "1"] in [line.split() for line in done.stdout.splitlines()]
    assert (pd.read_parquet(tmp_path / "kg" / "triples.parquet")["source"] == "manual_curation").sum() == 1
    write(tmp_path / "rows.csv", but(version="", line_end="99"))
    done = graphmer(*flags, cwd=tmp_path, expect=1)
    assert done.stderr.splitlines()[-1].startswith("graphmer kg: rows.csv:3: line 99 is outside shop/app/core.py")


def test_the_committed_triples_are_of_pinned_versions_of_the_default_corpus():
    pins = yaml.safe_load((ROOT / "data/corpora/small.yaml").read_text(encoding="utf-8"))["sources"]
    versions = {source["name"]: source["version"] for source in pins}
    rows = list(curated_rows(curated_files(ROOT / "data/curated")))
    assert len(rows) >= 5
    for row in rows:
        assert versions[row.head.split(":")[1]] == row.version, row.where
