"""Splits of one repository alone (`split: by_module`): whole modules go to train, val or test."""

from collections.abc import Mapping, Sequence

from graphmer.artifacts import stable_hash
from graphmer.corpus.parse.config import ParseParams
from graphmer.errors import CorpusError

BY_MODULE = "by_module"
SPLITS = ("train", "val", "test")


def split_modules(package: str, modules: Sequence[str], params: ParseParams) -> Mapping[str, str]:
    """A split for each dotted module of a package; modules of one group stay together.

    modules: one name for each code file. A group is a top-level module; one that holds more files than test's share
    is parted into the modules below it. In the order of a stable hash, groups go to test until it has its share of
    the files, then to val, the rest to train.
    Raises CorpusError where there are fewer groups than splits: one would be empty.
    """
    names = sorted(module for module in modules if module)
    groups = _groups(names, params.by_module_test_share * len(names))
    if len(groups) < len(SPLITS):
        raise CorpusError(
            f"{package}: split: by_module needs at least {len(SPLITS)} modules, one for each of {', '.join(SPLITS)}; "
            f"found {len(groups)} ({', '.join(sorted(groups)) or 'none'}); give the source one split and add others"
        )
    order = sorted(groups, key=lambda group: (stable_hash(params.by_module_seed, package, group), group))
    shares = {"test": params.by_module_test_share, "val": params.by_module_val_share}
    split: dict[str, str] = {}
    for later, (name, share) in zip((2, 1), shares.items()):  # each split that follows needs a group of its own
        taken = 0
        while len(order) > later and (not taken or taken < share * len(names)):
            members = groups[order.pop(0)]
            taken += len(members)
            split |= dict.fromkeys(members, name)
    return split | {member: "train" for group in order for member in groups[group]}


def _groups(names: Sequence[str], largest: float) -> dict[str, list[str]]:
    """Modules by their shortest prefix whose group has at most `largest` members, or cannot be parted further."""
    found: dict[str, list[str]] = {}
    pending = [(1, list(names))]
    while pending:
        depth, members = pending.pop()
        parts: dict[str, list[str]] = {}
        for name in members:
            parts.setdefault(".".join(name.split(".")[:depth]), []).append(name)
        for prefix, part in parts.items():
            if len(part) > largest and any(name != prefix for name in part):
                pending.append((depth + 1, part))
            else:
                found.setdefault(prefix, []).extend(part)
    return found
