"""Facts of calls that no brackets show: loops, operators, items, properties, what making a class calls."""

from graphmer.corpus.parse.records import Reference
from graphmer.kg.config import GraphParams
from graphmer.kg.resolve.python.call_filing import CallFiling
from graphmer.kg.resolve.python.filing import Filing
from graphmer.kg.resolve.python.index import Expression, Scope
from graphmer.kg.resolve.python.protocols import Protocol
from graphmer.kg.resolve.python.targets import Target
from graphmer.kg.resolve.python.world import World


class ImpliedFacts:
    """Turns them into facts, each where the code says what leads to the call."""

    def __init__(self, world: World, filing: Filing, params: GraphParams) -> None:
        self.world, self.index = world, world.index
        self.head, self.file = filing.head, CallFiling(world.index, filing, params)

    def of_loop(self, reference: Reference, scope: Scope, file: str) -> None:
        """Special methods of what is iterated, or entered and left."""
        found = self.world.loops.get((file, reference.byte_start, reference.byte_end))
        self._file_special(found, scope, reference, file)

    def of_operation(self, reference: Reference, scope: Scope, file: str) -> None:
        """Special methods that an operator calls."""
        found = self.world.operators.found.get((file, reference.ordinal))
        self._file_special(found, scope, reference, file)

    def of_question(self, reference: Reference, scope: Scope, file: str) -> None:
        """Special methods of what is asked for its truth, a text or an item."""
        found = self.world.asked.get((file, reference.byte_start, reference.name))
        self._file_special(found, scope, reference, file)

    def _file_special(self, found: Protocol | None, scope: Scope, reference: Reference, file: str) -> None:
        if found is not None:
            self.file.protocol(found, self.head(scope), reference, file)

    def of_class(self, reference: Reference, scope: Scope, file: str) -> None:
        """A class statement calls what makes the class."""
        makers = self.world.statics.classes.makers(scope.symbol.symbol)
        self.file.called(makers, self.head(scope), reference, file)

    def of_property(self, reference: Reference, said: Expression, scope: Scope, file: str) -> None:
        """Reading a property, here written as `said`, calls its getter."""
        self._file_accessors(self._getters(said, scope), scope, reference, file)

    def of_setter(self, reference: Reference, scope: Scope, file: str) -> None:
        """Writing an attribute calls its setter, where it has one."""
        owner, _, name = reference.value.rpartition(".")
        base = self.world.names.path(owner, scope) if owner else None
        found = [self.world.setters.of(value, name) for value in (base.values if base is not None else ())]
        setters = list(dict.fromkeys(setter for several in found for setter in several))
        self._file_accessors(setters, scope, reference, file)

    def _file_accessors(self, symbols: list[str], scope: Scope, reference: Reference, file: str) -> None:
        targets = [Target("calls", one, one) for one in symbols]
        self.file.choices(targets, self.head(scope), reference, file)

    def _getters(self, said: Expression, scope: Scope) -> list[str]:
        attributes = self.world.attributes
        if isinstance(said, list):
            owner, name = (said[1], said[2]) if said[0] == "." else ("", "")
        else:
            owner, _, name = said.rpartition(".")
        if name not in self.index.properties and name not in attributes.asked_for:
            return []
        own = isinstance(said, str) and attributes.owner_of_self(said, scope) is not None
        if own and name not in self.index.properties:
            return []  # what a class reads of itself it has, stored in a way that is not followed
        base = self.world.expressions.node(owner, scope) if owner else None
        found: dict[str, None] = {}
        for value in base.values if base is not None else ():
            view = attributes.views.get((value, name))
            found.update(dict.fromkeys(attributes.getters.get(view, ())) if view is not None else {})
        return list(found)
