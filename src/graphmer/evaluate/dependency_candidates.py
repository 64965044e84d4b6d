"""Which distributions a package may depend on, and what its imports say for and against each.

A candidate bears the name of an imported module, or is one that fit packages teach for it (dependency_aliases.py).
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphmer.evaluate.dependency_aliases import Aliases, distribution_name, top_level
from graphmer.evaluate.dependency_facts import INSTALLED, PackageFacts, Use

FloatArray = npt.NDArray[np.float64]

CIRCUMSTANCES = ("plain", "inner", "conditional", "versioned", "guarded", "fallback", "typed")
INSTALLED_USES = tuple((place, circumstance) for place in INSTALLED for circumstance in CIRCUMSTANCES)
OTHER_PLACES = ("tests", "docs", "other")
FEATURES = (
    *(f"{place}_{circumstance}" for place, circumstance in INSTALLED_USES),
    *OTHER_PLACES,
    "plain_files",  # log of 1 + installed files that import it plainly
    "plain_share",  # of all installed files' imports of it
    "plain_relative",  # of the files that plainly import the package's most imported module
    "same_name",
    "likeness",  # Jaccard of the two names' letter triples
    "rate",
    "seen",  # log of 1 + other importers
    "rival",  # the best other distribution's rate for the same module
    "lead",  # rate less rival
    "provided",
    "declared_by",  # log of 1 + other declarers
)


@dataclass(frozen=True)
class Candidate:
    """A distribution with the imported module that says most about it, and that module's uses in the package."""

    distribution: str
    module: str
    uses: Counter[Use]

    @property
    def same_name(self) -> bool:
        """Whether the module bears the distribution's name."""
        return distribution_name(top_level(self.module)) == self.distribution


def candidates(one: PackageFacts, aliases: Aliases) -> list[Candidate]:
    """All candidates of a package, by name; its own distribution never is one."""
    uses = module_uses(one)
    telling: dict[str, set[str]] = defaultdict(set)
    for module in uses:
        telling[distribution_name(top_level(module))].add(top_level(module))
        for name in aliases.taught(module, one.package):
            telling[name].add(module)
    own = {one.package, ""}
    return [
        Candidate(name, module, uses[module])
        for name in sorted(telling.keys() - own)
        for module in [max(sorted(telling[name]), key=lambda module: _telling(module, name, one, aliases))]
    ]


def module_uses(one: PackageFacts) -> dict[str, Counter[Use]]:
    """Uses of every module, top-level ones with those of all that is below them."""
    uses: dict[str, Counter[Use]] = defaultdict(Counter)
    for module, counted in one.uses.items():
        for name in {module, top_level(module)}:
            uses[name].update(counted)
    return dict(uses)


def _telling(module: str, name: str, one: PackageFacts, aliases: Aliases) -> tuple[bool, float, int]:
    """A module of the same name says most, then the one whose importers declare it oftenest, then the longer."""
    same = distribution_name(top_level(module)) == name
    return same, aliases.rate(module, name, one.package), len(module)


def feature_matrix(one: PackageFacts, asked: Sequence[Candidate], aliases: Aliases) -> FloatArray:
    """(C, F) features of a package's candidates, columns as in FEATURES."""
    by_module: dict[str, dict[str, float]] = defaultdict(dict)
    for candidate in asked:
        rate = aliases.rate(candidate.module, candidate.distribution, one.package)
        by_module[top_level(candidate.module)][candidate.distribution] = rate
    most = max((_plain_files(candidate.uses) for candidate in asked), default=0)
    rows = [
        [*_use_features(candidate.uses, most), *_name_features(candidate, one.package, by_module, aliases)]
        for candidate in asked
    ]
    return np.asarray(rows, np.float64).reshape(len(asked), len(FEATURES))


def _plain_files(uses: Counter[Use]) -> int:
    return sum(uses[place, "plain"] for place in INSTALLED)


def _use_features(uses: Counter[Use], most: int) -> list[float]:
    places = {place for place, _ in uses}
    plain = _plain_files(uses)
    installed = sum(uses[use] for use in INSTALLED_USES)
    return [
        *(float(uses[use] > 0) for use in INSTALLED_USES),
        *(float(place in places) for place in OTHER_PLACES),
        float(np.log1p(plain)),
        plain / max(installed, 1),
        plain / max(most, 1),
    ]


def _name_features(
    candidate: Candidate, package: str, by_module: dict[str, dict[str, float]], aliases: Aliases
) -> list[float]:
    name, module = candidate.distribution, candidate.module
    rates = by_module[top_level(module)]
    rival = max((rate for other, rate in rates.items() if other != name), default=0.0)
    return [
        float(candidate.same_name),
        likeness(module, name),
        rates[name],
        float(np.log1p(aliases.seen(module, package))),
        rival,
        rates[name] - rival,
        float(aliases.provides(name, module, package)),
        float(np.log1p(aliases.declared_by(name, package))),
    ]


def likeness(module: str, distribution: str) -> float:
    """Jaccard similarity of two names' letter triples, their ends marked: dateutil and python-dateutil give .5."""
    first, second = _triples(distribution_name(module)), _triples(distribution)
    return len(first & second) / max(len(first | second), 1)


def _triples(name: str) -> set[str]:
    padded = f"-{name}-"
    return {padded[start : start + 3] for start in range(len(padded) - 2)}
