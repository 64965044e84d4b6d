"""What a change did, as Markdown for a pull request: `python -m graphmer.report.pull_request`, `make pr-report`.

The present files are compared with the commit at which the branch left its base. Nothing is trained or written; what
cannot be told here (a graph that was not pulled) is one line that says how to get it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from graphmer.errors import GraphmerError
from graphmer.report.both_sides import both_figures, both_parameters
from graphmer.report.comment import block_within, code, list_within, table_within
from graphmer.report.figure_changes import FELL, NO_VERDICT, ROSE, WITHIN, changes
from graphmer.report.graph_changes import FETCHED, GRAPH, compare_graphs, graph_digest, triples_file
from graphmer.report.lock import Lock, dvc_cache
from graphmer.report.revision import Revision

DRAWN = ("plots", "results")
MAX_TRIPLES = 50  # of each kind
# Characters of a section's lists and tables. GitHub takes 65,536 a comment: these and the words around them stay below.
MOST_LOCK, MOST_PARAMETERS, MOST_METRICS, MOST_TRIPLES = 5_000, 10_000, 15_000, 20_000
MAX_PLOTS = 20
LEGEND = (
    f"{ROSE} {FELL}: the intervals part, and which way the figure went, not whether that is good. {WITHIN}: they meet, "
    "so nothing is shown. Without an interval there is no verdict. Intervals are over files, not over training seeds."
)


def pull_request_report(root: Path, base: str, images: str) -> str:
    """Markdown of what differs between the files in `root` and the commit at which the branch left `base`.

    images: what stands before a drawing's path: an address that ends in a slash, or nothing.
    Raises ArtifactError where there is nothing to compare with, or a file is damaged.
    """
    revision = Revision.branched_from(root, base)
    sections = {
        "dvc.lock": _lock(root),
        "Parameters": _parameters(revision),
        "Metrics": _metrics(revision),
        "Plots": _plots(revision, images),
        "Triples": _triples(revision),
    }
    text = f"# What this change does\n\nCompared with {revision.commit[:12]}, where the branch left {code(base)}.\n"
    return text + "".join("\n".join(["", f"## {title}", "", *lines, ""]) for title, lines in sections.items())


def _lock(root: Path) -> list[str]:
    lock = Lock(root)
    differences, drift = list(lock.differences()), list(lock.drift())
    verdict = "**Not current**: run `make repro` and commit the result." if differences else "Current."
    stale = ["", "Code that has changed since the locked run:", "", *list_within(MOST_LOCK, drift)] if drift else []
    return [verdict, *(["", *list_within(MOST_LOCK, differences)] if differences else []), *stale]


def _parameters(revision: Revision) -> list[str]:
    found = changes(*both_parameters(revision))
    rows = [[code(one.name), *map(_value, (one.before, one.after))] for one in found]
    return table_within(MOST_PARAMETERS, ["parameter", "before", "after"], rows) if rows else ["None changed."]


def _value(value: str | None) -> str:
    return "" if value is None else code(value)


def _metrics(revision: Revision) -> list[str]:
    rows = []
    for one in changes(*both_figures(revision)):
        sides = ["" if side is None else str(side) for side in (one.before, one.after)]
        rows.append([code(one.name), *sides, one.difference, one.verdict])
    if not rows:
        return ["None changed."]
    rows.sort(key=lambda row: row[-1] not in (ROSE, FELL))
    counts = [(sum(row[-1] == sign for row in rows), sign) for sign in (ROSE, FELL, WITHIN, NO_VERDICT)]
    told = ", ".join(f"{count} {sign or 'without a verdict'}" for count, sign in counts)
    return [f"{len(rows)} changed: {told}. {LEGEND}", "",
            *table_within(MOST_METRICS, ["figure", "before", "after", "change", ""], rows)]  # fmt: skip


def _plots(revision: Revision, images: str) -> list[str]:
    """Drawings that git has or is about to have, where their bytes have changed."""
    files = sorted(path for folder in DRAWN for path in (revision.root / folder).rglob("*.svg"))
    now = {path.relative_to(revision.root).as_posix(): path for path in files}
    changed = [name for name, path in now.items() if path.read_bytes() != revision.read(name)]
    gone = [name for name in revision.names(DRAWN) if name.endswith(".svg") and name not in now]
    lines = [f"{code(name)}\n\n![{quote(name)}]({images}{quote(name)})\n" for name in changed[:MAX_PLOTS]]
    lines += [f"{code(name)} is no longer there.\n" for name in gone[:MAX_PLOTS]]
    left = len(changed[MAX_PLOTS:]) + len(gone[MAX_PLOTS:])
    return [*lines, *([f"and {left} more."] if left else [])] or ["None changed."]


def _triples(revision: Revision) -> list[str]:
    root, lock = revision.root, revision.root / "dvc.lock"
    before, after = graph_digest(revision.read("dvc.lock")), graph_digest(lock.read_bytes() if lock.is_file() else None)
    if before is None or after is None:
        return [f"Not compared: dvc.lock names no {GRAPH} {'before' if before is None else 'after'} the change."]
    if before == after:
        return ["The graph is the same, byte for byte."]
    files = []
    for digest, commit in ((before, revision.commit[:12]), (after, "HEAD")):
        found = triples_file(root, dvc_cache(root), digest)
        if found is None:
            get = f"dvc get . {GRAPH} --rev {commit} --out {FETCHED}/{digest}"
            return [f"Not compared: the graph of {commit} is not here; `{get}` gets it from the project's remote."]
        files.append(found)
    change = compare_graphs(files[0], files[1], MAX_TRIPLES)
    listed = [f"+ {line}" for line in change.first_gained] + [f"- {line}" for line in change.first_lost]
    if not listed:
        return ["The same triples; what differs are their lines, sources or confidences."]
    told = (
        f"{change.gained:,} gained, {change.lost:,} lost; of each the first {MAX_TRIPLES} by head, relation and tail."
    )
    return [told, "", *block_within(MOST_TRIPLES, listed, "diff")]


def main(arguments: Sequence[str]) -> int:
    """Print the report; 2 and one line on bad input."""
    parser = argparse.ArgumentParser(prog="pr-report", description=__doc__, allow_abbrev=False)
    parser.add_argument("--base", required=True, help="branch or commit to compare with, such as main")
    parser.add_argument("--root", type=Path, default=Path(), help="the project; default: here")
    parser.add_argument("--images", default="", help="address before a drawing's path, ending in /; default: none")
    given = parser.parse_args(arguments)
    try:
        report = pull_request_report(given.root, given.base, given.images)
    except GraphmerError as error:
        print(f"pr-report: {error}", file=sys.stderr)
        return 2
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(report, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
