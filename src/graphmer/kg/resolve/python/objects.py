"""Builtins that give objects, their classes and their attributes: super, type, getattr, setattr, next, iter, cast."""

from functools import partial
from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.attributes import TYPE, is_class_like
from graphmer.kg.resolve.python.effects import Effects
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.sites import Effect, Site
from graphmer.kg.resolve.python.values import BUILTIN, Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World


class Objects:
    """They look at each value of what they are given."""

    def __init__(self, world: "World", effects: Effects) -> None:
        self.world, self.network, self.effects = world, world.network, effects
        self.tested: list[tuple[Node, Value]] = []  # what is asked whether it is an instance, and of which class
        self.by_name: dict[str, Effect] = {
            f"{BUILTIN}.super": self._super,
            f"{BUILTIN}.next": self._next,
            f"{BUILTIN}.anext": self._next,
            f"{BUILTIN}.iter": self._iter,
            f"{BUILTIN}.getattr": self._getattr,
            f"{BUILTIN}.setattr": self._setattr,
            f"{BUILTIN}.type": self._type,
            f"{BUILTIN}.property": self._property,
            f"{TYPE}.__new__": self._new_class,
            f"{TYPE}.__call__": self._make,
            "typing.cast": self._cast,
            f"{BUILTIN}.isinstance": self._isinstance,
            "importlib.import_module": self._import_module,
        }

    def _super(self, site: Site, _: Value) -> None:
        owner = self.world.statics.classes.owner_class(site.scope)
        if len(site.args) == 2 and site.args[0] is not None and site.args[1] is not None:
            self.network.watch(site.args[0], partial(self._super_of, site, site.args[1]))
            return
        method = site.scope
        while method.parent is not None and method.symbol.kind != "method":
            method = method.parent
        if owner is not None and method.parameters:
            receiver = self.world.names.variable(method.parameters[0].name, method)
            self._super_of(site, receiver, self.network.value("class", owner.symbol.symbol))

    def _super_of(self, site: Site, receiver: Node, owner: Value) -> None:
        def give(value: Value) -> None:
            if value.kind in ("instance", "class") and owner.kind == "class":
                self.network.add(site.result, self.network.value("super", owner.what, value))

        self.network.watch(receiver, give)

    def _next(self, site: Site, _: Value) -> None:
        found = self.world.protocols.next_of(site.argument(0))
        site.inside().protocols.append(found)
        self.network.flow(found.each, site.result)
        self.network.flow(site.argument(1), site.result)

    def _iter(self, site: Site, _: Value) -> None:
        """iter(x) is an iterator of its own: next() of it gives x's items; iter(f, end) calls f for each."""
        if len(site.args) == 2:
            self.effects.give_each(site, self.effects.call_back(site, site.argument(0), []), "generator")
            return

        def begin(value: Value) -> None:
            if value.kind == "instance":
                result, called = self.world.protocols.method(value, "__iter__")
                site.inside().parts.append(called)
                self.network.flow(result, site.result)
            else:
                self.network.add(site.result, value)

        self.network.watch(site.argument(0), begin)

    def _getattr(self, site: Site, _: Value) -> None:
        base = site.argument(0)

        def load(name: Value) -> None:
            if name.kind == "constant" and name.what[0] == "'":
                self.network.flow(self.world.attributes.load(base, name.what[1:]), site.result)
            elif name.kind == "prefix":
                self.network.watch(base, partial(self._load_prefixed, name.what[1:], site.result))

        self.network.watch(site.argument(1), load)
        self.network.flow(site.argument(2), site.result)

    def _load_prefixed(self, prefix: str, result: Node, value: Value) -> None:
        """getattr(self, "visit_" + kind) may be any method of that prefix."""
        if value.kind not in ("instance", "class", "module"):
            return
        scopes = self.world.index.scopes
        owners = [value.what] if value.kind == "module" else self.world.statics.classes.order(value.what)
        for name in dict.fromkeys(name for owner in owners for name in sorted(scopes[owner].definitions)):
            if name.startswith(prefix):
                self.network.flow(self.world.attributes.view(value, name), result)

    def _setattr(self, site: Site, _: Value) -> None:
        base, source = site.argument(0), site.argument(2)

        def store(name: Value) -> None:
            if name.kind == "constant" and name.what[0] == "'":
                self.world.attributes.store(base, name.what[1:], source)

        self.network.watch(site.argument(1), store)

    def _type(self, site: Site, _: Value) -> None:
        if len(site.args) != 1:
            return

        def give(value: Value) -> None:
            if value.kind == "instance":
                self.network.add(site.result, self.network.value("class", value.what))
            elif value.kind == "result" and is_class_like(value.what):
                self.network.add(site.result, self.network.value("external", value.what))

        self.network.watch(site.argument(0), give)

    def _new_class(self, site: Site, _: Value) -> None:
        """A metaclass makes one of the classes that it is named for."""
        classes = self.world.statics.classes
        owner = classes.owner_class(site.scope)
        for symbol in classes.made_by(owner.symbol.symbol) if owner is not None else ():
            self.network.add(site.result, self.network.value("class", symbol))

    def _make(self, site: Site, _: Value) -> None:
        """type.__call__(cls, ...) makes an instance past the metaclass."""
        inner = self.world.calls.inner(site, list(site.args[1:]))
        inner.keywords, inner.result = site.keywords, site.result

        def make(value: Value) -> None:
            if value.kind == "class":
                maker = self.network.value("maker", value.what)
                site.inside().made[maker] = None
                self.world.calls.call(inner, maker)

        self.network.watch(site.argument(0), make)

    def _property(self, site: Site, _: Value) -> None:
        """property(getter), where it is no decorator."""

        def give(value: Value) -> None:
            if value.kind == "function":
                self.network.add(site.result, self.network.value("property", value.what))

        self.network.watch(site.argument(0), give)

    def _isinstance(self, site: Site, _: Value) -> None:
        """isinstance(x, A): x may be one, which counts where nothing else is known of it."""
        self.test(site.argument(0), site.argument(1))

    def test(self, asked: Node, classes: Node) -> None:
        """It is asked whether the values of a node are instances of some classes."""

        def note(value: Value) -> None:
            if value.kind == "class" and not asked.fixed:
                self.tested.append((asked, self.network.value("instance", value.what)))

        self.network.watch_within(classes, note)

    def believe_tests(self) -> None:
        """What nothing is known of is an instance of the classes that the code asks for."""
        unknown = {asked for asked, _ in self.tested if not asked.values}
        for asked, instance in self.tested:
            if asked in unknown:
                self.network.add(asked, instance)
        self.tested.clear()

    def _import_module(self, site: Site, _: Value) -> None:
        """import_module("package.module") is that module."""

        def give(name: Value) -> None:
            if name.kind == "constant" and name.what[0] == "'":
                for module in self.world.statics.modules.named(name.what[1:], False):
                    self.network.add(site.result, module)

        self.network.watch(site.argument(0), give)

    def _cast(self, site: Site, _: Value) -> None:
        """typing.cast(T, x) is x, and an instance of T."""

        def give(value: Value) -> None:
            if value.kind == "class":
                self.network.add(site.result, self.network.value("instance", value.what))

        self.network.watch(site.argument(0), give)
        self.network.flow(site.argument(1), site.result)
