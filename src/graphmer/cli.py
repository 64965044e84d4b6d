"""The command `graphmer`: the graph of any folder, and whether a project's figures hold, from a shell.

The verbs that ask a trained model are in index/shell.py. Heavy libraries are imported when a verb runs, so that help
answers at once; `kg` needs neither torch, git nor DVC, and `verify` no torch.
"""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from graphmer.index.shell import verbs
from graphmer.index.terminal import PARAMS, OneLineGroup, complain, not_whole, printed, show, told

app = typer.Typer(
    cls=OneLineGroup,
    help="A validated knowledge graph of source code, and figures that can be checked.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class FileFormat(StrEnum):
    """What the graph is written as."""

    parquet = "parquet"
    jsonl = "jsonl"
    nt = "nt"


app.add_typer(verbs)


@app.callback()
def main(context: typer.Context) -> None:
    """A validated knowledge graph of source code, a model that answers questions about it, and figures to check.

    On your own code: graphmer index PATH, then search, complete, resolve, explain. Each verb's --help has an example.
    """
    if context.invoked_subcommand is None:
        # Drawn already where rich is there, and then empty.
        if shown := context.get_help():
            printed(shown)
        raise typer.Exit(2)


class Split(StrEnum):
    """The split that the folder's triples are in."""

    train = "train"
    by_module = "by_module"


@app.command()
def kg(
    path: Annotated[Path, typer.Argument(help="The root of a code base: Python, Java, JavaScript, TypeScript.")],
    out: Annotated[
        Path, typer.Option(help="A new or empty folder, or an earlier graph, which is replaced; through a link too.")
    ],
    file_format: Annotated[FileFormat, typer.Option("--format", help="Of entities and triples.")] = FileFormat.parquet,
    licence: Annotated[
        str,
        typer.Option("--license", help="SPDX, or LicenseRef-Proprietary for your own; else what the folder declares."),
    ] = "",
    name: Annotated[str, typer.Option(help="Of the package in symbols; else the folder's name.")] = "",
    split: Annotated[Split, typer.Option(help="by_module: deal modules out to train, val and test.")] = Split.train,
    cache: Annotated[
        Path | None, typer.Option(help="Keeps parsed rows for the next run; else a folder in --out does.")
    ] = None,
    curated: Annotated[list[Path] | None, typer.Option(help="CSV of triples to add; may be repeated.")] = None,
    scip: Annotated[list[Path] | None, typer.Option(help="SCIP index of PATH; may be repeated.")] = None,
    keep_invalid: Annotated[
        bool, typer.Option(help="Write a graph that breaks a critical rule too; the exit status stays 1.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For a program: one JSON object.")] = False,
    params: Annotated[Path, typer.Option(help="Parameter file.")] = PARAMS,
) -> None:
    """Write the graph of PATH: entities, triples, manifest.json and validation.json.

    Parquet and JSONL carry each triple's place, resolution and confidence; N-Triples only the triples.

    A second run into the same --out parses only the files that have changed. The graph is replaced as a whole at the
    end; until then, and after Ctrl-C, the earlier one stands. Triples that graphmer complete --apply added are kept
    where their file's text and both ends are as they were and static analysis does not settle the mention now; how
    many were kept and dropped is told. N-Triples do not mark them, so a run after --format nt drops them.

    Exit status: 0 written, 1 refused (the folder, its licence, --out) or invalid, 2 bad parameters, 130 interrupted,
    143 ended by SIGTERM.
    """
    with told("kg"):
        from graphmer.kg.folder_graph import FolderParams, FolderSource, InvalidGraphError, graph_folder
        from graphmer.params import load_tree
        from graphmer.writing import sole_writer

        code = FolderSource(path, name, licence, split.value, tuple(curated or ()), tuple(scip or ()))
        needed = FolderParams.of(load_tree(params))
        with sole_writer(Path(os.path.realpath(out))):
            try:
                graph = graph_folder(
                    code, out, file_format.value, needed, cache, keep_invalid, lambda line: complain("kg", line)
                )
            except InvalidGraphError as error:
                raise InvalidGraphError(f"{error}; or write it as it is, with --keep-invalid") from None
        counts = graph.files._asdict()
        text = f"{summary(graph.manifest)}\nfiles parsed {counts['parsed']:,}, from cache {counts['cached']:,}"
        if counts["damaged"]:
            text += f"\nthe cache was damaged: files parsed again {counts['damaged']:,}"
        if graph.proposed:
            text += f"\n{_proposed_text(graph.proposed)}"
        if graph.verdict:
            complain("kg", graph.verdict)
        said = {"manifest": graph.manifest, "files": counts, "verdict": graph.verdict, "ml_extraction": graph.proposed}
        show(as_json, {"graph": str(out), **said}, text)
    if graph.verdict:
        raise typer.Exit(1)


@app.command()
def verify(
    root: Annotated[Path, typer.Option(help="The project: the folder that holds dvc.yaml.")] = Path(),
    gates: Annotated[
        bool, typer.Option("--gates", help="Judge the figures against params.yaml's gates instead.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="With --gates: exit 1 where one is missed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
) -> None:
    """Check that figures, digests, dvc.lock and documents say the same; one line for each thing that does not.

    Exit status: 0 all that is here agrees, 1 something differs or a file that git keeps is missing, 2 no project or
    bad parameters. Data that were not pulled, and results never made, are listed with the command that makes them.

    --gates reads committed files alone and exits 0 whatever it finds, 1 with --strict where a gate is missed. A gate
    that was not measured is not missed. In CI: `graphmer verify && graphmer verify --gates --strict`.
    """
    if strict and not gates:
        complain("verify", "--strict judges gates; pass --gates too")
        raise typer.Exit(2)
    with told("verify"):
        from graphmer.report.findings import reported
        from graphmer.report.gates import judged, read_gates
        from graphmer.report.verify import verify_project

        text, holds = judged(read_gates(root), as_json) if gates else reported(verify_project(root), as_json)
        printed(text)
    if not holds and (strict or not gates):
        raise typer.Exit(1)


def _proposed_text(counts: dict[str, int]) -> str:
    """What became of the triples that a model had added to the earlier graph, in one line."""
    dropped = {reason.replace("_", " "): count for reason, count in counts.items() if count and reason != "kept"}
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items())
    text = f"added by complete --apply before: kept {counts['kept']:,}, dropped {sum(dropped.values()):,}"
    return f"{text} ({reasons})" if reasons else text


def summary(manifest: dict[str, Any]) -> str:
    """A table of files, entities, triples by relation, calls resolved, and what was skipped, by reason."""
    rows: list[tuple[str, str]] = []
    for language, by_status in manifest["files"].items():
        rows.append((f"files, {language}", f"{sum(by_status.values()):,}"))
    rows.append(("entities", f"{_total(manifest['entities']):,}"))
    rows.append(("triples", f"{_total(manifest['triples']):,}"))
    rows += [(f"  {relation}", f"{sum(counts.values()):,}") for relation, counts in manifest["triples"].items()]
    for language, packages in manifest["calls"].items():
        seen = sum(calls["seen"] for calls in packages.values())
        resolved = sum(calls[outcome] for calls in packages.values() for outcome in ("exact", "inferred", "external"))
        share = f"{resolved / seen:.1%} of {seen:,}" if seen else "no calls"
        rows.append((f"calls resolved, {language}", share))
    rows += [(f"curated, {outcome.replace('_', ' ')}", f"{n:,}") for outcome, n in manifest["curated"].items() if n]
    rows += [(f"scip, {outcome.replace('_', ' ')}", f"{n:,}") for outcome, n in manifest.get("scip", {}).items()]
    rows += not_whole(manifest)
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:<{width}}  {value:>14}" for label, value in rows)


def _total(counts: dict[str, dict[str, int]]) -> int:
    return sum(sum(inner.values()) for inner in counts.values())


if __name__ == "__main__":
    app(prog_name="graphmer")
