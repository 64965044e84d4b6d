"""Facts of calls in JavaScript: which definition, or which name from outside, each call may mean."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from graphmer.corpus.parse.records import Reference
from graphmer.kg.resolve.javascript_builtins import BUILTIN_METHODS
from graphmer.kg.resolve.javascript_entities import is_exception
from graphmer.kg.resolve.javascript_index import Scope
from graphmer.kg.resolve.javascript_value import BUILTIN, Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.javascript_facts import FactMaker

CALLABLE_TYPES = frozenset({"Function", "Method", "Test"})
CLASS_TYPES = frozenset({"Class", "Interface", "ExceptionType"})

Target = tuple[str, str, str, str]  # relation, tail, resolution, what was called


def _makes_none(reference: Reference) -> bool:
    """Whether a class is called for an object that is made already: `super()`, `A.call(this)`."""
    last = reference.value.rpartition(".")[2]
    return reference.value == "super" or (reference.kind == "call" and last in ("call", "apply"))


class CallFacts:
    """Turns calls into facts; where they are filed is the maker's part."""

    def __init__(self, maker: "FactMaker") -> None:
        self.maker, self.index, self.evaluator = maker, maker.index, maker.evaluator
        self.resolved, self.params, self.externals = maker.resolved, maker.params, maker.externals

    def of_call(self, reference: Reference, scope: Scope, file: str) -> None:
        """What a call means; it is counted by how that was found."""
        self.resolved.calls["seen"] += 1
        values = sorted(self.evaluator.evaluate(reference.value, scope))
        targets = self._targets(values, reference)
        head = self.maker.head(scope)
        if not targets:
            self._unknown_receiver(reference, values, head, file)
            return
        owners = {owner for _, _, _, owner in targets}
        ambiguous = len(owners) > 1
        self.resolved.calls["ambiguous" if ambiguous else targets[0][2]] += 1
        for relation, tail, how, _ in targets:
            if ambiguous:
                self.maker.add(head, relation, tail, reference, file, "ambiguous", 1.0 / len(owners))
            else:
                self.maker.add(head, relation, tail, reference, file, how)

    def _targets(self, values: Iterable[Value], reference: Reference) -> list[Target]:
        found: dict[tuple[str, str], Target] = {}
        for value in values:
            for target in self._targets_of(value, reference):
                found.setdefault(target[:2], target)
        return list(found.values())

    def _targets_of(self, value: Value, reference: Reference) -> list[Target]:
        # A function that is called where it stands shows no name there, one that a property holds shows another.
        what, kind = value.what, value.kind
        name = what.rpartition("#")[2].rpartition(".")[2]
        renamed = "." in reference.value and kind == "function" and name not in reference.value
        how = "inferred" if value.inferred or renamed or reference.value.startswith("<fn ") else "exact"
        if kind in ("class", "function") and self.maker.type_of(what) in CLASS_TYPES:
            return self._class_targets(what, how, reference)
        if kind == "function" and self.maker.type_of(what) in CALLABLE_TYPES:
            return [("calls", what, how, what)]
        if kind == "bound":
            return [("invokes", self.externals.api(f"{BUILTIN}.Function.bind"), "external", what)]
        if kind == "external" and "(" not in what and "{" not in what:
            if is_exception(what):  # `Error("x")` makes one, too
                tail = self.externals.exception(what)
                return [("uses" if _makes_none(reference) else "instantiates", tail, "external", tail)]
            made, tail = reference.kind == "new", self.externals.api(what)
            # What flowed here from elsewhere need not show its name
            how = "inferred" if value.inferred and what.rpartition(".")[2] != reference.name else "external"
            return [("instantiates" if made else "invokes", tail, how, tail)]
        return []

    def _class_targets(self, symbol: str, how: str, reference: Reference) -> list[Target]:
        """`new A()` makes one and calls its constructor; `super()` and `A.call(this)` make none."""
        constructor = self._constructor(symbol)
        inherited = constructor is not None and self.index.symbols[constructor].container != symbol
        # An inherited constructor is not named where the heir is made
        sure = "inferred" if inherited else how
        targets = [("calls", constructor, sure, symbol)] if constructor is not None else []
        if _makes_none(reference):
            return targets or [("uses", symbol, how, symbol)]
        return [("instantiates", symbol, how, symbol), *targets]

    def _constructor(self, symbol: str) -> str | None:
        for ancestor in self.evaluator.members.order(symbol):
            methods = self.index.scopes[ancestor].members.get("constructor")
            if methods and methods[-1].kind == "method":
                return methods[-1].symbol
        return None

    def _unknown_receiver(self, reference: Reference, values: list[Value], head: str, file: str) -> None:
        """A method of a value of no known type: every method of that name in the package may be meant.

        Not where builtin values have a method of that name: it would be one more candidate, which nobody can name.
        """
        dotted = "." in reference.value and not values and reference.name not in BUILTIN_METHODS
        candidates = self.index.methods.get(reference.name, []) if dotted and reference.kind == "call" else []
        candidates = [one for one in candidates if self._may_meet(one, file)]
        if not 1 <= len(candidates) <= self.params.max_candidates:
            self.resolved.calls["unresolved"] += 1
            return
        self.resolved.calls["ambiguous"] += 1
        for candidate in candidates:  # one share is for what the package does not define
            self.maker.add(head, "calls", candidate, reference, file, "ambiguous", 1.0 / (len(candidates) + 1))

    def _may_meet(self, candidate: str, file: str) -> bool:
        """Whether code in `file` may be given an object of the candidate: what tests define stays among tests."""
        in_test = self.index.files[self.index.file_of[candidate]].is_test
        return self.maker.type_of(candidate) in CALLABLE_TYPES and (not in_test or self.index.files[file].is_test)
