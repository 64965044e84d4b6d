"""What is sure without following values: names that are bound once, whatever the code does."""

from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.builtin_names import BUILTINS
from graphmer.kg.resolve.python.index import Scope
from graphmer.kg.resolve.python.values import BUILTIN, Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.static import Statics


class Finals:
    """Paths that can be one thing alone."""

    def __init__(self, statics: "Statics") -> None:
        self.statics, self.modules, self.index = statics, statics.modules, statics.index
        self.value = statics.value
        self.finals: dict[tuple[Scope, str], Value | None] = {}

    def path(self, path: str, scope: Scope) -> Value | None:
        """What a path is where it can be nothing else: every step is bound once, and no decorator changes it."""
        key = (scope, path)
        if key not in self.finals:
            self.finals[key] = None
            self.finals[key] = self._path(path, scope)
        return self.finals[key]

    def _path(self, path: str, scope: Scope) -> Value | None:
        owner, dot, name = path.rpartition(".")
        if not dot:
            at = self.statics.binder(name, scope)
            if at is not None:
                return self.member(name, at)
            found = self.modules.starred(name, scope.module)
            if found is not None:
                return self.member(found[1], found[0])
            return self.value("external", f"{BUILTIN}.{name}") if name in BUILTINS else None
        value = self.path(owner, scope)
        if value is None:
            return None
        if value.kind == "module":
            member = self.modules.member(self.index.scopes[value.what], name)
            if member is not None:
                return self.member(member[1], member[0])
        elif value.kind == "class":
            return None
        found_values = self.statics.attribute(value, name)
        return found_values[0] if len(found_values) == 1 else None

    def member(self, name: str, scope: Scope) -> Value | None:
        """As `path`, for a name of this very scope."""
        symbols, imports = scope.definitions.get(name, ()), scope.imports.get(name, ())
        if name in scope.assigned or name in scope.annotations or name in scope.versions:
            return None
        if len(symbols) > 1 or len(imports) > 1:
            return None
        for parameter in scope.parameters:
            if parameter.name == name:
                return None
        if symbols and not imports:
            symbol = symbols[0]
            if symbol.kind != "class" and not self._undecorated(self.index.scopes[symbol.symbol]):
                return None
            return self.value("class" if symbol.kind == "class" else "function", symbol.symbol)
        if imports and not symbols:
            return self._import(imports[0], scope)
        return None

    def _import(self, origin: str, scope: Scope) -> Value | None:
        module, colon, attribute = origin.partition(":")
        inside = self.index.modules.get(self.modules.absolute(module, scope.module)) if colon else None
        if inside is not None and inside is not scope.module:
            member = self.modules.member(inside, attribute)
            if member is not None:
                return self._member_once(member[0], member[1])
        values = self.statics.imported(origin, scope)
        return values[0] if len(values) == 1 else None

    def _member_once(self, scope: Scope, name: str) -> Value | None:
        return self.statics.hops.once(self.finals, (scope, name), None, lambda: self.member(name, scope))

    def _undecorated(self, scope: Scope) -> bool:
        """Whether nothing of the package decorates a function: what comes from outside leaves it callable as it is."""
        outer = scope.parent or scope
        for decorator in scope.decorators:
            values = self.statics.path(self.statics.callee_path(decorator.value, scope.file), outer)
            if not values or any(value.kind != "external" for value in values):
                return False
        return True
