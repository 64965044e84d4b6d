"""What the encoder says of a package's candidates: do the names belong together, and do packages alike declare it?"""

from collections.abc import Sequence

import numpy as np

from graphmer.evaluate.dependency_aliases import top_level
from graphmer.evaluate.dependency_candidates import Candidate, FloatArray
from graphmer.evaluate.dependency_facts import PackageFacts
from graphmer.evaluate.scorer import NeuralScorer


class NeuralColumns:
    """Two columns a candidate, from unit vectors of import statements and of names.

    The code itself is not in the tables, so the encoder reads its import statements: one for a module, all of them for
    a package.
    """

    def __init__(self, neural: NeuralScorer, fit: Sequence[PackageFacts], neighbours: int) -> None:
        """neighbours: fit packages that vote, those whose imports are most alike."""
        self.neural, self.fit, self.neighbours = neural, list(fit), neighbours
        self.known: dict[str, FloatArray] = {}
        self.fit_FD = self.embed([import_text(one) for one in fit])

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(n, D) unit vectors, each text encoded once: the same names come up in many packages."""
        fresh = sorted(set(texts) - self.known.keys())
        if fresh:
            self.known |= zip(fresh, np.asarray(self.neural.embed(fresh), np.float64), strict=True)
        return np.stack([self.known[text] for text in texts])

    def of(self, one: PackageFacts, asked: Sequence[Candidate]) -> FloatArray:
        """(C, 2) cosine of the module's import and the distribution's name; votes of the nearest fit packages."""
        if not asked:
            return np.zeros((0, 2))
        modules = self.embed([f"import {candidate.module}" for candidate in asked])
        names = self.embed([candidate.distribution for candidate in asked])
        votes = self._votes(one)
        return np.stack(
            [
                np.einsum("cd,cd->c", modules, names),
                np.asarray([votes.get(candidate.distribution, 0.0) for candidate in asked]),
            ],
            axis=1,
        )

    def _votes(self, one: PackageFacts) -> dict[str, float]:
        """{distribution: share of the nearest other fit packages that declare it, weighted by cosine}."""
        alike_F = self.fit_FD @ self.embed([import_text(one)])[0]
        order = [place for place in np.argsort(-alike_F, kind="stable") if self.fit[place].package != one.package]
        nearest = order[: self.neighbours]
        weights = np.clip(alike_F[nearest], 0.0, None)
        votes: dict[str, float] = {}
        for place, weight in zip(nearest, weights / max(float(weights.sum()), 1e-9)):
            for distribution in self.fit[place].declared:
                votes[distribution] = votes.get(distribution, 0.0) + float(weight)
        return votes


def import_text(one: PackageFacts) -> str:
    """The imports of a package's installed code as its author would write them, one a line, sorted."""
    return "\n".join(f"import {module}" for module in sorted(set(map(top_level, one.installed_modules()))))
