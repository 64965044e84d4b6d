"""Which method a Java call means."""

from collections.abc import Sequence

from graphmer.kg.resolve.java_expressions import CALL, NOTHING, Callee, JavaExpressions, split_callee
from graphmer.kg.resolve.java_index import JavaMethod
from graphmer.kg.resolve.java_names import OBJECT, OBJECT_METHODS
from graphmer.kg.resolve.java_overloads import Choice, choose
from graphmer.kg.resolve.java_types import JavaTypes


class JavaCalls(JavaExpressions):
    """Callees by the receiver's static type, then by the number and the types of the arguments."""

    def __init__(self, types: JavaTypes, max_candidates: int) -> None:
        super().__init__(types)
        self.max_candidates = max_candidates

    def candidates(self, name: str, count: int) -> Choice:
        """Where a receiver's type is not known: the methods of that name in the package, if they are few."""
        found = [method for method in self.types.methods_by_name.get(name, ()) if method.takes(count)]
        return Choice(found, "ambiguous") if 0 < len(found) <= self.max_candidates else NOTHING

    def call(self, callee: str, arguments: str, scope: str) -> Callee:
        """What a call means. callee and arguments: as the parser writes them."""
        receiver, name = split_callee(callee)
        count = arguments.count(",") + 1 if arguments else 0
        if receiver and self.type_of(receiver, scope) is None:
            if OBJECT_METHODS.get(name) == count:
                return Callee(NOTHING, (f"{OBJECT}.{name}",))
            return Callee(NOTHING if self._is_foreign(receiver, scope) else self.candidates(name, count))
        found = self.methods(receiver, name, scope)
        if not found.choice.methods:
            return found
        choice = self.overload(found.choice.methods, count, arguments, scope)
        if not choice.methods:  # an overload that the class has from outside the corpus
            return Callee(NOTHING, self.inherited_api(found.choice.methods[0].owner, name))
        return Callee(choice)

    def _is_foreign(self, path: str, scope: str) -> bool:
        """Whether an expression of unknown type comes from an external class: it is hardly one of the corpus then."""
        call = CALL.search(path)
        callee = path if call is None else path[: call.start()]
        receiver, name = split_callee(callee)
        if call is not None and self.methods(receiver, name, scope).external:
            return True
        if not receiver:
            return False
        owner = self.type_of(receiver, scope)
        return self._is_foreign(receiver, scope) if owner is None else owner not in self.types.classes

    def overload(self, methods: Sequence[JavaMethod], count: int, arguments: str, scope: str) -> Choice:
        """The overloads that a call means; arguments' types are asked for only where their number leaves a choice."""
        fitting = [method for method in methods if method.takes(count)]
        if len(fitting) <= 1:
            return Choice(fitting, "exact")
        return choose(self.types, fitting, self.argument_types(arguments, scope))

    def argument_types(self, arguments: str, scope: str) -> list[str | None]:
        """The types of a call's arguments."""
        if not arguments:
            return []
        return [path if path in ("<null>", "<lambda>") else self.type_of(path, scope) for path in arguments.split(",")]
