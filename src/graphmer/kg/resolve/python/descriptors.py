"""Attributes of classes whose values are descriptors of the package: reading or writing them calls a method."""

from collections.abc import Iterator

from graphmer.kg.resolve.python.index import PackageIndex, Scope
from graphmer.kg.resolve.python.static import Statics


def note_descriptors(index: PackageIndex, statics: Statics) -> None:
    """Add the names of attributes that hold an instance of a class with `__get__` to the properties, `__set__` too."""
    getting = _classes_with(index, statics, "__get__")
    setting = _classes_with(index, statics, "__set__")
    if not getting and not setting:
        return
    for scope in list(index.scopes.values()):
        if scope.symbol.kind == "class":
            for name, _, made in made_in_body(statics, scope):
                if made in getting:
                    index.properties.add(name)
                if made in setting:
                    index.setters.add(name)


def _classes_with(index: PackageIndex, statics: Statics, method: str) -> frozenset[str]:
    """Classes that have a method, their own or inherited."""
    if method not in index.methods:
        return frozenset()
    classes = [scope.symbol.symbol for scope in index.scopes.values() if scope.symbol.kind == "class"]
    return frozenset(one for one in classes if statics.classes.method(statics.classes.order(one), method))


def made_in_body(statics: Statics, scope: Scope) -> Iterator[tuple[str, str, str]]:
    """Names in a class body whose values a class of the package makes: how the making is written, and the class.

    A class makes what it is called for, and what it decorates.
    """
    for name, values in scope.assigned.items():
        for said in values:
            if said[:1] == "@":
                for value in statics.path(statics.callee_path(said, scope.file), scope):
                    if value.kind == "class":
                        yield name, said, value.what
    for name, symbols in scope.definitions.items():
        for symbol in symbols:
            for decorator in statics.index.scopes[symbol.symbol].decorators:
                for value in statics.path(statics.callee_path(decorator.value, scope.file), scope):
                    if value.kind == "class":
                        yield name, decorator.value, value.what
