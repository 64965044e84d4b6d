"""The build_kg stage: packages joined into one graph, containment, manifests, counts, and always the same bytes."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from graphmer.artifacts import read_json, read_table, sha256_file, sha256_tree
from graphmer.corpus.parse.config import ParseParams
from graphmer.corpus.parse.corpus import parse_corpus
from graphmer.errors import ArtifactError
from graphmer.kg import package
from graphmer.kg.build import build_graph
from graphmer.kg.config import GraphParams
from graphmer.kg.facts import ExternalEntity, Fact, PackageFacts, Resolved
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.kg.validate import validate_graph
from graphmer.kg.validate_config import ValidateParams

PARSE = ParseParams(
    max_file_bytes=100_000, max_line_bytes=5_000, by_module_val_share=0.1, by_module_test_share=0.2, by_module_seed=0
)
PARAMS = GraphParams(
    max_candidates=5,
    max_alias_hops=20,
    max_values=16,
    max_flow_steps=1_000_000,
    inferred_confidence=0.9,
    near_duplicate_jaccard=0.7,
    near_duplicate_min_tokens=30,
    shingle_tokens=5,
    minhash_values=64,
    minhash_seed=0,
)
VALIDATE = ValidateParams(
    min_triples=1, domain_range=0.99, acyclicity=0.995, signature_java=0.98, signature_python=None, licence=1.0,
    constraints=0.99, provenance=0.99, leakage=1.0, duplicates=0, orphans=None, entity_coverage=None,
    relation_coverage=None, offenders_shown=3,
)  # fmt: skip
VENDORED = "def vendored(table):\n" + "".join(f"    table[{row}] = table[{row * 3}] + {row * 7}\n" for row in range(40))
CORPUS: dict[str, dict[str, str]] = {
    "shapes": {
        "src/shapes/__init__.py": '"""Shapes."""\nfrom .area import area\n',
        "src/shapes/area.py": "UNIT = 1\n\n\ndef area(side):\n    return abs(side) * UNIT\n",
        "src/shapes/solid/__init__.py": "",
        "src/shapes/solid/cube.py": (
            "from shapes.area import area\n\n\n"
            "class Cube:\n    def volume(self, side):\n        return area(side) * side\n"
        ),
        "tests/test_area.py": "from shapes import area\n\n\ndef test_area():\n    assert area(2) == area(-2)\n",
        "README.md": "# Shapes\nCall `shapes.area`.\n",
        "PKG-INFO": "Metadata-Version: 2.4\nName: shapes\nRequires-Dist: NumPy>=2\n\nText.\n",
        "pyproject.toml": (
            '[project]\nname = "shapes"\ndependencies = ["numpy>=2"]\n[project.scripts]\nshapes = "shapes:main"\n'
        ),
        "broken.py": "\0",
    },
    "jshapes": {
        "java/org/shapes/Shape.java": "package org.shapes;\npublic interface Shape {\n    int area();\n}\n",
        "java/org/shapes/flat/Square.java": (
            "package org.shapes.flat;\nimport org.shapes.Shape;\n"
            "public class Square implements Shape {\n    int side;\n    public int area() { return side * side; }\n}\n"
        ),
        "pom.xml": (
            "<project><artifactId>jshapes</artifactId><dependencies><dependency>"
            "<groupId>g</groupId><artifactId>a</artifactId></dependency></dependencies></project>\n"
        ),
    },
    "copier": {"copier/__init__.py": "", "copier/vendored.py": VENDORED, "copier/main.py": "def go():\n    return 1\n"},
    "origin": {"origin/__init__.py": "", "origin/vendored.py": VENDORED},
}
SPLITS = {"shapes": "train", "jshapes": "val", "copier": "train", "origin": "test"}


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMER_WORKERS", "1")


def parse_packages(folder: Path, packages: Mapping[str, Mapping[str, str]], splits: Mapping[str, str]) -> Path:
    """Parsed tables of packages given as text."""
    sources = []
    for name, contents in packages.items():
        for file, text in contents.items():
            path = folder / "raw" / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        languages = ["java", "python"]
        sources.append(
            {"name": name, "version": "1.0", "license": "MIT", "split": splits[name], "languages": languages}
        )
    (folder / "raw" / "manifest.json").write_text(json.dumps({"corpus": "t", "sources": sources}))
    parse_corpus(folder / "raw", folder / "parsed", PARSE)
    return folder / "parsed"


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPHMER_WORKERS", "1")
        return parse_packages(tmp_path_factory.mktemp("corpus"), CORPUS, SPLITS)


@pytest.fixture(scope="module")
def kg(parsed: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPHMER_WORKERS", "1")
        build_graph(parsed, parsed.parent / "kg", PARAMS)
    return parsed.parent / "kg"


@pytest.fixture(scope="module")
def triples(kg: Path) -> pd.DataFrame:
    return read_table(kg / "triples.parquet", triples_schema())


@pytest.fixture(scope="module")
def entities(kg: Path) -> pd.DataFrame:
    return read_table(kg / "entities.parquet", entities_schema()).set_index("entity", drop=False)


def edges(triples: pd.DataFrame, relation: str, package_name: str) -> set[tuple[str, str]]:
    rows = triples[(triples["relation"] == relation) & (triples["package"] == package_name)]
    return set(zip(rows["head"], rows["tail"]))


def test_python_containment_goes_from_the_repository_down_to_files(triples: pd.DataFrame):
    shapes = "python:shapes:src/shapes"
    assert edges(triples, "contains", "shapes") == {
        ("repository:shapes", f"{shapes}/__init__.py#"),
        (f"{shapes}/__init__.py#", f"{shapes}/__init__.py"),
        (f"{shapes}/__init__.py#", f"{shapes}/area.py#"),
        (f"{shapes}/area.py#", f"{shapes}/area.py"),
        (f"{shapes}/__init__.py#", f"{shapes}/solid/__init__.py#"),
        (f"{shapes}/solid/__init__.py#", f"{shapes}/solid/__init__.py"),
        (f"{shapes}/solid/__init__.py#", f"{shapes}/solid/cube.py#"),
        (f"{shapes}/solid/cube.py#", f"{shapes}/solid/cube.py"),
        ("repository:shapes", "python:shapes:tests/test_area.py#"),
        ("python:shapes:tests/test_area.py#", "python:shapes:tests/test_area.py"),
        ("repository:shapes", "document:shapes:README.md"),
    }


def test_a_java_package_is_one_module_with_its_files(triples: pd.DataFrame):
    flat = "java:jshapes:java/org/shapes/flat/Square.java"
    assert edges(triples, "contains", "jshapes") == {
        ("repository:jshapes", "java:jshapes:org.shapes#"),
        ("java:jshapes:org.shapes#", "java:jshapes:java/org/shapes/Shape.java"),
        ("java:jshapes:org.shapes#", "java:jshapes:org.shapes.flat#"),
        ("java:jshapes:org.shapes.flat#", flat),
    }
    assert (flat, f"{flat}#Square") in edges(triples, "defines", "jshapes")


def test_a_file_defines_its_top_level_and_nothing_deeper(triples: pd.DataFrame):
    shapes = "python:shapes:src/shapes"
    assert edges(triples, "defines", "shapes") == {
        (f"{shapes}/area.py", f"{shapes}/area.py#UNIT"),
        (f"{shapes}/area.py", f"{shapes}/area.py#area"),
        (f"{shapes}/solid/cube.py", f"{shapes}/solid/cube.py#Cube"),
        ("python:shapes:tests/test_area.py", "python:shapes:tests/test_area.py#test_area"),
    }
    contained = set(triples.loc[triples["relation"] == "contains", "tail"])
    assert contained.isdisjoint(triples.loc[triples["relation"].isin(["defines", "declares"]), "tail"])


def test_a_manifest_gives_libraries_and_build_targets(triples: pd.DataFrame, entities: pd.DataFrame):
    assert edges(triples, "depends_on", "shapes") == {("repository:shapes", "library:numpy")}
    assert edges(triples, "depends_on", "jshapes") == {("repository:jshapes", "library:g:a")}
    assert edges(triples, "produces", "jshapes") == {("repository:jshapes", "target:jshapes:jar:jshapes")}
    assert edges(triples, "produces", "shapes") == {
        ("repository:shapes", "target:shapes:sdist"),
        ("repository:shapes", "target:shapes:wheel"),
        ("repository:shapes", "target:shapes:console_script:shapes"),
    }
    assert entities.loc["library:numpy", "external"]
    row = triples[(triples["relation"] == "depends_on") & (triples["package"] == "shapes")].iloc[0]
    assert (row.file, row.language) == ("PKG-INFO", "python")
    assert CORPUS["shapes"]["PKG-INFO"][row.byte_start : row.byte_end] == "NumPy>=2"


def test_both_languages_are_resolved(triples: pd.DataFrame):
    cube = "python:shapes:src/shapes/solid/cube.py#Cube.volume"
    assert (cube, "python:shapes:src/shapes/area.py#area") in edges(triples, "calls", "shapes")
    square = "java:jshapes:java/org/shapes/flat/Square.java#Square"
    assert (square, "java:jshapes:java/org/shapes/Shape.java#Shape") in edges(triples, "implements", "jshapes")


def test_a_near_duplicate_of_the_test_split_leaves_no_entity_and_is_counted(kg: Path, entities: pd.DataFrame):
    assert not entities["file"].isin(["copier/vendored.py"]).any()
    assert entities["file"].isin(["origin/vendored.py"]).any()
    manifest = read_json(kg / "manifest.json")
    assert manifest["near_duplicates_removed"] == {"train": {"test": 1}}
    assert manifest["near_duplicate_files"] == [
        {"removed": "copier:copier/vendored.py", "kept": "origin:origin/vendored.py", "jaccard": 1.0}
    ]


def test_a_graph_with_a_near_duplicate_between_splits_can_be_validated(kg: Path, parsed: Path, tmp_path: Path):
    metrics = tmp_path / "kg.json"
    validate_graph(kg, parsed, metrics, tmp_path / "relations.csv", VALIDATE, {"MIT"})
    assert read_json(metrics)["near_duplicates_removed"] == 1


def test_tables_are_sorted_unique_and_closed(triples: pd.DataFrame, entities: pd.DataFrame):
    keys = list(zip(triples["head"], triples["relation"], triples["tail"]))
    assert keys == sorted(set(keys))
    assert entities["entity"].tolist() == sorted(set(entities["entity"]))
    assert set(triples["head"]) | set(triples["tail"]) <= set(entities["entity"])
    externals = entities[entities["external"]]
    assert set(externals["entity"]) <= set(triples["tail"])
    assert (externals["package"] == "").all()


def test_a_triple_carries_its_packages_licence_version_and_split(triples: pd.DataFrame):
    assert set(zip(triples["license"], triples["version"], triples["source"])) == {("MIT", "1.0", "static_analysis")}
    assert dict(zip(triples["package"], triples["split"])) == SPLITS


def test_the_manifest_counts_what_the_tables_hold(
    kg: Path, parsed: Path, triples: pd.DataFrame, entities: pd.DataFrame
):
    manifest = read_json(kg / "manifest.json")
    assert sum(sum(by.values()) for by in manifest["triples"].values()) == len(triples)
    assert sum(sum(by.values()) for by in manifest["entities"].values()) == len(entities)
    assert {relation: sum(by.values()) for relation, by in manifest["triples"].items()} == Counter(triples["relation"])
    assert manifest["skipped"] == {"nul_bytes": 1}
    assert manifest["files"]["python"] == {"ok": 10, "skipped": 1}
    assert manifest["inputs"]["symbols.parquet"] == sha256_file(parsed / "symbols.parquet")
    calls = manifest["calls"]["python"]["shapes"]
    assert calls["seen"] == sum(count for outcome, count in calls.items() if outcome != "seen")


def test_the_same_bytes_come_from_other_processes_hash_seeds_and_folders(parsed: Path, kg: Path, tmp_path: Path):
    script = (
        "import sys; from pathlib import Path; from test_build import PARSE, PARAMS, parse_corpus, build_graph\n"
        "if __name__ == '__main__':\n"
        "    raw, out = Path(sys.argv[1]), Path(sys.argv[2])\n"
        "    parse_corpus(raw, out / 'parsed', PARSE); build_graph(out / 'parsed', out / 'kg', PARAMS)\n"
    )
    (tmp_path / "again.py").write_text(script)
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "PYTHONHASHSEED": "7", "GRAPHMER_WORKERS": "2", "PYTHONPATH": path}
    command = [sys.executable, "again.py", str(parsed.parent / "raw"), "out"]
    subprocess.run(command, check=True, cwd=tmp_path, env=env, capture_output=True)
    assert sha256_tree(tmp_path / "out" / "parsed") == sha256_tree(parsed)
    assert sha256_tree(tmp_path / "out" / "kg") == sha256_tree(kg)


def test_a_package_cut_by_module_shares_no_internal_entity_between_splits(tmp_path: Path):
    parts = "abcdefgh"
    contents = {
        f"app/{part}/run.py": "".join(f"from app.{other}.run import run_{other}\n" for other in parts if other != part)
        + f"\n\ndef run_{part}():\n    return "
        + " + ".join(f"run_{other}()" for other in parts if other != part)
        + "\n"
        for part in parts
    }
    contents |= {f"app/{part}/__init__.py": "" for part in parts} | {"app/__init__.py": "", "README.md": "# app\n"}
    contents["pyproject.toml"] = '[project]\nname = "app"\ndependencies = ["numpy"]\n'
    build_graph(parse_packages(tmp_path, {"app": contents}, {"app": "by_module"}), tmp_path / "kg", PARAMS)
    triples = read_table(tmp_path / "kg" / "triples.parquet", triples_schema())
    entities = read_table(tmp_path / "kg" / "entities.parquet", entities_schema())
    internal = set(entities.loc[~entities["external"], "entity"])
    seen = {split: (set(part["head"]) | set(part["tail"])) & internal for split, part in triples.groupby("split")}
    assert set(seen) == {"train", "val", "test"}
    assert sum(map(len, seen.values())) == len(set().union(*seen.values()))


def test_an_empty_parse_is_refused(tmp_path: Path):
    with pytest.raises(ArtifactError, match=r"files\.parquet: not found; run the stage"):
        build_graph(tmp_path, tmp_path / "kg", PARAMS)
    assert not (tmp_path / "kg").exists()


ONE_FILE = {"p": {"m.py": "def f():\n    return g()\n\n\ndef g():\n    return f\n"}}
F, G = "python:p:m.py#f", "python:p:m.py#g"


def build_with(monkeypatch: pytest.MonkeyPatch, folder: Path, resolved: Resolved) -> Any:
    """Triples of a one-file package whose resolver is replaced."""

    def resolve(facts: PackageFacts, params: GraphParams) -> Resolved:
        return resolved

    monkeypatch.setattr(package, "RESOLVERS", {"python": resolve})
    build_graph(parse_packages(folder, ONE_FILE, {"p": "train"}), folder / "kg", PARAMS)
    triples = read_table(folder / "kg" / "triples.parquet", triples_schema())
    return triples[~triples["relation"].isin(["contains", "defines"])]


def fact(head: str, relation: str, tail: str, at: int, resolution: str = "exact", confidence: float = 1.0) -> Fact:
    return Fact(head, relation, tail, "m.py", at, at + 1, resolution, confidence)


def test_an_edge_is_kept_once_at_its_first_span(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    facts = [fact(F, "calls", G, 30), fact(F, "calls", G, 20), fact(F, "calls", F, 5)]
    rows = build_with(monkeypatch, tmp_path, Resolved(facts, {}, {F: "Function", G: "Function"}))
    assert list(zip(rows["tail"], rows["byte_start"])) == [(F, 5), (G, 20)]
    assert read_json(tmp_path / "kg" / "manifest.json")["duplicates_collapsed"] == 1


def test_an_edge_that_is_certain_somewhere_is_not_ambiguous(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    facts = [fact(F, "calls", G, 10, "ambiguous", 0.5), fact(F, "calls", G, 20)]
    rows = build_with(monkeypatch, tmp_path, Resolved(facts, {}, {F: "Function", G: "Function"}))
    assert rows[["byte_start", "resolution", "confidence"]].values.tolist() == [[20, "exact", 1.0]]


def test_a_fact_that_breaks_the_ontology_is_kept_for_validation_to_measure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    rows = build_with(
        monkeypatch, tmp_path, Resolved([fact(F, "inherits_from", G, 1)], {}, {F: "Function", G: "Function"})
    )
    assert rows["relation"].tolist() == ["inherits_from"]


def test_a_fact_about_an_unknown_entity_is_our_own_defect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with pytest.raises(AssertionError, match=r"m\.py:1: .*#f calls .*nowhere: no entity nowhere"):
        build_with(
            monkeypatch, tmp_path, Resolved([fact(F, "calls", "nowhere", 1)], {}, {F: "Function", G: "Function"})
        )


def test_externals_that_no_triple_uses_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    apis = {name: ExternalEntity(f"python:api:{name}", "API", name, name, "python") for name in ("used", "unused")}
    externals = {external.entity: external for external in apis.values()}
    facts = [fact(F, "invokes", "python:api:used", 1)]
    build_with(monkeypatch, tmp_path, Resolved(facts, externals, {F: "Function", G: "Function"}))
    entities = read_table(tmp_path / "kg" / "entities.parquet", entities_schema())
    assert entities.loc[entities["external"], "entity"].tolist() == ["python:api:used"]


def test_building_imports_neither_pandas_nor_torch():
    code = "import sys, graphmer.kg.build; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert {"pandas", "torch", "pyarrow"}.isdisjoint(run.stdout.split())
