"""A SCIP index laid over what a resolver found: the index decides what a reference means, the parser what it is.

Where the parser sees a call, or the base of a class, the symbol that the index has there becomes the tail, and the
triple `exact`. It takes the place of guesses (`inferred`, `ambiguous`), of nothing (unresolved), and of an external
name for what the folder itself defines. A differing `exact` one stays and is counted: one of the two is wrong, and the
index may be older than the code.

Outcomes, after `calls.` and `bases.`:
  agrees, external_kept   both say the same; an external entity keeps the name by which the code imports it
  confirmed               an inferred tail, now exact
  corrected, settled      another tail in the place of an inferred or external one, or of candidates
  resolved                a tail where there was none
  differs_from_exact      the resolver's stays
and where nothing is decided:
  not_in_the_index        no symbol ends there
  no_function_or_class    the symbol names something else, more than one thing, or what no index defines
  other_words             the word is neither the symbol's name nor an alias of it
  not_allowed             the ontology does not let the relation join the two
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.facts import Fact, PackageFacts, Resolved, SourceFile
from graphmer.kg.provenance import BINDINGS, bound_names, shows
from graphmer.kg.scip.hierarchy import FAMILY, Hierarchy, nearest
from graphmer.kg.scip.index import ScipIndex
from graphmer.kg.scip.targets import CLASS_KINDS, IMPLEMENTS, Edge, Target, Targets
from graphmer.ontology.vocabulary import CALL_RELATIONS, load_ontology

CALLS = frozenset({"call", "new"})
BASES = frozenset({"base", "extends", "anonymous"}) | IMPLEMENTS
CHANGES = frozenset({"resolved", "settled", "corrected", "confirmed"})


@dataclass(frozen=True)
class ScipOverlay:
    """Corrects one package's facts by an index; an Overlay of graphmer.kg.facts."""

    index: ScipIndex

    def __call__(self, package: PackageFacts, resolved: Resolved) -> Counter[str]:
        """Replace, add and keep facts; returns the outcomes, counted."""
        return _Pass(self.index, package, resolved).run()


class _Pass:
    """One package of one language."""

    def __init__(self, index: ScipIndex, package: PackageFacts, resolved: Resolved) -> None:
        self.index, self.package, self.resolved = index, package, resolved
        self.targets = Targets(index, package, resolved)
        self.relations = load_ontology().relations
        self.counts: Counter[str] = Counter()
        self.at = _by_place(resolved.facts)
        self.hierarchy = Hierarchy(resolved.facts)
        references = (one for source in package.files for one in source.references)
        self.aliases = bound_names((one.name, one.value) for one in references if one.kind in BINDINGS)
        self.added: list[Fact] = []
        self.removed: set[Fact] = set()

    def run(self) -> Counter[str]:
        for source in self.package.files:
            self._bases(source)
        self._settle()  # which constructor a call reaches depends on the bases
        for source in self.package.files:
            self._calls(source)
        self._settle()
        self._overrides()
        self._settle()
        return self.counts

    def _settle(self) -> None:
        """Put what was decided into the facts."""
        self.resolved.facts[:] = [fact for fact in self.resolved.facts if fact not in self.removed] + self.added
        self.hierarchy = Hierarchy(self.resolved.facts)
        self.added, self.removed = [], set()

    def _bases(self, source: SourceFile) -> None:
        for reference, symbols in self._indexed(source, BASES, "bases"):
            static = [fact for fact in self._here(source, reference) if fact.relation in FAMILY]
            found = _understood([self.targets.base(symbol, reference) for symbol in symbols])
            self._decide("bases", reference, source, reference.scope, found, static)

    def _calls(self, source: SourceFile) -> None:
        for reference, symbols in self._indexed(source, CALLS, "calls"):
            here = self._here(source, reference)
            static = self._own([fact for fact in here if fact.relation in CALL_RELATIONS])
            if not static and any(fact.relation == "reads_from" for fact in here):
                continue  # the accessor of a record: its call reads the component
            head = static[0].head if static else self.targets.head(reference.scope)
            found = _understood([self.targets.call(symbol, reference, self.hierarchy) for symbol in symbols])
            outcome = self._decide("calls", reference, source, head, found, static)
            if outcome in CHANGES:
                self.resolved.calls[_counted(static)] -= 1
                self.resolved.calls[_resolution(found)] += 1

    def _own(self, facts: list[Fact]) -> list[Fact]:
        """The facts of the call itself. What is handed to Python's `map` is called at the same place, and inferred."""
        known = [fact for fact in facts if fact.resolution in ("exact", "external")]
        return known if known and self.package.language == "python" else facts

    def _here(self, source: SourceFile, reference: Reference) -> list[Fact]:
        return self.at.get((source.file, reference.byte_start, reference.byte_end), [])

    def _indexed(self, source: SourceFile, kinds: frozenset[str], group: str) -> Iterator[tuple[Reference, list[str]]]:
        """References of some kinds with the symbols that the index has where they end."""
        said = self.index.references.get(source.file)
        if said is None:
            return
        for reference in source.references:
            if reference.kind in kinds and reference.name:
                here = {symbol for start, symbol in said.get(reference.byte_end, ()) if start >= reference.byte_start}
                if here:
                    yield reference, sorted(here)
                else:
                    self.counts[f"{group}.not_in_the_index"] += 1

    def _decide(
        self, group: str, reference: Reference, source: SourceFile, head: str, found: list[Target], static: list[Fact]
    ) -> str:
        """Weigh what the index says of a reference against what the resolver found; returns the outcome."""
        if not found:
            outcome = "no_function_or_class"
        elif not all(shows(reference.name, {target.name}, self.aliases) for target in found):
            outcome = "other_words"
        elif not all(self._allowed(head, edge) for target in found for edge in target.edges):
            outcome = "not_allowed"
        else:
            outcome = _weigh(found, static, constructors_of_their_own=self.package.language == "python")
        self.counts[f"{group}.{outcome}"] += 1
        if outcome in CHANGES:
            place = source.file, reference.byte_start, reference.byte_end
            how, share = _resolution(found), 1.0 / len(found)
            edges = [edge for target in found for edge in target.edges]
            others = outcome in ("confirmed", "settled") and self.package.language == "python"
            self.removed.update(
                fact
                for fact in static
                if not (others and fact.resolution == "inferred" and (fact.relation, fact.tail) not in edges)
            )
            self.added += [Fact(head, relation, tail, *place, how, share) for relation, tail in edges]
        return outcome

    def _allowed(self, head: str, edge: Edge) -> bool:
        relation, tail = edge
        return self.relations[relation].allows(self.targets.type_of(head), self.targets.type_of(tail))

    # Overrides

    def _overrides(self) -> None:
        """Methods that the index says implement another: the nearest, where the classes say that it is above."""
        known = {fact.head: fact.tail for fact in self.resolved.facts if fact.relation == "overrides"}
        for symbol, said in sorted(self.index.implementations.items()):
            head = self.targets.entity(symbol)
            if head is None or head.kind in CLASS_KINDS:
                continue
            above = {one: entity for one in said if (entity := self.targets.entity(one)) is not None}
            tails = [above[one] for one in nearest(above, self.index.implementations)]
            if tails:
                self.counts[f"overrides.{self._override(head, tails, known)}"] += 1

    def _override(self, head: Symbol, tails: list[Symbol], known: dict[str, str]) -> str:
        if head.symbol in known:
            return "agrees" if known[head.symbol] in {tail.symbol for tail in tails} else "differs_from_exact"
        tail, *others = tails
        if others:
            return "several"  # a method overrides one
        if not self._allowed(head.symbol, ("overrides", tail.symbol)):
            return "not_allowed"
        if tail.container not in self.hierarchy.ancestors(head.container):
            return "of_no_ancestor"
        place = self.targets.file_of[head.symbol], head.name_byte_start, head.name_byte_end
        self.added.append(Fact(head.symbol, "overrides", tail.symbol, *place, "exact", 1.0))
        return "resolved"


def _by_place(facts: Iterable[Fact]) -> dict[tuple[str, int, int], list[Fact]]:
    found: dict[tuple[str, int, int], list[Fact]] = defaultdict(list)
    for fact in facts:
        found[fact.file, fact.byte_start, fact.byte_end].append(fact)
    return found


def _understood(targets: list[Target | None]) -> list[Target]:
    """The targets of one place, or none where one is not known; a class beside its constructor says nothing more."""
    if None in targets:
        return []
    found = sorted({target for target in targets if target is not None})
    return [one for one in found if not any(set(one.edges) < set(other.edges) for other in found)]


def _resolution(found: list[Target]) -> str:
    """Several symbols at one place (a value of a union type) are candidates."""
    if len(found) > 1:
        return "ambiguous"
    return "external" if found[0].external else "exact"


def _counted(static: list[Fact]) -> str:
    """How the resolver counted a call: by the class where one is constructed."""
    if not static:
        return "unresolved"
    return next((fact for fact in static if fact.relation == "instantiates"), static[0]).resolution


def _weigh(found: list[Target], static: list[Fact], constructors_of_their_own: bool) -> str:
    """What becomes of a reference for which the index has targets.

    constructors_of_their_own: the index names only the class that is constructed; which constructor runs is the
    resolver's to say (`__new__`, a base from outside).
    """
    said = {edge for target in found for edge in target.edges}
    stated = {(fact.relation, fact.tail) for fact in static}
    exact = {(fact.relation, fact.tail) for fact in static if fact.resolution == "exact"}
    if constructors_of_their_own:
        said, stated, exact = _classes(said), _classes(stated), _classes(exact)
    if not static:
        return "resolved"
    if exact and exact == said:
        return "agrees" if stated == said else "settled"
    if not exact <= said:
        return "differs_from_exact"
    if _counted(static) == "external" and all(target.external for target in found):
        return "external_kept"
    if any(fact.resolution == "ambiguous" for fact in static):
        return "settled"
    return "confirmed" if said <= stated else "corrected"


def _classes(edges: set[Edge]) -> set[Edge]:
    """The classes that are constructed, or all where none is."""
    return {edge for edge in edges if edge[0] == "instantiates"} or edges
