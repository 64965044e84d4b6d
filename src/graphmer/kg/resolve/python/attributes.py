"""Attributes: what `value.name` is, by the class of the value, its ancestors, and what was stored on it."""

from functools import partial
from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.builtin_members import has_member, is_type
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import Scope
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
TYPE = f"{BUILTIN}.type"
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
        self.open: list[tuple[Value, str, Node]] = []  # views that a base from outside or `__getattr__` may fill
        self.asked_for: set[str] = set()  # names that `__getattr__` is called with
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
                self._member([symbol], name, value, node, value.kind == "instance")
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

    def special(self, value: Value, name: str) -> Node:
        """The node of a special method of one value: a class has those of its metaclass, not its own."""
        if value.kind != "class":
            return self.view(value, name)
        key = (value, f"type.{name}")
        node = self.views.get(key)
        if node is None:
            node = self.views[key] = Node()
            self._member(self.statics.classes.meta_order(value.what), name, value, node, True)
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
            found = self._member(self.statics.classes.order(value.what), name, value, node, value.kind == "instance")
            if not found and value.kind == "class":
                found = self._member(self.statics.classes.meta_order(value.what), name, value, node, True)
            held = self.world.subclassed.method(value, name) if not found and name[:2] != "__" else None
            if held is not None:
                self.network.add(node, held)
            elif not found and (self.statics.classes.outside_bases(value.what) or self._fallback(value)):
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

    def _member(self, order: list[str], name: str, receiver: Value, node: Node, is_instance: bool) -> bool:
        """What the first class of an order that defines `name` gives to `receiver`.

        is_instance: whether the receiver is an instance of those classes: a class is one of its metaclass.
        """
        for ancestor in order:
            scope = self.world.index.scopes[ancestor]
            if name in scope.names:
                bind = partial(self._bind, receiver, node, is_instance)
                self.network.watch(self.world.names.variable(name, scope), bind)
                return True
        return False

    def _bind(self, receiver: Value, node: Node, is_instance: bool, member: Value) -> None:
        """A function that a class holds becomes a method of what it is asked of."""
        network = self.network
        if member.kind == "property" and is_instance:
            self._get(receiver, node, member.what)
            return
        getter = self.special_method(member, "__get__") if member.kind == "instance" else ""
        if getter:
            given = network.constant(receiver)
            kind = network.constant(network.value("class", receiver.what))
            self._get(member, node, getter, [given, kind] if is_instance else [None, given])
            return
        if member.kind != "function":
            network.add(node, member)
            return
        modifiers = self.world.functions.modifiers(member.what)
        if "staticmethod" in modifiers:
            network.add(node, member)
        elif "classmethod" in modifiers:
            owner = network.value("class", receiver.what) if receiver.kind == "instance" else receiver
            network.add(node, network.value("bound", member.what, owner))
        elif "property" in modifiers and is_instance:
            self._get(receiver, node, member.what)
        elif is_instance or member.what.rpartition(".")[2] in ("__new__", "__init_subclass__", "__class_getitem__"):
            network.add(node, network.value("bound", member.what, receiver))
        else:
            network.add(node, member)

    def _get(self, receiver: Value, node: Node, getter: str, args: list[Node | None] | None = None) -> None:
        """A property gives what its getter returns; a descriptor's is handed whose attribute it is."""
        getters = self.getters.setdefault(node, [])
        if getter not in getters:
            getters.append(getter)
        self.network.flow(self.world.arguments.enter(getter, receiver, args), node)

    def special_method(self, value: Value, name: str) -> str:
        """A special method that the class of an instance defines; empty where it has none."""
        return self.statics.classes.method(self.statics.classes.order(value.what), name)

    def _super(self, value: Value, name: str, node: Node) -> None:
        receiver = value.of
        assert receiver is not None
        order = self.statics.classes.order(receiver.what)
        after = order[order.index(value.what) + 1 :] if value.what in order else []
        if value.what not in order and receiver.kind == "class":
            self._super_of_meta(value.what, name, receiver, node)
            return
        if self._member(after, name, receiver, node, receiver.kind == "instance"):
            return
        bases = self.statics.classes.external_bases
        outside = [base for ancestor in [value.what, *after] for base in bases.get(ancestor, ())]
        outside = [base for base in outside if may_have(base, name)]
        if outside:
            held = self.world.subclassed.method(receiver, name)
            self.network.add(node, held or self.network.value("external", f"{outside[0]}.{name}"))

    def _super_of_meta(self, owner: str, name: str, receiver: Value, node: Node) -> None:
        """super() in a metaclass' method: behind the package's metaclasses stands type, which makes an instance."""
        order = self.statics.classes.meta_order(receiver.what)
        after = order[order.index(owner) + 1 :] if owner in order else []
        if not self._member(after, name, receiver, node, True) and owner in order:
            made = self.network.value("maker", receiver.what)
            self.network.add(node, made if name == "__call__" else self.network.value("external", f"{TYPE}.{name}"))

    # What is stored

    def _await_stores(self, owner: str, name: str, view: Node) -> None:
        self.waiting.setdefault(name, []).append((owner, view))
        stored = self.stored.get(name)
        if stored:
            for ancestor in self.statics.classes.lineage(owner) if self._is_class(owner) else [owner]:
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
                if asked == owner or (self._is_class(asked) and owner in self.statics.classes.lineage(asked)):
                    self.network.flow(node, view)
        return node

    def store(self, base: Node, name: str, source: Node) -> None:
        """`base.name = source`."""

        def store(value: Value) -> None:
            if value.kind in ("instance", "class", "module", "function"):
                self.network.flow(source, self.store_on(value.what, name))

        self.network.watch(base, store)

    # What is left open

    def inherit_from_outside(self) -> None:
        """An attribute that nothing in the package gives is one of a base from outside, else what `__getattr__` gives.

        A private one is stored past the statements that can be seen: proxies do so, lest they ask themselves.
        """
        for value, name, node in self.open:
            if node.values or self.stored.get(name, {}).keys() & set(self.statics.classes.order(value.what)):
                continue
            fallback = self._fallback(value) if name[:1] != "_" else ""
            outside = [base for base in self.statics.classes.outside_bases(value.what) if may_have(base, name)]
            if outside:
                self.network.add(node, self.network.value("external", f"{outside[0]}.{name}"))
            elif fallback:
                self.asked_for.add(name)
                self._get(value, node, fallback, [self.network.constant(self.network.value("constant", f"'{name}"))])
        self.open.clear()

    def _fallback(self, value: Value) -> str:
        """What an instance is asked for an attribute that it does not have."""
        return self.special_method(value, "__getattr__") if value.kind == "instance" else ""

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
