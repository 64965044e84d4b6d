"""Boosted trees as plain numbers: what scikit-learn fitted, kept in JSON and asked without it.

A pickle would run what it holds when it is read. The nodes are a few thousand numbers, and asking them takes a page;
the answers are scikit-learn's own to the last bit (a test, and a check whenever trees are taken over).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graphmer.errors import ArtifactError, EvaluationError
from graphmer.evaluate.boosting import Boosting
from graphmer.evaluate.queries import FloatArray

LEAF = -1


@dataclass(frozen=True)
class Tree:
    """The nodes of one tree, the root first, children behind their parents.

    feature: (n,) column that a node asks of; LEAF where it answers. threshold: what is at most this goes left. left,
    right: numbers of the children. missing_left: whether what is not known goes left. value: what a leaf answers.
    categories: {node: categories that go left}, for nodes that ask of the category.
    """

    feature: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.float64]
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    missing_left: npt.NDArray[np.bool_]
    value: npt.NDArray[np.float64]
    categories: dict[int, tuple[int, ...]]


@dataclass(frozen=True)
class Forest:
    """Trees whose answers are added up. known: categories seen in the fit, of the features' last column."""

    baseline: float
    known: tuple[int, ...]
    trees: tuple[Tree, ...]

    def decision_function(self, features: FloatArray) -> npt.NDArray[np.float64]:
        """(n,) log-odds of (n, F) features, as scikit-learn's model of this name gives them."""
        columns = np.asfortranarray(features, np.float64)
        scores = np.full(len(columns), self.baseline)
        for tree in self.trees:  # in the order of the fit: a sum in another one may differ in its last bit
            scores += self._answers(tree, columns)
        return scores

    def _answers(self, tree: Tree, columns: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        answers = np.empty(len(columns), np.float64)
        todo = [(0, np.arange(len(columns)))]
        while todo:
            node, rows = todo.pop()
            if tree.feature[node] == LEAF:
                answers[rows] = tree.value[node]
            elif len(rows):
                goes_left = self._goes_left(tree, node, columns[rows, tree.feature[node]])
                todo += [(int(tree.left[node]), rows[goes_left]), (int(tree.right[node]), rows[~goes_left])]
        return answers

    def _goes_left(self, tree: Tree, node: int, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        if node in tree.categories:
            missing, goes_left = ~np.isin(values, self.known), np.isin(values, tree.categories[node])
        else:
            missing, goes_left = np.isnan(values), values <= tree.threshold[node]
        found: npt.NDArray[np.bool_] = np.where(missing, tree.missing_left[node], goes_left)
        return found

    def as_json(self) -> dict[str, object]:
        """Plain values, of which `from_json` makes the same forest."""
        return {"baseline": self.baseline, "known": list(self.known), "trees": [_as_json(tree) for tree in self.trees]}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any], num_features: int) -> "Forest":
        """Read what `as_json` gave; raises ArtifactError where a node leads nowhere, or round in a circle."""
        trees = tuple(_from_json(one, num_features) for one in tree["trees"])
        return cls(float(tree["baseline"]), tuple(map(int, tree["known"])), trees)


def plain_trees(fitted: Boosting, features: FloatArray) -> Boosting:
    """The same trees without scikit-learn. features: (n, F + 1) rows to try them on, the relation as the last column.

    Raises EvaluationError where scikit-learn gives another answer than the nodes as they were read.
    """
    forest = forest_of(fitted.model)
    if not np.array_equal(forest.decision_function(features), fitted.model.decision_function(features)):
        raise EvaluationError(
            "this version of scikit-learn keeps its trees otherwise than expected; install the one in requirements.txt"
        )
    return Boosting(forest)


def forest_of(model: Any) -> Forest:
    """The nodes of a fitted HistGradientBoostingClassifier of two classes, whose last feature alone is a category.

    There is no public way to them: the attributes are those of scikit-learn 1.4 and later, which puts categories first
    and counts them from 0.
    """
    encoder = model._preprocessor.named_transformers_["encoder"]
    known = tuple(int(value) for value in encoder.categories_[0])
    predictors = [one for (one,) in model._predictors]
    trees = tuple(_tree(one.nodes, one.raw_left_cat_bitsets, known, model.n_features_in_) for one in predictors)
    return Forest(float(model._baseline_prediction.item()), known, trees)


def _tree(nodes: npt.NDArray[Any], bitsets: npt.NDArray[np.uint32], known: Sequence[int], num_features: int) -> Tree:
    is_leaf = nodes["is_leaf"].astype(np.bool_)
    feature = (nodes["feature_idx"].astype(np.int64) - 1) % num_features  # the category comes first there, last here
    asks_category = nodes["is_categorical"].astype(np.bool_) & ~is_leaf
    categories = {
        node: tuple(
            category
            for place, category in enumerate(known)
            if int(bitsets[int(nodes["bitset_idx"][node]), place // 32]) >> (place % 32) & 1
        )
        for node in np.flatnonzero(asks_category).tolist()
    }
    return Tree(
        feature=np.where(is_leaf, LEAF, feature),
        threshold=np.where(is_leaf | asks_category, 0.0, nodes["num_threshold"]),
        left=np.where(is_leaf, 0, nodes["left"]).astype(np.int64),
        right=np.where(is_leaf, 0, nodes["right"]).astype(np.int64),
        missing_left=nodes["missing_go_to_left"].astype(np.bool_) & ~is_leaf,
        value=np.where(is_leaf, nodes["value"], 0.0),
        categories=categories,
    )


ARRAYS = ("feature", "threshold", "left", "right", "missing_left", "value")


def _as_json(tree: Tree) -> dict[str, object]:
    arrays = {name: getattr(tree, name).tolist() for name in ARRAYS}
    return {**arrays, "categories": {str(node): list(found) for node, found in tree.categories.items()}}


def _from_json(tree: Mapping[str, Any], num_features: int) -> Tree:
    kinds = (np.int64, np.float64, np.int64, np.int64, np.bool_, np.float64)
    arrays: dict[str, Any] = {name: np.asarray(tree[name], kind) for name, kind in zip(ARRAYS, kinds, strict=True)}
    feature, children = arrays["feature"], np.stack([arrays["left"], arrays["right"]])
    number = np.arange(len(feature))
    asks = feature != LEAF
    if (
        {len(one) for one in arrays.values()} != {len(feature)}
        or not len(feature)
        or np.any((feature < LEAF) | (feature >= num_features))
        or np.any(((children <= number) | (children >= len(feature)))[:, asks])
    ):
        raise ArtifactError("a tree's node leads nowhere")
    categories = {int(node): tuple(map(int, found)) for node, found in tree["categories"].items()}
    return Tree(**arrays, categories=categories)
