"""The counted peers: what a user would pick instead of a network, each from the same features and the same hiding."""

from collections.abc import Callable

import numpy as np

from graphmer.evaluate.queries import FloatArray
from graphmer.evaluate.symbolic import column

Peer = Callable[[FloatArray], FloatArray]

# Peers of several features weigh them as the combiner does, fitted on val: none is weaker than its features allow.
FITTED_PEERS: dict[str, tuple[str, ...]] = {
    "cloze_sibling": ("cloze", "cloze_both", "cloze_other_holes", "sibling"),
    "mention_sibling": ("mention", "mention_near", "sibling"),
}


def most_frequent(matrix: FloatArray) -> FloatArray:
    """How often the package's support has the candidate as this relation's tail."""
    return column(matrix, "sibling_package")


def name_similarity(matrix: FloatArray) -> FloatArray:
    """Subtokens that the candidate's name shares with the head's; its owner's name breaks ties."""
    return column(matrix, "name_of_head") + np.float32(0.1) * column(matrix, "name_of_owner")


def sibling(matrix: FloatArray) -> FloatArray:
    """Log-probability by the tails of the heads in the same class, file, folder and package, each backed off."""
    return column(matrix, "sibling")


def cloze(matrix: FloatArray) -> FloatArray:
    """Log-probability of the candidate's name in the hole, by n-grams of the package's other code."""
    return column(matrix, "cloze")


def mention(matrix: FloatArray) -> FloatArray:
    """How near to the hole the window shows the candidate's name; 0 where it does not."""
    return column(matrix, "mention_near")


def rough_score(matrix: FloatArray) -> FloatArray:
    """Log-probability of the name in the hole times the siblings': who is worth a look before any fit."""
    return column(matrix, "cloze") + column(matrix, "sibling")


PEERS: dict[str, Peer] = {
    "most_frequent": most_frequent,
    "name_similarity": name_similarity,
    "sibling": sibling,
    "cloze": cloze,
    "mention": mention,
}
