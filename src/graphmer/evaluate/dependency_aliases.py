"""Which distribution a module comes from, as other packages' manifests and layouts teach it; no table typed by hand."""

import re
from collections import defaultdict
from collections.abc import Iterable

from graphmer.evaluate.dependency_facts import PackageFacts


def distribution_name(module: str) -> str:
    """A module's name as a distribution's would be written: lower case, runs of -, _ and . as one dash (PEP 503)."""
    return re.sub(r"[-_.]+", "-", module).strip("-").lower()


def top_level(module: str) -> str:
    """`google` of `google.protobuf`."""
    return module.partition(".")[0]


class Aliases:
    """What fit packages teach about modules and distributions, any one of them left out on demand.

    A package that teaches about itself would know its own answer: what is asked about a package leaves it out.
    """

    def __init__(self, packages: Iterable[PackageFacts], prior: float) -> None:
        """prior: pseudo-importers that a rate takes from what names alone are worth."""
        self.prior = prior
        self.declarers: dict[str, set[str]] = defaultdict(set)  # of a distribution
        self.importers: dict[str, set[str]] = defaultdict(set)  # of a module, dotted or top-level, plainly
        self.installers: dict[str, set[str]] = defaultdict(set)  # of a top-level module
        self.names: dict[str, set[str]] = {}  # distributions that bear an imported module's name, by package
        hits = total = 0
        for one in packages:
            modules = one.plain_modules()
            for module in {*modules, *map(top_level, modules)}:
                self.importers[module].add(one.package)
            for distribution in one.declared:
                self.declarers[distribution].add(one.package)
            for module in one.modules:
                self.installers[module].add(one.package)
            names = self.names[one.package] = {distribution_name(top_level(module)) for module in modules}
            hits, total = hits + len(names & one.declared.keys()), total + len(names)
        self.name_rate = hits / max(total, 1)

    def taught(self, module: str, package: str) -> set[str]:
        """Distributions that packages other than `package` teach for a module.

        They declare it and import the module, and at least one imports nothing of the distribution's own name: else
        that is why they declare it. Or they are it, and install the module.
        """
        teachers = self.importers.get(module, set()) - {package}
        declared = {
            name
            for name, declarers in self.declarers.items()
            if any(name not in self.names[teacher] for teacher in declarers & teachers)
        }
        return declared | (self.installers.get(module, set()) - {package})

    def seen(self, module: str, package: str) -> int:
        """How many other packages import a module."""
        return len(self.importers.get(module, set()) - {package})

    def rate(self, module: str, distribution: str, package: str) -> float:
        """Share of a module's importers that declare a distribution for its sake, of other packages than `package`."""
        teachers = self.importers.get(module, set()) - {package}
        together = teachers & self.declarers.get(distribution, set())
        same = distribution_name(top_level(module)) == distribution
        for_it = together if same else {one for one in together if distribution not in self.names[one]}
        expected = self.name_rate if same else 0.0
        return (len(for_it) + self.prior * expected) / (len(teachers) + self.prior)

    def provides(self, distribution: str, module: str, package: str) -> bool:
        """Whether the distribution is a fit package, other than `package`, that installs the module."""
        return distribution != package and distribution in self.installers.get(top_level(module), set())

    def declared_by(self, distribution: str, package: str) -> int:
        """How many other packages declare a distribution."""
        return len(self.declarers.get(distribution, set()) - {package})
