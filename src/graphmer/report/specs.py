"""docs/specs.md, from params.yaml, the ontology and metrics/: what the system must do, and whether it does."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from graphmer.artifacts import dotted
from graphmer.corpus.pins import LANGUAGE_ENDINGS, load_corpus
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.ontology.vocabulary import RESOLUTIONS, SOURCES, load_ontology
from graphmer.report.gates import read_gates
from graphmer.report.markdown import table

IN_SCOPE = (
    "a knowledge graph of {languages} code with provenance, checked against an ontology",
    "an encoder that learns code tokens and the graph's triples together; what it adds to counting, with an interval",
    "one pipeline that anybody can run again, and figures that `graphmer verify` derives again",
)
GLOSSARY = {
    "MRR": "mean of 1 / rank of the right answer; ties share their mean rank, other right answers are left out",
    "Hits@k": "share of queries whose right answer is among the first k",
    "accuracy": "share of masked tokens, or of whole names, that are exactly right",
    "F1": "harmonic mean of precision and recall",
    "gain": "paired difference, query by query: ours over the best peer; in link prediction the fitted scorer with the "
    "neural score over the same without it",
    "_low, _high": "percentile interval by bootstrap, over files, or over packages where there are enough",
    "headline": "mentions of the answer's name are hidden in the code, structural relations left out, support visible",
    "mentions visible": "as the headline, with the name in sight: measures copying",
    "zero support": "nothing of the package's graph is visible, only its code",
    "domain range": "share of triples whose types the ontology allows",
    "resolution rate": "share of calls whose target is known, inside the package or outside",
    "fill": "share of positions of packed rows that hold something",
}


def specs(root: Path, tree: Mapping[str, Any]) -> str:
    """The page; tree: params.yaml."""
    lines = [
        "# Specification",
        "",
        "Written by `make docs` from params.yaml, the ontology and metrics/; do not edit.",
        "",
    ]
    lines += ["## Scope", "", *_scope(), ""]
    lines += ["## Acceptance", "", *_acceptance(root), ""]
    lines += ["## Triples", "", *_schema(), ""]
    lines += ["## Licensing", "", *_licensing(tree), ""]
    lines += ["## Datasets", "", *_datasets(root), ""]
    lines += [
        "## Metrics",
        "",
        *table(["name", "meaning"], [[f"`{name}`", text] for name, text in GLOSSARY.items()]),
        "",
    ]
    lines += ["## Thresholds", "", *_thresholds(tree), ""]
    return "\n".join(lines)


def _scope() -> Iterator[str]:
    languages = ", ".join(sorted(LANGUAGE_ENDINGS))
    yield from (f"- {item.format(languages=languages)}" for item in IN_SCOPE)
    yield ""
    yield "Out of scope: running the code that is studied, writing code, and any claim without a measured figure."


def _acceptance(root: Path) -> Iterator[str]:
    yield "As `graphmer verify --gates` judges the committed figures:"
    yield ""
    rows = [[gate.name, gate.bound, gate.value, gate.verdict, gate.remedy] for gate in read_gates(root)]
    yield from table(["criterion", "bound", "found", "verdict", "where it is not met"], rows)


def _schema() -> Iterator[str]:
    ontology = load_ontology()
    yield f"`entities.parquet`: {_columns(entities_schema())}."
    yield ""
    kinds = f"`source` is one of {', '.join(SOURCES)}; `resolution` one of {', '.join(RESOLUTIONS)}"
    yield f"`triples.parquet`: {_columns(triples_schema())}. {kinds}."
    yield ""
    types, stored = f"{len(ontology.entity_types)} entity types", f"{len(ontology.stored_relations)} stored relations"
    yield f"Ontology {ontology.version}: {types} ({', '.join(ontology.entity_types)}), {stored}; inverses are derived."
    yield ""
    rows = []
    for name in ontology.stored_relations:
        relation = ontology.relations[name]
        rules = [rule for rule in ("acyclic", "antisymmetric", "functional", "structural") if getattr(relation, rule)]
        rows.append(
            [f"`{name}`", *(", ".join(sorted(side)) for side in (relation.domain, relation.range)), ", ".join(rules)]
        )
    yield from table(["relation", "heads", "tails", "rules"], rows)


def _columns(schema: Any) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in schema)


def _licensing(tree: Mapping[str, Any]) -> list[str]:
    fetch = tree["fetch"]
    own = "let in" if fetch["allow_proprietary"] else "refused unless `fetch.allow_proprietary` says otherwise"
    return [
        "This project is under Apache-2.0. Of the code that it studies, these SPDX licences are let in: "
        f"{', '.join([*fetch['allowed_licences'], *fetch['extra_licences']])}; a source under another is refused "
        f"before anything is kept. One's own closed code (`LicenseRef-Proprietary`) is {own}.",
    ]


def _datasets(root: Path) -> list[str]:
    rows = []
    for path in sorted((root / "data/corpora").glob("*.yaml")):
        corpus = load_corpus(path)
        counts = [str(sum(source.split == split for source in corpus.sources)) for split in ("train", "val", "test")]
        licences = sorted({source.license for source in corpus.sources})
        rows.append([f"`{corpus.name}`", f"data/corpora/{path.name}", *counts, ", ".join(licences)])
    return table(["corpus", "file", "train", "val", "test", "licences"], rows)


def _thresholds(tree: Mapping[str, Any]) -> list[str]:
    rows = [
        [f"`{section}.{name}`", "none" if value is None else f"{value:g}"]
        for section in ("validate", "gates")
        for name, value in dotted(tree[section]).items()
        if name != "offenders_shown"
    ]
    text = "From params.yaml, where each has its source; a graph past one of `validate` ends the pipeline."
    return [text, "", *table(["parameter", "value"], rows)]
