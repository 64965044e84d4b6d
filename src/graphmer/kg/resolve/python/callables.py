"""Builtins that are handed callables: map, filter, sorted, min, max, reduce, partial."""

from functools import partial
from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.asking import Asking
from graphmer.kg.resolve.python.effects import Effects
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.library import CALLBACKS, FILTERS, KEYED
from graphmer.kg.resolve.python.sites import Effect, Site
from graphmer.kg.resolve.python.values import BUILTIN, Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World


class Callables:
    """The callables are called where the builtin is."""

    def __init__(self, world: "World", effects: Effects, asking: Asking) -> None:
        self.world, self.network, self.effects, self.asking = world, world.network, effects, asking
        self.by_name: dict[str, Effect] = {
            f"{BUILTIN}.map": self._map,
            f"{BUILTIN}.filter": self._filter,
            **dict.fromkeys(KEYED, self._keyed),
            "functools.reduce": self._reduce,
            "functools.partial": self._partial,
            **dict.fromkeys(CALLBACKS, self._handed),
        }

    def _handed(self, site: Site, value: Value) -> None:
        """A function of the library that calls what it is handed; what it gives is its own."""
        where, items = CALLBACKS[value.what]
        callback = site.keywords.get(where) if isinstance(where, str) else site.argument(where)
        each = self.effects.items_of(site, site.argument(items)) if items is not None else None
        if callback is not None:
            self.effects.call_back(site, callback, [each])
        if value.what in FILTERS and each is not None:
            self.effects.give_each(site, each, "generator")
        else:
            self.network.add(site.result, self.network.value("result", value.what))

    def _map(self, site: Site, _: Value) -> None:
        """map(f, items); whoever hands the callable over in another place meant the same."""
        result = Node()
        for place, callback in enumerate(site.args):
            if callback is not None:
                others = [node for at, node in enumerate(site.args) if at != place]
                args = [self.effects.items_of(site, node) if node is not None else None for node in others]
                self.network.flow(self.effects.call_back(site, callback, list(args)), result)
        self.effects.give_each(site, result, "generator")

    def _filter(self, site: Site, _: Value) -> None:
        items = self.effects.items_of(site, site.argument(1))
        self.effects.call_back(site, site.argument(0), [items])
        self.effects.give_each(site, items, "generator")

    def _keyed(self, site: Site, value: Value) -> None:
        several = len(site.args) > 1
        items = Node()
        for node in site.args:
            if node is not None:
                self.network.flow(node if several else self.effects.items_of(site, node), items)
        keys = items
        if "key" in site.keywords:
            keys = self.effects.call_back(site, site.keywords["key"], [items])
        self.asking.compare(site, keys, ">" if value.what.endswith("max") else "<")
        if value.what.endswith("sorted"):
            self.effects.give_each(site, items, "list")
        else:
            self.network.flow(items, site.result)

    def _reduce(self, site: Site, _: Value) -> None:
        items = self.effects.items_of(site, site.argument(1))
        total = Node()
        self.network.flow(site.argument(2), total)
        self.network.flow(items, total)
        result = self.effects.call_back(site, site.argument(0), [total, items])
        self.network.flow(result, total)
        self.network.flow(total, site.result)

    def _partial(self, site: Site, _: Value) -> None:
        value = self.network.value("partial", site.at)
        self.world.partials[value] = site
        self.network.add(site.result, value)

    def call_partial(self, site: Site, value: Value) -> None:
        """Arguments that a partial holds come first."""
        held = self.world.partials[value]
        inner = self.world.calls.inner(site, [*held.args[1:], *site.args])
        inner.keywords = {**held.keywords, **site.keywords}
        inner.stars = [*held.stars, *site.stars]
        inner.result = site.result
        site.inside().inner.append(inner)
        inner.callee = held.argument(0)
        self.network.watch(inner.callee, partial(self.world.calls.call, inner))
