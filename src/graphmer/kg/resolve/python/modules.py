"""Modules by their dotted names: which an import means, and which one gives a name through a star import."""

from graphmer.kg.resolve.python.index import PackageIndex, Scope
from graphmer.kg.resolve.python.values import Value, ValueTable


class Modules:
    """The modules of one package as its code names them."""

    def __init__(self, index: PackageIndex, values: ValueTable, max_alias_hops: int) -> None:
        """max_alias_hops: star imports that are followed."""
        self.index, self.value, self.max_alias_hops = index, values.value, max_alias_hops
        self.absolutes: dict[tuple[str, Scope], str] = {}

    def absolute(self, origin: str, module: Scope) -> str:
        """Dotted name of an imported module, seen from a module."""
        key = (origin, module)
        known = self.absolutes.get(key)
        if known is None:
            known = self.absolutes[key] = self._absolute(origin, module)
        return known

    def _absolute(self, origin: str, module: Scope) -> str:
        dots = len(origin) - len(origin.lstrip("."))
        if not dots:
            return self._beside(origin, module)
        parts = module.dotted.split(".")
        keep = len(parts) - dots + (1 if self.index.is_package(module) else 0)
        return ".".join([*parts[: max(keep, 0)], *filter(None, [origin[dots:]])])

    def _beside(self, origin: str, module: Scope) -> str:
        """A script imports what lies beside it by its bare name: `import helpers` in tests/run.py is tests.helpers.

        That holds in a folder that is no package, whose files are run by themselves.
        """
        first = origin.partition(".")[0]
        folder = module.dotted.rpartition(".")[0]
        if (
            folder
            and folder not in self.index.modules
            and first not in self.index.top_levels
            and f"{folder}.{first}" in self.index.modules
        ):
            return f"{folder}.{origin}"
        return origin

    def named(self, dotted: str, outside: bool = True) -> tuple[Value, ...]:
        """A module of the package by its dotted name, or a folder above some; else an external one if `outside`."""
        found = self.index.modules.get(dotted)
        if found is not None:
            return (self.value("module", found.symbol.symbol),)
        if dotted in self.index.prefixes:
            return (self.value("namespace", dotted),)
        inside = dotted.partition(".")[0] in self.index.top_levels
        return (self.value("external", dotted),) if outside and dotted and not inside else ()

    # Names of modules

    def member(self, module: Scope, name: str) -> tuple[Scope, str] | None:
        """Where a module's attribute is bound: in it, or in one that it imports all from."""
        if name in module.names:
            return module, name
        return self.starred(name, module)

    def starred(self, name: str, module: Scope, seen: tuple[Scope, ...] = ()) -> tuple[Scope, str] | None:
        """The module that gives `name` to `module` through a star import, and the name there."""
        for star in reversed(module.stars):  # the last one wins
            origin = self.index.modules.get(self.absolute(star, module))
            if origin is None or origin is module or origin in seen or len(seen) >= self.max_alias_hops:
                continue
            if (origin.exports and name not in origin.exports) or (not origin.exports and name.startswith("_")):
                continue
            if name in origin.names:
                return origin, name
            found = self.starred(name, origin, (*seen, module))
            if found is not None:
                return found
        return None
