"""Where something is called, and functions as calls see them: the data that calls are bound on."""

from collections.abc import Callable, Mapping, Sequence

from graphmer.kg.resolve.python.flow import Container, Node
from graphmer.kg.resolve.python.index import Expression, Scope
from graphmer.kg.resolve.python.protocols import Protocol
from graphmer.kg.resolve.python.values import Value

NO_KEYWORDS: Mapping[str, Node] = {}


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

    def argument(self, place: int) -> Node:
        """The node of an argument by its place; an empty one where it is not given or not known."""
        return (self.args[place] if place < len(self.args) else None) or Node()


class Within:
    """What a builtin or a partial that is called at a site calls in turn, at the same place."""

    __slots__ = ("called", "inner", "made", "parts", "protocols")

    def __init__(self) -> None:
        self.called: dict[str, None] = {}  # functions
        self.made: dict[Value, None] = {}  # classes
        self.parts: list[dict[str, None]] = []  # special methods
        self.protocols: list[Protocol] = []  # iterations
        self.inner: list[Site] = []  # calls of what a partial holds


class Function:
    """A function as calls see it: nodes of its parameters and of what it gives."""

    __slots__ = ("by_name", "keywords", "passes", "positional", "rest", "result", "returned", "yielded")

    def __init__(self) -> None:
        self.positional: list[Node] = []
        self.by_name: dict[str, Node] = {}
        self.rest: Container | None = None  # *args
        self.keywords: Container | None = None  # **kwargs
        self.returned, self.yielded = Node(), Node()
        self.result = self.returned  # of a call
        self.passes: set[Node] = set()  # parameters that it gives back as they are: to each caller its own argument


Effect = Callable[[Site, Value], None]  # what a builtin does to the site that calls it
