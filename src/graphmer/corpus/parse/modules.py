"""Splits of one repository alone (`split: by_module`): whole modules go to train, val or test."""

from collections.abc import Mapping, Sequence

from graphmer.artifacts import stable_hash
from graphmer.corpus.parse.config import ParseParams
from graphmer.errors import CorpusError

BY_MODULE = "by_module"
SPLITS = ("train", "val", "test")


def split_modules(package: str, modules: Sequence[str], params: ParseParams) -> Mapping[str, str]:
    """A split for each dotted module of a package; modules of one group stay together.

    The groups are the shallowest module prefixes of which there are enough for three splits, in the order of a stable
    hash: the first go to test, the next to val, by the shares.
    Raises CorpusError where there are fewer than three groups at every depth: a split would be empty.
    """
    names = sorted({module for module in modules if module})
    depth, groups = _groups(names)
    if len(groups) < len(SPLITS):
        raise CorpusError(
            f"{package}: split: by_module needs at least {len(SPLITS)} modules, one for each of {', '.join(SPLITS)}; "
            f"found {len(groups)} ({', '.join(groups) or 'none'}); give the source one split and add other sources"
        )
    order = sorted(groups, key=lambda group: (stable_hash(params.by_module_seed, package, group), group))
    num_test = _share(params.by_module_test_share, len(order))
    num_val = _share(params.by_module_val_share, len(order))
    split = {group: "test" if place < num_test else "val" for place, group in enumerate(order[: num_test + num_val])}
    return {name: split.get(_prefix(name, depth), "train") for name in names}


def _share(share: float, count: int) -> int:
    """Groups of a split: at least one, and with shares below one half at least one is left for train."""
    return max(1, min(round(share * count), (count - 1) // 2))


def _groups(names: list[str]) -> tuple[int, list[str]]:
    """The smallest depth at which the modules part into as many groups as splits, and its groups."""
    deepest = max((name.count(".") + 1 for name in names), default=1)
    for depth in range(1, deepest + 1):
        groups = sorted({_prefix(name, depth) for name in names})
        if len(groups) >= len(SPLITS):
            break
    return depth, groups


def _prefix(name: str, depth: int) -> str:
    return ".".join(name.split(".")[:depth])
