"""The committed traces: which entity a code object is, what is refused, and which functions a call site fits."""

from pathlib import Path

import pandas as pd
import pytest

from graphmer.artifacts import sha256_bytes, write_json, write_text
from graphmer.errors import EvaluationError
from graphmer.evaluate.call_sites import PackageFunctions, Parsed, call_sites, called_name, short_name
from graphmer.evaluate.traces import FunctionSymbols, canonical, load_traces

TEXT = """\
class Base:
    def run(self):
        return 1

class Child(Base):
    @property
    def size(self):
        return 2
    @size.setter
    def size(self, value):
        self.value = value
    def run(self):
        return (lambda: 3)() + (lambda: 4)()

class Other:
    def __init__(self):
        self.x = 1

class Heir(Other):
    pass

def use(thing):
    thing.run()
    thing.size
    Heir()
    print(thing)
"""
FILE = "pkg/a.py"


def symbol(path: str) -> str:
    return f"python:pkg:{FILE}#{path}"


def entity(path: str, kind: str, first: int, last: int) -> dict[str, object]:
    name = short_name(symbol(path))
    place = {"package": "pkg", "file": FILE, "external": False, "line_start": first, "line_end": last}
    return {"entity": symbol(path), "type": kind, "name": name, **place}


@pytest.fixture
def entities() -> pd.DataFrame:
    rows = [
        entity("Base", "Class", 1, 3),
        entity("Base.run", "Method", 2, 3),
        entity("Child", "Class", 5, 13),
        entity("Child.size", "Method", 7, 8),
        entity("Child.size~2", "Method", 10, 11),
        entity("Child.run", "Method", 12, 13),
        entity("Child.run.<lambda1>", "Function", 13, 13),
        entity("Child.run.<lambda2>", "Function", 13, 13),
        entity("Other", "Class", 15, 17),
        entity("Other.__init__", "Method", 16, 17),
        entity("Heir", "Class", 19, 20),
        entity("use", "Function", 22, 26),
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def files() -> pd.DataFrame:
    row = {"package": "pkg", "version": "1.0", "file": FILE, "text": TEXT, "is_test": False}
    return pd.DataFrame([{**row, "sha256": sha256_bytes(TEXT.encode())}])


def reference(kind: str, name: str, scope: str = "use") -> dict[str, object]:
    start = TEXT.index(f"{name}\n" if kind == "read" else f"{name}(", TEXT.index("def use"))
    span = {"byte_start": start, "byte_end": start + len(name)}
    return {"package": "pkg", "file": FILE, "scope": symbol(scope), "kind": kind, "name": name, **span}


def triple(head: str, relation: str, tail: str, resolution: str = "exact", at: str = "") -> dict[str, object]:
    start = TEXT.index(at, TEXT.index("def use")) if at else 0
    span = {"byte_start": start, "byte_end": start + len(at), "line_start": TEXT[:start].count("\n") + 1}
    ends = {"head": symbol(head), "tail": tail if ":" in tail else symbol(tail)}
    return {**ends, "package": "pkg", "relation": relation, "file": FILE, "confidence": 0.5,
            "resolution": resolution, **span}  # fmt: skip


def write_trace(folder: Path, version: str = "1.0", text: str = TEXT) -> Path:
    trace = folder / "pkg"
    write_json(trace / "provenance.json", {"package": "pkg", "version": version, "edges": 5, "functions": 3})
    write_text(trace / "files.csv", f"file,sha256\n{FILE},{sha256_bytes(text.encode())}\n")
    write_text(trace / "functions.csv", f"file,line,name\n{FILE},22,use\n{FILE},12,Child.run\n{FILE},6,Child.size\n")
    header = "caller_file,caller_line,caller_name,callee_file,callee_line,callee_name,line,count\n"
    rows = [
        "22,use,{f},12,Child.run,23,5",
        "22,use,{f},6,Child.size,24,1",
        "1,<module>,{f},22,use,30,1",
        "13,Child.run.<locals>.<genexpr>,{f},22,use,13,1",
        "12,Child.run,{f},13,Child.run.<locals>.<lambda>,13,2",
    ]
    write_text(trace / "edges.csv", header + "".join(f"{FILE},{row.format(f=FILE)}\n" for row in rows))
    write_text(trace / "lines.csv", f"file,first,last\n{FILE},22,24\n")
    return folder


def test_a_code_object_is_the_definition_that_its_first_line_belongs_to(entities: pd.DataFrame) -> None:
    symbols = FunctionSymbols(entities)
    assert symbols.find(FILE, 22, "use") == (symbol("use"), "")
    assert symbols.find(FILE, 6, "Child.size") == (symbol("Child.size"), "")  # the first line is the decorator's
    assert symbols.find(FILE, 9, "Child.size") == (symbol("Child.size"), "")  # a setter is the same function here
    assert symbols.find(FILE, 12, "Child.run.<locals>.<genexpr>") == (symbol("Child.run"), "")


def test_what_no_entity_stands_for_is_named_by_its_reason(entities: pd.DataFrame) -> None:
    symbols = FunctionSymbols(entities)
    assert symbols.find(FILE, 1, "<module>") == (None, "module")
    assert symbols.find(FILE, 5, "Child") == (None, "class_body_or_unknown")
    assert symbols.find(FILE, 13, "Child.run.<locals>.<lambda>") == (None, "lambdas_of_one_line")
    assert symbols.find(FILE, 40, "use") == (None, "outside_its_span")


def test_a_trace_is_read_in_the_graphs_symbols_and_misses_are_counted(
    tmp_path: Path, files: pd.DataFrame, entities: pd.DataFrame
) -> None:
    trace = load_traces(write_trace(tmp_path), files, entities)["pkg"]
    assert trace.ran == {symbol("use"), symbol("Child.run"), symbol("Child.size")}
    assert trace.edges == {
        (symbol("use"), symbol("Child.run")): {23},
        (symbol("use"), symbol("Child.size")): {24},
        (symbol("Child.run"), symbol("use")): {13},
    }
    assert trace.lines == {(FILE, 22), (FILE, 23), (FILE, 24)}
    assert trace.missed == {"edge_from_module": 1, "edge_to_lambdas_of_one_line": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "2.0"}, r"provenance\.json: traced on version 2\.0, but the graph is of 1\.0; run benchmarks"),
        ({"text": TEXT + "\n"}, r"pkg/a\.py was traced with another content than the graph's; run benchmarks"),
    ],
)
def test_a_trace_of_other_source_is_refused_in_one_line(
    tmp_path: Path, files: pd.DataFrame, entities: pd.DataFrame, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(EvaluationError, match=message) as caught:
        load_traces(write_trace(tmp_path, **changes), files, entities)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["file,line\n", "file,line,name\npkg/a.py,first,use\n"])
def test_a_malformed_table_is_refused(tmp_path: Path, files: pd.DataFrame, entities: pd.DataFrame, damage: str) -> None:
    write_text(write_trace(tmp_path) / "pkg" / "functions.csv", damage)
    with pytest.raises(EvaluationError, match=r"functions\.csv: expected columns file, line, name"):
        load_traces(tmp_path, files, entities)


@pytest.mark.parametrize(
    ("name", "kept", "message"),
    [
        ("edges.csv", 2, r"provenance\.json: edges\.csv has 1 rows, 5 were traced; run benchmarks"),
        ("functions.csv", 1, r"provenance\.json: functions\.csv has 0 rows, 3 were traced; run benchmarks"),
        ("files.csv", 1, r"files\.csv has no digest of pkg/a\.py, which ran; run benchmarks"),
    ],
)
def test_a_table_that_was_cut_short_is_refused(
    tmp_path: Path, files: pd.DataFrame, entities: pd.DataFrame, name: str, kept: int, message: str
) -> None:
    table = write_trace(tmp_path) / "pkg" / name
    write_text(table, "".join(table.read_text("utf-8").splitlines(keepends=True)[:kept]))
    with pytest.raises(EvaluationError, match=message):
        load_traces(tmp_path, files, entities)


@pytest.mark.parametrize("record", [[], {"package": "pkg", "edges": 5, "functions": 3}])
def test_a_provenance_without_its_keys_is_refused(
    tmp_path: Path, files: pd.DataFrame, entities: pd.DataFrame, record: object
) -> None:
    write_json(write_trace(tmp_path) / "pkg" / "provenance.json", record)
    expected = r"provenance\.json: expected the keys edges, functions, package, version"
    with pytest.raises(EvaluationError, match=expected):
        load_traces(tmp_path, files, entities)


def test_a_trace_of_no_package_of_the_graph_is_not_read(tmp_path: Path, entities: pd.DataFrame) -> None:
    nothing = pd.DataFrame(columns=["package", "version", "file", "sha256"])
    assert load_traces(write_trace(tmp_path), nothing, entities) == {}


def sites_of(files: pd.DataFrame, entities: pd.DataFrame) -> dict[tuple[str, str], object]:
    references = pd.DataFrame(
        [reference("call", "run"), reference("read", "size"), reference("call", "Heir"), reference("call", "print")]
    )
    triples = pd.DataFrame([
        triple("use", "calls", "Base.run", at="run"),
        triple("use", "calls", "Child.run", "ambiguous", at="run"),
        triple("use", "calls", "Child.size", "ambiguous", at="thing"),
        triple("Child", "inherits_from", "Base"),
        triple("Heir", "inherits_from", "Other"),
        triple("Child.run", "overrides", "Base.run"),
        triple("use", "invokes", "python:api:<builtin>.print", "external"),
    ])  # fmt: skip
    parsed = Parsed(files, frozenset({symbol("Child.size")}), references)
    functions = PackageFunctions("pkg", parsed, entities, triples)
    return {(site.kind, site.name): site for site in call_sites(functions, parsed)}


def test_a_site_fits_functions_of_its_name_constructors_of_its_class_and_properties_where_it_reads(
    files: pd.DataFrame, entities: pd.DataFrame
) -> None:
    sites = sites_of(files, entities)
    assert set(sites) == {("call", "run"), ("property", "size"), ("call", "Heir")}
    run = sites["call", "run"]
    assert run.candidates == (symbol("Base.run"), symbol("Child.run"))
    assert run.proved == {symbol("Base.run")}
    assert run.listed == {symbol("Child.run"): 0.5}
    assert [line for _, _, line in run.spans] == [23]
    assert sites["property", "size"].candidates == (symbol("Child.size"),)
    assert sites["call", "Heir"].candidates == (symbol("Other.__init__"),)  # inherited


def test_names_are_read_off_symbols() -> None:
    assert canonical(symbol("Child.size~2")) == symbol("Child.size")
    assert short_name(symbol("Child.size~2")) == "size"
    assert called_name(symbol("Other.__init__")) == "Other"
