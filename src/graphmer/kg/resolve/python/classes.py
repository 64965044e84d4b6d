"""Classes: their bases, and the order in which attributes are looked up."""

from collections.abc import Callable

from graphmer.kg.linearise import merge_orders
from graphmer.kg.resolve.python.index import FUNCTION_KINDS, PackageIndex, Scope
from graphmer.kg.resolve.python.values import BUILTIN, Value

MAX_ANCESTORS = (
    500  # of a class, nearest first; more are generated code, whose orders together would grow quadratically
)


class Classes:
    """The classes of one package."""

    def __init__(self, index: PackageIndex, named: Callable[[str, Scope], tuple[Value, ...]]) -> None:
        """named: what an expression names, seen from a scope."""
        self.index, self.named = index, named
        self.orders: dict[str, list[str]] = {}
        self.external_bases: dict[str, tuple[str, ...]] = {}
        self.outside: dict[str, list[str]] = {}
        self.metas: dict[str, list[str]] = {}

    def order(self, symbol: str) -> list[str]:
        """Method resolution order: C3, or depth first where the bases do not linearise or are cyclic."""
        todo: list[tuple[str, list[str] | None]] = [(symbol, None)]  # a stack: chains are longer than Python's own
        while todo:
            one, bases = todo.pop()
            if bases is not None:
                self.orders[one] = self._merged(one, bases)
            elif one not in self.orders:
                self.orders[one] = [one]  # a cycle ends here
                bases = self._bases(one)
                todo.append((one, bases))
                todo += [(base, None) for base in reversed(bases)]
        return self.orders[symbol]

    def _bases(self, symbol: str) -> list[str]:
        """Base classes that the package defines, in order; notes the others."""
        scope = self.index.scopes[symbol]
        found: list[str] = []
        outside: list[str] = []
        for value in self.base_values(scope):
            if value.kind == "class" and value.what != symbol:
                found.append(value.what)
            elif value.kind == "external" and value.what != f"{BUILTIN}.object":
                outside.append(value.what)
        self.external_bases[symbol] = tuple(outside)
        return list(dict.fromkeys(found))

    def base_values(self, scope: Scope) -> list[Value]:
        """What the bases of a class are, in order."""
        outer = scope.parent or scope
        return [value for base in scope.bases for value in self.named(base.value, outer)]

    def _merged(self, symbol: str, bases: list[str]) -> list[str]:
        orders = [self.orders[base] for base in bases]
        merged = orders[0] if len(orders) == 1 else merge_orders([*orders, bases])
        if merged is None:
            merged = list(dict.fromkeys(name for order in orders for name in order))
        return [symbol, *(name for name in merged[:MAX_ANCESTORS] if name != symbol)]

    def outside_bases(self, symbol: str) -> list[str]:
        """Dotted names of the bases from outside, of a class and its ancestors."""
        known = self.outside.get(symbol)
        if known is None:
            order = self.order(symbol)
            known = self.outside[symbol] = [name for one in order for name in self.external_bases.get(one, ())]
        return known

    def meta_order(self, symbol: str) -> list[str]:
        """Where attributes of the class itself are looked up behind its own: its metaclass' order, if the package's."""
        known = self.metas.get(symbol)
        if known is None:
            known = self.metas[symbol] = []
            for one in self.order(symbol):
                scope = self.index.scopes[one]
                said = scope.metaclasses[-1:]
                found = [value for name in said for value in self.named(name, scope.parent or scope)]
                if found:
                    known += [part for value in found if value.kind == "class" for part in self.order(value.what)]
                    break
        return known

    def lineage(self, symbol: str) -> list[str]:
        """All classes that may give an attribute of a class: its own order, then its metaclass'."""
        meta = self.meta_order(symbol)
        return [*self.order(symbol), *meta] if meta else self.order(symbol)

    def special_order(self, value: Value) -> list[str]:
        """Where special methods of a value are looked up: of an instance its class, of a class its metaclass."""
        if value.kind == "instance":
            return self.order(value.what)
        return self.meta_order(value.what) if value.kind == "class" else []

    def made_by(self, meta: str) -> list[str]:
        """The classes of the package whose metaclass is, or inherits, a class."""
        return [
            symbol
            for symbol, scope in self.index.scopes.items()
            if scope.symbol.kind == "class" and meta in self.meta_order(symbol)
        ]

    def makers(self, symbol: str) -> list[str]:
        """The methods that making a class calls: its metaclass' `__new__` and `__init__`, `__init_subclass__`."""
        meta = self.meta_order(symbol)
        found = [self.method(meta, name) for name in ("__new__", "__init__")]
        return [one for one in (*found, self.method(self.order(symbol)[1:], "__init_subclass__")) if one]

    def method(self, order: list[str], name: str) -> str:
        """The function that the first class of an order defines under a name, the last definition; else empty."""
        for one in order:
            scope = self.index.scopes[one]
            if name in scope.names:
                found = scope.definitions.get(name)
                return found[-1].symbol if found else ""
        return ""

    def owner_class(self, scope: Scope | None) -> Scope | None:
        """The class whose method a scope is or stands in."""
        while scope is not None and scope.symbol.kind in FUNCTION_KINDS:
            scope = scope.parent
        return scope if scope is not None and scope.symbol.kind == "class" else None
