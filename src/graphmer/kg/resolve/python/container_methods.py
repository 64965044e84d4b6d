"""Methods of lists, tuples, sets, dicts and generators."""

from functools import partial
from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.asking import Asking
from graphmer.kg.resolve.python.copies import Copies
from graphmer.kg.resolve.python.effects import Effects
from graphmer.kg.resolve.python.flow import Container
from graphmer.kg.resolve.python.library import QUEUES
from graphmer.kg.resolve.python.sites import Site
from graphmer.kg.resolve.python.values import Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World

ADDERS = frozenset({"append", "add", "appendleft", "insert"})
HASHED = frozenset({"add", "remove", "discard", "get", "pop", "setdefault"})  # look for what they are given
FILLERS = frozenset({"extend", "update", "extendleft", "__init__"})
TAKERS = frozenset({"pop", "popleft", "popitem"})
MOVERS = frozenset({"appendleft", "extendleft", "insert", "popleft", "remove", "reverse", "rotate", "sort"})


class ContainerMethods:
    """What they store in a container, and what they give of it."""

    def __init__(self, world: "World", effects: Effects, copies: Copies, asking: Asking) -> None:
        self.world, self.network = world, world.network
        self.effects, self.copies, self.asking = effects, copies, asking

    def call(self, site: Site, value: Value) -> None:
        """A method of a list, tuple, set, dict or generator."""
        assert value.of is not None
        container = self.network.containers[value.of]
        kind, name = value.of.what.rpartition(" ")[2], value.what
        if name in MOVERS or (name == "pop" and site.args and kind == "list"):  # items are not where they were
            self.network.flow(container.all, container.any)
        if name in HASHED and kind in ("dict", "set"):
            self.asking.hash(site, site.args[0] if site.args else None)
        if name == "__getitem__":
            self.world.items.load(value.of, site.args[0] if site.args else None, site.result)
        elif name == "__setitem__" and len(site.args) > 1 and site.args[1] is not None:
            self.world.items.store(container, site.args[0], site.args[1])
        elif kind == "dict":
            self._dict_method(site, name, container, value.of)
        elif kind in QUEUES:
            if name in ("put", "put_nowait") and site.args and site.args[0] is not None:
                self.network.flow(site.args[0], container.any)
            elif name in ("get", "get_nowait"):
                self.network.flow(container.all, site.result)
        elif name in ADDERS:
            node = site.args[-1] if site.args else None
            if node is not None:
                self.network.flow(node, container.any)
        elif name in FILLERS:
            for node in site.args:
                if node is not None:
                    self.network.flow(self.effects.items_of(site, node), container.any)
        elif name in TAKERS:
            self.world.items.load(value.of, site.args[0] if site.args else None, site.result)
        elif name in ("copy", "union", "intersection", "difference", "__iter__"):
            self.network.add(site.result, value.of)
            for node in site.args:
                if node is not None and name == "union":
                    self.network.flow(self.effects.items_of(site, node), container.any)
        elif name in ("__next__", "send"):
            self.network.flow(container.all, site.result)
        elif name == "sort":
            keys = container.all
            if "key" in site.keywords:
                keys = self.effects.call_back(site, site.keywords["key"], [container.all])
            self.asking.compare(site, keys, "<")

    def _dict_method(self, site: Site, name: str, container: Container, value: Value) -> None:
        key = site.args[0] if site.args else None
        if name in ("get", "pop", "setdefault"):
            self.world.items.load(value, key, site.result)
            if len(site.args) > 1 and site.args[1] is not None:
                self.network.flow(site.args[1], site.result)
                if name == "setdefault":
                    self.world.items.store(container, key, site.args[1])
        elif name in ("update", "__init__"):
            for node in site.args:
                if node is not None:
                    self.network.watch(node, partial(self.copies.fill_dict, container))
            for keyword, node in site.keywords.items():
                said = self.network.constant(self.network.value("constant", f"'{keyword}"))
                self.world.items.store(container, said, node)
        elif name == "values":
            self.effects.give_each(site, container.all, "generator")
        elif name == "keys":
            self.effects.give_each(site, container.keys, "generator")
        elif name in ("items", "popitem", "most_common"):
            pair, items = self.network.container(f"{site.at} pair", "tuple")
            self.network.flow(container.keys, self.network.item(items, "#0"))
            self.network.flow(container.all, self.network.item(items, "#1"))
            if name != "popitem":
                self.effects.give_each(site, self.network.constant(pair), "generator")
            else:
                self.network.add(site.result, pair)
        elif name == "copy":
            self.network.add(site.result, value)
