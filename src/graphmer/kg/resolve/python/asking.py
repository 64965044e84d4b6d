"""Builtins that ask what they are given for something its class has a special method for: len, str, hash, sum."""

from functools import partial
from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.effects import Effects
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.operators import HASH, TEXTS, UNARY
from graphmer.kg.resolve.python.sites import Site
from graphmer.kg.resolve.python.values import BUILTIN, Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World

# What each asks its first argument for: the first method of these that there is.
ASKED: dict[str, tuple[str, ...]] = {
    **{f"{BUILTIN}.{name}": (f"__{name}__",) for name in ("len", "hash", "abs", "round", "dir", "reversed", "bytes")},
    **{f"math.{name}": (f"__{name}__",) for name in ("floor", "ceil", "trunc")},
    f"{BUILTIN}.bool": UNARY["bool"],
    f"{BUILTIN}.int": ("__int__", "__index__", "__trunc__"),
    f"{BUILTIN}.float": ("__float__", "__index__"),
    f"{BUILTIN}.complex": ("__complex__", "__float__", "__index__"),
    **dict.fromkeys((f"{BUILTIN}.hex", f"{BUILTIN}.oct", f"{BUILTIN}.bin", "operator.index"), ("__index__",)),
    f"{BUILTIN}.repr": TEXTS["repr"],
    f"{BUILTIN}.ascii": TEXTS["repr"],
    f"{BUILTIN}.str": TEXTS["str"],
    f"{BUILTIN}.format": TEXTS["format"],
    "os.fspath": ("__fspath__",),
}
DIVIDING = {f"{BUILTIN}.divmod": "divmod", f"{BUILTIN}.pow": "**"}
PUSHING = frozenset(
    {
        *(f"heapq.{name}" for name in ("heappush", "heappushpop", "heapreplace")),
        *(f"bisect.{name}" for name in ("insort", "insort_left", "insort_right")),
    }
)
POPPING = frozenset(f"heapq.{name}" for name in ("heappop", "heappushpop", "heapreplace"))
HEAPS = PUSHING | POPPING | {"heapq.heapify"}
FORMATTING = frozenset({f"{BUILTIN}.str.format"})  # ask what they are given by name, too
# What these ask all their arguments for.
ALL_ASKED: dict[str, tuple[str, ...]] = {f"{BUILTIN}.print": TEXTS["str"], f"{BUILTIN}.str.format": TEXTS["format"]}


class Asking:
    """The methods are called where the builtin is."""

    def __init__(self, world: "World", effects: Effects) -> None:
        self.world, self.network, self.effects = world, world.network, effects

    def ask(self, site: Site, value: Value) -> None:
        """A site calls a builtin, whatever else that does."""
        operators = self.world.operators
        names = ASKED.get(value.what)
        asked = [site.argument(0)] if names is not None else []
        if names is None:
            names = ALL_ASKED.get(value.what, ())
            if names:
                asked = [node for node in site.args if node is not None]
                asked += [self.effects.items_of(site, node) for star, node in site.stars if star == "*"]
                asked += site.keywords.values() if value.what in FORMATTING else []
        for node in asked:
            if operators.has_any(names):
                site.inside().protocols.append(operators.ask(node, names))

    def hash(self, site: Site, node: Node | None) -> None:
        """A dict or a set asks what it is given for its hash."""
        if node is not None and self.world.operators.has_any(HASH):
            site.inside().protocols.append(self.world.operators.ask(node, HASH))

    def divide(self, site: Site, value: Value) -> None:
        """divmod(a, b), pow(a, b)."""
        word = DIVIDING[value.what]
        if self.world.operators.may_call(word):
            found = self.world.operators.apply(word, site.argument(0), site.argument(1))
            site.inside().protocols.append(found)
            self.network.flow(found.each, site.result)

    def push(self, site: Site, value: Value) -> None:
        """A heap or a sorted list gets an item, or gives one, which is compared with those that it holds."""
        heap = site.argument(0)
        if value.what in PUSHING:
            self.network.watch(heap, partial(self._store, site.argument(1)))
        items = keys = self.effects.items_of(site, heap)
        if "key" in site.keywords:
            keys = self.effects.call_back(site, site.keywords["key"], [items])
        self.compare(site, keys, "<")
        if value.what in POPPING:
            self.network.flow(items, site.result)

    def _store(self, item: Node, value: Value) -> None:
        if value.kind == "container":
            self.network.flow(item, self.network.containers[value].any)

    def total(self, site: Site, _: Value) -> None:
        """sum(items, start): each item is added to what the ones before it gave."""
        network, operators = self.network, self.world.operators
        items = self.effects.items_of(site, site.argument(0))
        total = Node()
        start = site.keywords.get("start") or (site.args[1] if len(site.args) > 1 else None)
        network.flow(start or network.constant(network.value("constant", "#0")), total)
        if operators.may_call("+"):
            found = operators.apply("+", total, items)
            site.inside().protocols.append(found)
            network.flow(found.each, total)
        network.flow(total, site.result)

    def compare(self, site: Site, node: Node, word: str) -> None:
        """A site compares the values of a node with each other, by `<` or `>`."""
        if self.world.operators.may_call(word):
            site.inside().protocols.append(self.world.operators.apply(word, node, node))
