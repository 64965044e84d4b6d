"""JavaScript and TypeScript that no author wrote: a graph, or a counted skip."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imports import ROOT
from test_hostile import PARAMS, build, facts_hold, mutated, spans_hold

from graphmer.corpus.parse.languages import LANGUAGES
from graphmer.corpus.parse.records import FileKey, ParsedFile
from graphmer.kg.facts import PackageFacts, SourceFile
from graphmer.kg.resolve.javascript import resolve_javascript

UNFIT: dict[str, tuple[bytes, str]] = {
    "binary.js": (bytes(range(256)) * 4, "nul_bytes"),
    "utf16.ts": ("let x = 1\n".encode("utf-16"), "utf16"),
    "latin.js": ("const name = 'é'\n".encode("latin-1"), "not_utf8"),
    "blank.mjs": (b"\n \n", "empty"),
    "bundle.min.js": (b"!function(){" + b"var a=function(b){return b()};" * 10_000 + b"}()", "long_line"),
    "brackets.js": (b"x = " + b"(\n" * 10_000 + b"1" + b"\n)" * 10_000 + b"\n", "too_deep"),
    "nested.js": (b"(function () {\n" * 900 + b"})()\n" * 900, "too_deep"),
    "arrows.ts": (b"x = " + b"() =>\n" * 900 + b"1\n", "too_deep"),
    "types.d.ts": (b"export declare function f(): void;\n", "declaration_file"),
}
KEPT: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "half.js": (b"function whole() { return 1; }\n\nfunction cut(a, b {\n", ("half.whole",)),
    "half2.ts": (
        b"class Half { whole(): number { return 1; } }\nclass Cut { cut(): number { return (1 + ",
        ("half2.Half.whole",),
    ),
    "flow.js": (b"// @flow\nfunction f(x: ?string, y: {| a: number |}): void { g(); }\nfunction g() {}\n", ("flow.g",)),
    "mix.jsx": (b"const A = () => <B {...x}>{y.map(z => <C key={z} />)}</B>;\nfunction B() {}\n", ("mix.A", "mix.B")),
    "minified.js": (b"!function(){function a(){return b()}function b(){}a()}();", ("minified.<lambda1>.a",)),
    "bom.js": (b"\xef\xbb\xbffunction marked() {}\n", ("bom.marked",)),
    "bang.mjs": (b"#!/usr/bin/env node\nfunction started() {}\n", ("bang.started",)),
    "windows.js": (b"function one() {}\r\nfunction two() { one(); }\r\n", ("windows.two",)),
    "ring_a.js": (b"import { B } from './ring_b.js';\nexport class A extends B {}\n", ("ring_a.A",)),
    "ring_b.js": (
        b"import { A } from './ring_a.js';\nexport class B extends A { go() { this.gone(); } }\n",
        ("ring_b.B",),
    ),
    "self.js": (b"module.exports = require('./self');\nclass S extends S {}\nnew S().go();\n", ("self.S",)),
    "many.js": (b"".join(b"class C%d extends C%d {}\n" % (i - 1, i) for i in range(2_000, 1, -1)), ("many.C1",)),
    "quine.js": (b"function f(f = (f) => f(f)) { return f(f)(f(f)); }\nf = f(f);\nf(f);\n", ("quine.f",)),
    "odd.js": (b"const o = { 'a.b'() {}, 'a#b'() {}, '\\n'() {}, [x]() {}, '': 1, '@1'() {} };\n", ("odd.o.a.b",)),
    "proto.js": (b"const constructor = 1;\nclass __proto__ { toString() {} }\nnew __proto__().toString();\n", ()),
    "chain.js": (b"x" + b".f()" * 10_000 + b"\n", ("chain",)),
    "sum.js": (b"x = 1" + b" + f(1)" * 900 + b";\nfunction f() {}\n", ("sum.f",)),
}


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], "pd.DataFrame", set[str]]:
    folder, out = tmp_path_factory.mktemp("hostile"), tmp_path_factory.mktemp("out") / "kg"
    for name, (content, _) in {**UNFIT, **KEPT}.items():
        (folder / name).write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPHMER_WORKERS", "1")
        manifest, triples = build(folder, out)
    return manifest, triples, set(pd.read_parquet(out / "entities.parquet")["qualified_name"])


def test_every_unfit_file_is_counted_by_its_reason(graph: Any) -> None:
    manifest, _, _ = graph
    wanted: dict[str, int] = {}
    for _, reason in UNFIT.values():
        wanted[reason] = wanted.get(reason, 0) + 1
    assert manifest["skipped"] == dict(sorted(wanted.items()))


@pytest.mark.parametrize("file", sorted(KEPT))
def test_what_is_sound_is_in_the_graph(graph: Any, file: str) -> None:
    assert set(KEPT[file][1]) <= graph[2]


def test_a_ring_of_classes_loses_the_edges_that_close_it(graph: Any) -> None:
    _, triples, _ = graph
    ring = triples[triples["relation"] == "inherits_from"]
    found = set(zip(ring["head"], ring["tail"], strict=True))
    assert ("ring_a.A", "ring_b.B") not in found
    assert ("many.C1", "many.C2") in found


# Sources that no author wrote

SEEDS = {
    "javascript": sorted((ROOT / "tests/fixtures/javascript").rglob("*.*js")),
    "typescript": sorted((ROOT / "tests/fixtures/typescript").rglob("*.ts*")),
}
WORDS = [
    *("function f(f) {", "class A extends A {", "(f) => f(f)", "return ", "yield ", "@f ", "f = ", "this.f", "super."),
    *("import f from './m1';", "export * from './m0';", "module.exports = ", "exports.f = ", "require('./m0')", "new "),
    *("f.prototype.f = ", "const { f, g: [h] } = ", "var f = ", "let f = ", "const f = {", "get f() {", "`${", "}"),
    *("{", "(", ")", "[", "]", ";", ",", "\n", "=>", "...", "?.", "#f", "<F>", "</F>", "/*", "/** f */", "//", "'"),
    *("𝔘", "…", "interface I extends I {", "type T = T;", "enum E {", "namespace N {", ": f", "as f", "f!", "async "),
    *("it('f', () => {", "f.call(this)", "static ", "catch (f) {", "for (const f of f) {", "case f: let f"),
]
SCRAPS = [b"", b"\xef\xbb\xbfclass A extends A {}", b"export default", b"({", b"a.b.c.prototype.d = function"]


def parsed_files(sources: list[bytes], language: str) -> list[tuple[bytes, str, ParsedFile]]:
    ending = ".js" if language == "javascript" else ".ts"
    found = []
    for index, source in enumerate(sources):
        name = f"src/m{index}{ending}"
        try:
            found.append((source, name, LANGUAGES[language].parse(source, FileKey("fuzz", language, name))))
        except RecursionError:  # what the driver counts as too deep
            continue
    return found


@pytest.mark.parametrize("language", ["javascript", "typescript"])
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_source_ends_in_facts_that_hold(language: str, data: st.DataObject) -> None:
    sources = data.draw(st.lists(mutated(SEEDS[language], WORDS), min_size=1, max_size=3))
    hold(sources, language)


def hold(sources: list[bytes], language: str) -> None:
    files = []
    for source, name, one in parsed_files(sources, language):
        spans_hold(source, one)
        symbols = [symbol.symbol for symbol in one.symbols]
        assert len(symbols) == len(set(symbols))
        for symbol in one.symbols:
            if symbol.kind not in ("module", "lambda") and not symbol.name.startswith("<"):
                shown = source[symbol.name_byte_start : symbol.name_byte_end].decode("utf-8", "replace")
                assert shown == symbol.name
        files.append(SourceFile(name, one.module, True, one.symbols, one.references))
    facts = PackageFacts("fuzz", language, files)
    facts_hold(facts, resolve_javascript(facts, PARAMS.kg))


@pytest.mark.parametrize("language", ["javascript", "typescript"])
@pytest.mark.parametrize("seed", SCRAPS)
def test_scraps_of_code_end_in_facts_that_hold(seed: bytes, language: str) -> None:
    hold([seed], language)


def test_seeds_are_there() -> None:
    assert all(len(paths) >= 5 and all(isinstance(path, Path) for path in paths) for paths in SEEDS.values())
