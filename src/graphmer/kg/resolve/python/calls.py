"""Calls: each site acts on whatever its callee may be; functions give what they return, classes give instances."""

from functools import partial
from typing import TYPE_CHECKING

from graphmer.corpus.parse.records import Reference
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import Expression, Scope, expression
from graphmer.kg.resolve.python.sites import Site
from graphmer.kg.resolve.python.values import Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World

MAX_DEPTH = 4  # of calls within calls: a partial of itself would hold ever more arguments
CONSTRUCTORS = ("__init__", "__new__")


class Calls:
    """The sites of one package, made once each."""

    def __init__(self, world: "World") -> None:
        self.world, self.network, self.index = world, world.network, world.index
        self.sites: dict[tuple[str, int], Site] = {}  # (file, end of the callee)
        self.made_past: set[str] = set()  # classes of which a metaclass' `__call__` makes instances

    def result(self, file: str, end: int) -> Node | None:
        """What the call gives whose callee ends at a byte."""
        site = self.site(file, end)
        if site is None:
            return None
        if site.result is self.network.sink:
            site.result = Node()
        return site.result

    def site(self, file: str, end: int) -> Site | None:
        """The call whose callee ends at a byte."""
        return self.sites.get((file, end))

    def make_sites(self) -> None:
        """A site for every call, before any is looked into: calls hold calls, deeper than Python's own stack."""
        for (file, end), reference in self.index.calls.items():
            scope = self.index.scopes.get(reference.scope)
            if scope is not None:
                self.sites[file, end] = Site(scope, f"{file}@{end}", self.network.sink)

    def lay(self, reference: Reference, scope: Scope) -> None:
        """What a site calls, and with what."""
        site = self.sites[scope.file, reference.ordinal]
        _, site.said, *arguments = expression(reference.value)
        site.callee = self.world.expressions.node(site.said, scope)
        self._arguments(site, arguments)
        if site.callee is not None:
            self.network.watch(site.callee, partial(self.call, site))

    def inner(self, site: Site, args: list[Node | None]) -> Site:
        """A call that happens within another, at the same place."""
        inner = Site(site.scope, f"{site.at}+", Node())
        inner.args, inner.depth = args, site.depth + 1
        return inner

    def _arguments(self, site: Site, arguments: list[Expression]) -> None:
        expressions, scope = self.world.expressions, site.scope
        args: list[Node | None] = []
        for said in arguments:
            if isinstance(said, str):
                args.append(expressions.atom(said, scope))
            elif said[0] == "=":
                node = expressions.node(said[2], scope)
                if node is not None:
                    site.keywords = {**site.keywords, said[1]: node}
            elif said[0] == "*" or said[0] == "**":
                node = expressions.node(said[1], scope)
                if node is not None:
                    site.stars = [*site.stars, (said[0], node)]
            else:
                args.append(expressions.node(said, scope))
        site.args = args

    # What is called

    def call(self, site: Site, value: Value) -> None:
        """What happens when a site's callee is `value`."""
        kind = value.kind
        if kind == "function" or kind == "bound":
            self._call_function(site, value.what, value.of)
        elif kind == "class":
            meta = self.meta_call(value.what)
            if meta:
                self._call_meta(site, meta, value)
            else:
                self._instantiate(site, value)
        elif kind == "maker":
            self.made_past.add(value.what)
            self._instantiate(site, self.network.value("class", value.what))
        elif kind == "instance":
            self.network.watch(self.world.attributes.view(value, "__call__"), partial(self._call_member, site))
        elif kind in ("external", "result", "method", "partial"):
            if site.depth < MAX_DEPTH:
                self.world.builtins.call(site, value)
        elif kind == "many":
            self.network.add(site.result, value)

    def meta_call(self, symbol: str) -> str:
        """The `__call__` of a class' metaclass, where the package defines it; else empty."""
        classes = self.world.statics.classes
        return classes.method(classes.meta_order(symbol), "__call__")

    def _call_meta(self, site: Site, meta: str, value: Value) -> None:
        """A metaclass' `__call__` serves all its classes: where it gives an instance of one, it is one of this one."""
        classes = self.world.statics.classes
        owner = self.index.symbols[meta].container

        def give(one: Value) -> None:
            pooled = one.kind == "many" or (one.kind == "instance" and owner in classes.meta_order(one.what))
            self.network.add(site.result, self.network.value("instance", value.what) if pooled else one)

        if self.world.arguments.bind(site, meta, value):
            self.network.watch(self.world.functions.of(meta).result, give)

    def _call_member(self, site: Site, value: Value) -> None:
        if value.kind in ("bound", "function"):
            self._call_function(site, value.what, value.of)

    def _instantiate(self, site: Site, value: Value) -> None:
        instance = self.network.value("instance", value.what)
        self.network.add(site.result, instance)
        self.world.generated.construct(site, value)
        filler = self.world.subclassed.method(instance, "__init__")
        if filler is not None and not self.world.operators.has(instance, ("__init__",)):
            filled = self.inner(site, list(site.args))
            filled.keywords, filled.stars = site.keywords, site.stars
            self.world.builtins.methods.call(filled, filler)
        for constructor in CONSTRUCTORS:
            receiver = instance if constructor == "__init__" else value
            self.network.watch(self.world.attributes.view(receiver, constructor), partial(self._construct, site))

    def _construct(self, site: Site, value: Value) -> None:
        if value.kind == "bound":
            self.world.arguments.bind(site, value.what, value.of)

    def _call_function(self, site: Site, symbol: str, receiver: Value | None) -> None:
        """Bind a site's arguments and hand back what the function gives."""
        if self.world.arguments.bind(site, symbol, receiver):
            self.network.flow(self.world.functions.of(symbol).result, site.result)
