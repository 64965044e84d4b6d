"""Nodes of names, attributes and expressions."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from graphmer.kg.resolve.python.annotations import read_annotation
from graphmer.kg.resolve.python.builtin_names import BUILTINS
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import Expression, Scope, expression
from graphmer.kg.resolve.python.static import BUILTIN, Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.calls import World

MANY = 1 << 30  # past any list's end
LITERALS = frozenset({"list", "tuple", "set"})


class Names:
    """Makes nodes for names and expressions of scopes, once each."""

    def __init__(self, world: "World") -> None:
        self.world, self.network, self.statics = world, world.network, world.statics
        self.index = world.index

    # Names

    def name(self, name: str, scope: Scope) -> Node | None:
        """The node of a bare name, seen from a scope; None where nobody knows it."""
        node: Node | None = scope.nodes.get(name)
        if node is not None:
            return node
        node = self._seen_name(name, scope)
        if node is not None:
            scope.nodes[name] = node
        return node

    def _seen_name(self, name: str, scope: Scope) -> Node | None:
        at = self.statics.binder(name, scope)
        if at is not None:
            return self.variable(name, at) if at is scope else self.whole(name, at)
        found = self.statics.starred(name, scope.module)
        if found is not None:
            return self.whole(found[1], found[0])
        if name in BUILTINS:
            return self.network.constant(self.network.value("external", f"{BUILTIN}.{name}"))
        return None

    def whole(self, name: str, scope: Scope) -> Node:
        """The node of a name as others see it: all that it was bound to, one after the other."""
        versions = scope.versions.get(name)
        if not versions:
            return self.variable(name, scope)
        key = f"*{name}"
        node = scope.nodes.get(key)
        if node is None:
            node = scope.nodes[key] = Node()
            for version in [name, *dict.fromkeys(versions)]:
                self.network.flow(self.variable(version, scope), node)
        return node

    def variable(self, name: str, scope: Scope) -> Node:
        """The node of a name that this very scope binds."""
        key = f"={name}"
        node: Node | None = scope.nodes.get(key)
        if node is not None:
            return node
        final = self.statics.final_member(name, scope)
        if final is not None:
            node = scope.nodes[key] = self.network.constant(final)
            return node
        node = scope.nodes[key] = Node()
        for symbol in self.statics.definitions(name, scope):
            self.world.define(symbol, node)
        for origin in scope.imports.get(name, ()):
            self._import(origin, scope, node)
        if name in scope.annotations:
            self.annotate(node, scope.annotations[name], scope, name)
        return node

    def annotate(self, node: Node, said: str, scope: Scope, name: str) -> None:
        """A node may be what its annotation says; `name` tells the containers of one scope apart."""
        if "[" not in said:
            for value in self.statics.annotated(said, scope):
                self.network.add(node, value)
            return
        for place, one in enumerate(read_annotation(said)):
            if one.kind in ("instance", "class"):
                for value in self.statics.named_type(one.name, scope, one.kind):
                    self.network.add(node, value)
                continue
            at = f"{scope.symbol.symbol}:{name}.{place}"
            value, container = self.network.container(at, one.kind)
            for number, item in enumerate(one.items):
                target = self.network.item(container, f"#{number}") if one.kind == "tuple" else container.any
                self.annotate(target, item, scope, f"{name}.{place}.{number}")
            self.network.add(node, value)

    def _import(self, origin: str, scope: Scope, node: Node) -> None:
        module, colon, attribute = origin.partition(":")
        inside = self.index.modules.get(self.statics.absolute(module, scope.module)) if colon else None
        # What a package imports from itself is a module in its folder.
        outside = inside is not None and inside is not scope.module
        member = self.statics.module_member(inside, attribute) if inside is not None and outside else None
        if member is None:
            for value in self.statics.imported(origin, scope):
                self.network.add(node, value)
            return
        where, name = member

        def flow(_: Value) -> None:  # later: a chain of imports may be longer than Python's stack
            self.network.flow(self.whole(name, where), node)

        self.network.work.append((flow, self.network.value("module", where.symbol.symbol)))

    def path(self, path: str, scope: Scope) -> Node | None:
        """The node of a dotted path."""
        final = self.statics.final(path, scope)
        if final is not None:
            return self.network.constant(final)
        owner, dot, name = path.rpartition(".")
        if not dot:
            return self.name(name, scope)
        base = self.path(owner, scope)
        return self.world.attributes.load(base, name) if base is not None else None

    # Expressions

    def node(self, said: Expression, scope: Scope) -> Node | None:
        """The node of an expression; None where nothing can be known of it."""
        if isinstance(said, str):
            return self.atom(said, scope)
        return self._PARTS[said[0]](self, said, scope)

    def read(self, value: str, scope: Scope) -> Node | None:
        """The node of a reference's value."""
        return self.node(expression(value), scope)

    def atom(self, said: str, scope: Scope) -> Node | None:
        """The node of an expression without parts."""
        mark = said[:1]
        network = self.network
        if mark == "@":
            return self.world.call_result(scope.file, int(said[1:]))
        if mark == "'" or mark == "#":
            return network.constant(network.value("constant", said))
        if mark == "<":
            if said == "<None>":
                return None
            return network.constant(network.value("result", f"{BUILTIN}.{said[1:-1]}"))
        if mark == "&":
            symbol = self.index.lambdas.get((scope.file, int(said[1:])))
            return network.constant(network.value("function", symbol)) if symbol is not None else None
        return self.path(said, scope) if mark != "?" and said else None

    def _call(self, said: Expression, scope: Scope) -> Node | None:
        """A call without a reference of its own: an exception that is caught is an instance of its class."""
        callee = self.node(said[1], scope)
        if callee is None:
            return None
        result = Node()

        def instance(value: Value) -> None:
            if value.kind in ("class", "external"):
                kind = "instance" if value.kind == "class" else "result"
                self.network.add(result, self.network.value(kind, value.what))
            elif value.kind == "container":
                self.network.watch(self.network.containers[value].all, instance)

        self.network.watch(callee, instance)
        return result

    def _attribute(self, said: Expression, scope: Scope) -> Node | None:
        base = self.node(said[1], scope)
        return self.world.attributes.load(base, said[2]) if base is not None else None

    def _subscript(self, said: Expression, scope: Scope) -> Node | None:
        base, key = self.node(said[1], scope), self.node(said[2], scope)
        return self.world.items.subscript(base, key) if base is not None else None

    def _display(self, said: Expression, scope: Scope) -> Node:
        kind, at, *items = said
        value, container = self.network.container(f"{scope.file}@{at}", kind)
        place = 0
        known = True  # places behind a starred item are not
        for item in items:
            if isinstance(item, list) and item[0] == "*":
                source = self.node(item[1], scope)
                if source is not None:
                    self.network.flow(self.world.protocols.iterate(source).each, container.any)
                known = False
                continue
            node = self.node(item, scope)
            if node is not None:
                target = self.network.item(container, f"#{place}") if known and kind != "set" else container.any
                self.network.flow(node, target)
            place += 1
        return self.network.constant(value)

    def _dict(self, said: Expression, scope: Scope) -> Node:
        value, container = self.network.container(f"{scope.file}@{said[1]}", "dict")
        for key, item in said[2:]:
            node = self.node(item, scope)
            if node is None:
                continue
            if key == "**":
                self.network.watch(node, partial(self.world.items.merge, container))
            else:
                self.world.items.store(container, self.node(key, scope), node)
        return self.network.constant(value)

    def _each(self, said: Expression, scope: Scope) -> Node:
        _, kind, at, item = said
        value, container = self.network.container(f"{scope.file}@{at}", kind)
        node = self.node(item, scope)
        if node is not None:
            self.network.flow(node, container.any)
        return self.network.constant(value)

    def _dict_each(self, said: Expression, scope: Scope) -> Node:
        value, container = self.network.container(f"{scope.file}@{said[1]}", "dict")
        node = self.node(said[3], scope)
        if node is not None:
            self.world.items.store(container, self.node(said[2], scope), node)
        return self.network.constant(value)

    def _choice(self, said: Expression, scope: Scope) -> Node:
        result = Node()
        for part in said[1:]:
            node = self.node(part, scope)
            if node is not None:
                self.network.flow(node, result)
        return result

    def _item(self, said: Expression, scope: Scope) -> Node | None:
        source = self.node(said[1], scope)
        if source is None:
            return None
        key = self.network.constant(self.network.value("constant", said[2]))
        result = Node()

        def unpack(value: Value) -> None:
            if value.kind == "container" and not value.what.endswith(("set", "dict", "generator")):
                self.world.items.load(value, key, result)
            else:
                self.network.flow(self.world.protocols.iterate(self.network.constant(value)).each, result)

        self.network.watch(source, unpack)
        return result

    def _rest(self, said: Expression, scope: Scope) -> Node | None:
        """What a starred target gets: a list of the items from its place on."""
        source = self.node(said[1], scope)
        if source is None:
            return None
        value, rest = self.network.container(f"{scope.file}@{scope.symbol.symbol} {said[1]}", "list")
        first = int(said[2][1:])

        def unpack(whole: Value) -> None:
            if whole.kind != "container":
                self.network.flow(self.world.protocols.iterate(self.network.constant(whole)).each, rest.any)
                return
            container = self.network.containers[whole]
            self.network.flow(container.any, rest.any)

            def shift(key: str, node: Node) -> None:
                if key[:1] == "#" and int(key[1:]) >= first:
                    self.network.flow(node, self.network.item(rest, f"#{int(key[1:]) - first}"))

            self.network.each_item(container, shift)

        self.network.watch(source, unpack)
        return self.network.constant(value)

    def _sum(self, said: Expression, scope: Scope) -> Node:
        """A sum of lists has the items of both; other sums are not followed."""
        result = Node()
        at = f"{scope.file}@{scope.symbol.symbol}{said}"
        for part in said[1:]:
            node = self.node(part, scope)
            if node is not None:
                self.network.watch(node, partial(self._add_to_sum, at, result))
        return result

    def _add_to_sum(self, at: str, result: Node, value: Value) -> None:
        if value.kind == "container" and value.what.endswith((" list", " tuple")):
            whole, container = self.network.container(at, "list")
            self.network.flow(self.network.containers[value].all, container.any)
            self.network.add(result, whole)

    def _slice(self, said: Expression, scope: Scope) -> Node | None:
        _, value, low, high = said
        source = self.node(value, scope)
        if source is None:
            return None
        known = (low == "?" or low[1:].isdecimal()) and (high == "?" or high[1:].isdecimal())
        first, end = (int(low[1:] or 0), int(high[1:] or MANY)) if known else (-1, -1)
        result = Node()
        self.network.watch(source, partial(self._cut, f"{scope.file}@{scope.symbol.symbol}{said}", first, end, result))
        return result

    def _cut(self, at: str, first: int, end: int, result: Node, value: Value) -> None:
        """A part of a list is a list; where its ends are known, its items keep their places."""
        if value.kind != "container" or not value.what.endswith((" list", " tuple")):
            self.network.add(result, value)
            return
        container = self.network.containers[value]
        part, cut = self.network.container(at, value.what.rpartition(" ")[2])
        self.network.add(result, part)
        if first < 0:
            self.network.flow(container.all, cut.any)
            return
        self.network.flow(container.any, cut.any)

        def shift(key: str, node: Node) -> None:
            if key[:1] == "#" and key[1:].isdecimal() and first <= int(key[1:]) < end:
                self.network.flow(node, self.network.item(cut, f"#{int(key[1:]) - first}"))

        self.network.each_item(container, shift)

    def _prefix(self, said: Expression, _: Scope) -> Node:
        return self.network.constant(self.network.value("prefix", said[1]))

    def _iter(self, said: Expression, scope: Scope) -> Node | None:
        source = self.node(said[1], scope)
        return self.world.protocols.iterate(source, said[0] == "aiter").each if source is not None else None

    def _enter(self, said: Expression, scope: Scope) -> Node | None:
        source = self.node(said[1], scope)
        return self.world.protocols.enter(source, said[0] == "aenter").each if source is not None else None

    _PARTS: ClassVar[dict[str, Callable[["Names", Expression, Scope], Node | None]]] = {
        "()": _call,
        ".": _attribute,
        "[]": _subscript,
        **dict.fromkeys(LITERALS, _display),
        "dict": _dict,
        "each": _each,
        "dict_each": _dict_each,
        "|": _choice,
        "+": _sum,
        "slice": _slice,
        "prefix": _prefix,
        "item": _item,
        "rest": _rest,
        "iter": _iter,
        "aiter": _iter,
        "enter": _enter,
        "aenter": _enter,
    }
