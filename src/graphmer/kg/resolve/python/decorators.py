"""Definitions: what one binds its name to, by what its decorators make of it."""

from functools import partial
from typing import TYPE_CHECKING

from graphmer.corpus.parse.records import Symbol
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import Scope
from graphmer.kg.resolve.python.sites import Site
from graphmer.kg.resolve.python.values import Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World

MAX_DEPTH = 40  # decorated functions that decorate one another; a longer chain is generated code


class Decorators:
    """Calls the decorators of one package."""

    def __init__(self, world: "World") -> None:
        self.world, self.network, self.index, self.statics = world, world.network, world.index, world.statics
        self.sites: dict[tuple[str, int], Site] = {}  # (file, end of the decorator)
        self.depth = 0
        self.undecided: list[tuple[Node, Node]] = []  # what a decorator gives, and what it is given

    def define(self, symbol: Symbol, node: Node) -> None:
        """What a definition binds its name to: itself, or what its decorators make of it."""
        scope = self.index.scopes[symbol.symbol]
        kind = "class" if scope.symbol.kind == "class" else "function"
        value = self.network.value(kind, scope.symbol.symbol)
        given = self.network.constant(value)
        for decorator in reversed(scope.decorators):
            given = self._decorate(scope, decorator.value, decorator.byte_end, given)
        self.network.flow(given, node)

    def _decorate(self, scope: Scope, said: str, end: int, given: Node) -> Node:
        """A decorator is called with what stands below it. One from outside leaves it as it is, as far as is known."""
        outer = scope.parent or scope
        if self.depth >= MAX_DEPTH:
            return given
        self.depth += 1  # a decorator may be a decorated function, and so on
        decorator = self.world.expressions.read(said, outer)
        self.depth -= 1
        path = self.statics.callee_path(said, scope.file)
        values = self.statics.path(path, outer)
        if decorator is None or (values and all(value.kind == "external" for value in values)):
            return given
        site = Site(outer, f"{scope.file}@{end}", Node())
        self.sites[scope.file, end] = site
        site.callee, site.args = decorator, [given]
        self.network.watch(decorator, partial(self._call_decorator, site, given))
        self.undecided.append((site.result, given))
        return site.result

    def _call_decorator(self, site: Site, given: Node, value: Value) -> None:
        if value.kind in ("external", "result"):
            self.network.flow(given, site.result)
        else:
            self.world.calls.call(site, value)

    def give_back(self) -> None:
        """What a decorator gives, where nothing became known of it, is what it was given."""
        for result, given in self.undecided:
            if not result.values:
                self.network.flow(given, result)
