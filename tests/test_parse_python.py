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
        ("(a + b).c()", '["()",[".",["+","a","b","%3"],"c"]]'),
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
        ("ask", "bool", "x#2"), ("assign", "x#2", "h"), ("call", "x", '["()","x#2"]'),
    ]  # fmt: skip


def test_until_its_statement_ends_a_name_that_is_bound_anew_is_what_it_was() -> None:
    source = "def g(x):\n    pass\nx = f\nx = g(x)\nx = x + [x]\ng = h(g)\ng(x)\n"
    kinds = ("assign", "call", "operate")
    said = [(one.kind, one.name, one.value) for one in parse(source).references if one.kind in kinds]
    assert said == [
        ("assign", "x", "f"), ("assign", "x#2", "@30"), ("call", "g", '["()","g","x"]'),
        ("assign", "x#3", '["+","x#2",["list","42-45","x#2"],"%40"]'),
        ("operate", "+", '["+","x#2",["list","42-45","x#2"]]'),
        ("assign", "g#2", "@51"), ("call", "h", '["()","h","g"]'), ("call", "g", '["()","g#2","x#3"]'),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "filed"),
    [
        ("a + b", [("operate", "+", '["+","a","b"]', 2)]),
        ("a < 1 not in b", [("operate", "<", '["<","a","#1"]', 2), ("operate", "not in", '["not in","#1","b"]', 6)]),
        ("a is b", []),
        ("1 + 2.5 <= 'x'", []),
        ("-a", [("operate", "-x", '["-x","a"]', 0)]),
        ("(a  # one\n * b)", [("operate", "*", '["*","a","b"]', 11)]),
        ("a += b", [("operate", "+=", '["+=","a","b"]', 2)]),
        ("a[b]", [("item", "[]", '["a","b"]', 0)]),
        ("a[0] = 1", [("item", "[]=", '["a","#0"]', 0)]),
        ("a[0], c = 1, 2", [("item", "[]=", '["a","#0"]', 0)]),
        ("del a[0], c[1]", [("item", "del[]", '["a","#0"]', 0), ("item", "del[]", '["c","#1"]', 0)]),
        ("a[0] += 1", [("operate", "+=", '["+=",["[]","a","#0"],"#1"]', 5), ("item", "[]=", '["a","#0"]', 0),
                       ("item", "[]", '["a","#0"]', 0)]),
        ("if not (a and b): pass", [("ask", "bool", "b", 0), ("ask", "bool", "a", 0)]),
        ("x = 1 if a else 2", [("ask", "bool", "a", 0)]),
        ("[1 for b in c if b]", [("ask", "bool", "b", 0)]),
        ("assert a, b", [("ask", "bool", "a", 0)]),
        ("while True: pass", []),
        ("f'{a} {b!r} {c!s:>{d}} {1}'", [("ask", "format", "a", 0), ("ask", "repr", "b", 0), ("ask", "str", "c", 0)]),
        ("'%d %s %5.2r%%' % (a, b, c)", [("ask", "str", "b", 0), ("ask", "repr", "c", 0)]),
        ("'%(x)s' % a", []),
        ("b'%s' % a", []),
        ("f'{a=} {b=!s} {c=:>3}'", [("ask", "repr", "a", 0), ("ask", "str", "b", 0), ("ask", "format", "c", 0)]),
        ("with a as b[0]: pass", [("item", "[]=", '["b","#0"]', 0)]),
        ("del (a[0], b[1])", [("item", "del[]", '["a","#0"]', 0), ("item", "del[]", '["b","#1"]', 0)]),
        ("{a, 1, *b}", [("ask", "hash", "a", 0)]),
        ("{a: b, 'c': d, **e}", [("ask", "hash", "a", 0)]),
        ("'%s' % a", [("ask", "str", "a", 0)]),
    ],
)  # fmt: skip
def test_what_calls_special_methods_is_filed_where_an_operand_may_have_some(source: str, filed: list[object]) -> None:
    kinds = ("operate", "item", "ask")
    found = [(one.kind, one.name, one.value, one.ordinal) for one in parse(f"{source}\n").references]
    assert [one for one in found if one[0] in kinds] == filed


@pytest.mark.parametrize("source", ["a{} + b", "a{}[0]", "a{} - b", "'x' + a{}", "not a{}[0]"])
def test_a_long_chain_of_operators_says_each_operand_once(source: str) -> None:
    def size(terms: int) -> int:
        head, _, tail = source.partition("{}")
        chain = (
            head + tail.partition(" b")[0] * terms + tail[tail.find(" b") :] if " b" in tail else head + tail * terms
        )
        return sum(len(one.value) for one in parse(chain + "\n").references)

    assert size(2000) < 2.5 * size(1000)


def test_a_pattern_of_many_names_is_read_once() -> None:
    names = ", ".join(f"x{place}" for place in range(3000))
    references = parse(f"match s:\n    case [{names}]:\n        pass\n").references
    assert [one.value for one in references if one.name == "x2999"] == ['["item","s","#2999"]']


@pytest.mark.parametrize(
    ("pattern", "bound"),
    [
        ("x", {"x": "s"}),
        (
            "Point(x, y=[z, *_])",
            {"x": '["place",["is","s","Point"],"#0"]', "z": '["item",[".",["is","s","Point"],"y"],"#0"]'},
        ),
        ("P(y=[_, *rest])", {"rest": '["rest",[".",["is","s","P"],"y"],"#1"]'}),
        ("{'k': P() as v, **others}", {"v": '["is",["[]","s","\'k"],"P"]', "others": "?"}),
        ("[*_, last]", {"last": '["item","s","#-1"]'}),
        ("A() | B() as x", {"x": "s"}),
        ("a, b", {"a": '["item","s","#0"]', "b": '["item","s","#1"]'}),
    ],
)
def test_names_in_patterns_are_parts_of_what_is_matched(pattern: str, bound: dict[str, str]) -> None:
    references = parse(f"match s:\n    case {pattern}:\n        pass\n").references
    assert {one.name: one.value for one in references if one.kind == "assign" and one.name != "_"} == bound


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
