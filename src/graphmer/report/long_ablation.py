"""The ablation that decides: every row with several seeds, cell by cell. `make ablation` comes here.

    .scratch/ablation/models/<digest>/   a trained model with its figures; rows that differ at test alone share one
    .scratch/ablation/cells/<digest>/    a cell's predictions and figures
    results/ablation/                    what follows from the finished rows, rewritten after each

A digest is over all parameters that the model or cell reads, the data, and the code that dvc.yaml names for the stages
`train` and `ablation_cell`. A cell that is there under its digest is never run again; one of other code, data or
parameters is never read.
"""

import dataclasses
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from graphmer.artifacts import atomic_folder, sha256_file
from graphmer.errors import ParamsError
from graphmer.evaluate.cell import evaluate_cell
from graphmer.params import load_section
from graphmer.report.config import AblationParams
from graphmer.report.long_results import Finished, write_results
from graphmer.report.variants import CellParams, cell_params
from graphmer.train.checkpoint import describe, fingerprint
from graphmer.train.run import train_model

Tree = Mapping[str, Any]


@dataclass(frozen=True)
class Inputs:
    """Where data and code lie. root: the project's, of dvc.yaml and the code that it names."""

    packed: Path
    kg: Path
    parsed: Path
    root: Path


@dataclass(frozen=True)
class Cell:
    """One row with one seed. model, digest: the names of its folders."""

    row: str
    seed: int
    params: CellParams
    model: str
    digest: str

    @property
    def name(self) -> str:
        """As the cells of the default pipeline are named."""
        return f"{self.row}-{self.seed}"


def run_long(tree: Tree, rows: Sequence[str], inputs: Inputs, work: Path, out: Path) -> None:
    """Run what is missing of `rows` (none: of all) and of the baseline, row by row, and write `out` after each row.

    Raises ParamsError where a row is not one of ablation.long.rows.
    """
    params = load_section(tree, "ablation", AblationParams)
    wanted = chosen_rows(rows, params)
    cells = plan_cells(tree, params, inputs)
    same = same_rows(cells, params.baseline)
    chosen = [cell for cell in cells if cell.row in wanted and cell.row not in same]
    todo = [cell for cell in chosen if not _is_finished(cell, work)]
    for row in sorted(set(same) & set(wanted)):
        _tell(f"{row}: the same as {params.baseline} under these parameters, not run")
    _tell(f"{len(chosen) - len(todo)} cells are there, {len(todo)} to run: {', '.join(cell.name for cell in todo)}")
    for number, cell in enumerate(todo, 1):
        begin, busy = time.monotonic(), time.process_time()
        run_cell(cell, inputs, work)
        spent = f"{time.monotonic() - begin:.0f} s, {time.process_time() - busy:.0f} CPU-s"
        _tell(f"{cell.name}: done in {spent}, {number} of {len(todo)}")
        if number == len(todo) or todo[number].row != cell.row:
            collect(tree, cells, same, work, out)
    if not todo:
        collect(tree, cells, same, work, out)
    _tell(f"{out}: ablation.json, ablation.csv, ablation.svg, ranks.parquet, environment.json")


def chosen_rows(rows: Sequence[str], params: AblationParams) -> list[str]:
    """The rows to run in the order of ablation.long.rows, the baseline among them."""
    unknown = [row for row in rows if row not in params.long.rows]
    if unknown:
        raise ParamsError(f"ROWS: no row '{unknown[0]}' in ablation.long.rows; known: {', '.join(params.long.rows)}")
    wanted = {params.baseline, *(rows or params.long.rows)}
    return sorted(wanted, key=lambda row: (row != params.baseline, params.long.rows.index(row)))


def plan_cells(tree: Tree, params: AblationParams, inputs: Inputs) -> list[Cell]:
    """Every cell of every row, with its digest."""
    data = describe({}, {"packed": inputs.packed, "kg": inputs.kg, "parsed": inputs.parsed})["inputs"]
    stages = yaml.safe_load((inputs.root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    train_code, cell_code = (code_digests(inputs.root, stages[stage]["deps"]) for stage in ("train", "ablation_cell"))
    cells = []
    for row in params.long.rows:
        for seed in params.long.seeds:
            chosen = cell_params(tree, row, seed, params.long.steps, params.long.warmup_steps)
            trained = {"model": dataclasses.asdict(chosen.model), "train": dataclasses.asdict(chosen.train)}
            asked = chosen.evaluate
            link = {"link": dataclasses.asdict(asked.link), "show_graph": asked.show_graph}
            link |= {"audit": dataclasses.asdict(asked.audit), "max_query_words": asked.code_search.max_query_words}
            model = fingerprint({**trained, "data": data["packed"], "code": train_code})
            cells.append(
                Cell(row, seed, chosen, model, fingerprint({"model": model, **link, **data, "code": cell_code}))
            )
    return cells


def code_digests(root: Path, deps: Iterable[str]) -> dict[str, str]:
    """sha256 of each file of code among a stage's dependencies, by its path; caches of Python are none."""
    named = [root / dep for dep in deps if dep.startswith(("src/", "stages/"))]
    files = {file for path in named for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()}
    code = sorted(file.relative_to(root).as_posix() for file in files if "__pycache__" not in file.parts)
    return {name: sha256_file(root / name) for name in code}


def run_cell(cell: Cell, inputs: Inputs, work: Path) -> None:
    """Train the cell's model unless it is there, and evaluate it; nothing half-done is left under a final name."""
    trained = work / "models" / cell.model
    if not trained.exists():
        with atomic_folder(trained) as scratch:
            places = (scratch / "model", scratch / "train.json", scratch / "train.csv")
            train_model(inputs.packed, *places, cell.params.model, cell.params.train, alone=True)
    with atomic_folder(_folder(cell, work)) as scratch:
        model, metrics = trained / "model", trained / "train.json"
        data = inputs.packed, inputs.kg, inputs.parsed
        evaluate_cell(*data, model, metrics, scratch, cell.params.evaluate)


def same_rows(cells: Sequence[Cell], baseline: str) -> list[str]:
    """Rows that differ from the baseline in nothing that a cell reads."""
    known = {cell.digest for cell in cells if cell.row == baseline}
    return sorted({cell.row for cell in cells if cell.row != baseline and cell.digest in known})


def collect(tree: Tree, cells: Sequence[Cell], same: Sequence[str], work: Path, out: Path) -> None:
    """Write what follows from the rows all of whose seeds are there."""
    rows: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.row not in same:
            rows.setdefault(cell.row, []).append(cell)
    whole = {row: found for row, found in rows.items() if all(_is_finished(cell, work) for cell in found)}
    finished = {
        row: {cell.seed: Finished.read(_folder(cell, work), cell.digest) for cell in found}
        for row, found in whole.items()
    }
    write_results(tree, finished, same, out)


def _folder(cell: Cell, work: Path) -> Path:
    return work / "cells" / cell.digest


def _is_finished(cell: Cell, work: Path) -> bool:
    return _folder(cell, work).exists()


def _tell(line: str) -> None:
    print(f"ablation: {line}", file=sys.stderr, flush=True)
