"""The figures of docs/scale.md, written from what benchmarks/kg_speed.py measured: `make docs`.

The file holds the machine, and for each corpus a figure, or its median with `_low` and `_high`, the extreme rounds:

    rounds              how often each was measured
    ratio_to_parse      CPU time of the graph over that of a bare tree-sitter parse of the same files
    validation_to_parse what checking that graph takes beside it
    files_per_cpu_s, triples_per_cpu_s
    peak_mib            largest resident size, one process
    speedup_2           wall time of one process over that of two
    growth              a row for each part of the corpus, smallest first: files, cpu_s_per_mib, peak_mib
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from graphmer.artifacts import read_json
from graphmer.errors import ArtifactError
from graphmer.report.markdown import cell, machine_line, table

BEGIN = "<!-- figures: written by `make readme` from results/benchmarks/kg_speed.json; do not edit -->"
END = "<!-- /figures -->"
FIGURES = {
    "rounds": "rounds",
    "files": "files",
    "triples": "triples",
    "ratio_to_parse": "CPU time over a bare parse",
    "validation_to_parse": "validation beside it",
    "files_per_cpu_s": "files a CPU-s",
    "triples_per_cpu_s": "triples a CPU-s",
    "peak_mib": "peak, MiB",
    "speedup_2": "speed-up, two processes",
}
GROWTH = {"files": "files", "cpu_s_per_mib": "CPU-s a MiB of source", "peak_mib": "peak, MiB"}
ABSENT = "Nothing is measured yet: `python benchmarks/kg_speed.py data/raw` does it."


def scale_figures(measured: Path) -> str:
    """Markdown of the figures of every corpus in the file, or one line where there is no such file.

    Raises ArtifactError where the file is damaged or holds no corpus.
    """
    if not measured.is_file():
        return ABSENT
    tree = read_json(measured)
    corpora = {name: part for name, part in tree.items() if isinstance(part, Mapping) and "ratio_to_parse" in part}
    if not corpora:
        raise ArtifactError(f"{measured}: no corpus with 'ratio_to_parse'; run python benchmarks/kg_speed.py data/raw")
    lines = table(["corpus", *FIGURES.values()], [[name, *_cells(part, FIGURES)] for name, part in corpora.items()])
    for name, part in corpora.items():
        if "growth" in part:
            rows = [_cells(row, GROWTH) for row in part["growth"]]
            lines += ["", f"`{name}`, as packages are added:", "", *table(list(GROWTH.values()), rows)]
    return "\n".join([machine_line(tree.get("machine", {})), "", *lines])


def _cells(part: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    return [cell(part, name) for name in names]
