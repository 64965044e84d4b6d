"""Constructors that are generated from a class' fields: dataclasses, attrs, named tuples, models of pydantic."""

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import Scope, expression
from graphmer.kg.resolve.python.sites import Site
from graphmer.kg.resolve.python.values import Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World

DECORATORS = frozenset(
    {
        *("dataclasses.dataclass", "pydantic.dataclasses.dataclass"),
        *("attr.s", "attr.attrs", "attr.define", "attr.frozen", "attr.mutable", "attr.dataclass"),
        *("attrs.define", "attrs.frozen", "attrs.mutable"),
    }
)
HOOKS = ("__post_init__", "__attrs_post_init__", "__attrs_pre_init__")  # that a generated constructor calls
TUPLE = "typing.NamedTuple"
BASES = frozenset({TUPLE, "pydantic.BaseModel"})
FIELDS = frozenset(
    {
        "dataclasses.field",
        "attr.ib",
        "attr.attrib",
        "attr.field",
        "attrs.field",
        "pydantic.Field",
        "pydantic.fields.Field",
    }
)
FACTORIES = ("default_factory", "factory")
NO_FIELD = "ClassVar"


class Field(NamedTuple):
    """One field of a class: its name, and the class that declares it."""

    name: str
    owner: Scope


class Generated:
    """What is handed to a generated constructor is what the fields of the instance are."""

    def __init__(self, world: "World") -> None:
        self.world, self.network = world, world.network
        self.index, self.statics = world.index, world.statics
        self.known: dict[str, tuple[Field, ...]] = {}
        self.factories: dict[Field, Node] = {}  # what makes a field that is not given

    def construct(self, site: Site, value: Value) -> None:
        """A site makes an instance of a class: its arguments flow to the fields, where no constructor takes them."""
        fields = self.fields(value.what)
        attributes = self.world.attributes
        for field, node in zip(fields, site.args):
            if node is not None:
                self.network.flow(node, attributes.store_on(value.what, field.name))
        names = {field.name for field in fields}
        for name, node in site.keywords.items():
            if name in names:
                self.network.flow(node, attributes.store_on(value.what, name))
        for field in fields[len(site.args) :]:
            if field.name not in site.keywords and field in self.factories:
                self.network.watch(self.factories[field], partial(self._made_here, site))

    def _made_here(self, site: Site, value: Value) -> None:
        """A constructor that is not given a field calls what makes one."""
        if value.kind == "function" or value.kind == "bound":
            site.inside().called[value.what] = None
        elif value.kind == "class":
            site.inside().made[value] = None

    def match_names(self, symbol: str) -> list[str]:
        """The attributes that the places of a class' pattern mean: its `__match_args__`, else its fields."""
        for one in self.statics.classes.order(symbol):
            said = self.index.scopes[one].assigned.get("__match_args__")
            if said:
                names = expression(said[-1])
                plain = [name[1:] for name in names[2:] if isinstance(name, str)] if isinstance(names, list) else []
                return plain if isinstance(names, list) and names[0] == "tuple" else []
        return [field.name for field in self.fields(symbol)]

    def hooks(self, symbol: str) -> list[str]:
        """The methods that a class' generated constructor calls."""
        order = [self.index.scopes[one] for one in self.statics.classes.order(symbol)]
        if "__init__" in order[0].definitions or not any(name in scope.names for scope in order for name in HOOKS):
            return []
        if not any(self._is_decorated(scope) for scope in order):
            return []
        found = [next((scope.definitions[name] for scope in order if name in scope.definitions), []) for name in HOOKS]
        return [definitions[-1].symbol for definitions in found if definitions]

    def item(self, value: Value, key: str) -> Node | None:
        """What an instance of a named tuple holds at a place, `#0`; None for any other value."""
        if value.kind != "instance" or TUPLE not in self.statics.classes.outside_bases(value.what):
            return None
        fields, place = self.fields(value.what), int(key[1:]) if key[1:].isdecimal() else -1
        return self.world.attributes.view(value, fields[place].name) if 0 <= place < len(fields) else None

    def fields(self, symbol: str) -> tuple[Field, ...]:
        """The fields that a class' generated constructor takes, in its order; none where it has no such constructor."""
        found = self.known.get(symbol)
        if found is None:
            self.known[symbol] = ()
            found = self.known[symbol] = tuple(self._fields(symbol))
            for field in found:
                self._default(field, symbol)
        return found

    def _fields(self, symbol: str) -> list[Field]:
        order = [self.index.scopes[one] for one in self.statics.classes.order(symbol)]
        if any("__init__" in scope.definitions for scope in order):
            return []
        by_base = any(base in BASES for base in self.statics.classes.outside_bases(symbol))
        found: dict[str, Field] = {}
        for scope in reversed(order):  # a field that a subclass declares again keeps its place
            if by_base or self._is_decorated(scope):
                for name, said in scope.annotations.items():
                    if name.isidentifier() and NO_FIELD not in said:
                        found[name] = Field(name, scope)
        return list(found.values())

    def _is_decorated(self, scope: Scope) -> bool:
        outer = scope.parent or scope
        paths = (self.statics.callee_path(decorator.value, scope.file) for decorator in scope.decorators)
        return any(value.what in DECORATORS for path in paths for value in self.statics.path(path, outer))

    def _default(self, field: Field, symbol: str) -> None:
        """`field(default_factory=make)`: every instance holds what it makes."""
        for said in field.owner.assigned.get(field.name, ()):
            site = self.world.calls.site(field.owner.file, int(said[1:])) if said[:1] == "@" else None
            callee = self.statics.callee_path(said, field.owner.file)
            if site is None or not any(value.what in FIELDS for value in self.statics.path(callee, field.owner)):
                continue
            stored = self.world.attributes.store_on(symbol, field.name)
            if "default" in site.keywords:
                self.network.flow(site.keywords["default"], stored)
            for name in FACTORIES:
                if name in site.keywords:
                    self.factories[field] = site.keywords[name]
                    self._make(site, site.keywords[name], stored)

    def _make(self, site: Site, factory: Node, stored: Node) -> None:
        made = self.world.calls.inner(site, [])
        made.result = stored

        def call(value: Value) -> None:
            self.world.calls.call(made, value)

        self.network.watch(factory, call)
