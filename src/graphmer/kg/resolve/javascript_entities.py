"""Entity types of what a package's JavaScript files define, and the entities that it uses from outside."""

import re

from graphmer.corpus.parse.records import Symbol
from graphmer.kg.facts import ExternalEntity, Resolved
from graphmer.kg.resolve.javascript_index import PackageIndex, Scope
from graphmer.kg.resolve.javascript_value import BUILTIN
from graphmer.kg.resolve.javascript_values import Evaluator

EXCEPTION_NAME = re.compile(r"(?:Error|Exception)$")
TYPES = {
    "interface": "Interface",
    "enum": "Class",
    "type_alias": "Type",
    "namespace": "Module",
    "parameter": "Variable",
    "field": "Variable",
    "variable": "Variable",
}


def is_exception(dotted: str) -> bool:
    """Whether an external name is an exception's: JavaScript has no other sign from outside."""
    last = dotted.rpartition(".")[2]
    return bool(EXCEPTION_NAME.search(last)) and last[:1].isupper()


def find_constructors(index: PackageIndex, evaluator: Evaluator) -> None:
    """The functions that are used as classes: made with `new`, or with a base; prototypes have told of others."""
    for source in index.files.values():
        for reference in source.references:
            if reference.kind not in ("new", "base"):
                continue
            scope = index.scope(reference.scope, source.file)
            if scope is None:
                continue
            if reference.kind == "base" and scope.kind == "function":
                index.constructors.add(scope.key)
            outer = (scope.parent or scope) if reference.kind == "base" else scope
            for value in evaluator.evaluate(reference.value, outer):
                if value.kind == "function" and index.symbols[value.what].kind == "function":
                    index.constructors.add(value.what)
    # What `this` is was asked before all of them were known.
    evaluator.known.clear()
    evaluator.members.orders.clear()


def assign_types(index: PackageIndex, evaluator: Evaluator, resolved: Resolved) -> None:
    """Give every definition its entity type; a container before what it holds."""
    for symbol in index.symbols.values():
        if symbol.kind != "module":
            resolved.types[symbol.symbol] = _type_of(index, evaluator, resolved, symbol)


def _type_of(index: PackageIndex, evaluator: Evaluator, resolved: Resolved, symbol: Symbol) -> str:
    if symbol.kind in TYPES:
        return TYPES[symbol.kind]
    if "test" in symbol.modifiers.split() and index.files[index.file_of[symbol.symbol]].is_test:
        return "Test"
    if evaluator.is_class(symbol.symbol):
        return "ExceptionType" if _is_error(index, evaluator, index.scopes[symbol.symbol]) else "Class"
    if symbol.kind == "method":
        return "Function" if resolved.types.get(symbol.container) in ("Function", "Test") else "Method"
    return "Function"


def _is_error(index: PackageIndex, evaluator: Evaluator, scope: Scope) -> bool:
    for ancestor in evaluator.members.order(scope.key):
        above = index.scopes[ancestor]
        for base in above.bases:
            values = evaluator.evaluate(base.value, above.parent or above)
            if any(value.kind == "external" and is_exception(value.what) for value in values):
                return True
    return False


class Externals:
    """Entities from outside, made on first use; JavaScript and TypeScript share them."""

    def __init__(self, resolved: Resolved) -> None:
        self.resolved = resolved

    def _add(self, prefix: str, entity_type: str, qualified_name: str, name: str) -> str:
        symbol = f"{prefix}:{qualified_name}"
        if symbol not in self.resolved.externals:
            self.resolved.externals[symbol] = ExternalEntity(symbol, entity_type, name, qualified_name, "javascript")
        return symbol

    def library(self, name: str) -> str:
        """A package of npm or a module of Node.js."""
        return self._add("library", "Library", name, name)

    def api(self, dotted: str) -> str:
        """A function, class or other name of a library, called or used."""
        return self._add("javascript:api", "API", dotted, dotted.rpartition(".")[2])

    def exception(self, dotted: str) -> str:
        """An exception of a library or a builtin one."""
        clean = dotted.removeprefix(f"{BUILTIN}.")
        return self._add("javascript:exception", "ExceptionType", clean, clean.rpartition(".")[2])

    def type(self, dotted: str) -> str:
        """A type that is named and not defined in the package."""
        clean = dotted.removeprefix(f"{BUILTIN}.")
        return self._add("javascript:type", "Type", clean, clean.rpartition(".")[2])

    def annotation(self, dotted: str) -> str:
        """A decorator of a library."""
        return self._add("javascript:annotation", "Annotation", dotted, dotted.rpartition(".")[2])
