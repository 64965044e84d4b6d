"""Which Variable entity a path or an import names: a parameter, a module variable, or a field."""

from collections.abc import Iterable, Mapping

from graphmer.kg.config import GraphParams
from graphmer.kg.resolve.python.index import Scope
from graphmer.kg.resolve.python.values import Value, in_order
from graphmer.kg.resolve.python.world import World


class Variables:
    """Finds them by name and, for fields, by what the owner may be."""

    def __init__(self, world: World, types: Mapping[str, str], params: GraphParams) -> None:
        """types: definition symbol -> entity type."""
        self.world, self.index, self.statics = world, world.index, world.statics
        self.types, self.params = types, params
        self.fields: dict[tuple[str, str], str | None] = {}

    def at_path(self, path: str, scope: Scope) -> str | None:
        """The Variable that a path names: a parameter, a module variable, or a field of a known receiver."""
        owner, _, name = path.rpartition(".")
        if owner:
            return self._field(owner, name, scope)
        at = self.statics.binder(name, scope)
        if at is None or name in at.definitions or name in at.imports:
            return None
        symbol = at.member(name)
        return symbol if self.types.get(symbol) == "Variable" else None

    def imported(self, value: str, scope: Scope) -> str | None:
        """The module variable that `pkg.mod:name` names, through re-exports; its value is another matter."""
        for _ in range(self.params.max_alias_hops):
            origin, colon, name = value.partition(":")
            module = self.index.modules.get(self.statics.modules.absolute(origin, scope.module))
            if not colon or module is None or name in module.definitions:
                return None
            if name not in module.imports:
                variable = f"{module.symbol.symbol}{name}"
                return variable if self.types.get(variable) == "Variable" else None
            value, scope = module.imports[name][-1], module
        return None

    def _field(self, owner: str, name: str, scope: Scope) -> str | None:
        own = self.world.attributes.owner_of_self(f"{owner}.{name}", scope)
        if own is not None:
            return self._field_of(*own)
        final = self.statics.finals.path(owner, scope)
        node = self.world.names.path(owner, scope) if final is None else None
        values: Iterable[Value] = [final] if final is not None else node.values if node is not None else ()
        for value in in_order(values):
            if value.kind in ("instance", "class"):
                found = self._field_of(value.what, name)
                if found is not None:
                    return found
            elif value.kind == "module":
                symbol = f"{value.what}{name}"
                defined = name in self.index.scopes[value.what].definitions
                if self.types.get(symbol) == "Variable" and not defined:
                    return symbol
        return None

    def _field_of(self, owner: str, name: str) -> str | None:
        """The field that an instance of a class has under a name; a method or class of that name comes first."""
        key = (owner, name)
        if key not in self.fields:
            self.fields[key] = None
            if name in self.index.setters and self.world.setters.of_property(
                self.world.network.value("instance", owner), name
            ):
                return None  # a property; what is assigned to it is no field
            for ancestor in self.statics.classes.order(owner):
                if self.types.get(f"{ancestor}.{name}") == "Variable":
                    self.fields[key] = f"{ancestor}.{name}"
                    break
                if name in self.index.scopes[ancestor].definitions:
                    break
        return self.fields[key]
