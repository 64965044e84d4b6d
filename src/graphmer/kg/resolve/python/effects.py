"""What many builtins do to the site that calls them: iterate, call what they are handed, give a container."""

from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.sites import Site
from graphmer.kg.resolve.python.values import Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World


class Effects:
    """The shared parts of builtins."""

    def __init__(self, world: "World") -> None:
        self.world, self.network = world, world.network

    def items_of(self, site: Site, source: Node) -> Node:
        """The items of what a site iterates; the methods that this calls are called at the site."""
        found = self.world.protocols.iterate(source)
        site.inside().protocols.append(found)
        return found.each

    def call_back(self, site: Site, callback: Node, args: list[Node | None]) -> Node:
        """A builtin calls what it is given: the site calls it too. Returns what that gives."""
        result = Node()

        def call(value: Value) -> None:
            inner = self.world.calls.inner(site, args)
            inner.result = result
            self.world.calls.call(inner, value)
            if value.kind in ("function", "bound"):
                site.inside().called[value.what] = None
            elif value.kind == "class":
                site.inside().made[value] = None
            elif value.kind == "partial":
                site.inside().inner.append(inner)
            elif inner.within is not None:  # a builtin, which asks or calls in turn
                site.inside().protocols += inner.within.protocols

        self.network.watch(callback, call)
        return result

    def give_each(self, site: Site, items: Node, kind: str) -> None:
        """A site gives a container of its own with these items."""
        value, container = self.network.container(site.at, kind)
        self.network.flow(items, container.any)
        self.network.add(site.result, value)
