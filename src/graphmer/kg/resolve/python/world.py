"""One package while its values flow: all that makes nodes and acts on values, each with its one home."""

from graphmer.kg.config import GraphParams
from graphmer.kg.resolve.python.annotated import Annotated
from graphmer.kg.resolve.python.arguments import Arguments
from graphmer.kg.resolve.python.attributes import Attributes
from graphmer.kg.resolve.python.builtins import Builtins
from graphmer.kg.resolve.python.calls import Calls
from graphmer.kg.resolve.python.decorators import Decorators
from graphmer.kg.resolve.python.enums import Enums
from graphmer.kg.resolve.python.expressions import Expressions
from graphmer.kg.resolve.python.flow import ALIVE, Network
from graphmer.kg.resolve.python.functions import Functions
from graphmer.kg.resolve.python.generated import Generated
from graphmer.kg.resolve.python.index import PackageIndex
from graphmer.kg.resolve.python.items import Items
from graphmer.kg.resolve.python.names import Names
from graphmer.kg.resolve.python.operators import Operators
from graphmer.kg.resolve.python.protocols import Protocol, Protocols
from graphmer.kg.resolve.python.setters import Setters
from graphmer.kg.resolve.python.sites import Site
from graphmer.kg.resolve.python.static import Statics
from graphmer.kg.resolve.python.subclassed import Subclassed
from graphmer.kg.resolve.python.values import Value

MAX_ALIVE = 500_000  # nodes, half a GiB with all that they hold


class World:
    """They need each other: a call looks up attributes, an attribute may be a property, whose getter is called."""

    def __init__(self, index: PackageIndex, statics: Statics, params: GraphParams) -> None:
        self.index, self.statics = index, statics
        self.network = Network(index, statics, params)
        self.items, self.protocols = Items(self), Protocols(self)
        self.attributes, self.setters = Attributes(self), Setters(self)
        self.names, self.annotated = Names(self), Annotated(self)
        self.expressions = Expressions(self)
        self.functions, self.arguments, self.calls = Functions(self), Arguments(self), Calls(self)
        self.decorators, self.builtins = Decorators(self), Builtins(self)
        self.generated, self.enums = Generated(self), Enums(self)
        self.operators, self.subclassed = Operators(self), Subclassed(self)
        self.asked: dict[tuple[str, int, str], Protocol] = {}  # what is asked for its truth, a text or an item
        self.raised: dict[tuple[str, int], Site] = {}  # (file, end of what is raised)
        self.loops: dict[tuple[str, int, int], Protocol] = {}  # what is iterated or entered, by its bytes
        self.receivers: dict[str, Value] = {}  # of methods that nobody in the package calls
        self.partials: dict[Value, Site] = {}

    def dissolve(self) -> None:
        """Let go of all parts; the nodes between them are cut by themselves."""
        for container in self.network.containers.values():
            container.watchers.clear()
        for scope in self.index.scopes.values():
            scope.nodes = {}
        for part in [*vars(self).values(), self]:
            if hasattr(part, "__dict__"):
                vars(part).clear()


_finished: list[World] = []  # whose memory has not been given back


def leave_behind(world: World) -> None:
    """What becomes of a package that is resolved: its memory is given back once that of some packages is much.

    Nodes form cycles, which only the collector would find, at twice the time that cutting them apart takes; the end of
    the process frees them at once, so small corpora leave it to that. A process resolves one package at a time.
    """
    _finished.append(world)
    if len(ALIVE) > MAX_ALIVE:
        for node in ALIVE:
            node.cut()
        ALIVE.clear()
        for one in _finished:
            one.dissolve()
        _finished.clear()
