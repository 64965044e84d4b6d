"""What builtins, containers' methods and a few functions of the standard library do with the values they are given."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.attributes import is_class_like
from graphmer.kg.resolve.python.flow import Container, Node
from graphmer.kg.resolve.python.static import BUILTIN, Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.calls import Site, World

# Give back what they are given first: decorators that keep a function callable, wrappers that keep a value.
IDENTITIES = frozenset(
    {
        *(f"functools.{name}" for name in ("cache", "lru_cache", "singledispatch", "total_ordering", "update_wrapper")),
        *(f"{BUILTIN}.{name}" for name in ("staticmethod", "classmethod", "reversed", "aiter")),
        *("contextlib.contextmanager", "contextlib.asynccontextmanager", "copy.copy", "copy.deepcopy"),
        *("asyncio.run", "asyncio.create_task", "asyncio.ensure_future", "asyncio.shield", "asyncio.wait_for"),
        *("abc.abstractmethod", "typing.overload", "typing.final", "contextlib.closing", "atexit.register"),
    }
)
KEYED = frozenset(f"{BUILTIN}.{name}" for name in ("sorted", "min", "max"))
COPIES = {
    f"{BUILTIN}.list": "list",
    f"{BUILTIN}.tuple": "tuple",
    f"{BUILTIN}.set": "set",
    f"{BUILTIN}.frozenset": "set",
    "collections.deque": "list",
}
DICTS = frozenset({f"{BUILTIN}.dict", "collections.OrderedDict", "collections.defaultdict", "collections.ChainMap"})
# Methods of texts that give texts again, so that a chain of them keeps its names.
TEXT_METHODS = (
    *("capitalize", "casefold", "center", "expandtabs", "format", "format_map", "join", "ljust", "lower", "lstrip"),
    *("removeprefix", "removesuffix", "replace", "rjust", "rstrip", "strip", "swapcase", "title", "translate", "upper"),
    "zfill",
)
SPLITTERS = frozenset(f"{BUILTIN}.str.{name}" for name in ("split", "rsplit", "splitlines", "partition", "rpartition"))
RESULTS = {
    **{f"{BUILTIN}.str.{name}": f"{BUILTIN}.str" for name in TEXT_METHODS},
    **dict.fromkeys((f"{BUILTIN}.repr", f"{BUILTIN}.format", f"{BUILTIN}.input", f"{BUILTIN}.chr"), f"{BUILTIN}.str"),
    f"{BUILTIN}.str.encode": f"{BUILTIN}.bytes",
    f"{BUILTIN}.bytes.decode": f"{BUILTIN}.str",
    f"{BUILTIN}.len": f"{BUILTIN}.int",
}
ADDERS = frozenset({"append", "add", "appendleft", "insert"})
TAKERS = frozenset({"pop", "popleft", "popitem"})


class Builtins:
    """Effects of calls that leave the package, and come back into it."""

    def __init__(self, world: "World") -> None:
        self.world, self.network = world, world.network
        self.effects: dict[str, Callable[[Site, Value], None]] = {
            f"{BUILTIN}.super": self._super,
            f"{BUILTIN}.map": self._map,
            f"{BUILTIN}.filter": self._filter,
            f"{BUILTIN}.enumerate": self._enumerate,
            f"{BUILTIN}.zip": self._zip,
            f"{BUILTIN}.next": self._next,
            f"{BUILTIN}.anext": self._next,
            f"{BUILTIN}.iter": self._iter,
            f"{BUILTIN}.getattr": self._getattr,
            f"{BUILTIN}.setattr": self._setattr,
            f"{BUILTIN}.type": self._type,
            f"{BUILTIN}.property": self._property,
            "functools.partial": self._partial,
            "functools.reduce": self._reduce,
            "functools.wraps": self._wraps,
            "typing.cast": self._cast,
            **dict.fromkeys(KEYED, self._keyed),
            **dict.fromkeys(SPLITTERS, self._split),
            **dict.fromkeys(COPIES, self._copy),
            **dict.fromkeys(DICTS, self._dict),
        }

    def call(self, site: "Site", value: Value) -> None:
        """A site calls something that is no function of the package."""
        if value.kind == "method":
            self._method(site, value)
        elif value.kind == "partial":
            self._call_partial(site, value)
        elif value.kind == "result":
            if value.what in ("functools.wraps", "functools.lru_cache", "functools.cache"):
                self._identity(site)
            else:
                self.network.add(site.result, value)
        else:
            effect = self.effects.get(value.what)
            if effect is not None:
                effect(site, value)
            elif value.what in IDENTITIES and site.args:
                self._identity(site)
            else:
                self.network.add(site.result, self.network.value("result", RESULTS.get(value.what, value.what)))

    def _identity(self, site: "Site") -> None:
        if site.args and site.args[0] is not None:
            self.network.flow(site.args[0], site.result)
        elif not site.args:
            self.network.add(site.result, self.network.value("result", "functools.lru_cache"))

    def _argument(self, site: "Site", place: int) -> Node:
        """The node of an argument by its place; an empty one where it is not given or not known."""
        return (site.args[place] if place < len(site.args) else None) or Node()

    def _items_of(self, site: "Site", source: Node) -> Node:
        found = self.world.protocols.iterate(source)
        site.inside().protocols.append(found)
        return found.each

    # Callables that are handed over

    def call_back(self, site: "Site", callback: Node, args: list[Node | None]) -> Node:
        """A builtin calls what it is given: the site calls it too. Returns what that gives."""
        result = Node()

        def call(value: Value) -> None:
            inner = self.world.inner_site(site, args)
            inner.result = result
            self.world.call(inner, value)
            inner.callee = None
            if value.kind in ("function", "bound"):
                site.inside().called[value.what] = None
            elif value.kind == "class":
                site.inside().made[value.what] = None
            elif value.kind == "partial":
                site.inside().inner.append(inner)

        self.network.watch(callback, call)
        return result

    def _map(self, site: "Site", _: Value) -> None:
        """map(f, items); whoever hands the callable over in another place meant the same."""
        result = Node()
        for place, callback in enumerate(site.args):
            if callback is not None:
                others = [node for at, node in enumerate(site.args) if at != place]
                args = [self._items_of(site, node) if node is not None else None for node in others]
                self.network.flow(self.call_back(site, callback, list(args)), result)
        self._give_each(site, result, "generator")

    def _filter(self, site: "Site", _: Value) -> None:
        items = self._items_of(site, self._argument(site, 1))
        self.call_back(site, self._argument(site, 0), [items])
        self._give_each(site, items, "generator")

    def _keyed(self, site: "Site", value: Value) -> None:
        several = len(site.args) > 1
        items = Node()
        for node in site.args:
            if node is not None:
                self.network.flow(node if several else self._items_of(site, node), items)
        if "key" in site.keywords:
            self.call_back(site, site.keywords["key"], [items])
        if value.what.endswith("sorted"):
            self._give_each(site, items, "list")
        else:
            self.network.flow(items, site.result)

    def _reduce(self, site: "Site", _: Value) -> None:
        items = self._items_of(site, self._argument(site, 1))
        total = Node()
        self.network.flow(self._argument(site, 2), total)
        self.network.flow(items, total)
        result = self.call_back(site, self._argument(site, 0), [total, items])
        self.network.flow(result, total)
        self.network.flow(total, site.result)

    def _partial(self, site: "Site", _: Value) -> None:
        value = self.network.value("partial", site.at)
        self.world.partials[value] = site
        self.network.add(site.result, value)

    def _call_partial(self, site: "Site", value: Value) -> None:
        """Arguments that a partial holds come first."""
        held = self.world.partials[value]
        inner = self.world.inner_site(site, [*held.args[1:], *site.args])
        inner.keywords = {**held.keywords, **site.keywords}
        inner.stars = [*held.stars, *site.stars]
        inner.result = site.result
        site.inside().inner.append(inner)
        inner.callee = self._argument(held, 0)
        self.network.watch(inner.callee, partial(self.world.call, inner))

    def _wraps(self, site: "Site", value: Value) -> None:
        self.network.add(site.result, self.network.value("result", value.what))

    # Containers

    def _give_each(self, site: "Site", items: Node, kind: str) -> Container:
        value, container = self.network.container(site.at, kind)
        self.network.flow(items, container.any)
        self.network.add(site.result, value)
        return container

    def _enumerate(self, site: "Site", _: Value) -> None:
        pair, items = self.network.container(f"{site.at} pair", "tuple")
        self.network.flow(self._items_of(site, self._argument(site, 0)), self.network.item(items, "#1"))
        self._give_each(site, self.network.constant(pair), "generator")

    def _zip(self, site: "Site", _: Value) -> None:
        pair, items = self.network.container(f"{site.at} pair", "tuple")
        for place, node in enumerate(site.args):
            if node is not None:
                self.network.flow(self._items_of(site, node), self.network.item(items, f"#{place}"))
        self._give_each(site, self.network.constant(pair), "generator")

    def _split(self, site: "Site", _: Value) -> None:
        text = self.network.constant(self.network.value("result", f"{BUILTIN}.str"))
        self._give_each(site, text, "list")

    def _copy(self, site: "Site", value: Value) -> None:
        """list(x): its items, each in its place where x is a sequence."""
        made, container = self.network.container(site.at, COPIES[value.what])
        self.network.add(site.result, made)
        if not site.args or site.args[0] is None:
            return
        source = site.args[0]
        site.inside().protocols.append(self.world.protocols.iterate(source))

        def copy(one: Value) -> None:
            if one.kind == "container" and one.what.endswith((" list", " tuple")):
                self.world.items.merge(container, one)
            else:
                self.network.flow(self.world.protocols.iterate(self.network.constant(one)).each, container.any)

        self.network.watch(source, copy)

    def _dict(self, site: "Site", value: Value) -> None:
        made, container = self.network.container(site.at, "dict")
        self.network.add(site.result, made)
        factory = value.what.endswith("defaultdict")
        if factory and site.args and site.args[0] is not None:
            self.network.flow(self.call_back(site, site.args[0], []), container.any)
        sources = site.args[1:] if factory else site.args
        for node in sources:
            if node is not None:
                self.network.watch(node, partial(self._fill_dict, site, container))
        for name, node in site.keywords.items():
            key = self.network.constant(self.network.value("constant", f"'{name}"))
            self.world.items.store(container, key, node)
        for star, node in site.stars:
            if star == "**":
                self.network.watch(node, partial(self.world.items.merge, container))

    def _fill_dict(self, site: "Site", container: Container, value: Value) -> None:
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

    def _method(self, site: "Site", value: Value) -> None:
        """A method of a list, tuple, set, dict or generator."""
        assert value.of is not None
        container = self.network.containers[value.of]
        kind, name = value.of.what.rpartition(" ")[2], value.what
        if kind == "dict":
            self._dict_method(site, name, container, value.of)
        elif name in ADDERS:
            node = site.args[-1] if site.args else None
            if node is not None:
                self.network.flow(node, container.any)
        elif name in ("extend", "update", "extendleft"):
            for node in site.args:
                if node is not None:
                    self.network.flow(self._items_of(site, node), container.any)
        elif name in TAKERS:
            key = site.args[0] if site.args else None
            self.world.items.load(value.of, key if site.args else None, site.result)
        elif name in ("copy", "union", "intersection", "difference", "__iter__"):
            self.network.add(site.result, value.of)
            for node in site.args:
                if node is not None and name == "union":
                    self.network.flow(self._items_of(site, node), container.any)
        elif name in ("__next__", "send"):
            self.network.flow(container.all, site.result)
        elif name == "sort" and "key" in site.keywords:
            self.call_back(site, site.keywords["key"], [container.all])

    def _dict_method(self, site: "Site", name: str, container: Container, value: Value) -> None:
        key = site.args[0] if site.args else None
        if name in ("get", "pop", "setdefault"):
            self.world.items.load(value, key, site.result)
            if len(site.args) > 1 and site.args[1] is not None:
                self.network.flow(site.args[1], site.result)
                if name == "setdefault":
                    self.world.items.store(container, key, site.args[1])
        elif name == "update":
            for node in site.args:
                if node is not None:
                    self.network.watch(node, partial(self._fill_dict, site, container))
            for keyword, node in site.keywords.items():
                said = self.network.constant(self.network.value("constant", f"'{keyword}"))
                self.world.items.store(container, said, node)
        elif name == "values":
            self._give_each(site, container.all, "generator")
        elif name == "keys":
            self._give_each(site, container.keys, "generator")
        elif name in ("items", "popitem"):
            pair, items = self.network.container(f"{site.at} pair", "tuple")
            self.network.flow(container.keys, self.network.item(items, "#0"))
            self.network.flow(container.all, self.network.item(items, "#1"))
            if name == "items":
                self._give_each(site, self.network.constant(pair), "generator")
            else:
                self.network.add(site.result, pair)
        elif name == "copy":
            self.network.add(site.result, value)

    # Objects

    def _super(self, site: "Site", _: Value) -> None:
        owner = self.world.statics.owner_class(site.scope)
        if len(site.args) == 2 and site.args[0] is not None and site.args[1] is not None:
            self.network.watch(site.args[0], partial(self._super_of, site, site.args[1]))
            return
        method = site.scope
        while method.parent is not None and method.symbol.kind != "method":
            method = method.parent
        if owner is not None and method.parameters:
            receiver = self.world.names.variable(method.parameters[0].name, method)
            self._super_of(site, receiver, self.network.value("class", owner.symbol.symbol))

    def _super_of(self, site: "Site", receiver: Node, owner: Value) -> None:
        def give(value: Value) -> None:
            if value.kind in ("instance", "class") and owner.kind == "class":
                self.network.add(site.result, self.network.value("super", owner.what, value))

        self.network.watch(receiver, give)

    def _next(self, site: "Site", _: Value) -> None:
        found = self.world.protocols.next_of(self._argument(site, 0))
        site.inside().protocols.append(found)
        self.network.flow(found.each, site.result)
        self.network.flow(self._argument(site, 1), site.result)

    def _iter(self, site: "Site", _: Value) -> None:
        """iter(x) is an iterator of its own: next() of it gives x's items."""

        def begin(value: Value) -> None:
            if value.kind == "instance":
                result, called = self.world.protocols.method(value, "__iter__")
                site.inside().parts.append(called)
                self.network.flow(result, site.result)
            else:
                self.network.add(site.result, value)

        self.network.watch(self._argument(site, 0), begin)

    def _getattr(self, site: "Site", _: Value) -> None:
        base = self._argument(site, 0)

        def load(name: Value) -> None:
            if name.kind == "constant" and name.what[0] == "'":
                self.network.flow(self.world.attributes.load(base, name.what[1:]), site.result)
            elif name.kind == "prefix":
                self.network.watch(base, partial(self._load_prefixed, name.what[1:], site.result))

        self.network.watch(self._argument(site, 1), load)
        self.network.flow(self._argument(site, 2), site.result)

    def _load_prefixed(self, prefix: str, result: Node, value: Value) -> None:
        """getattr(self, "visit_" + kind) may be any method of that prefix."""
        if value.kind not in ("instance", "class", "module"):
            return
        scopes = self.world.index.scopes
        owners = [value.what] if value.kind == "module" else self.world.statics.order(value.what)
        for name in dict.fromkeys(name for owner in owners for name in sorted(scopes[owner].definitions)):
            if name.startswith(prefix):
                self.network.flow(self.world.attributes.view(value, name), result)

    def _setattr(self, site: "Site", _: Value) -> None:
        base, source = self._argument(site, 0), self._argument(site, 2)

        def store(name: Value) -> None:
            if name.kind == "constant" and name.what[0] == "'":
                self.world.attributes.store(base, name.what[1:], source)

        self.network.watch(self._argument(site, 1), store)

    def _type(self, site: "Site", _: Value) -> None:
        if len(site.args) != 1:
            return

        def give(value: Value) -> None:
            if value.kind == "instance":
                self.network.add(site.result, self.network.value("class", value.what))
            elif value.kind == "result" and is_class_like(value.what):
                self.network.add(site.result, self.network.value("external", value.what))

        self.network.watch(self._argument(site, 0), give)

    def _property(self, site: "Site", _: Value) -> None:
        """property(getter), where it is no decorator."""

        def give(value: Value) -> None:
            if value.kind == "function":
                self.network.add(site.result, self.network.value("property", value.what))

        self.network.watch(self._argument(site, 0), give)

    def _cast(self, site: "Site", _: Value) -> None:
        """typing.cast(T, x) is x, and an instance of T."""

        def give(value: Value) -> None:
            if value.kind == "class":
                self.network.add(site.result, self.network.value("instance", value.what))

        self.network.watch(self._argument(site, 0), give)
        self.network.flow(self._argument(site, 1), site.result)
