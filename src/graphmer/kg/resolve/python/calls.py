"""Calls: arguments flow to parameters, returns flow back, classes give instances."""

from collections.abc import Mapping, Sequence
from functools import partial

from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.config import GraphParams
from graphmer.kg.resolve.python.annotations import read_annotation
from graphmer.kg.resolve.python.attributes import Attributes
from graphmer.kg.resolve.python.builtins import Builtins
from graphmer.kg.resolve.python.flow import Container, Network, Node
from graphmer.kg.resolve.python.index import Expression, PackageIndex, Scope, expression
from graphmer.kg.resolve.python.items import Items, Protocol, Protocols
from graphmer.kg.resolve.python.names import Names
from graphmer.kg.resolve.python.static import Statics, Value

NO_KEYWORDS: Mapping[str, Node] = {}
MAX_DEPTH = 4  # of calls within calls: a partial of itself would hold ever more arguments
CONSTRUCTORS = ("__init__", "__new__")


class Site:
    """One place where something is called: what, and with what."""

    __slots__ = ("args", "at", "bound", "callee", "depth", "keywords", "result", "said", "scope", "stars", "within")

    def __init__(self, scope: Scope, at: str, result: Node) -> None:
        self.scope, self.at = scope, at
        self.depth = 0  # of calls within calls
        self.said: Expression = ""  # the callee as the parser wrote it
        self.callee: Node | None = None
        self.args: Sequence[Node | None] = ()
        self.stars: Sequence[tuple[str, Node]] = ()  # `*` and `**` arguments
        self.keywords: Mapping[str, Node] = NO_KEYWORDS
        self.result = result
        self.within: Within | None = None
        self.bound: tuple[str, ...] = ()  # functions that have this site's arguments

    def inside(self) -> "Within":
        """What happens within this call."""
        if self.within is None:
            self.within = Within()
        return self.within


class Within:
    """What a builtin or a partial that is called at a site calls in turn, at the same place."""

    __slots__ = ("called", "inner", "made", "parts", "protocols")

    def __init__(self) -> None:
        self.called: dict[str, None] = {}  # functions
        self.made: dict[str, None] = {}  # classes
        self.parts: list[dict[str, None]] = []  # special methods
        self.protocols: list[Protocol] = []  # iterations
        self.inner: list[Site] = []  # calls of what a partial holds


class Function:
    """A function as calls see it: nodes of its parameters and of what it gives."""

    __slots__ = ("by_name", "is_generator", "keywords", "passes", "positional", "rest", "result", "returned", "yielded")

    def __init__(self) -> None:
        self.positional: list[Node] = []
        self.by_name: dict[str, Node] = {}
        self.rest: Container | None = None  # *args
        self.keywords: Container | None = None  # **kwargs
        self.returned, self.yielded = Node(), Node()
        self.result = self.returned  # of a call
        self.is_generator = False
        self.passes: set[Node] = set()  # parameters that it gives back as they are: to each caller its own argument


class World:
    """One package while its values flow."""

    def __init__(self, index: PackageIndex, statics: Statics, params: GraphParams) -> None:
        self.index, self.statics = index, statics
        self.network = Network(index, statics, params)
        self.items, self.protocols = Items(self), Protocols(self)
        self.attributes, self.names, self.builtins = Attributes(self), Names(self), Builtins(self)
        self.functions: dict[str, Function] = {}
        self.sites: dict[tuple[str, int], Site] = {}
        self.decorations: dict[tuple[str, int], Site] = {}
        self.undecided: list[tuple[Node, Node]] = []  # what a decorator gives, and what it is given
        self.raised: dict[tuple[str, int], Site] = {}
        self.loops: dict[tuple[str, int, int], Protocol] = {}  # what is iterated or entered, by its bytes
        self.receivers: dict[str, Value] = {}  # of methods that nobody in the package calls
        self.partials: dict[Value, Site] = {}
        self.known_modifiers: dict[str, frozenset[str]] = {}

    def modifiers(self, symbol: str) -> frozenset[str]:
        """Modifiers of a function."""
        known = self.known_modifiers.get(symbol)
        if known is None:
            said = self.index.symbols[symbol]
            known = self.known_modifiers[symbol] = frozenset(said.modifiers.split())
        return known

    # Functions

    def function(self, symbol: str) -> Function:
        """The nodes of a function, made once."""
        found = self.functions.get(symbol)
        if found is None:
            found = self.functions[symbol] = Function()
            self._prepare(found, self.index.scopes[symbol])
        return found

    def _prepare(self, function: Function, scope: Scope) -> None:
        network = self.network
        for parameter in scope.parameters:
            node = self.names.variable(parameter.name, scope)
            if parameter.kind in ("star_parameter", "star_star_parameter"):
                kind = "tuple" if parameter.kind == "star_parameter" else "dict"
                value, container = network.container(f"{scope.symbol.symbol}*{parameter.name}", kind)
                network.add(node, value)
                if parameter.annotation:
                    self.names.annotate(container.any, parameter.annotation, scope, parameter.name)
                if kind == "tuple":
                    function.rest = container
                else:
                    function.keywords = container
                continue
            function.by_name[parameter.name] = node
            if parameter.kind == "parameter":
                function.positional.append(node)
            if parameter.annotation:
                self.names.annotate(node, parameter.annotation, scope, parameter.name)
        if "generator" in scope.modifiers:
            function.is_generator = True
            function.result = network.constant(network.value("generator", scope.symbol.symbol))
            for said in read_annotation(scope.returned):
                if said.kind == "generator":
                    self.names.annotate(function.yielded, said.items[0], scope, "->")
        elif scope.returned:
            self.names.annotate(function.returned, scope.returned, scope, "->")

    def enter(self, symbol: str, receiver: Value | None, args: list[Node | None] | None = None) -> Node:
        """Call a function without a site of its own; returns what it gives."""
        function = self.function(symbol)
        result = function.result
        if function.passes:  # what is passed through is this caller's alone
            result = Node()
            self.network.flow(function.result, result)
        if receiver is not None:
            self._receive(function, receiver)
            if function.positional and function.positional[0] in function.passes:
                self.network.add(result, receiver)
        for place, node in enumerate(args or (), 0 if receiver is None else 1):
            target = self._target(function, place) if node is not None else None
            if node is not None and target is not None:
                self.network.flow(node, target)
                if target in function.passes:
                    self.network.flow(node, result)
        return result

    # Sites

    def call_result(self, file: str, end: int) -> Node | None:
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

    def lay_call(self, reference: Reference, scope: Scope) -> None:
        """What a site calls, and with what."""
        site = self.sites[scope.file, reference.ordinal]
        _, site.said, *arguments = expression(reference.value)
        site.callee = self.names.node(site.said, scope)
        self._arguments(site, arguments)
        if site.callee is not None:
            self.network.watch(site.callee, partial(self.call, site))

    def inner_site(self, site: Site, args: list[Node | None]) -> Site:
        """A call that happens within another, at the same place."""
        inner = Site(site.scope, f"{site.at}+", Node())
        inner.args, inner.depth = args, site.depth + 1
        return inner

    def _arguments(self, site: Site, arguments: list[Expression]) -> None:
        names, scope = self.names, site.scope
        args: list[Node | None] = []
        for said in arguments:
            if isinstance(said, str):
                args.append(names.atom(said, scope))
            elif said[0] == "=":
                node = names.node(said[2], scope)
                if node is not None:
                    site.keywords = {**site.keywords, said[1]: node}
            elif said[0] == "*" or said[0] == "**":
                node = names.node(said[1], scope)
                if node is not None:
                    site.stars = [*site.stars, (said[0], node)]
            else:
                args.append(names.node(said, scope))
        site.args = args

    def call(self, site: Site, value: Value) -> None:
        """What happens when a site's callee is `value`."""
        kind = value.kind
        if kind == "function" or kind == "bound":
            self.call_function(site, value.what, value.of)
        elif kind == "class":
            self._instantiate(site, value)
        elif kind == "instance":
            self.network.watch(self.attributes.view(value, "__call__"), partial(self._call_member, site))
        elif kind in ("external", "result", "method", "partial"):
            if site.depth < MAX_DEPTH:
                self.builtins.call(site, value)
        elif kind == "many":
            self.network.add(site.result, value)

    def _call_member(self, site: Site, value: Value) -> None:
        if value.kind in ("bound", "function"):
            self.call_function(site, value.what, value.of)

    def _instantiate(self, site: Site, value: Value) -> None:
        instance = self.network.value("instance", value.what)
        self.network.add(site.result, instance)
        for constructor in CONSTRUCTORS:
            receiver = instance if constructor == "__init__" else value
            self.network.watch(self.attributes.view(receiver, constructor), partial(self._construct, site))

    def _construct(self, site: Site, value: Value) -> None:
        if value.kind == "bound":
            self.bind(site, value.what, value.of)

    def call_function(self, site: Site, symbol: str, receiver: Value | None) -> None:
        """Bind a site's arguments and hand back what the function gives."""
        if self.bind(site, symbol, receiver):
            self.network.flow(self.function(symbol).result, site.result)

    def bind(self, site: Site, symbol: str, receiver: Value | None) -> bool:
        """Arguments flow to parameters; False where they do already."""
        function = self.function(symbol)
        if receiver is not None:
            self._receive(function, receiver)
            if function.passes and function.positional and function.positional[0] in function.passes:
                self.network.add(site.result, receiver)
        if symbol in site.bound:
            return False
        site.bound = (*site.bound, symbol)
        self._bind(site, function, 0 if receiver is None else 1)
        return True

    def _receive(self, function: Function, receiver: Value) -> None:
        if function.positional:
            self.network.add(function.positional[0], receiver)
        elif function.rest is not None:
            self.network.add(self.network.item(function.rest, "#0"), receiver)

    def _target(self, function: Function, place: int) -> Node | None:
        """Where the argument at a place goes, the receiver counted."""
        if place < len(function.positional):
            return function.positional[place]
        if function.rest is not None:
            return self.network.item(function.rest, f"#{place - len(function.positional)}")
        return None

    def _bind(self, site: Site, function: Function, first: int) -> None:
        network = self.network
        for place, node in enumerate(site.args, first):
            target = self._target(function, place) if node is not None else None
            if node is not None and target is not None:
                network.flow(node, target)
                if target in function.passes:
                    network.flow(node, site.result)
        for name, node in site.keywords.items():
            if name in function.by_name:
                network.flow(node, function.by_name[name])
                if function.by_name[name] in function.passes:
                    network.flow(node, site.result)
            elif function.keywords is not None:
                self.items.store(function.keywords, network.constant(network.value("constant", f"'{name}")), node)
        for star, node in site.stars:
            spread = self._spread_dict if star == "**" else self._spread
            network.watch(node, partial(spread, function, first + len(site.args)))

    def _spread(self, function: Function, first: int, value: Value) -> None:
        """`*value`: its items by their places, as far as those are known."""
        if value.kind != "container":
            each = self.protocols.iterate(self.network.constant(value)).each
            for target in function.positional[first:]:
                self.network.flow(each, target)
            return
        container = self.network.containers[value]

        def place(key: str, node: Node) -> None:
            target = self._target(function, first + int(key[1:])) if key[:1] == "#" and key[1:].isdecimal() else None
            if target is not None:
                self.network.flow(node, target)

        self.network.each_item(container, place)
        for target in function.positional[first:]:
            self.network.flow(container.any, target)
        if function.rest is not None:
            self.network.flow(container.any, function.rest.any)

    def _spread_dict(self, function: Function, _: int, value: Value) -> None:
        """`**value`: its items by their keys."""
        if value.kind != "container":
            return
        container = self.network.containers[value]

        def place(key: str, node: Node) -> None:
            target = function.by_name.get(key[1:])
            if target is not None:
                self.network.flow(node, target)
            elif function.keywords is not None:
                self.network.flow(node, self.network.item(function.keywords, key))

        self.network.each_item(container, place)
        if function.keywords is not None:
            self.network.flow(container.any, function.keywords.any)
            self.network.flow(container.keys, function.keywords.keys)
        for target in function.by_name.values():
            self.network.flow(container.any, target)

    # Definitions

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
        decorator = self.names.read(said, outer)
        path = self.statics.decorator_path(said, scope.file)
        values = self.statics.path(path, outer)
        if decorator is None or (values and all(value.kind == "external" for value in values)):
            return given
        site = Site(outer, f"{scope.file}@{end}", Node())
        self.decorations[scope.file, end] = site
        site.callee, site.args = decorator, [given]
        self.network.watch(decorator, partial(self._call_decorator, site, given))
        self.undecided.append((site.result, given))
        return site.result

    def _call_decorator(self, site: Site, given: Node, value: Value) -> None:
        if value.kind in ("external", "result"):
            self.network.flow(given, site.result)
        else:
            self.call(site, value)
