"""The JavaScript and TypeScript parsers: definitions with their places, references, manifests of npm."""

import pytest

from graphmer.corpus.parse.javascript import parse_javascript, parse_typescript
from graphmer.corpus.parse.manifests import parse_manifest
from graphmer.corpus.parse.records import FileKey, ParsedFile

SOURCE = """/** A pool
 * of things. */
export class Pool extends Base {
  size = 1;
  static #count = 0;
  /** Runs a job. */
  async run(job, { key = "x", ...rest }, ...args) { // a comment
    this.job = job;
    return new Job(job);
  }
  get ready() { return this.job; }
  run() {}
}
"""


def parse(source: str, file: str = "m.js") -> ParsedFile:
    parse_file = parse_typescript if file.endswith("ts") else parse_javascript
    return parse_file(source.encode(), FileKey("p", "javascript", file))


@pytest.fixture(scope="module")
def parsed() -> ParsedFile:
    return parse(SOURCE)


def test_every_definition_has_a_symbol_and_a_second_one_of_a_path_its_number(parsed: ParsedFile) -> None:
    found = {symbol.symbol.removeprefix("javascript:p:m.js#"): symbol.kind for symbol in parsed.symbols}
    assert found == {
        "": "module", "Pool": "class", "Pool.size": "field", "Pool.#count": "field", "Pool.run": "method",
        "Pool.run.job": "parameter", "Pool.run.args": "parameter", "Pool.job": "field", "Pool.ready": "method",
        "Pool.run~2": "method",
    }  # fmt: skip


def test_spans_read_back_what_they_name(parsed: ParsedFile) -> None:
    data = SOURCE.encode()
    for symbol in parsed.symbols:
        if symbol.kind != "module":
            assert data[symbol.name_byte_start : symbol.name_byte_end].decode() == symbol.name
            assert symbol.byte_start <= symbol.name_byte_start < symbol.byte_end
    for reference in parsed.references:
        if reference.kind in ("read", "write", "call", "new", "parameter"):
            assert data[reference.byte_start : reference.byte_end].decode() == reference.name


def test_signatures_documentation_and_modifiers(parsed: ParsedFile) -> None:
    by_name = {symbol.symbol.rpartition(".js#")[2]: symbol for symbol in parsed.symbols}
    assert by_name["Pool.run"].signature == '(job, { key = "x", ...rest }, ...args)'
    assert by_name["Pool.run"].modifiers == "async"
    assert by_name["Pool.run"].docstring == "Runs a job."
    assert by_name["Pool"].docstring == "A pool\nof things."
    assert by_name["Pool.ready"].modifiers == "property"
    assert by_name["Pool.#count"].modifiers == "static"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("a.b().c[0].d(1)", "a.b().c[].d"),
        ("(f)(1)", "f"),
        ("(0, a.f)(1)", "a.f"),
        ("'x'.trim()", "<String>.trim"),
        ("a?.b\n  .c!.d()", "a.b.c.d"),
        ("new Foo(1).go()", "Foo{}.go"),
        ("(await a.b()).c()", "a.b().c"),
        ("(a + b).c()", "<expr>.c"),
        ("require('./x').y()", "<require ./x exports>.y"),
    ],
)
def test_callees_are_written_as_access_paths(source: str, value: str) -> None:
    parsed = parse(source, "m.ts")
    assert value in [reference.value for reference in parsed.references if reference.kind == "call"]


def test_both_sides_of_a_choice_are_bound() -> None:
    said = [reference.value for reference in parse("const x = a || b;").references if reference.kind == "assign"]
    assert said == ["a", "b"]


def test_a_declaration_file_is_skipped_with_a_reason() -> None:
    parsed = parse("export declare function f(): void;", "m.d.ts")
    assert (parsed.status, parsed.reason, parsed.symbols) == ("skipped", "declaration_file", [])


def test_a_file_with_an_error_keeps_its_good_parts() -> None:
    parsed = parse("function good() {}\nlet = = 2;\nclass Fine {}\n")
    assert (parsed.status, parsed.reason) == ("partial", "syntax_error")
    assert {"good", "Fine"} <= {symbol.name for symbol in parsed.symbols}


def test_scopes_nested_beyond_reason_raise_what_the_driver_counts_as_too_deep() -> None:
    with pytest.raises(RecursionError):
        parse("x = " + "() => " * 900 + "1")


def test_a_package_json_names_its_dependencies_and_what_it_builds() -> None:
    text = (
        '{"name": "tool", "main": "lib/index.js", "bin": {"run": "bin/run.js"},\n'
        ' "devDependencies": {"mocha": "1"}, "dependencies": {"@a/b": "^1.0.0", "debug": "4"}}'
    )
    parsed = parse_manifest(text.encode(), FileKey("p", "manifest", "package.json"))
    said = [(one.kind, one.name, one.value, text[one.byte_start : one.byte_end]) for one in parsed.references]
    assert said == [
        ("build_target", "main", "lib/index.js", '"lib/index.js"'),
        ("build_target", "bin", "run", '"run"'),
        ("dependency", "npm:@a/b", "@a/b@^1.0.0", '"@a/b"'),
        ("dependency", "npm:debug", "debug@4", '"debug"'),
    ]


@pytest.mark.parametrize("text", ["[]", "{", '"x"', '{"dependencies": 1, "bin": 2, "main": 3}', "[" * 100_000])
def test_a_package_json_that_says_nothing_is_skipped_or_empty(text: str) -> None:
    parsed = parse_manifest(text.encode(), FileKey("p", "manifest", "package.json"))
    assert parsed.references == []
