"""JavaScript and TypeScript resolution against expectations that stand as comments in the parsed source.

`//   ^ relation tail (resolution)` speaks of the code above it, at the caret's column; `// <-` of its first word.
Every `calls`, `invokes` and `instantiates` fact of a fixture must be expected: precision is tested with recall.
"""

import re
from collections import Counter
from pathlib import Path

import pytest
from expectations import CALL_GRAPH, PARAMS, Said, expected, said

from graphmer.corpus.parse.javascript import module_name
from graphmer.corpus.parse.languages import LANGUAGES, is_test
from graphmer.corpus.parse.records import FileKey
from graphmer.kg.facts import PackageFacts, Resolved, SourceFile
from graphmer.kg.resolve.javascript import resolve_javascript

FIXTURES = Path(__file__).parent / "fixtures"
FOLDERS = sorted(
    f"{language}/{folder.name}"
    for language in ("javascript", "typescript")
    for folder in (FIXTURES / language).iterdir()
    if folder.is_dir()
)
FIRST_WORD = re.compile(
    r" *(?:@|return |await |new |function |class |export |default |async |throw |static |const |interface )*"
)


def resolve(sources: dict[str, bytes], language: str = "javascript") -> tuple[Resolved, dict[str, str]]:
    """Facts of some files, and the qualified name of every entity."""
    files = []
    for name, source in sorted(sources.items()):
        parsed = LANGUAGES[language].parse(source, FileKey("fixture", language, name))
        files.append(SourceFile(name, parsed.module, is_test(name, language), parsed.symbols, parsed.references))
    names = {symbol.symbol: symbol.qualified_name for file in files for symbol in file.symbols}
    resolved = resolve_javascript(PackageFacts("fixture", language, files), PARAMS)
    return resolved, names | {name: entity.qualified_name for name, entity in resolved.externals.items()}


def folder_facts(folder: str) -> tuple[list[Said], list[Said]]:
    """What the comments of a fixture expect, and what is found."""
    language = folder.partition("/")[0]
    top = FIXTURES / folder
    paths = sorted(path for path in top.rglob("*") if path.suffix in LANGUAGES[language].endings)
    sources = {path.relative_to(top).as_posix(): path.read_bytes() for path in paths}
    wanted = [one for name, source in sources.items() for one in expected(name, source.decode(), FIRST_WORD)]
    resolved, names = resolve(sources, language)
    return wanted, [said(fact, sources[fact.file], names[fact.tail]) for fact in resolved.facts]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_expected_fact_is_found_where_it_stands(folder: str) -> None:
    wanted, found = folder_facts(folder)
    assert len(wanted) >= 10
    assert [said for said in wanted if said not in found] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_call_is_found_that_nobody_expects(folder: str) -> None:
    wanted, found = folder_facts(folder)
    assert [said for said in found if said.relation in CALL_GRAPH and said not in wanted] == []


def edges(*sources: tuple[str, str], language: str = "javascript") -> set[tuple[str, str, str]]:
    resolved, names = resolve({name: source.encode() for name, source in sources}, language)
    return {(names.get(fact.head, fact.head), fact.relation, names[fact.tail]) for fact in resolved.facts}


def calls(source: str, language: str = "javascript") -> set[tuple[str, str, str]]:
    name = "main.ts" if language == "typescript" else "main.js"
    return {edge for edge in edges((name, source), language=language) if edge[1] in CALL_GRAPH}


def test_a_lone_main_names_its_functions_nested_ones_and_lambdas() -> None:
    source = "function f() { function g() {} g(); }\nx(() => f());\ny(function () { f(); });\nsetTimeout(f);\n"
    assert calls(source) == {
        ("main.f", "calls", "main.f.g"),
        ("main.<lambda1>", "calls", "main.f"),
        ("main.<lambda2>", "calls", "main.f"),
        ("main", "invokes", "<builtin>.setTimeout"),
    }


def test_the_innermost_block_that_binds_a_name_says_what_is_called() -> None:
    source = "function f() { const g = () => 1; { const g = () => 2; g(); } g(); }"
    resolved, _ = resolve({"main.js": source.encode()})
    tails = [fact.tail.partition("#")[2] for fact in resolved.facts if fact.relation == "calls"]
    assert tails == ["f.g~2", "f.g"]


def test_a_loop_s_own_variable_hides_the_one_outside() -> None:
    assert calls("class A { go() {} }\nconst a = new A();\nfor (const a of things) a.stop();\na.go();") == {
        ("main", "instantiates", "main.A"),
        ("main", "calls", "main.A.go"),
    }


def test_var_is_bound_in_the_function_and_let_in_its_block() -> None:
    one = "function a() {}\nfunction f() { if (1) { var b = a; } b(); }"
    other = one.replace("var", "let")
    assert calls(one) == {("main.f", "calls", "main.a")}
    assert calls(other) == set()


def test_what_is_exported_under_two_names_is_one_function() -> None:
    found = edges(
        ("a.js", "exports.one = exports.two = function () {};\n"),
        ("main.js", "const a = require('./a');\na.one();\na.two();\n"),
    )
    assert {tail for _, relation, tail in found if relation == "calls"} == {"a.one"}


def test_compiled_modules_are_seen_through() -> None:
    source = (
        '"use strict";\nconst a_1 = require("./a");\nconst b = __importStar(require("./a"));\n(0, a_1.f)();\nb.f();\n'
    )
    found = edges(("a.js", "exports.f = f;\nfunction f() {}\n"), ("main.js", source))
    assert ("main", "calls", "a.f") in found
    resolved, _ = resolve({"a.js": b"exports.f = f;\nfunction f() {}\n", "main.js": source.encode()})
    assert resolved.calls["exact"] == 2


def test_modules_that_import_and_re_export_each_other_end() -> None:
    found = edges(
        ("a.js", "export * from './b.js';\nexport { f as g } from './b.js';\n"),
        ("b.js", "export * from './a.js';\nexport { g as f } from './a.js';\nimport { h } from './a.js';\nh();\n"),
    )
    assert ("javascript:fixture:a.js", "imports", "b") in found


def test_cyclic_inheritance_and_values_that_need_themselves_end() -> None:
    assert edges(("main.js", "class A extends B { m() { this.n(); } }\nclass B extends A { n() { this.m(); } }\n"))
    assert not calls("var x = y; var y = x; x.z();\nfunction f() { return g(); }\nfunction g() { return f(); }") - {
        ("main.f", "calls", "main.g"),
        ("main.g", "calls", "main.f"),
    }


def test_a_call_that_nobody_can_place_is_counted_and_not_invented() -> None:
    resolved, _ = resolve({"main.js": b"function f(x) {\n  x.nothingHere();\n}\n"})
    assert resolved.calls == Counter(seen=1, unresolved=1)
    assert not [fact for fact in resolved.facts if fact.relation in CALL_GRAPH]


def test_k_candidates_share_their_confidence() -> None:
    source = b"class A { go() {} }\nclass B { go() {} }\nfunction f(x) { x.go(); }\n"
    resolved, _ = resolve({"main.js": source})
    found = [fact for fact in resolved.facts if fact.relation == "calls"]
    assert [(fact.resolution, fact.confidence) for fact in found] == [("ambiguous", pytest.approx(1 / 3))] * 2


def test_a_method_that_builtin_values_have_is_no_candidate() -> None:
    assert calls("class A { push() {} }\nfunction f(x) { x.push(1); }") == set()


def test_what_a_test_defines_is_no_candidate_outside_of_tests() -> None:
    sources = {"main.js": b"export function f(x) { x.go(); }\n", "main.test.js": b"class A { go() {} }\n"}
    resolved, _ = resolve(sources)
    assert not [fact for fact in resolved.facts if fact.relation == "calls"]


def test_entities_have_the_types_of_the_ontology() -> None:
    source = (
        "interface I { a(): void }\ntype T = I;\nenum E { One }\nnamespace N { export const x = () => 1; }\n"
        "abstract class C { f = 1; m() {} }\nclass Bad extends Error {}\nconst o = { g() {} };\n"
        "function F() {}\nF.prototype.h = function () {};\nfunction plain(p) {}\n"
    )
    resolved, names = resolve({"main.ts": source.encode()}, "typescript")
    assert {names[symbol].removeprefix("main."): kind for symbol, kind in resolved.types.items()} == {
        "I": "Interface", "I.a": "Method", "T": "Type", "E": "Class", "E.One": "Variable", "N": "Module",
        "N.x": "Function", "C": "Class", "C.f": "Variable", "C.m": "Method", "Bad": "ExceptionType", "o": "Variable",
        "o.g": "Method", "F": "Class", "F.h": "Method", "plain": "Function", "plain.p": "Variable",
    }  # fmt: skip


def test_the_callbacks_of_a_test_file_are_tests_and_know_their_titles() -> None:
    source = b"describe('sum', () => { it('adds', function () {}); helper(() => {}); });\n"
    resolved, _ = resolve({"sum.spec.js": source})
    assert sorted(resolved.types.values()) == ["Function", "Test", "Test"]
    elsewhere, _ = resolve({"sum.js": source})
    assert set(elsewhere.types.values()) == {"Function"}


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("main.js", "main"),
        ("index.js", "index"),
        ("src/index.ts", "index"),
        ("src/a/index.mjs", "a"),
        ("lib/a/b.cjs", "a.b"),
        ("packages/core/view.tsx", "packages.core.view"),
        ("a.test.js", "a.test"),
    ],
)
def test_a_files_module_is_its_path_below_a_source_root(file: str, module: str) -> None:
    assert module_name(file) == module
