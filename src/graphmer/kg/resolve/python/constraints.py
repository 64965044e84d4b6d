"""What a package's references say of its values, laid into the network and solved."""

from collections.abc import Callable
from functools import partial

from graphmer.corpus.parse.python.notation import written
from graphmer.corpus.parse.records import Reference
from graphmer.kg.facts import PackageFacts
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.implied import Implied
from graphmer.kg.resolve.python.index import FUNCTION_KINDS, Scope, expression
from graphmer.kg.resolve.python.operators import AUGMENTED
from graphmer.kg.resolve.python.sites import Site
from graphmer.kg.resolve.python.values import Value
from graphmer.kg.resolve.python.world import World

FIRST_PARAMETERS = ("self", "cls")  # whose fields are known without following values
ALIASES = 3  # names that a parameter may have had before it is returned
ROUNDS = 8  # of guessing what is left open and solving again; each guess can only add values


def flow_values(world: World, facts: PackageFacts) -> None:
    """Lay every reference of a package into its network and hand values on to the fixed point.

    Then, as long as that adds anything: a method that nobody in the package calls has an instance of its own class as
    receiver; what a decorator gives, where nothing is known of it, is what it was given; an attribute that no class of
    the package defines is one of the base class from outside; a key of which nothing is known may be any; a value of
    which nothing is known is an instance of the classes that the code asks for.
    """
    world.calls.make_sites()
    world.operators.make()
    laid = _Constraints(world)
    for source in facts.files:
        for reference in source.references:
            lay = laid.handlers.get(reference.kind)
            if lay is not None:
                scope = world.index.scopes.get(reference.scope)
                if scope is not None:
                    lay(reference, scope)
    for scope in world.index.scopes.values():
        laid.of_scope(scope)
    network = world.network
    network.solve()
    for _ in range(ROUNDS):
        before = network.steps
        world.items.close_unknown()
        world.attributes.inherit_from_outside()
        world.decorators.give_back()
        network.solve()
        world.builtins.objects.believe_tests()
        network.solve()
        _guess_receivers(world)
        network.solve()
        if network.steps == before:
            break


def _guess_receivers(world: World) -> None:
    for symbol, receiver in world.receivers.items():
        node = world.functions.of(symbol).positional[:1]
        if node and not any(value.kind in ("instance", "class", "many") for value in node[0].values):
            world.network.add(node[0], receiver)


class _Constraints:
    """Turns one reference after the other into nodes, edges and watchers."""

    def __init__(self, world: World) -> None:
        self.world, self.network = world, world.network
        self.names, self.expressions, self.implied = world.names, world.expressions, Implied(world)
        self.handlers: dict[str, Callable[[Reference, Scope], None]] = {
            "assign": self._assign,
            "extend": self._extend,
            "default": self._default,
            "return": self._return,
            "yield": self._yield,
            "yield_from": self._yield_from,
            "call": self._call,
            "annotation": self._annotation,
            "raise": self._raise,
            "read": self._read,
            "operate": self._operate,
            **self.implied.handlers,
        }

    def of_scope(self, scope: Scope) -> None:
        """Functions of the package: their decorators, and what their own class may be to them."""
        kind = scope.symbol.kind
        if kind not in FUNCTION_KINDS and kind != "class":
            return
        world, outer = self.world, scope.parent or scope
        if kind == "class":
            self.implied.of_class(scope)
        else:
            world.functions.of(scope.symbol.symbol)
        if scope.decorators and kind == "class":
            world.decorators.define(scope.symbol, Node())  # for what its decorators do; the class stays what it is
        elif scope.decorators:
            if scope.symbol in world.statics.definitions(scope.symbol.name, outer):
                self.names.variable(scope.symbol.name, outer)
            else:
                world.decorators.define(scope.symbol, Node())
        if kind == "method" and outer.symbol.kind == "class" and "staticmethod" not in scope.modifiers:
            if scope.symbol.name == "__init_subclass__":
                return  # it is handed the subclasses, and never its own class
            as_class = "classmethod" in scope.modifiers or scope.symbol.name == "__new__"
            receiver = self.network.value("class" if as_class else "instance", outer.symbol.symbol)
            world.receivers[scope.symbol.symbol] = receiver

    # Bindings

    def _assign(self, reference: Reference, scope: Scope) -> None:
        source = self.expressions.read(reference.value, scope)
        if source is not None:
            source = self.world.enums.assign(reference.name, reference.value, scope, source)
            self._bind(reference.name, source, scope)

    def _bind(self, target: str, source: Node, scope: Scope) -> None:
        if target[:1] == "[":
            self._assign_part(target, source, scope)
        elif "." in target:
            self._assign_attribute(target, source, scope)
        else:
            self.network.flow(source, self.names.variable(target, scope.target_of(target)))

    def _assign_part(self, target: str, source: Node, scope: Scope) -> None:
        mark, owner, name, *_ = expression(target)
        base = self.expressions.node(owner, scope)
        if base is None:
            return
        if mark == "slice":  # items[:] = source
            self._extend_with(base, self.world.protocols.iterate(source).each)
        elif mark == ".":
            self.world.attributes.store(base, name, source)
        else:
            self.world.items.store_in(base, self.expressions.node(name, scope), source)

    def _assign_attribute(self, target: str, source: Node, scope: Scope) -> None:
        attributes = self.world.attributes
        owner, _, name = target.rpartition(".")
        own = attributes.owner_of_self(target, scope)
        is_set = name in self.world.index.setters
        base = self.names.path(owner, scope) if is_set or own is None else None
        if base is not None and is_set:
            self.world.setters.assign(base, name, source)
        if own is not None:
            self.network.flow(source, attributes.store_on(*own))
        elif base is not None:
            attributes.store(base, name, source)

    def _extend(self, reference: Reference, scope: Scope) -> None:
        base, source = self.expressions.read(reference.name, scope), self.expressions.read(reference.value, scope)
        if base is None or source is None:
            return
        if reference.ordinal:  # `|=`: a dict keeps the keys of another
            self.network.watch(base, partial(self._merge, source))
        else:
            self._extend_with(base, self.world.protocols.iterate(source).each)

    def _merge(self, source: Node, value: Value) -> None:
        if value.kind != "container":
            return
        container = self.network.containers[value]
        if value.what.endswith(" dict"):
            self.network.watch(source, partial(self.world.items.merge, container))
        else:
            self.network.flow(self.world.protocols.iterate(source).each, container.any)

    def _extend_with(self, base: Node, each: Node) -> None:
        def extend(value: Value) -> None:
            if value.kind == "container":
                self.network.flow(each, self.network.containers[value].any)

        self.network.watch(base, extend)

    def _annotation(self, reference: Reference, scope: Scope) -> None:
        own = self.world.attributes.owner_of_self(reference.name, scope)
        if own is not None:
            node = self.world.attributes.store_on(*own)
            self.world.annotated.add(node, reference.value, scope, reference.name)

    def _default(self, reference: Reference, scope: Scope) -> None:
        source = self.expressions.read(reference.value, scope.parent or scope)
        if source is not None:
            self.network.flow(source, self.names.variable(reference.name, scope))

    # What functions give

    def _return(self, reference: Reference, scope: Scope) -> None:
        passed = self._passed(reference.value, scope)
        if passed is not None:
            self.world.functions.of(scope.symbol.symbol).passes.add(passed)
            return
        self._give(self.expressions.read(reference.value, scope), scope, "returned")

    def _passed(self, said: str, scope: Scope) -> Node | None:
        """The parameter that a function gives back as it is, maybe under another name.

        Each caller then gets its own argument back: a decorator that returns what it is given, and a method that
        returns self, would otherwise mix the values of all callers.
        """
        for _ in range(ALIASES):
            if any(parameter.name == said and not parameter.kind.startswith("star") for parameter in scope.parameters):
                return self.names.variable(said, scope)
            values = scope.assigned.get(said, ())
            if len(values) != 1 or not values[0].isidentifier():
                return None
            said = values[0]
        return None

    def _yield(self, reference: Reference, scope: Scope) -> None:
        self._give(self.expressions.read(reference.value, scope), scope, "yielded")

    def _yield_from(self, reference: Reference, scope: Scope) -> None:
        source = self.expressions.read(reference.value, scope)
        if source is not None:
            self._give(self.world.protocols.iterate(source).each, scope, "yielded")

    def _give(self, source: Node | None, scope: Scope, how: str) -> None:
        if source is not None and scope.symbol.kind in FUNCTION_KINDS:
            function = self.world.functions.of(scope.symbol.symbol)
            self.network.flow(source, function.returned if how == "returned" else function.yielded)

    # What code does

    def _call(self, reference: Reference, scope: Scope) -> None:
        self.world.calls.lay(reference, scope)

    def _raise(self, reference: Reference, scope: Scope) -> None:
        """`raise Cls` makes an instance of it."""
        if not reference.value or reference.value[:1] == "@":
            return
        callee = self.expressions.read(reference.value, scope)
        if callee is not None:
            site = Site(scope, f"{scope.file}@{reference.byte_end}", self.network.sink)
            site.callee = callee
            self.world.raised[scope.file, reference.byte_end] = site

            def make(value: Value) -> None:
                if value.kind == "class":
                    self.world.calls.call(site, value)

            self.network.watch(callee, make)

    def _operate(self, reference: Reference, scope: Scope) -> None:
        found = self.world.operators.lay(reference, scope)
        if found is not None and reference.name in AUGMENTED:  # `x += y` is x, bound anew
            target = expression(reference.value)[1]
            self._bind(target if isinstance(target, str) else written(target), found.each, scope)

    def _read(self, reference: Reference, scope: Scope) -> None:
        """An attribute that is read may be a property, and its owner decides which field it is."""
        value = reference.value
        if value[:1] == "[":
            if reference.name in self.world.index.properties:
                self.expressions.read(value, scope)
        elif "." in value and self.world.statics.finals.path(value, scope) is None:
            owner, _, name = value.rpartition(".")
            if name in self.world.index.properties:
                self.names.path(value, scope)
            elif "." in owner or owner not in FIRST_PARAMETERS:
                self.names.path(owner, scope)
