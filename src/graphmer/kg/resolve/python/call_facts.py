"""Facts of calls: which definition, or which name from outside, each call may mean."""

from graphmer.corpus.parse.python.notation import is_path
from graphmer.corpus.parse.records import Reference
from graphmer.kg.config import GraphParams
from graphmer.kg.resolve.python.builtin_names import METHODS
from graphmer.kg.resolve.python.entities import PROTOCOLS, Externals
from graphmer.kg.resolve.python.filing import Filing
from graphmer.kg.resolve.python.implied_facts import ImpliedFacts
from graphmer.kg.resolve.python.index import Scope, expression
from graphmer.kg.resolve.python.sites import Site, Within
from graphmer.kg.resolve.python.targets import Target, Targets
from graphmer.kg.resolve.python.values import Value
from graphmer.kg.resolve.python.world import World

CALLABLE_TYPES = frozenset({"Function", "Method", "Test"})


class CallFacts:
    """Turns calls, decorators and raised classes into facts."""

    def __init__(self, world: World, filing: Filing, externals: Externals, params: GraphParams) -> None:
        self.world, self.index = world, world.index
        self.resolved, self.params = filing.resolved, params
        self.add, self.head = filing.add, filing.head
        self.targets = Targets(world, externals)
        self.implied = ImpliedFacts(world, filing, params)
        self.file = self.implied.file

    # Calls

    def of_call(self, reference: Reference, scope: Scope, file: str) -> None:
        """What a call means; it is counted by how that was found."""
        counts = self.resolved.calls
        counts["seen"] += 1
        site = self.world.calls.sites.get((file, reference.ordinal))
        head = self.head(scope)
        callee = site.callee if site is not None else None
        if site is None or callee is None:
            self._unknown_receiver(reference, site, head, file)
            return
        if callee.fixed and site.within is None:
            (value,) = callee.values
            if self._fixed(value, head, reference, file):
                return
        self._flowing(site, list(callee.values), head, reference, file)

    def _fixed(self, value: Value, head: str, reference: Reference, file: str) -> bool:
        """A callee that can be one thing alone."""
        targets = self.targets.of(value)
        for target in targets:
            how = "external" if target.choice not in self.index.symbols else "exact"
            self.file.targets((target,), 1, how, head, reference, file)
        if targets:
            self.resolved.calls[how] += 1
        return bool(targets)

    def _flowing(self, site: Site, values: list[Value], head: str, reference: Reference, file: str) -> None:
        targets = self.targets.of_all(values)
        self._inner(site, targets)
        targets = self._concrete(targets, values)
        many = self.world.network.many in values
        sure = self._sure(site) if targets or many else {}
        if many or len({target.choice for target in targets}) > self.params.max_candidates:
            kept = self.targets.of_all(sure) or targets
            targets = kept if len({target.choice for target in kept}) <= self.params.max_candidates else {}
        self.implied.of_property(reference, site.said, site.scope, file)  # what a property gives is called
        if not targets:
            self._unknown_receiver(reference, site, head, file)
            return
        choices = {target.choice for target in targets}
        how = self._how(choices, sure, reference.name)
        self.resolved.calls[how] += 1
        self.file.targets(targets, len(choices), how, head, reference, file)
        if site.within is not None:
            self._handed(site.within, head, reference, file)

    def _how(self, choices: set[str], sure: dict[Value, None], name: str) -> str:
        if len(choices) > 1:
            return "ambiguous"
        (choice,) = choices
        if choice not in self.index.symbols:
            known = (name and choice.endswith(name)) or any(choice.endswith(value.what) for value in sure)
            return "external" if known else "inferred"
        return "exact" if any(value.what == choice for value in sure) else "inferred"

    def _concrete(self, targets: dict[Target, None], values: list[Value]) -> dict[Target, None]:
        """Without methods that do not run: a protocol's beside others, an abstract one beside an heir's.

        What an heir inherits runs all the same.
        """
        if len(targets) < 2:
            return targets
        owners = {target: self._owner(target) for target in targets}
        order = self.world.statics.classes.order
        heirs = {ancestor for owner in owners.values() if owner for ancestor in order(owner)[1:]}
        inherited = {
            value.what for value in values if value.of is not None and value.of.what != value.what.rpartition(".")[0]
        }
        idle = {one for one in targets if one.choice not in inherited and self._is_idle(one, owners[one], heirs)}
        return {one: None for one in targets if one not in idle} or targets

    def _owner(self, target: Target) -> str:
        """The class whose method a target is; empty for anything else."""
        symbol = self.index.symbols.get(target.choice)
        return symbol.container if symbol is not None and symbol.kind == "method" else ""

    def _is_idle(self, target: Target, owner: str, heirs: set[str]) -> bool:
        if not owner:
            return False
        bases = self.world.statics.classes.base_values(self.index.scopes[owner])
        if any(value.what in PROTOCOLS for value in bases):
            return True
        return owner in heirs and "abstract" in self.index.symbols[target.choice].modifiers.split()

    def _sure(self, site: Site) -> dict[Value, None]:
        """What the callee is without following values: by its name, its own class, or a super()."""
        callee, scope, world = site.said, site.scope, self.world
        if is_path(callee):
            own = world.attributes.owner_of_self(callee, scope)
            if own is not None:
                return self._member(world.statics.classes.order(own[0]), own[1])
            return dict.fromkeys(world.statics.path(callee, scope))
        if isinstance(callee, list) and callee[0] == "." and isinstance(callee[1], str) and callee[1][:1] == "@":
            inner = world.calls.sites.get((scope.file, int(callee[1][1:])))
            if inner is not None and inner.said == "super":
                owner = world.statics.classes.owner_class(scope)
                if owner is not None:
                    return self._member(world.statics.classes.order(owner.symbol.symbol)[1:], callee[2])
        return {}

    def _member(self, order: list[str], name: str) -> dict[Value, None]:
        for ancestor in order:
            scope = self.index.scopes[ancestor]
            if name in scope.names:
                return dict.fromkeys(self.world.statics.bound(name, scope))
        return {}

    def _inner(self, site: Site, targets: dict[Target, None]) -> None:
        """A partial's call calls what the partial holds."""
        for inner in site.within.inner if site.within is not None else ():
            if inner.callee is not None:
                targets.update(self.targets.of_all(inner.callee.values))
            self._inner(inner, targets)

    def _handed(self, within: Within, head: str, reference: Reference, file: str) -> None:
        """What a builtin calls that is handed a callable, or something to iterate, is called here."""
        self.file.choices([Target("calls", one, one) for one in within.called], head, reference, file)
        made = [self.targets.of(value) for value in within.made]
        self.file.choices([target for targets in made for target in targets], head, reference, file)
        self.file.called([symbol for part in within.parts for symbol in part], head, reference, file)
        for protocol in within.protocols:
            self.file.protocol(protocol, head, reference, file)

    def _unknown_receiver(self, reference: Reference, site: Site | None, head: str, file: str) -> None:
        """A method of a value of no known type: every method of that name in the package may be meant."""
        name = reference.name
        unknown = site is not None and not (site.callee is not None and site.callee.values)
        is_attribute = site is not None and (isinstance(site.said, list) or "." in site.said)
        # A builtin value may be the receiver too where it has a method of that name; no symbol stands for it.
        known = unknown and is_attribute and name and not name.startswith("__") and name not in METHODS
        in_tests = self.index.files[file].is_test
        candidates = [
            one
            for one in (self.index.methods.get(name, ()) if known else ())
            if self._callable(one) and (in_tests or not self.index.files[self.index.scopes[one].file].is_test)
        ]
        if not 1 <= len(candidates) <= self.params.max_candidates:
            self.resolved.calls["unresolved"] += 1
            return
        self.resolved.calls["ambiguous"] += 1
        # One share is for what the package does not define: even a single candidate is a guess by its name alone.
        for candidate in candidates:
            self.add(head, "calls", candidate, reference, file, "ambiguous", 1.0 / (len(candidates) + 1))

    def _callable(self, symbol: str) -> bool:
        return self.resolved.types.get(symbol) in CALLABLE_TYPES

    # Decorators and what is raised

    def of_raise(self, reference: Reference, scope: Scope, file: str) -> None:
        """`raise Cls` makes an instance of a class of the package."""
        site = self.world.raised.get((file, reference.byte_end))
        if site is None or site.callee is None:
            return
        targets = self.targets.of_all(value for value in site.callee.values if value.kind == "class")
        self._file_found(targets, scope, reference, file)

    def of_decorator(self, reference: Reference, scope: Scope, file: str) -> None:
        """A decorator of the package is called by the code around what it decorates."""
        site = self.world.decorators.sites.get((file, reference.byte_end))
        if site is None or site.callee is None:
            return
        targets = self.targets.of_all(value for value in site.callee.values if value.kind not in ("external", "result"))
        self._inner(site, targets)
        self._file_found(targets, scope.parent or scope, reference, file)

    def _file_found(self, targets: dict[Target, None], scope: Scope, reference: Reference, file: str) -> None:
        choices = {target.choice for target in targets}
        if 0 < len(choices) <= self.params.max_candidates:
            how = "ambiguous" if len(choices) > 1 else "inferred"
            path = expression(reference.value)
            if how == "inferred" and is_path(path):
                sure = {value.what for value in self.world.statics.path(path, scope)}
                how = "exact" if choices <= sure else how
            self.file.targets(targets, len(choices), how, self.head(scope), reference, file)
