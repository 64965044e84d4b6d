"""docs/data_card.md, from the corpus file, metrics/ and params.yaml: which code, whose licence, what became of it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from graphmer.artifacts import dotted, read_json
from graphmer.corpus.pins import Corpus, Source, load_corpus
from graphmer.report.markdown import table

REASONS = {
    "skipped": "files that were not parsed",
    "partial": "files parsed in part",
    "dropped": "triples that broke an acyclic relation",
    "near_duplicates_removed": "near-duplicate files removed, by their split and that of the file kept",
}
AT_MOST = ("duplicates", "orphans")  # the other checks are shares that hold
# What unpacking leaves out; the words are src/graphmer/corpus/unpack.py's and selection.py's.
NOT_UNPACKED = {
    "not_needed": "neither code of the package's languages, nor its manifest, nor a page of documentation",
    "excluded": "left out by the corpus file's `include` and `exclude`",
    "link": "a link",
}


def data_card(root: Path, tree: Mapping[str, Any]) -> str:
    """The page for the corpus that params.yaml names; tree: params.yaml."""
    corpus = load_corpus(root / tree["fetch"]["corpus"])
    counted = read_json(root / "metrics/packages.json")
    lines = ["# Data card", "", "Written by `make docs` from what the pipeline left; do not edit.", ""]
    lines += ["## Packages", "", *_summary(root, corpus, tree), "", *_packages(corpus, counted), ""]
    lines += ["## Left out", "", *_left_out(tree, counted), ""]
    lines += ["## Splits", "", *_splits(read_json(root / "metrics/pack.json")), ""]
    lines += ["## Quality of the graph", "", *_quality(root, tree), ""]
    lines += ["## Digests", "", *_digests(corpus, counted), ""]
    lines += ["## Further corpora", "", *_further(root, tree["fetch"]["corpus"]), ""]
    return "\n".join(lines)


def _summary(root: Path, corpus: Corpus, tree: Mapping[str, Any]) -> list[str]:
    kg = read_json(root / "metrics/kg.json")
    allowed = ", ".join([*tree["fetch"]["allowed_licences"], *tree["fetch"]["extra_licences"]])
    return [
        f"Corpus `{corpus.name}` ({tree['fetch']['corpus']}): {len(corpus.sources)} published source distributions, "
        f"{kg['files']:,} files, {kg['entities']:,} entities, {kg['triples']:,} triples. Each is pinned by version and "
        "digest, fetched from its public registry, and nothing of it is ever run. None of its code is in this "
        "repository.",
        "",
        f"Licences let in: {allowed}. Every triple carries package, version, licence, file and lines. "
        "The code holds what its authors published, their names and addresses in comments among it; nothing was added.",
    ]


def _packages(corpus: Corpus, counted: Mapping[str, Any]) -> list[str]:
    rows = []
    for source in corpus.sources:
        part = counted["packages"].get(source.name, {})
        numbers = [f"{part[name]:,}" if name in part else "not counted" for name in ("files", "entities", "triples")]
        rows.append([source.name, source.version, source.license, ", ".join(source.languages), source.split, *numbers])
    return table(["package", "version", "licence", "languages", "split", "files", "entities", "triples"], rows)


def _left_out(tree: Mapping[str, Any], counted: Mapping[str, Any]) -> Iterator[str]:
    kg = tree["kg"]
    yield (
        f"Of two near-duplicates in two splits (Jaccard {kg['near_duplicate_jaccard']:g} over shingles of "
        f"{kg['shingle_tokens']} tokens) the one in test stays, or in val; the same edge twice is one triple."
    )
    yield ""
    rows = [["repeated edges", "collapsed into one", f"{counted['repeated_edges']:,}"]]
    for kind, words in REASONS.items():
        found = dotted(counted["left_out"][kind])
        rows += [[words, reason.replace("_", " "), f"{count:,}"] for reason, count in found.items()] or [
            [words, "", "0"]
        ]
    unpacked: dict[str, int] = {}
    for part in counted["packages"].values():
        for reason, count in part["not_unpacked"].items():
            unpacked[reason] = unpacked.get(reason, 0) + count
    rows += [["files not unpacked", NOT_UNPACKED.get(reason, reason.replace("_", " ")), f"{count:,}"]
             for reason, count in sorted(unpacked.items())]  # fmt: skip
    yield from table(["what", "reason", "count"], rows)


def _splits(pack: Mapping[str, Any]) -> list[str]:
    names = ("samples", "tokens", "leaves", "edges", "pairs", "queries")
    rows = [[split, *(f"{pack[split][name]:,}" for name in names)] for split in ("train", "val", "test")]
    text = (
        "Splits are apart by package, never by triple. Queries are triples of held-out packages, denied to all scorers."
    )
    return [
        text,
        "",
        *table(["split", "windows", "tokens", "leaves", "edges in a window", "docstring pairs", "queries"], rows),
    ]


def _quality(root: Path, tree: Mapping[str, Any]) -> list[str]:
    figures = {
        name: value for name, value in dotted(read_json(root / "metrics/kg.json")).items() if isinstance(value, float)
    }
    bounds = tree["validate"]
    rows = []
    for name, value in sorted(figures.items()):
        bound, side = bounds.get(name.replace(".", "_")), "<=" if name in AT_MOST else ">="
        rows.append(
            [
                name.replace("_", " ").replace(".", ", "),
                f"{value:.6f}",
                f"{side} {bound:g}" if bound is not None else "",
            ]
        )
    return table(["check, as a share", "found", "bound"], rows)


def _digests(corpus: Corpus, counted: Mapping[str, Any]) -> list[str]:
    rows = [[_origin(source), f"`{source.sha256 or source.commit or 'not pinned'}`"] for source in corpus.sources]
    rows += [[f"data/kg/{name}", f"`{digest}`"] for name, digest in sorted(counted["sha256"].items())]
    return table(["file", "sha256"], rows)


def _origin(source: Source) -> str:
    return f"{source.kind}: {source.name} {source.version}"


def _further(root: Path, chosen: str) -> Iterator[str]:
    for path in sorted((root / "data/corpora").glob("*.yaml")):
        if path.relative_to(root).as_posix() != chosen:
            yield f"- {_one_corpus(path)}"


def _one_corpus(path: Path) -> str:
    corpus = load_corpus(path)
    count = {split: sum(source.split == split for source in corpus.sources) for split in ("train", "val", "test")}
    shown = ", ".join(f"{number} {split}" for split, number in count.items())
    return f"`{corpus.name}` (data/corpora/{path.name}): {len(corpus.sources)} packages: {shown}"
