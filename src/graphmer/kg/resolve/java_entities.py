"""Entity types of Java definitions: the first that fits of Test, ExceptionType, Interface, Class; of Test, Method."""

from collections import defaultdict

from graphmer.kg.resolve.java_index import JavaMethod
from graphmer.kg.resolve.java_names import is_throwable_name
from graphmer.kg.resolve.java_types import JavaTypes

TEST_ANNOTATIONS = frozenset({"Test", "ParameterizedTest", "RepeatedTest", "TestFactory", "TestTemplate"})
TEST_BASES = (".TestCase", ".GroovyTestCase")  # JUnit 3: methods are tests by their names
PLAIN = {
    "method": "Method",
    "constructor": "Method",
    "lambda": "Function",
    "field": "Variable",
    "parameter": "Variable",
}


def entity_types(types: JavaTypes) -> dict[str, str]:
    """The type of every definition that is an entity; local variables and a file's module are none."""
    annotations: dict[str, set[str]] = defaultdict(set)
    for kinds in types.references.values():
        for reference in kinds.get("annotation", ()):
            annotations[reference.scope].add(reference.name)
    found: dict[str, str] = {}
    for symbol in types.symbols.values():
        if symbol.kind in PLAIN:
            found[symbol.symbol] = PLAIN[symbol.kind]
    for method in types.methods.values():
        if is_test_method(types, method, annotations[method.symbol.symbol]):
            found[method.symbol.symbol] = "Test"
    for symbol_text in types.classes:
        found[symbol_text] = _class_type(types, symbol_text, found)
    return found


def is_test_method(types: JavaTypes, method: JavaMethod, annotations: set[str]) -> bool:
    """Whether JUnit 3, 4 or 5, or TestNG would run a method."""
    if not TEST_ANNOTATIONS.isdisjoint(annotations):
        return True
    by_name = method.symbol.name.startswith("test") and not method.parameters and method.returned == "void"
    return by_name and is_test_case(types, method.owner)


def is_test_case(types: JavaTypes, symbol: str) -> bool:
    """Whether a class derives from JUnit 3's TestCase."""
    return any(kind.endswith(TEST_BASES) for kind in types.ancestors(symbol)[1])


def _class_type(types: JavaTypes, symbol: str, found: dict[str, str]) -> str:
    declared = types.classes[symbol]
    kind = declared.symbol.kind
    if kind == "annotation_type":
        return "Annotation"
    methods = (method for group in declared.methods.values() for method in group)
    if any(found[method.symbol.symbol] == "Test" for method in methods) or is_test_case(types, symbol):
        return "Test"
    if any(is_throwable_name(kind) for kind in types.ancestors(symbol)[1]):
        return "ExceptionType"
    return "Interface" if kind == "interface" else "Class"
