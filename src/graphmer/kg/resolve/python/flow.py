"""How values flow through a package: a fixed point over assignments, arguments, returns, attributes and containers.

Inclusion-based and flow-insensitive, in the spirit of Andersen (1994): a node stands for a variable, an attribute or an
expression and holds the values that it may have; an edge hands them on; a watcher acts on each new one (a call binds
arguments, an attribute is looked up). Every value meets every watcher once, so the end is a fixed point. Two bounds,
`kg.max_values` a node and `kg.max_flow_steps` a package, make it end on any input in time near linear.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from graphmer.kg.config import GraphParams
from graphmer.kg.resolve.python.index import PackageIndex, Scope
from graphmer.kg.resolve.python.static import Statics
from graphmer.kg.resolve.python.values import BUILTIN, Value

MAX_PLACES = 64  # of a sequence
MANY_CONSTANTS = 4  # values of a node from which on texts and numbers are not told apart
MAX_KEYS = 256  # of a dict
Watcher = Callable[[Value], None]


NO_VALUES: dict["Value", None] = {}
NO_TARGETS: list["Node"] = []
NO_WATCHERS: list[Watcher] = []
ALIVE: list["Node"] = []  # every node that is in use or waits to be cut


class Node:
    """What one variable, attribute or expression may be."""

    __slots__ = ("fixed", "loads", "targets", "values", "watchers")

    def __init__(self) -> None:
        # Most nodes never hold most of these: they share empty ones until then.
        self.values: dict[Value, None] = NO_VALUES  # a dict for its order
        self.targets: list[Node] = NO_TARGETS
        self.watchers: list[Watcher] = NO_WATCHERS
        self.loads: dict[str, Node] | None = None
        self.fixed = False  # one value for ever
        ALIVE.append(self)

    def cut(self) -> None:
        """Let go of all that the node knows."""
        self.values, self.targets, self.watchers, self.loads = NO_VALUES, NO_TARGETS, NO_WATCHERS, None


class Container:
    """A list, tuple, set, dict or generator: a node for each known key, and one for what may be under any key."""

    __slots__ = ("all", "any", "items", "keys", "watchers")

    def __init__(self) -> None:
        self.items: dict[str, Node] = {}
        self.any = Node()  # stored under a key that is not known
        self.all = Node()  # whatever is in it
        self.keys = Node()
        self.watchers: list[Callable[[str, Node], None]] = []


class Network:
    """The nodes of a package and the work that is left."""

    def __init__(self, index: PackageIndex, statics: Statics, params: GraphParams) -> None:
        self.index, self.params = index, params
        self.value = statics.value
        self.max_values = params.max_values
        self.many = statics.value("many", "")
        self.text = statics.value("result", f"{BUILTIN}.str")
        self.number = statics.value("result", f"{BUILTIN}.int")
        self.sink = Node()  # for what nobody asks
        self.work: deque[tuple[Any, Any]] = deque()  # a node and its new value, or a watcher and what it is called with
        self.steps = 0
        self.left_over = 0  # what the bound of steps left undone
        self.containers: dict[Value, Container] = {}
        self.constants: dict[Value, Node] = {}

    # The fixed point

    def add(self, node: Node, value: Value) -> None:
        """A value reaches a node; the last of `max_values` stands for all the others."""
        values = node.values
        if value in values or node is self.sink:
            return
        assert not node.fixed, (node.values, value)
        if len(values) >= MANY_CONSTANTS:
            if len(values) >= self.max_values - 1:
                value = self.many
            elif value.kind == "constant":  # of many texts only the type is kept
                value = self.text if value.what[0] == "'" else self.number
            if value in values:
                return
        if values is NO_VALUES:
            node.values = {value: None}
        else:
            values[value] = None
        if node.targets or node.watchers:
            self.work.append((node, value))

    def flow(self, source: Node, target: Node) -> None:
        """Whatever reaches `source` reaches `target`."""
        if source is target or target is self.sink:
            return
        if not source.fixed:
            if source.targets is NO_TARGETS:
                source.targets = [target]
            else:
                source.targets.append(target)
        for value in source.values:
            self.add(target, value)

    def watch(self, node: Node, watcher: Watcher) -> None:
        """Call `watcher` with every value that `node` has or will have; never at once, so that nothing recurses."""
        if not node.fixed:
            if node.watchers is NO_WATCHERS:
                node.watchers = [watcher]
            else:
                node.watchers.append(watcher)
        for value in node.values:
            self.work.append((watcher, value))

    def watch_within(self, node: Node, watcher: Watcher) -> None:
        """As `watch`, with what containers hold in place of the containers, however deep; one may hold itself."""
        seen: set[Value] = set()

        def look(value: Value) -> None:
            if value.kind != "container":
                watcher(value)
            elif value not in seen:
                seen.add(value)
                self.watch(self.containers[value].all, look)

        self.watch(node, look)

    def solve(self) -> None:
        """Hand values on until nothing is new, or the bound of steps is reached."""
        work, add, left = self.work, self.add, self.params.max_flow_steps - self.steps
        next_step = work.popleft
        while work and left > 0:
            found, value = next_step()
            left -= 1
            if type(found) is not Node:
                found(value)
                continue
            for target in found.targets:
                if value not in target.values:
                    add(target, value)
            for watcher in found.watchers:
                watcher(value)
        self.steps = self.params.max_flow_steps - left
        self.left_over += len(work)
        work.clear()

    # Nodes

    def constant(self, value: Value) -> Node:
        """A node that is one value and nothing else."""
        node = self.constants.get(value)
        if node is None:
            node = self.constants[value] = Node()
            node.values, node.fixed = {value: None}, True
        return node

    def container(self, at: str, kind: str) -> tuple[Value, Container]:
        """The container that is made at a place."""
        value = self.value("container", f"{at} {kind}")
        found = self.containers.get(value)
        if found is None:
            found = self.containers[value] = Container()
            self.flow(found.any, found.all)
        return value, found

    def item(self, container: Container, key: str) -> Node:
        """What is stored under one known key; places far down a list are not told apart, so that none grows on."""
        node = container.items.get(key)
        if node is None:
            if key[:1] == "#" and len(key) > 1 and (not key[1:].isdecimal() or int(key[1:]) >= MAX_PLACES):
                return container.any
            if len(container.items) >= MAX_KEYS:
                return container.any
            node = container.items[key] = Node()
            self.flow(node, container.all)
            for watcher in container.watchers:
                self.work.append((partial(watcher, key), node))
        return node

    def each_item(self, container: Container, watcher: Callable[[str, Node], None]) -> None:
        """Call `watcher` with every known key and its node, present and to come."""
        container.watchers.append(watcher)
        for key, node in container.items.items():
            self.work.append((partial(watcher, key), node))

    def scope_of(self, value: Value) -> Scope:
        """The scope of a function, class or module."""
        return self.index.scopes[value.what]
