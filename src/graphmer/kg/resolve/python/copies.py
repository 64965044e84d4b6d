"""Builtins that make containers of what they are given: enumerate, zip, list(x), dict(x), splits of texts."""

from functools import partial
from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.asking import Asking
from graphmer.kg.resolve.python.effects import Effects
from graphmer.kg.resolve.python.flow import Container, Node
from graphmer.kg.resolve.python.library import COPIES, DICTS, QUEUES, SPLITTERS
from graphmer.kg.resolve.python.sites import Effect, Site
from graphmer.kg.resolve.python.values import BUILTIN, Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World


class Copies:
    """Each call makes a container of its own."""

    def __init__(self, world: "World", effects: Effects, asking: Asking) -> None:
        self.world, self.network, self.effects, self.asking = world, world.network, effects, asking
        self.by_name: dict[str, Effect] = {
            f"{BUILTIN}.enumerate": self._enumerate,
            f"{BUILTIN}.zip": self._zip,
            f"{BUILTIN}.reversed": self._reversed,
            **dict.fromkeys(SPLITTERS, self._split),
            **dict.fromkeys(COPIES, self._copy),
            **dict.fromkeys(DICTS, self._dict),
            **dict.fromkeys(QUEUES, self._queue),
            "collections.Counter": self._counter,
        }

    def _enumerate(self, site: Site, _: Value) -> None:
        pair, items = self.network.container(f"{site.at} pair", "tuple")
        self.network.flow(self.effects.items_of(site, site.argument(0)), self.network.item(items, "#1"))
        self.effects.give_each(site, self.network.constant(pair), "generator")

    def _reversed(self, site: Site, _: Value) -> None:
        """The items of a sequence, none of them in its place."""
        self.effects.give_each(site, self.effects.items_of(site, site.argument(0)), "generator")

    def _zip(self, site: Site, _: Value) -> None:
        pair, items = self.network.container(f"{site.at} pair", "tuple")
        for place, node in enumerate(site.args):
            if node is not None:
                self.network.flow(self.effects.items_of(site, node), self.network.item(items, f"#{place}"))
        for star, node in site.stars:
            if star == "*":
                self.network.flow(self.effects.items_of(site, self.effects.items_of(site, node)), items.any)
        self.effects.give_each(site, self.network.constant(pair), "generator")

    def _split(self, site: Site, _: Value) -> None:
        text = self.network.constant(self.network.value("result", f"{BUILTIN}.str"))
        self.effects.give_each(site, text, "list")

    def _copy(self, site: Site, value: Value) -> None:
        """list(x): its items, each in its place where x is a sequence."""
        made, container = self.network.container(site.at, COPIES[value.what])
        self.network.add(site.result, made)
        if not site.args or site.args[0] is None:
            return
        source = site.args[0]
        site.inside().protocols.append(self.world.protocols.iterate(source))
        if COPIES[value.what] == "set":
            self.asking.hash(site, self.world.protocols.iterate(source).each)

        def copy(one: Value) -> None:
            if one.kind == "container" and one.what.endswith((" list", " tuple")):
                self.world.items.merge(container, one)
            else:
                self.network.flow(self.world.protocols.iterate(self.network.constant(one)).each, container.any)

        self.network.watch(source, copy)

    def _dict(self, site: Site, value: Value) -> None:
        made, container = self.network.container(site.at, "dict")
        self.network.add(site.result, made)
        factory = value.what.endswith("defaultdict")
        if factory and site.args and site.args[0] is not None:
            self.network.flow(self.effects.call_back(site, site.args[0], []), container.any)
        sources = site.args[1:] if factory else site.args
        for node in sources:
            if node is not None:
                self.network.watch(node, partial(self.fill_dict, container))
        for name, node in site.keywords.items():
            key = self.network.constant(self.network.value("constant", f"'{name}"))
            self.world.items.store(container, key, node)
        for star, node in site.stars:
            if star == "**":
                self.network.watch(node, partial(self.world.items.merge, container))

    def _counter(self, site: Site, _: Value) -> None:
        """Counter(items): a dict whose keys are the items."""
        made, container = self.network.container(site.at, "dict")
        self.world.subclassed.owners[made] = "collections.Counter"
        self.network.add(site.result, made)
        if site.args and site.args[0] is not None:
            self.network.flow(self.effects.items_of(site, site.args[0]), container.keys)

    def _queue(self, site: Site, value: Value) -> None:
        self.network.add(site.result, self.network.container(site.at, value.what)[0])

    def fill_dict(self, container: Container, value: Value) -> None:
        """A dict gets the items of another, or pairs of keys and items."""
        if value.kind == "container" and value.what.endswith(" dict"):
            self.world.items.merge(container, value)
            return
        pairs = self.world.protocols.iterate(self.network.constant(value)).each
        key, item = Node(), Node()
        one = self.network.constant(self.network.value("constant", "#1"))
        zero = self.network.constant(self.network.value("constant", "#0"))

        def unpack(pair: Value) -> None:
            if pair.kind == "container":
                self.world.items.load(pair, zero, key)
                self.world.items.load(pair, one, item)

        self.network.watch(pairs, unpack)
        self.world.items.store(container, key, item)
