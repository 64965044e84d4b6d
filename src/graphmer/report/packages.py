"""What each package gave to the graph, and what was left out of it by reason: the figures behind docs/data_card.md."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphmer.artifacts import read_json, read_table, sha256_file, write_json
from graphmer.kg.schema import entities_schema, triples_schema

REASONS = ("skipped", "partial", "dropped", "near_duplicates_removed")
TABLES = ("entities.parquet", "triples.parquet")


def describe_packages(raw: Path, kg: Path, out: Path) -> None:
    """Write counts by package and reason, and digests of the graph's tables; raises ArtifactError on a missing one."""
    fetched, built = read_json(raw / "manifest.json"), read_json(kg / "manifest.json")
    triples = _by_package(kg / "triples.parquet", triples_schema())
    entities = _by_package(kg / "entities.parquet", entities_schema())
    packages = {
        source["name"]: {
            "files": sum(built["packages"].get(source["name"], {}).values()),
            "entities": entities.get(source["name"], 0),
            "triples": triples.get(source["name"], 0),
            "not_unpacked": source["skipped"],
        }
        for source in fetched["sources"]
    }
    left_out = {reason: dict(built[reason]) for reason in REASONS}
    digests = {name: sha256_file(kg / name) for name in TABLES}
    counts = {"external_entities": entities.get("", 0), "repeated_edges": built["duplicates_collapsed"]}
    write_json(
        out, {"corpus": fetched["corpus"], "packages": packages, "left_out": left_out, "sha256": digests, **counts}
    )


def _by_package(path: Path, schema: Any) -> Mapping[str, int]:
    """Rows of a table by package; what is external belongs to none, the empty name."""
    counts = read_table(path, schema, ["package"])["package"].value_counts()
    return {str(name): int(count) for name, count in counts.items()}
