"""Each check of the ontology can fail: a planted violation lowers its figure and is named with file and line."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from graphmer.artifacts import write_json, write_table
from graphmer.corpus.parse.schema import files_schema, references_schema, symbols_schema
from graphmer.errors import ArtifactError, OntologyError
from graphmer.kg.provenance import EXEMPT
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.kg.signatures import compatible
from graphmer.kg.validate import validate_graph
from graphmer.kg.validate_config import ValidateParams
from graphmer.ontology.vocabulary import load_ontology

PARAMS = ValidateParams(
    min_triples=1, domain_range=0.99, acyclicity=0.995, signature_java=0.98, signature_python=0.98, licence=1.0,
    constraints=0.99, provenance=0.99, leakage=1.0, duplicates=0, orphans=0.05, entity_coverage=None,
    relation_coverage=None, offenders_shown=3,
)  # fmt: skip
REPORT_ONLY = ValidateParams(
    min_triples=1, domain_range=0.0, acyclicity=0.0, signature_java=0.0, signature_python=None, licence=0.0,
    constraints=0.0, provenance=0.0, leakage=0.0, duplicates=1000, orphans=None, entity_coverage=None,
    relation_coverage=None, offenders_shown=3,
)  # fmt: skip
LICENCES = frozenset({"MIT", "Apache-2.0"})
TEXT = """class Base:
    def run(self, job): ...
class Child(Base):
    def run(self, job): return help(job)
def help(job): ...
"""
FILE = "python:p:m.py"
NAMES = {
    f"{FILE}#Base": "Class",
    f"{FILE}#Base.run": "Method",
    f"{FILE}#Child": "Class",
    f"{FILE}#Child.run": "Method",
    f"{FILE}#help": "Function",
    FILE: "File",
    f"{FILE}#": "Module",
    "repository:p": "Repository",
}


class Planted:
    """A small valid graph that a test breaks in one place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entities = [self.entity(symbol, kind) for symbol, kind in NAMES.items()]
        self.triples = [
            self.triple("repository:p", "contains", f"{FILE}#", "class"),
            self.triple(f"{FILE}#", "contains", FILE, "class"),
            self.triple(FILE, "defines", f"{FILE}#Base", "Base"),
            self.triple(FILE, "defines", f"{FILE}#Child", "Child"),
            self.triple(FILE, "defines", f"{FILE}#help", "help", 1),
            self.triple(f"{FILE}#Base", "declares", f"{FILE}#Base.run", "run"),
            self.triple(f"{FILE}#Child", "declares", f"{FILE}#Child.run", "run", 1),
            self.triple(f"{FILE}#Child", "inherits_from", f"{FILE}#Base", "Base", 1),
            self.triple(f"{FILE}#Child.run", "overrides", f"{FILE}#Base.run", "run", 1),
            self.triple(f"{FILE}#Child.run", "calls", f"{FILE}#help", "help"),
        ]
        self.symbols: list[dict[str, object]] = []

    def entity(self, symbol: str, kind: str, **changes: object) -> dict[str, object]:
        name = symbol.rpartition("#")[2].rpartition(".")[2] or symbol.rpartition("/")[2]
        row = dict.fromkeys(entities_schema().names, "")
        spans = dict.fromkeys(("line_start", "line_end", "byte_start", "byte_end"), 1)
        row |= spans | {"entity": symbol, "type": kind, "name": name, "qualified_name": name, "language": "python"}
        row |= {"package": "p", "file": "" if kind == "Repository" else "m.py", "external": False}
        row["signature"] = "(self, job)" if kind == "Method" else ""
        return {**row, **changes}

    def triple(
        self, head: str, relation: str, tail: str, shown: str, occurrence: int = 0, **changes: object
    ) -> dict[str, object]:
        start = -1
        for _ in range(occurrence + 1):
            start = TEXT.index(shown, start + 1)
        line = TEXT.count("\n", 0, start) + 1
        row: dict[str, object] = {
            "head": head, "relation": relation, "tail": tail, "language": "python", "package": "p", "version": "1",
            "license": "MIT", "file": "m.py", "line_start": line, "line_end": line, "byte_start": start,
            "byte_end": start + len(shown), "source": "static_analysis", "confidence": 1.0, "resolution": "exact",
            "split": "train",
        }  # fmt: skip
        return {**row, **changes}

    def find(self, relation: str) -> dict[str, object]:
        return next(row for row in self.triples if row["relation"] == relation)

    def add(self, symbol: str, kind: str, **changes: object) -> str:
        self.entities.append(self.entity(symbol, kind, **changes))
        return symbol

    def write(self) -> None:
        kg, parsed = self.folder / "kg", self.folder / "parsed"
        write_table(pd.DataFrame(self.entities), kg / "entities.parquet", entities_schema())
        triples = pd.DataFrame(self.triples).sort_values(["head", "relation", "tail"])
        write_table(triples, kg / "triples.parquet", triples_schema())
        calls = {
            "python": {"p": {"seen": 4, "exact": 2, "inferred": 1, "external": 0, "ambiguous": 1, "unresolved": 0}}
        }
        manifest = {
            "files": {"python": {"ok": 1}},
            "skipped": {"empty": 2},
            "near_duplicates_removed": {"train": {"val": 1, "test": 2}, "val": {"test": 3}},
            "calls": calls,
        }
        write_json(kg / "manifest.json", manifest)
        file = dict.fromkeys(files_schema().names, "") | {"bytes": len(TEXT), "lines": 5, "is_test": False}
        rows = [{**file, "package": "p", "file": name, "split": split, "text": TEXT} for name, split in
                (("m.py", "train"), ("t.py", "test"))]  # fmt: skip
        write_table(pd.DataFrame(rows), parsed / "files.parquet", files_schema())
        blank = {name: 0 if "byte" in name or "line" in name else "" for name in symbols_schema().names}
        symbols = pd.DataFrame([blank | row for row in self.symbols], columns=symbols_schema().names)
        numbers = {name: "int64" for name, fill in blank.items() if fill == 0}
        write_table(symbols.astype(numbers), parsed / "symbols.parquet", symbols_schema())
        references = pd.DataFrame([], columns=references_schema().names)
        kinds = {
            name: "int64"
            for name in references
            if name in ("ordinal", "byte_start", "byte_end", "line_start", "line_end")
        }
        write_table(references.astype(kinds), parsed / "references.parquet", references_schema())

    def validate(self, params: ValidateParams) -> dict:  # type: ignore[type-arg]
        self.write()
        metrics, plot = self.folder / "kg.json", self.folder / "relations.csv"
        validate_graph(self.folder / "kg", self.folder / "parsed", metrics, plot, params, LICENCES)
        found: dict = json.loads(metrics.read_text(encoding="utf-8"))  # type: ignore[type-arg]
        return found


@pytest.fixture
def graph(tmp_path: Path) -> Planted:
    return Planted(tmp_path)


def test_a_valid_graph_passes_every_check(graph: Planted) -> None:
    figures = graph.validate(PARAMS)
    for name in ("domain_range", "acyclicity", "licence", "constraints", "provenance", "leakage"):
        assert figures[name] == 1.0, name
    assert figures["signature"] == {"python": 1.0}
    assert figures["duplicates"] == 0
    assert figures["orphans"] == 0
    assert figures["skipped"] == {"empty": 2}
    assert figures["near_duplicates_removed"] == 6
    assert figures["resolution_rate"] == {"python": 0.75}


def plant_domain(graph: Planted) -> str:
    graph.find("calls")["tail"] = f"{FILE}#Base"
    return "'calls' may not join Method to Class"


def plant_cycle(graph: Planted) -> str:
    graph.triples.append(graph.triple(f"{FILE}#Base", "inherits_from", f"{FILE}#Child", "Child"))
    return "lies on a cycle of 'inherits_from'"


def plant_mutual_inheritance(graph: Planted) -> str:
    graph.triples.append(graph.triple(f"{FILE}#Base", "inherits_from", f"{FILE}#Child", "Child"))
    return "'inherits_from' holds both ways"


def plant_nine_interfaces(graph: Planted) -> str:
    for number in range(9):
        interface = graph.add(f"{FILE}#I{number}", "Interface")
        graph.triples.append(graph.triple(f"{FILE}#Child", "implements", interface, "Base", 1))
    return "9 tails of 'implements', at most 8"


def plant_unknown_resolution(graph: Planted) -> str:
    graph.find("calls")["resolution"] = "surely"
    return "resolution 'surely' is none of"


def plant_signature_in_java(graph: Planted) -> str:
    for row in graph.triples:
        row["language"] = "java"
    for row in graph.entities:
        if row["type"] == "Method":
            row["signature"] = "(int job)" if row["entity"] == f"{FILE}#Child.run" else "(long job)"
    return "(int job) does not stand in for (long job)"


def plant_orphan(graph: Planted) -> str:
    graph.add(f"{FILE}#alone", "Function", line_start=5)
    return "m.py:5: python:p:m.py#alone: no triple has it as an end"


def plant_signature(graph: Planted) -> str:
    next(row for row in graph.entities if row["entity"] == f"{FILE}#Child.run")["signature"] = "(self)"
    return "(self) does not stand in for (self, job)"


def plant_licence(graph: Planted) -> str:
    graph.find("calls")["license"] = "GPL-3.0-only"
    return "licence GPL-3.0-only is not allowed"


def plant_duplicate(graph: Planted) -> str:
    graph.triples.append(dict(graph.find("calls")))
    return "stands twice"


def plant_leak(graph: Planted) -> str:
    other = graph.add("python:p:t.py#check", "Function", file="t.py")
    graph.triples.append(graph.triple(f"{FILE}#Child.run", "calls", other, "help", resolution="inferred"))
    return "is of split test, the triple of train"


def plant_mirror(graph: Planted) -> str:
    graph.triples.append(graph.triple(f"{FILE}#help", "calls", f"{FILE}#Child.run", "run", split="test"))
    return "split"


def plant_wrong_span(graph: Planted) -> str:
    graph.find("calls")["byte_start"] = 0
    graph.find("calls")["byte_end"] = 5
    return "the span shows 'class', not help"


def plant_span_past_the_end(graph: Planted) -> str:
    graph.find("calls")["byte_end"] = len(TEXT) + 9
    return "are not in the file"


def plant_unknown_source(graph: Planted) -> str:
    graph.find("calls")["source"] = "guess"
    return "source 'guess' is none of"


def plant_derived(graph: Planted) -> str:
    graph.triples.append(graph.triple(f"{FILE}#Base", "defined_in", FILE, "Base"))
    return "'defined_in' is derived and never stored"


def plant_second_override(graph: Planted) -> str:
    graph.triples.append(graph.triple(f"{FILE}#Child.run", "overrides", f"{FILE}#Child.run", "run", 1))
    return "2 tails of 'overrides', at most 1"


def plant_two_superclasses_in_java(graph: Planted) -> str:
    third = graph.add(f"{FILE}#Third", "Class")
    graph.triples.append(graph.triple(f"{FILE}#Child", "inherits_from", third, "Base"))
    for row in graph.triples:
        row["language"] = "java"
    return "2 tails of 'inherits_from', at most 1"


def plant_override_of_a_stranger(graph: Planted) -> str:
    stranger = graph.add(f"{FILE}#Third", "Class")
    graph.find("inherits_from")["tail"] = stranger
    return "is no ancestor of"


def plant_private_call(graph: Planted) -> str:
    graph.find("calls")["language"] = "java"
    graph.symbols.append({"symbol": f"{FILE}#help", "modifiers": "private"})
    return "the tail is private in another top-level class"


def plant_bases_that_do_not_linearise(graph: Planted) -> str:
    bottom = graph.add(f"{FILE}#Bottom", "Class")
    graph.triples.append(graph.triple(bottom, "inherits_from", f"{FILE}#Base", "Base"))
    graph.triples.append(graph.triple(bottom, "inherits_from", f"{FILE}#Child", "Child"))
    return "the bases do not linearise (C3)"


def plant_containment_twice(graph: Planted) -> str:
    graph.triples.append(graph.triple(f"{FILE}#", "contains", f"{FILE}#Base", "Base"))
    return "'contains' repeats what 'defines' or 'declares' says"


def plant_confidence(graph: Planted) -> str:
    graph.find("calls")["confidence"] = 1.5
    return "is not in [0, 1]"


def plant_candidates_that_are_too_sure(graph: Planted) -> str:
    graph.find("calls").update(resolution="ambiguous", confidence=0.7)
    other = graph.triple(
        f"{FILE}#Child.run", "calls", f"{FILE}#Base.run", "help", resolution="ambiguous", confidence=0.7
    )
    graph.triples.append(other)
    return "the candidates' confidences sum to 1.40"


PLANTED: list[tuple[str, Callable[[Planted], str]]] = [
    ("domain_range", plant_domain),
    ("acyclicity", plant_cycle),
    ("signature.python", plant_signature),
    ("signature.java", plant_signature_in_java),
    ("orphans", plant_orphan),
    ("licence", plant_licence),
    ("duplicates", plant_duplicate),
    ("leakage", plant_leak),
    ("leakage", plant_mirror),
    ("provenance", plant_wrong_span),
    ("provenance", plant_span_past_the_end),
    ("constraints", plant_unknown_source),
    ("constraints", plant_unknown_resolution),
    ("constraints", plant_mutual_inheritance),
    ("constraints", plant_nine_interfaces),
    ("constraints", plant_derived),
    ("constraints", plant_second_override),
    ("constraints", plant_two_superclasses_in_java),
    ("constraints", plant_override_of_a_stranger),
    ("constraints", plant_private_call),
    ("constraints", plant_bases_that_do_not_linearise),
    ("constraints", plant_containment_twice),
    ("constraints", plant_confidence),
    ("constraints", plant_candidates_that_are_too_sure),
]


VALID = {"duplicates": 0.0, "orphans": 0.0}  # what a graph without a fault has where that is not 1


@pytest.mark.parametrize(("check", "plant"), PLANTED, ids=[plant.__name__ for _, plant in PLANTED])
def test_a_planted_violation_lowers_its_figure_and_is_named_with_file_and_line(
    graph: Planted, check: str, plant: Callable[[Planted], str], capsys: pytest.CaptureFixture[str]
) -> None:
    reason = plant(graph)
    figure = graph.validate(REPORT_ONLY)
    for name in check.split("."):
        figure = figure[name]
    sound = VALID.get(check, 1.0)
    assert figure > sound if check in VALID else figure < sound
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith(f"{check}: ")]
    assert any(reason in line and line.startswith(f"{check}: p/m.py:") for line in lines), lines


def test_an_inherited_constructor_is_shown_by_the_name_of_a_subclass_and_of_no_stranger(graph: Planted) -> None:
    for owner in (f"{FILE}#Base", graph.add(f"{FILE}#Third", "Class")):
        constructor = graph.add(f"{owner}.__init__", "Method")
        graph.triples.append(graph.triple(owner, "declares", constructor, "class"))
        graph.triples.append(graph.triple(f"{FILE}#help", "calls", constructor, "Child"))
    figures = graph.validate(REPORT_ONLY)
    shown = sum(row["relation"] not in EXEMPT for row in graph.triples)
    assert figures["provenance"] == pytest.approx(1 - 1 / shown, abs=1e-6)


def test_a_type_or_a_relation_that_does_not_occur_lowers_its_coverage_and_is_named(
    graph: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    before = graph.validate(REPORT_ONLY)
    types, relations = load_ontology().entity_types, load_ontology().stored_relations
    assert before["entity_coverage"] == pytest.approx(len(set(NAMES.values())) / len(types), abs=1e-6)
    present = {row["relation"] for row in graph.triples}
    assert before["relation_coverage"] == pytest.approx(len(present) / len(relations), abs=1e-6)
    capsys.readouterr()
    graph.triples = [row for row in graph.triples if row["relation"] != "overrides"]
    next(row for row in graph.entities if row["type"] == "Repository")["type"] = "Module"
    after = graph.validate(REPORT_ONLY)
    said = capsys.readouterr().err.splitlines()
    for name, words, missing in (("entity", types, "Repository"), ("relation", relations, "overrides")):
        figure = f"{name}_coverage"
        assert after[figure] == pytest.approx(before[figure] - 1 / len(words), abs=2e-6)
        (line,) = [line for line in said if line.startswith(f"{figure}: the graph has no ")]
        assert missing in line.replace(",", "").split()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"orphans": 0.05}, r"orphans is 0\.1111, expected at most 0\.05; first: p/m\.py:5: .*#alone"),
        ({"entity_coverage": 0.9}, r"entity_coverage is 0\.4000, expected at least 0\.9; first: the graph has no "),
        ({"relation_coverage": 0.8}, r"relation_coverage is 0\.3000, expected at least 0\.8; first: the graph has no "),
    ],
)
def test_orphans_and_coverage_end_the_run_where_they_have_a_bound(
    graph: Planted, changes: dict[str, float], message: str
) -> None:
    plant_orphan(graph)
    with pytest.raises(OntologyError, match=message):
        graph.validate(dataclasses.replace(REPORT_ONLY, **changes))


def test_past_a_bound_no_metrics_are_left_and_the_message_says_what_where_and_what_to_do(graph: Planted) -> None:
    graph.validate(PARAMS)
    plant_domain(graph)
    message = r"domain_range is 0\.9000, expected at least 0\.99; first: p/m\.py:4: .*; mend the source"
    with pytest.raises(OntologyError, match=message):
        graph.validate(PARAMS)
    assert not (graph.folder / "kg.json").exists()


@pytest.mark.parametrize(
    "missing", ["kg/entities.parquet", "kg/manifest.json", "parsed/files.parquet", "parsed/references.parquet"]
)
def test_where_an_input_is_missing_the_figures_of_the_last_run_stay(graph: Planted, missing: str) -> None:
    graph.validate(PARAMS)
    before = (graph.folder / "kg.json").read_bytes()
    (graph.folder / missing).unlink()
    kg, parsed = graph.folder / "kg", graph.folder / "parsed"
    with pytest.raises(ArtifactError, match=f"{Path(missing).name}: not found; run the stage"):
        validate_graph(kg, parsed, graph.folder / "kg.json", graph.folder / "r.csv", PARAMS, LICENCES)
    assert (graph.folder / "kg.json").read_bytes() == before


def test_an_empty_graph_is_an_error(graph: Planted) -> None:
    graph.write()
    empty = pd.DataFrame([], columns=triples_schema().names)
    numbers = dict.fromkeys(("line_start", "line_end", "byte_start", "byte_end"), "int64")
    write_table(
        empty.astype({**numbers, "confidence": "float32"}), graph.folder / "kg" / "triples.parquet", triples_schema()
    )
    with pytest.raises(OntologyError, match="no triple"):
        validate_graph(
            graph.folder / "kg",
            graph.folder / "parsed",
            graph.folder / "k.json",
            graph.folder / "r.csv",
            PARAMS,
            LICENCES,
        )


@pytest.mark.parametrize(
    ("own", "other", "language", "fits"),
    [
        ("(self, a)", "(self, a)", "python", True),
        ("(self, a, b=1)", "(self, a)", "python", True),
        ("(self, a, b)", "(self, a)", "python", False),
        ("(self)", "(self, a)", "python", False),
        ("(self, *args, **kwargs)", "(self, a, *, key)", "python", True),
        ("(self, a, *, key=None)", "(self, a)", "python", True),
        ("(self, a, *, key)", "(self, a)", "python", False),
        ("(self, a: dict[str, int] = {}) -> None", "(self, a)", "python", True),
        ("(int a, String b)", "(int x, String y)", "java", True),
        ("(List<String> a)", "(List<T> b)", "java", True),
        ("(String a)", "(T b)", "java", True),
        ("(int a)", "(long a)", "java", False),
        ("(int a)", "(int a, int b)", "java", False),
        ("(int[] a)", "(int... a)", "java", True),
    ],
)
def test_signatures_stand_in_for_each_other_as_a_caller_needs(own: str, other: str, language: str, fits: bool) -> None:
    assert compatible(own, other, language) is fits
