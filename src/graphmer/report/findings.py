"""What a check found: one line for each thing that is not as it was said to be."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from graphmer.artifacts import sha256_file

# agrees: two sides are the same. differs: they are not, or what must be there is missing. absent: evidence that is not
# in git, or was never made, and need not be. note: true, and no fault.
Kind = Literal["agrees", "differs", "absent", "note"]


class Finding(NamedTuple):
    """One comparison: where, and what it says; of a difference both sides, of what is absent the command to make it."""

    kind: Kind
    where: str
    said: str

    def line(self) -> str:
        """On one line."""
        return f"{self.kind}: {self.where}: {self.said}"


def compared(where: str, expected: object, found: object) -> Finding:
    """Whether both are the same."""
    if expected == found:
        return Finding("agrees", where, str(found))
    return Finding("differs", where, f"expected {_shown(expected)}, found {_shown(found)}")


def compared_trees(where: str, expected: Mapping[str, object], found: Mapping[str, object]) -> Iterator[Finding]:
    """Every key of both."""
    for key in sorted(expected.keys() | found.keys()):
        sides = ({key: tree[key]} if key in tree else {} for tree in (expected, found))
        yield compared(f"{where}: {key}", *(side.get(key, "nothing") for side in sides))


def compared_files(folder: Path, shown: str, digests: Mapping[str, str], whole: bool = False) -> Iterator[Finding]:
    """Files against the digests that are known of them; whole: whether these are all that the folder may hold.

    shown: the folder's name in messages.
    """
    for name, digest in sorted(digests.items()):
        path = folder / name
        yield compared(
            f"{shown}/{name}", f"sha256 {digest}", f"sha256 {sha256_file(path)}" if path.is_file() else "no file"
        )
    if whole:
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        for name in sorted(there - digests.keys()):
            yield compared(f"{shown}/{name}", "no file", "a file that the record does not know")


def absent(where: str, command: str) -> Finding:
    """Evidence that is not here; command: what makes it."""
    return Finding("absent", where, f"not here; {command} makes it")


def note(where: str, said: str) -> Finding:
    """Something true that is no fault."""
    return Finding("note", where, said)


def reported(findings: Iterable[Finding], as_json: bool) -> tuple[str, bool]:
    """All but what agrees, with a summary, as text or for a program; and whether nothing differs."""
    listed = list(findings)
    counts = Counter(finding.kind for finding in listed)
    others = [finding for finding in listed if finding.kind != "agrees"]
    if as_json:
        found = {"agree": counts["agrees"], "findings": [finding._asdict() for finding in others]}
        return json.dumps(found, indent=2), not counts["differs"]
    total = f"{counts['agrees']:,} agree, {counts['differs']:,} differ, {counts['absent']:,} are not here"
    return "\n".join([*(finding.line() for finding in others), total]), not counts["differs"]


def _shown(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 200 else f"{text[:200]} ..."
