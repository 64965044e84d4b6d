"""How calls are filed as facts: of what may be called, each has its share."""

from collections.abc import Iterable, Mapping

from graphmer.corpus.parse.records import Reference
from graphmer.kg.config import GraphParams
from graphmer.kg.resolve.python.calls import CONSTRUCTORS
from graphmer.kg.resolve.python.filing import Filing
from graphmer.kg.resolve.python.index import PackageIndex
from graphmer.kg.resolve.python.protocols import Protocol
from graphmer.kg.resolve.python.targets import Target


class CallFiling:
    """Files the calls of one package."""

    def __init__(self, index: PackageIndex, filing: Filing, params: GraphParams) -> None:
        self.index, self.add, self.params = index, filing.add, params

    def targets(
        self, targets: Iterable[Target], count: int, how: str, head: str, reference: Reference, file: str
    ) -> None:
        """count: of what may be called, of which the targets are all that have a symbol."""
        confidence = 1.0 / count if how == "ambiguous" else None
        for target in targets:
            implied = target.tail != target.choice and not self._shows(target)
            self.add(head, target.relation, target.tail, reference, file, "inferred" if implied else how, confidence)

    def _shows(self, target: Target) -> bool:
        """Whether a constructor's call shows what it calls: the class, or a constructor of the package."""
        symbol = self.index.symbols.get(target.tail)
        return symbol is not None and symbol.name in CONSTRUCTORS

    def choices(
        self, targets: list[Target], head: str, reference: Reference, file: str, elsewhere: bool = False
    ) -> None:
        """One of these is called without being named, or, elsewhere, something that has no symbol."""
        choices = {target.choice for target in targets}
        count = len(choices) + elsewhere
        if choices and count <= self.params.max_candidates:
            how = "inferred" if count == 1 else "ambiguous"
            self.targets(targets, count, how, head, reference, file)

    def protocol(self, found: Protocol, head: str, reference: Reference, file: str) -> None:
        """What a protocol calls."""
        groups = found.groups()
        self._groups(groups, found.elsewhere, head, reference, file)
        if found.hashing is not None:  # what has a method of its own for it asks for no hash
            elsewhere = found.hashing.elsewhere or any(groups.values())
            self._groups(found.hashing.groups(), elsewhere, head, reference, file)

    def called(self, called: Iterable[str], head: str, reference: Reference, file: str) -> None:
        """Functions that are called without being named: of those of one name, each may be the one."""
        by_name: dict[str, dict[str, None]] = {}
        for symbol in called:
            by_name.setdefault(self.index.symbols[symbol].name, {})[symbol] = None
        self._groups(by_name, False, head, reference, file)

    def _groups(
        self, groups: Mapping[str, Iterable[str]], elsewhere: bool, head: str, reference: Reference, file: str
    ) -> None:
        for group in groups.values():
            self.choices([Target("calls", one, one) for one in group], head, reference, file, elsewhere)
