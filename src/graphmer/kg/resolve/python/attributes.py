"""Attributes: what `value.name` is, by the class of the value, its ancestors, and what was stored on it."""

from functools import partial
from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.builtin_members import has_member, is_type
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import Scope, is_setter
from graphmer.kg.resolve.python.values import BUILTIN, Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World

MARKERS = frozenset(
    {
        *("typing.Generic", "typing.Protocol", "typing_extensions.Generic", "typing_extensions.Protocol", "abc.ABC"),
        *("abc.ABCMeta", "enum.EnumMeta", "os.PathLike"),
    }
)
ENUMS = frozenset(f"enum.{name}" for name in ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"))
NAMESPACE = "argparse.Namespace"
CONSTANT_TYPES = {"'": "str", "#": "int"}


def is_private(name: str) -> bool:
    """Whether a name in a class body is the class' own: `__name`."""
    return name.startswith("__") and not name.endswith("__")


def is_class_like(dotted: str) -> bool:
    """Whether something from outside is a class by its name, so that calling it gives an instance of it."""
    owner, _, name = dotted.rpartition(".")
    return is_type(name) if owner == BUILTIN else name.lstrip("_")[:1].isupper()


def may_have(dotted: str, name: str) -> bool:
    """Whether something from outside may have a member: what is known of builtin types, and of bases that only mark."""
    owner, _, last = dotted.rpartition(".")
    if dotted in ENUMS:
        return name.strip("_") in ("name", "value", "missing", "members")
    special = name.startswith("__") and name.endswith("__")
    if owner == BUILTIN:
        return has_member(last, name) or (special and not is_type(last))
    return special or dotted not in MARKERS


class Attributes:
    """Nodes of attributes, once for each pair of node and name and each pair of value and name."""

    def __init__(self, world: "World") -> None:
        self.world, self.network, self.statics = world, world.network, world.statics
        self.views: dict[tuple[Value, str], Node] = {}
        self.stored: dict[str, dict[str, Node]] = {}  # attribute -> class, module or function -> what it holds
        self.waiting: dict[str, list[tuple[str, Node]]] = {}  # attribute -> (class, view): what is stored later
        self.getters: dict[Node, list[str]] = {}  # views that are properties
        self.open: list[tuple[Value, str, Node]] = []  # views of classes with a base from outside
        self.options: dict[str, Node] = {}  # what set_defaults gives the namespace that argparse makes

    def load(self, base: Node, name: str) -> Node:
        """The node of an attribute of whatever `base` may be."""
        if base.loads is None:
            base.loads = {}
        node = base.loads.get(name)
        if node is None:
            node = base.loads[name] = Node()
            self.network.watch(base, partial(self._load_value, name, node))
        return node

    def load_private(self, base: Node, name: str, owner: Scope) -> Node:
        """The node of `base.__name` in the body of a class: that class' own, whatever its subclasses define."""
        if name not in owner.names and owner.symbol.symbol not in self.stored.get(name, {}):
            return self.load(base, name)
        symbol = owner.symbol.symbol
        key = f"{name}@{symbol}"
        if base.loads is None:
            base.loads = {}
        if key in base.loads:
            return base.loads[key]
        node = base.loads[key] = Node()

        def look(value: Value) -> None:
            if value.kind in ("instance", "class") and symbol in self.statics.classes.order(value.what):
                self._member([symbol], name, value, node)
                self.network.flow(self.store_on(symbol, name), node)

        self.network.watch(base, look)
        return node

    def _load_value(self, name: str, node: Node, value: Value) -> None:
        network, kind = self.network, value.kind
        if kind == "instance" or kind == "class" or kind == "module" or kind == "super" or kind == "function":
            network.flow(self.view(value, name), node)
        elif kind == "external":
            owner, _, last = value.what.rpartition(".")
            if owner != BUILTIN or not is_type(last) or has_member(last, name) or name == "mro":
                network.add(node, network.value("external", f"{value.what}.{name}"))
        elif kind == "many":
            network.add(node, value)
        elif kind == "result" and value.what.startswith(f"{BUILTIN}."):
            builtin = value.what.rpartition(".")[2]
            if not is_type(builtin):
                network.add(node, value)  # what a builtin function gives is not known
            elif has_member(builtin, name):
                network.add(node, network.value("external", f"{value.what}.{name}"))
        elif kind == "result":
            # An instance of a class from outside: its methods are named by the class. Of another result all is unknown.
            if value.what == NAMESPACE:
                network.flow(self.options.setdefault(name, Node()), node)
                return
            if not is_class_like(value.what):
                network.add(node, value)
            elif may_have(value.what, name) and (name[:1] != "_" or name.endswith("__")):  # nor what is its own alone
                network.add(node, network.value("external", f"{value.what}.{name}"))
        elif kind == "container":
            if has_member(value.what.rpartition(" ")[2], name):
                network.add(node, network.value("method", name, value))
        elif kind == "prefix" or kind == "constant":
            said = "str" if kind == "prefix" else CONSTANT_TYPES[value.what[0]]
            if has_member(said, name):
                network.add(node, network.value("external", f"{BUILTIN}.{said}.{name}"))
        elif kind == "namespace":
            for module in self.statics.modules.named(f"{value.what}.{name}", False):
                network.add(node, module)
        elif kind == "partial" and name == "func":
            network.flow(self.world.partials[value].argument(0), node)

    def view(self, value: Value, name: str) -> Node:
        """The node of an attribute of one value."""
        key = (value, name)
        node = self.views.get(key)
        if node is None:
            node = self.views[key] = Node()
            self._fill(value, name, node)
        return node

    def _fill(self, value: Value, name: str, node: Node) -> None:
        if value.kind == "module":
            self._module(value, name, node)
        elif value.kind == "super":
            self._super(value, name, node)
        elif value.kind in ("instance", "class"):
            if name == "__class__" and value.kind == "instance":
                self.network.add(node, self.network.value("class", value.what))
                return
            found = self._member(self.statics.classes.order(value.what), name, value, node)
            if not found and self.statics.classes.outside_bases(value.what):
                self.open.append((value, name, node))
        self._await_stores(value.what, name, node)

    def _module(self, value: Value, name: str, node: Node) -> None:
        module = self.network.scope_of(value)
        member = self.statics.modules.member(module, name)
        if member is not None:
            self.network.flow(self.world.names.whole(member[1], member[0]), node)
            return
        for found in self.statics.modules.named(f"{module.dotted}.{name}", False):
            self.network.add(node, found)

    def _member(self, order: list[str], name: str, receiver: Value, node: Node) -> bool:
        """What the first class of an order that defines `name` gives to `receiver`."""
        for ancestor in order:
            scope = self.world.index.scopes[ancestor]
            if name in scope.names:
                self.network.watch(self.world.names.variable(name, scope), partial(self._bind, receiver, node))
                return True
        return False

    def _bind(self, receiver: Value, node: Node, member: Value) -> None:
        """A function that a class holds becomes a method of what it is asked of."""
        network = self.network
        if member.kind == "property" and receiver.kind == "instance":
            self._get(receiver, node, member.what)
            return
        if member.kind != "function":
            network.add(node, member)
            return
        modifiers = self.world.functions.modifiers(member.what)
        is_instance = receiver.kind == "instance"
        if "staticmethod" in modifiers:
            network.add(node, member)
        elif "classmethod" in modifiers:
            owner = network.value("class", receiver.what) if is_instance else receiver
            network.add(node, network.value("bound", member.what, owner))
        elif "property" in modifiers and is_instance:
            self._get(receiver, node, member.what)
        elif is_instance or member.what.rpartition(".")[2] in ("__new__", "__init_subclass__", "__class_getitem__"):
            network.add(node, network.value("bound", member.what, receiver))
        else:
            network.add(node, member)

    def _get(self, receiver: Value, node: Node, getter: str) -> None:
        """A property gives what its getter returns."""
        getters = self.getters.setdefault(node, [])
        if getter not in getters:
            getters.append(getter)
        self.network.flow(self.world.arguments.enter(getter, receiver), node)

    def _super(self, value: Value, name: str, node: Node) -> None:
        receiver = value.of
        assert receiver is not None
        order = self.statics.classes.order(receiver.what)
        after = order[order.index(value.what) + 1 :] if value.what in order else []
        if self._member(after, name, receiver, node):
            return
        bases = self.statics.classes.external_bases
        outside = [base for ancestor in [value.what, *after] for base in bases.get(ancestor, ())]
        outside = [base for base in outside if may_have(base, name)]
        if outside:
            self.network.add(node, self.network.value("external", f"{outside[0]}.{name}"))

    # What is stored

    def _await_stores(self, owner: str, name: str, view: Node) -> None:
        self.waiting.setdefault(name, []).append((owner, view))
        stored = self.stored.get(name)
        if stored:
            for ancestor in self.statics.classes.order(owner) if self._is_class(owner) else [owner]:
                if ancestor in stored:
                    self.network.flow(stored[ancestor], view)

    def _is_class(self, symbol: str) -> bool:
        return self.world.index.symbols[symbol].kind == "class"

    def store_on(self, owner: str, name: str) -> Node:
        """The node of what is stored under `name` on instances of a class, on a class, a module or a function."""
        stored = self.stored.setdefault(name, {})
        node = stored.get(owner)
        if node is None:
            node = stored[owner] = Node()
            for asked, view in self.waiting.get(name, ()):
                if asked == owner or (self._is_class(asked) and owner in self.statics.classes.order(asked)):
                    self.network.flow(node, view)
        return node

    def store(self, base: Node, name: str, source: Node) -> None:
        """`base.name = source`."""

        def store(value: Value) -> None:
            if value.kind in ("instance", "class", "module", "function"):
                self.network.flow(source, self.store_on(value.what, name))

        self.network.watch(base, store)

    def set_property(self, base: Node, name: str, source: Node) -> None:
        """`base.name = source` where a class of the package has a setter of that name, which is called."""

        def enter(value: Value) -> None:
            setter = self.setter(value, name)
            if setter:
                self.world.arguments.enter(setter, value, [source])

        self.network.watch(base, enter)

    def setter(self, value: Value, name: str) -> str:
        """The setter that assigning to an attribute of an instance calls; empty where there is none."""
        if value.kind != "instance":
            return ""
        for ancestor in self.statics.classes.order(value.what):
            found = self.world.index.scopes[ancestor].definitions.get(name, ())
            if found:
                setters = [one.symbol for one in found if is_setter(self.world.index.scopes[one.symbol])]
                return setters[-1] if setters else ""
        return ""

    # What is left open

    def inherit_from_outside(self) -> None:
        """An attribute that nothing in the package gives is one of the base class from outside, where there is one."""
        for value, name, node in self.open:
            if not node.values and not self.stored.get(name, {}).keys() & set(self.statics.classes.order(value.what)):
                outside = [base for base in self.statics.classes.outside_bases(value.what) if may_have(base, name)]
                if outside:
                    self.network.add(node, self.network.value("external", f"{outside[0]}.{name}"))
        self.open.clear()

    def owner_of_self(self, path: str, scope: Scope) -> tuple[str, str] | None:
        """The class and the attribute that `self.name` or `cls.name` in one of its methods speaks of."""
        first, dot, name = path.partition(".")
        if not dot or "." in name:
            return None
        method: Scope | None = scope
        while method is not None and method.kind in ("function", "lambda"):
            method = method.parent
        owner = method.parent if method is not None and method.kind == "method" else None
        if method is None or owner is None or owner.kind != "class" or not method.parameters:
            return None
        if method.parameters[0].name != first or "staticmethod" in method.modifiers:
            return None
        return owner.symbol.symbol, name
