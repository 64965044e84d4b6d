"""Entity types of what a package's Python files define, and the entities that it uses from outside."""

import re

from graphmer.kg.facts import ExternalEntity, Resolved
from graphmer.kg.resolve.python.builtin_names import EXCEPTIONS
from graphmer.kg.resolve.python.index import PackageIndex, Scope
from graphmer.kg.resolve.python.static import Statics
from graphmer.kg.resolve.python.values import BUILTIN

EXCEPTION_NAME = re.compile(r"(Error|Exception|Warning|Interrupt|Exit)$")
TEST_BASES = frozenset({"unittest.TestCase", "unittest.IsolatedAsyncioTestCase", "django.test.TestCase"})
PROTOCOLS = frozenset({"typing.Protocol", "typing_extensions.Protocol"})
ABSTRACT = frozenset({"abc.ABC"})


def is_exception(dotted: str) -> bool:
    """Whether something from outside is an exception by its name: a builtin one, or named like one."""
    last = dotted.rpartition(".")[2]
    if dotted.startswith(f"{BUILTIN}."):
        return last in EXCEPTIONS
    return bool(EXCEPTION_NAME.search(last)) and last[:1].isupper()


def assign_types(index: PackageIndex, statics: Statics, resolved: Resolved) -> None:
    """Give every definition its entity type: of several that fit the first in the ontology's order (Test first)."""
    for symbol in index.symbols.values():
        if symbol.kind == "class":
            resolved.types[symbol.symbol] = _class_type(index, statics, index.scopes[symbol.symbol])
    for symbol in index.symbols.values():
        if symbol.kind in ("function", "method"):
            scope = index.scopes[symbol.symbol]
            resolved.types[symbol.symbol] = _function_type(index, resolved, scope)
        elif symbol.kind == "lambda":
            resolved.types[symbol.symbol] = "Function"
        elif symbol.kind in ("parameter", "field", "variable"):
            resolved.types[symbol.symbol] = "Variable"


def _class_type(index: PackageIndex, statics: Statics, scope: Scope) -> str:
    bases = set(statics.classes.outside_bases(scope.symbol.symbol))
    in_tests = index.files[scope.file].is_test
    if bases & TEST_BASES or (in_tests and scope.symbol.name.startswith("Test") and not bases):
        return "Test"
    if any(is_exception(base) or base in statics.raised for base in bases):
        return "ExceptionType"
    own = {value.what for value in statics.classes.base_values(scope)}
    if PROTOCOLS & own:
        return "Interface"
    methods = [symbol for found in scope.definitions.values() for symbol in found if symbol.kind == "method"]
    abstract = bool(methods) and all("abstract" in method.modifiers.split() for method in methods)
    is_abc = bool(ABSTRACT & own) or any(name.endswith("ABCMeta") for name in scope.metaclasses)
    return "Interface" if is_abc and abstract else "Class"


def _function_type(index: PackageIndex, resolved: Resolved, scope: Scope) -> str:
    symbol = scope.symbol
    container = resolved.types.get(symbol.container, "")
    if symbol.name.startswith("test") and (
        container == "Test" or (index.files[scope.file].is_test and symbol.kind == "function")
    ):
        top = scope.parent is not None and scope.parent.kind in ("module", "class")
        if top:
            return "Test"
    return "Method" if symbol.kind == "method" else "Function"


class Externals:
    """Entities from outside, made on first use."""

    def __init__(self, resolved: Resolved, raised: frozenset[str]) -> None:
        self.resolved, self.raised = resolved, raised

    def is_exception(self, dotted: str) -> bool:
        """Whether something from outside is an exception: by its name, or since the package raises or catches it."""
        return dotted in self.raised or is_exception(dotted)

    def _add(self, prefix: str, entity_type: str, qualified_name: str, name: str) -> str:
        symbol = f"{prefix}:{qualified_name}"
        if symbol not in self.resolved.externals:
            self.resolved.externals[symbol] = ExternalEntity(symbol, entity_type, name, qualified_name, "python")
        return symbol

    def library(self, name: str) -> str:
        """A distribution or top-level import."""
        return self._add("library", "Library", name, name)

    def api(self, dotted: str) -> str:
        """A function, class or other name of a library, called or used."""
        return self._add("python:api", "API", dotted, dotted.rpartition(".")[2])

    def exception(self, dotted: str) -> str:
        """An exception of a library or a builtin one."""
        return self._add("python:exception", "ExceptionType", dotted, dotted.rpartition(".")[2])

    def called(self, dotted: str) -> str:
        """An exception, or another name of a library."""
        return self.exception(dotted) if self.is_exception(dotted) else self.api(dotted)

    def type(self, said: str) -> str:
        """A type that is named and not defined in the package."""
        clean = said.removeprefix(f"{BUILTIN}.")
        return self._add("python:type", "Type", clean, clean.rpartition(".")[2] if "[" not in clean else clean)

    def annotation(self, dotted: str) -> str:
        """A decorator of a library."""
        return self._add("python:annotation", "Annotation", dotted, dotted.rpartition(".")[2])
