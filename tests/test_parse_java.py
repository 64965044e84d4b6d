"""What the Java parser sees, and that no input ends it."""

import re

import pytest

from graphmer.corpus.parse.java import parse_java
from graphmer.corpus.parse.java_text import clean_javadoc, erase
from graphmer.corpus.parse.records import FileKey, ParsedFile, Symbol

WHERE = FileKey("demo", "java", "src/demo/Main.java")
TYPE_ROLES = (
    *("extends", "implements", "field_type", "return_type", "param_type", "throws", "local_type"),
    *("cast", "raise", "catch", "instanceof", "type_use"),
)
SOURCE = """package demo.app;

import java.util.List;

/**
 * Keeps {@code items}.
 *
 * <p>Second part, see {@link List}.
 * @param <T> what is kept
 */
@Deprecated
public final class Main<T extends Comparable<T>> extends Base<T> implements Runnable, a.Other {
    /** How many. */
    private static final int SIZE = 1, WIDTH[] = {2};
    // no javadoc
    @Inject protected List<String> names;

    Main(int size) throws java.io.IOException { super(size); }

    /** Runs. */
    @Override
    public void run() {
        int local = 0;
        Runnable inner = () -> names.clear();
        Object object = new Object() { int field; };
    }

    static <R> R run(final String text, @Nullable R[] values, int... rest) { return null; }
    abstract int[] sizes();
    private int run;
}

enum Level { LOW, HIGH { void f() {} } }
record Pair(int left, String right) { Pair { } }
@interface Mark { String value() default ""; int LIMIT = 3; }
interface Shape { double area(); default int sides() { return 0; } static Shape of() { return null; } int MAX = 1; }
"""


def parse(source: str | bytes) -> ParsedFile:
    return parse_java(source.encode() if isinstance(source, str) else source, WHERE)


@pytest.fixture(scope="module")
def symbols() -> dict[str, Symbol]:
    return {symbol.symbol.partition("#")[2]: symbol for symbol in parse(SOURCE).symbols}


def references(source: str, *kinds: str) -> list[tuple[str, str, str]]:
    """Kind, name and value of the references of some kinds, in the order of the source."""
    found = [reference for reference in parse(source).references if reference.kind in kinds]
    return [(one.kind, one.name, one.value) for one in sorted(found, key=lambda one: one.byte_start)]


def method(body: str) -> str:
    return f"class A {{ void f(String text) {{ {body} }} }}"


def test_every_definition_has_its_kind(symbols: dict[str, Symbol]) -> None:
    assert {path: symbol.kind for path, symbol in symbols.items()} == {
        "": "module",
        "Main": "class",
        "Main.SIZE": "field",
        "Main.WIDTH": "field",
        "Main.names": "field",
        "Main.Main": "constructor",
        "Main.Main.size": "parameter",
        "Main.run": "method",
        "Main.run.local": "local",
        "Main.run.inner": "local",
        "Main.run.<lambda1>": "lambda",
        "Main.run.object": "local",
        "Main.run.<anonymous1>": "class",
        "Main.run.<anonymous1>.field": "field",
        "Main.run~2": "method",
        "Main.run~2.text": "parameter",
        "Main.run~2.values": "parameter",
        "Main.run~2.rest": "parameter",
        "Main.sizes": "method",
        "Main.run~3": "field",
        "Level": "enum",
        "Level.LOW": "field",
        "Level.HIGH": "field",
        "Level.<anonymous1>": "class",
        "Level.<anonymous1>.f": "method",
        "Pair": "record",
        "Pair.left": "field",
        "Pair.right": "field",
        "Pair.Pair": "constructor",
        "Mark": "annotation_type",
        "Mark.value": "method",
        "Mark.LIMIT": "field",
        "Shape": "interface",
        "Shape.area": "method",
        "Shape.sides": "method",
        "Shape.of": "method",
        "Shape.MAX": "field",
    }


def test_signatures_show_types_without_annotations(symbols: dict[str, Symbol]) -> None:
    shown = {
        path: symbols[path].signature for path in ("Main.run", "Main.run~2", "Main.sizes", "Main.Main", "Pair.Pair")
    }
    assert shown == {
        "Main.run": "() -> void",
        "Main.run~2": "(String text, R[] values, int... rest) -> R",
        "Main.sizes": "() -> int[]",
        "Main.Main": "(int size)",
        "Pair.Pair": "(int left, String right)",
    }
    assert symbols["Main"].signature == "<T extends Comparable<T>> extends Base<T> implements Runnable, a.Other"
    assert (symbols["Main.WIDTH"].signature, symbols["Main.names"].signature) == ("int[]", "List<String>")


def test_modifiers_are_those_written_and_those_that_an_interface_implies(symbols: dict[str, Symbol]) -> None:
    shown = {
        path: symbols[path].modifiers for path in ("Main", "Main.SIZE", "Main.names", "Main.run~2", "Main.run~2.rest")
    }
    assert shown == {
        "Main": "final public",
        "Main.SIZE": "final private static",
        "Main.names": "protected",
        "Main.run~2": "static varargs",
        "Main.run~2.rest": "varargs",
    }
    interface = {path: symbols[f"Shape.{path}"].modifiers for path in ("area", "sides", "of", "MAX")}
    assert interface == {
        "area": "abstract public",
        "sides": "default public",
        "of": "public static",
        "MAX": "final public static",
    }


def test_javadoc_is_cleaned_and_its_span_is_kept(symbols: dict[str, Symbol]) -> None:
    main = symbols["Main"]
    assert main.docstring == "Keeps items.\n\nSecond part, see List."
    assert SOURCE[main.doc_byte_start : main.doc_byte_end].startswith("/**\n * Keeps")
    assert SOURCE[main.doc_byte_start : main.doc_byte_end].endswith("*/")
    assert (symbols["Main.SIZE"].docstring, symbols["Main.run"].docstring) == ("How many.", "Runs.")
    assert (symbols["Main.names"].docstring, symbols["Main.names"].doc_byte_end) == ("", 0)


def test_names_and_containers_follow_the_nesting(symbols: dict[str, Symbol]) -> None:
    for path, symbol in symbols.items():
        parent = path.rpartition(".")[0]
        assert symbol.container == ("" if not path else f"java:demo:src/demo/Main.java#{parent}")
        written = SOURCE[symbol.name_byte_start : symbol.name_byte_end]
        assert written == symbol.name or path == "" or symbol.name.startswith("<")
    assert symbols["Main.run~2.text"].qualified_name == "demo.app.Main.run.text"
    assert symbols[""].qualified_name == "demo.app"


def test_imports_keep_their_form() -> None:
    source = "import a.B; import a . b.C; import a.*; import static a.B.f; import static a.B.*;"
    assert references(source, "import", "static_import", "star_import") == [
        ("import", "B", "a.B"),
        ("import", "C", "a.b.C"),
        ("star_import", "a", "a"),
        ("static_import", "f", "a.B.f"),
        ("star_import", "B", "a.B"),
    ]


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("run();", "run"),
        ("this.run(1, 2L, 3f, 4.0);", "this.run <int> <long> <float> <double>"),
        ("a.b().run(\"s\", 'c', true, null);", "@b.run <String> <char> <boolean> <null>"),
        ("a.b(1, 2)[0].run(x -> x);", "@b[].run ->x"),
        ("((Foo<Bar, ? extends Baz>) a).run(new Foo<>(1));", "(Foo<Bar,?extendsBaz>).run @Foo"),
        ("new a.Foo().run(text + 1, 2 * n);", "@Foo.run %text+<int> <int>*n"),
        ("super.run(a == b);", "super.run <boolean>"),
        ("Outer.super.run(Foo.class);", "Outer.super.run Foo.class"),
        ('"x".run("a" + b + c);', "<String>.run <String>"),
        ("(a ? null : c).run(i++);", "c.run i"),
        ("new int[3][].run(switch (a) { default -> 1; });", "(int[][]).run <expr>"),
        ("this.<String>run(a /* why */ , b);", "this.run a b"),
        ("run(a.b() + text, Foo::bar);", "run @b+%text ::Foo"),
    ],
)
def test_call_values_are_access_paths(code: str, value: str) -> None:
    source = method(code)

    def word(place: re.Match[str]) -> str:
        found = re.match(r"\w+", source[int(place[2]) :])
        assert found is not None
        return place[1] + found[0]

    shown = [re.sub(r"(@|->|::)(\d+)", word, found) for _, name, found in references(source, "call") if name == "run"]
    assert shown == [value]


def test_a_read_is_a_name_that_no_local_variable_has() -> None:
    body = "int a = b; { int c = a; } c = text.length(); for (int d : e) { d = a; } f -> f + g; h.i = j++;"
    assert references(method(body), "read", "write") == [
        ("read", "b", "b"),
        ("write", "c", "c"),
        ("read", "e", "e"),
        ("read", "g", "g"),
        ("read", "h", "h"),
        ("write", "i", "h.i"),
        ("write", "j", "j"),
        ("read", "j", "j"),
    ]


def test_links_of_a_chain_are_read_from_the_left() -> None:
    found = [one for one in parse(method("x(a.b.c.d, e.f.g);")).references if one.kind == "read" and "." in one.value]
    assert [one.value for one in found] == ["a.b", "a.b.c", "a.b.c.d", "e.f", "e.f.g"]


def test_locals_of_one_name_are_told_apart_in_paths() -> None:
    body = "{ A x = null; x.f(); } { B x = null; x.f(); }"
    assert [value for _, _, value in references(method(body), "call")] == ["%x.f", "%x~2.f"]


def test_types_are_named_with_the_part_they_play() -> None:
    source = """class A<T extends B> extends C<D> implements E, f.G {
        H field;
        I[] run(J j, T t) throws K {
            L l = (M) j;
            try { throw new N(); } catch (O | P e) { var v = l instanceof Q; }
            return null;
        }
    }"""
    assert references(source, *TYPE_ROLES) == [
        ("type_use", "B", "B"),
        ("extends", "C", "C"),
        ("type_use", "D", "D"),
        ("implements", "E", "E"),
        ("implements", "G", "f.G"),
        ("field_type", "H", "H"),
        ("return_type", "I", "I"),
        ("param_type", "J", "J"),
        ("throws", "K", "K"),
        ("local_type", "L", "L"),
        ("cast", "M", "M"),
        ("raise", "N", "N::new()"),
        ("catch", "O", "O"),
        ("catch", "P", "P"),
        ("instanceof", "Q", "Q"),
    ]


def test_annotations_belong_to_what_they_stand_on() -> None:
    source = "@A class X { @B int y, z; @C(v = D.E) void f(@F int p) { @G int local; } }"
    found = [one for one in parse(source).references if one.kind == "annotation"]
    assert sorted((one.name, one.scope.partition("#")[2]) for one in found) == [
        ("A", "X"),
        ("B", "X.y"),
        ("B", "X.z"),
        ("C", "X.f"),
        ("F", "X.f.p"),
        ("G", "X.f.local"),
    ]


def test_method_references_name_receiver_and_method() -> None:
    body = "a = Foo::bar; a = this::run; a = super::run; a = List<String>::new; a = int[]::new;"
    assert [value for _, _, value in references(method(body), "method_reference")] == [
        "Foo::bar",
        "this::run",
        "super::run",
        "List<String>::new",
        "int[]::new",
    ]


def test_lambdas_note_what_they_become_and_return() -> None:
    body = "Fn<A> f = y -> { go(); return y.b; }; g = () -> 1; run(x -> x); Fn<B> h = Foo::bar;"
    assert references(method(body) + " class B { Fn<C> c() { return z -> null; } }", "target", "result") == [
        ("target", "", "(Fn<A>)"),
        ("result", "", "%y.b"),
        ("target", "", "g"),
        ("result", "", "<int>"),
        ("result", "", "%x"),
        ("target", "", "(Fn<B>)"),
        ("target", "", "return"),
        ("result", "", "<null>"),
    ]


def test_constants_of_an_enum_call_its_constructor() -> None:
    assert references("enum A { X(1, b), Y { } }", "constant") == [
        ("constant", "X", "this <int> b"),
        ("constant", "Y", "this"),
    ]


def test_a_file_with_syntax_errors_keeps_its_good_parts() -> None:
    parsed = parse("class A { void f( { } int g() { return h(); }")
    assert (parsed.status, parsed.reason) == ("partial", "syntax_error")
    assert any(symbol.name == "A" for symbol in parsed.symbols)


@pytest.mark.parametrize("opening", ["{", "(", "["])
def test_deep_nesting_is_skipped(opening: str) -> None:
    closing = {"{": "}", "(": ")", "[": "]"}[opening]
    for source in (opening * 10_000 + closing * 10_000, opening * 10_000):
        parsed = parse(f"class A {{ int x = {source}; }}")
        assert (parsed.status, parsed.reason, parsed.symbols) == ("skipped", "too_deep", [])


@pytest.mark.parametrize(
    "expression",
    ["a" + ".b()" * 5000, "1" + " + a.b" * 5000, "-" * 2000 + "1", "a ? b : " * 2000 + "c", "x -> " * 400 + "x"],
)
def test_long_expressions_end(expression: str) -> None:
    parsed = parse(method(f"run({expression});"))
    assert parsed.status in ("ok", "partial")
    assert any(reference.name == "run" for reference in parsed.references)


def test_carriage_returns_and_a_byte_order_mark_keep_the_offsets() -> None:
    source = b"\xef\xbb\xbfpackage p;\r\n\r\nclass A {\r\n  /** D\r\n   * e. */\r\n  int \xc3\xa9t\xc3\xa9;\r\n}\r\n"
    field = next(symbol for symbol in parse(source).symbols if symbol.kind == "field")
    assert source[field.name_byte_start : field.name_byte_end].decode() == field.name == "été"
    assert (field.docstring, field.qualified_name) == ("D\ne.", "p.A.été")


@pytest.mark.parametrize("end", range(0, len(SOURCE), 7))
def test_half_a_file_never_raises(end: int) -> None:
    parsed = parse(SOURCE[:end])
    paths = [symbol.symbol for symbol in parsed.symbols]
    assert len(paths) == len(set(paths))
    for reference in parsed.references:
        if reference.kind == "enum_body":  # a constant does not name its class
            continue
        assert reference.name in SOURCE[reference.byte_start : reference.byte_end]


@pytest.mark.parametrize(
    "source", [b"", b"\n", b"// only a comment", b"\xff\xfe\x00", b"import", b"class", b"package ;", b"@"]
)
def test_odd_files_never_raise(source: bytes) -> None:
    assert parse(source).symbols[0].kind == "module"


def test_erasure_drops_arguments_annotations_and_spaces() -> None:
    cases = {
        "Map.Entry<K, List<int[]>>": "Map.Entry",
        "List<? super T>[]": "List[]",
        "@Nullable String": "String",
        "int...": "int[]",
        "a . b . C": "a.b.C",
        "Half<List<": "Half<List<",
    }
    assert {text: erase(text) for text in cases} == cases


def test_javadoc_stops_at_its_first_tag() -> None:
    assert clean_javadoc("/** One {@link A#b} and {@code x}.\n * <p>Two.\n * @return nothing\n * at all */") == (
        "One A#b and x.\nTwo."
    )
