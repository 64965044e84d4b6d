"""The Python parser: definitions with their places, references, and files that nobody would write."""

import pytest

from graphmer.corpus.parse.python.parser import parse_python
from graphmer.corpus.parse.records import FileKey, ParsedFile

WHERE = FileKey("p", "python", "m.py")
SOURCE = '''"""About m."""
import os

LIMIT: int = 3


class Pool(Base, metaclass=Meta):
    """A pool.

    Of things.
    """

    size = 1

    async def run(self, job, *args, key: str = "x", **rest) -> "Pool | None":  # a comment
        self.job = job
        yield job

    @property
    def ready(self):
        return self.job

    def run(self): pass
'''


def parse(source: str) -> ParsedFile:
    return parse_python(source.encode(), WHERE)


@pytest.fixture(scope="module")
def parsed() -> ParsedFile:
    return parse(SOURCE)


def test_every_definition_has_a_symbol_and_a_second_one_of_a_path_its_number(parsed: ParsedFile) -> None:
    found = {symbol.symbol.removeprefix("python:p:m.py#"): symbol.kind for symbol in parsed.symbols}
    assert found == {
        "": "module", "LIMIT": "variable", "Pool": "class", "Pool.size": "field", "Pool.job": "field",
        "Pool.run": "method", "Pool.run.self": "parameter", "Pool.run.job": "parameter", "Pool.run.args": "parameter",
        "Pool.run.key": "parameter", "Pool.run.rest": "parameter", "Pool.ready": "method",
        "Pool.ready.self": "parameter", "Pool.run~2": "method", "Pool.run~2.self": "parameter",
    }  # fmt: skip


def test_spans_read_back_what_they_name(parsed: ParsedFile) -> None:
    data = SOURCE.encode()
    for symbol in parsed.symbols:
        if symbol.kind != "module":
            assert data[symbol.name_byte_start : symbol.name_byte_end].decode() == symbol.name
            assert symbol.byte_start <= symbol.name_byte_start < symbol.byte_end
        if symbol.docstring:
            assert symbol.docstring.split()[0] in data[symbol.doc_byte_start : symbol.doc_byte_end].decode()
    for reference in parsed.references:
        if reference.name and reference.kind in ("read", "write", "call", "parameter", "assign"):
            shown = data[reference.byte_start : reference.byte_end].decode()
            assert shown == reference.name.rpartition(".")[2]


def test_signatures_docstrings_and_modifiers(parsed: ParsedFile) -> None:
    by_name = {symbol.symbol.rpartition("#")[2]: symbol for symbol in parsed.symbols}
    assert by_name["Pool.run"].signature == '(self, job, *args, key: str = "x", **rest) -> "Pool | None"'
    assert by_name["Pool.run"].modifiers == "async generator"
    assert by_name["Pool.ready"].modifiers == "property"
    assert by_name["Pool"].docstring == "A pool.\n\nOf things."
    assert by_name[""].docstring == "About m."


def test_references_say_what_the_code_says(parsed: ParsedFile) -> None:
    said = {(reference.kind, reference.name, reference.value) for reference in parsed.references}
    assert {
        ("import", "os", "os"),
        ("library", "os", "os"),
        ("base", "Base", "Base"),
        ("metaclass", "Meta", "Meta"),
        ("annotation", "LIMIT", "int"),
        ("assign", "self.job", "job"),
        ("write", "job", "self.job"),
        ("decorator", "property", "property"),
        ("return", "", "self.job"),
    } <= said


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("a.b(x, *y, k=f)", '["()","a.b","x",["*","y"],["=","k","f"]]'),
        ("(f)(1)", '["()","f","#1"]'),
        ("'x'.join(y)", '["()",[".","\'x","join"],"y"]'),
        ("super().m()", '["()",[".","@5","m"]]'),
        ("(a + b).c()", '["()",[".",["+","a","b"],"c"]]'),
        ("f([g], {'k': g}, lambda: 1)", '["()","f",["list","2-5","g"],["dict","7-15",["\'k","g"]],"&17"]'),
        ("f(a if x else b, c or None)", '["()","f",["|","a","b"],"c"]'),
        ("f(*[g for x in y])", '["()","f",["*",["each","list","3-17","g"]]]'),
        ("f(x[1:2], y[-1], z['a'])", '["()","f",["slice","x","#1","#2"],["[]","y","#-1"],["[]","z","\'a"]]'),
        ("f('visit_' + kind)", '["()","f",["prefix","\'visit_"]]'),
    ],
)
def test_calls_are_written_with_what_flows_into_them(source: str, value: str) -> None:
    calls = [reference.value for reference in parse(source).references if reference.kind == "call"]
    assert value in calls


def test_a_name_that_is_bound_anew_has_a_name_of_its_own_from_there_on() -> None:
    references = parse("x = f\nx()\nx = g\nx()\nif x:\n    x = h\nx()\n").references
    said = [(reference.kind, reference.name, reference.value) for reference in references if reference.kind != "read"]
    assert said == [
        ("assign", "x", "f"), ("call", "x", '["()","x"]'), ("assign", "x#2", "g"), ("call", "x", '["()","x#2"]'),
        ("assign", "x#2", "h"), ("call", "x", '["()","x#2"]'),
    ]  # fmt: skip


def test_a_key_that_is_stored_before_a_dict_is_used_replaces_what_stood_there() -> None:
    used = parse("d = {'a': f, 'b': g}\nd['a'] = h\nd['a']()\nd['b'] = h\n")
    display = next(reference.value for reference in used.references if reference.name == "d")
    assert display == '["dict","4-20",["\'b","g"]]'


def test_a_file_with_an_error_keeps_its_good_parts() -> None:
    parsed = parse("def good():\n    return 1\n\nx = = 2\n\nclass Fine:\n    pass\n")
    assert (parsed.status, parsed.reason) == ("partial", "syntax_error")
    assert {"good", "Fine"} <= {symbol.name for symbol in parsed.symbols}


@pytest.mark.parametrize("source", ["(" * 10_000, "[" * 10_000 + "]" * 10_000, "{" * 5_000 + "(" * 5_000])
def test_brackets_ten_thousand_deep_are_skipped_with_a_reason(source: str) -> None:
    parsed = parse(source)
    assert (parsed.status, parsed.reason) == ("skipped", "too_deep")


def test_scopes_nested_beyond_reason_raise_what_the_driver_counts_as_too_deep() -> None:
    with pytest.raises(RecursionError):
        parse("lambda: " * 5_000 + "1")


def test_a_chain_of_ten_thousand_calls_ends() -> None:
    assert parse("x" + ".f()" * 10_000).status == "ok"


@pytest.mark.parametrize("source", ["", "\n", "\ufeffx = 1\n", "x = 1\r\ny = 2\r\n", "\tx = 1", "# only a comment"])
def test_odd_but_valid_files_are_parsed(source: str) -> None:
    assert parse(source).status in ("ok", "partial")
