"""`graphmer verify`: whether a project's committed figures, its lock, its data and its documents say the same.

What is compared, in this order: dvc.yaml, params.yaml and dvc.lock; each output with the digest that the lock has of
it; the digests that manifests hold of other files; the run record of the evaluation; the headline figures, with their
intervals, derived again from the predictions; the ablation from its cells; the pages that `make docs` writes; results/;
models/. No model runs and torch is not imported.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from graphmer.artifacts import read_json
from graphmer.corpus.pins import load_corpus
from graphmer.errors import GraphmerError, ParamsError
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.record import check_record, eval_seeds, parameters_digest
from graphmer.machine import public_versions, python_minor
from graphmer.model.config import ModelParams
from graphmer.ontology.vocabulary import load_ontology
from graphmer.params import check_tree, load_section, load_tree
from graphmer.report.documents import documents
from graphmer.report.findings import Finding, absent, compared, compared_files, compared_trees, note
from graphmer.report.lock import Lock, dvc_digest, locked_stages
from graphmer.report.rederive import ablation_findings, eval_findings
from graphmer.train.config import TrainParams

Tree = Mapping[str, Any]
RECORD = "data/eval/run.json"
SECTIONS: Mapping[str, type] = {"eval": EvalParams, "model": ModelParams, "train": TrainParams}
MALFORMED = (KeyError, TypeError, ValueError, AttributeError)  # JSON, YAML or a table of another shape
DEFAULT_MODEL = "models/small"
OUTPUT_FOLDERS = {"eval.json": "metrics", "eval_peers.csv": "plots"}  # the others stand beside the record
# What ran once, on a machine or for hours that not everybody has.
RESULTS = {
    "results/peers.json": "make peers",
    "results/ablation": "make ablation",
    "results/base": "make repro PROFILE=base",
    "results/compact.json": "make share",
    "results/benchmarks/call_resolution.json": "python benchmarks/call_resolution.py",
    "results/benchmarks/kg_speed.json": "make bench",
    "results/benchmarks/latency.json": "make bench",
    "results/benchmarks/train_speed.json": "make bench",
}


def verify_project(root: Path) -> Iterator[Finding]:
    """Every comparison; a check that cannot be made because a file is missing or damaged is a difference.

    Raises ParamsError where `root` holds no project, or a params.yaml that does not pass.
    """
    if not (root / "dvc.yaml").is_file():
        raise ParamsError(f"{root}: no dvc.yaml, so no project; run from its root or pass --root")
    tree = load_tree(root / "params.yaml")
    check_tree(tree)
    for where, check in CHECKS.items():
        try:
            yield from check(root, tree)
        except (GraphmerError, OSError) as error:
            yield Finding("differs", where, str(error).replace(f"{root}/", ""))
        except MALFORMED as error:
            yield Finding("differs", where, f"a file is not of the form that the pipeline writes ({error!r})")


def lock_findings(root: Path, tree: Tree) -> Iterator[Finding]:
    """The lock against the pipeline, parameters, and what git keeps of its outputs."""
    lock = Lock(root)
    differences = list(lock.differences())
    yield from (Finding("differs", "dvc.lock", said) for said in differences)
    if not differences:
        yield Finding("agrees", "dvc.lock", f"{len(lock.locked)} stages")
    yield from (note("dvc.lock", said) for said in lock.drift())


def output_findings(root: Path, tree: Tree) -> Iterator[Finding]:
    """Outputs that git does not keep, where they are here, against the digests in the lock."""
    for name, stage in sorted(locked_stages(root).items()):
        for out in stage.get("outs", []):
            path = root / out["path"]
            if not out["path"].startswith("data/"):
                continue
            if path.exists():
                yield compared(out["path"], f"md5 {out['md5']}", f"md5 {dvc_digest(path)}")
            else:
                yield absent(out["path"], f"make repro (dvc repro {name})")


def manifest_findings(root: Path, tree: Tree) -> Iterator[Finding]:
    """Digests that one artefact holds of another."""
    if (path := root / "data/raw/manifest.json").is_file():
        fetched = {source["name"]: source["sha256"] for source in read_json(path)["sources"]}
        # A folder of one's own has no digest in its pin: whatever was fetched of it is right, if it was fetched.
        sources = load_corpus(root / tree["fetch"]["corpus"]).sources
        pins = {source.name: source.sha256 or fetched.get(source.name, "") for source in sources}
        yield from compared_trees("data/raw/manifest.json: sha256", pins, fetched)
    for manifest, key, folder in (
        ("data/kg/manifest.json", "inputs", "data/parsed"),
        ("data/packed/manifest.json", "kg", "data/kg"),
        ("data/model/config.json", "files", "data/model"),
    ):
        if (root / manifest).is_file() and (root / folder).is_dir():
            yield from compared_files(root / folder, folder, read_json(root / manifest)[key])
    if (path := root / "data/packed/manifest.json").is_file():
        yield from compared_files(path.parent, "data/packed", {"tokenizer.json": read_json(path)["tokenizer"]})


def record_findings(root: Path, tree: Tree) -> Iterator[Finding]:
    """The run record: its form, and every digest in it."""
    if not (root / "data/eval").is_dir():
        return  # not here, as was said of the lock's outputs
    record = read_json(root / RECORD)
    check_record(record, RECORD)
    sections = {name: parameters_digest(load_section(tree, name, SECTIONS[name])) for name in record["parameters"]}
    yield from compared_trees(f"{RECORD}: parameters of params.yaml", record["parameters"], sections)
    seeds = eval_seeds(load_section(tree, "eval", EvalParams))
    seeds |= {"train": tree["train"]["seed"]} if "train" in record["seeds"] else {}
    yield from compared_trees(f"{RECORD}: seeds", record["seeds"], seeds)
    yield compared(f"{RECORD}: ontology_version", record["ontology_version"], load_ontology().version)
    yield from compared_files(root / "src/graphmer", "src/graphmer", record["code"])
    for name, digests in record["data"].items():
        if (folder := root / "data" / name).is_dir():
            yield from compared_files(folder, f"data/{name}", digests, whole=True)
    yield from compared_files(root / "results", "results", record["peers"])
    for name, digest in record["outputs"].items():
        folder = OUTPUT_FOLDERS.get(name, "data/eval")
        yield from compared_files(root / folder, folder, {name: digest})
    yield from _environment_notes(record)


def _environment_notes(record: Tree) -> Iterator[Finding]:
    """Other versions here are no fault of the figures, and a reason where they cannot be made again."""
    here = public_versions(record["packages"])
    for name, version in record["packages"].items():
        if here[name] != version:
            yield note(f"{RECORD}: packages", f"made with {name} {version}, here is {here[name]}")
    if record["python"] != python_minor():
        yield note(f"{RECORD}: python", f"made with Python {record['python']}, here is {python_minor()}")


def figure_findings(root: Path, tree: Tree) -> Iterator[Finding]:
    """Figures derived again from predictions, where they are here."""
    if (root / "data/eval").is_dir():
        yield from eval_findings(root, tree)


def document_findings(root: Path, tree: Tree) -> Iterator[Finding]:
    """README's results and the other pages against what `make docs` would write."""
    for path, text in documents(root).items():
        found = (root / path).read_text(encoding="utf-8") if (root / path).is_file() else ""
        yield compared(path, *_first_difference(text, found))


def _first_difference(expected: str, found: str) -> tuple[str, str]:
    """The first line that differs, with its number; nothing twice where none does."""
    ours, theirs = expected.splitlines(), found.splitlines()
    for number in range(max(len(ours), len(theirs))):
        lines = [side[number] if number < len(side) else "no line" for side in (ours, theirs)]
        if lines[0] != lines[1]:
            return f"in line {number + 1} '{lines[0]}' (make docs)", f"'{lines[1]}'"
    return "", ""


def result_findings(root: Path, tree: Tree) -> Iterator[Finding]:
    """What ran once: there or not, and the digests that its environment.json holds."""
    for path, command in RESULTS.items():
        if not (root / path).exists():
            yield absent(path, command)
        elif path.endswith(".json"):
            read_json(root / path)
            yield Finding("agrees", path, "readable")
    for environment in sorted((root / "results").glob("*/environment.json")):
        folder = environment.parent.relative_to(root).as_posix()
        yield from compared_files(environment.parent, folder, read_json(environment).get("sha256", {}))


def model_findings(root: Path, tree: Tree) -> Iterator[Finding]:
    """Models that are kept in git: their files, and whether they were made of the weights that are here."""
    for config in sorted((root / "models").glob("*/config.json")):
        folder, own = config.parent.relative_to(root).as_posix(), read_json(config)
        yield from compared_files(config.parent, folder, own["files"])
        trained = root / "data/model/config.json"
        if folder == DEFAULT_MODEL and trained.is_file():
            here = read_json(trained)["files"]["model.safetensors"]
            if here != own["weights"]["of"]:  # no fault: who tries other parameters trains another model
                yield note(folder, "made of other weights than those in data/model; make share makes it of these")


CHECKS: Mapping[str, Callable[[Path, Tree], Iterator[Finding]]] = {
    "dvc.lock": lock_findings,
    "data": output_findings,
    "manifests": manifest_findings,
    RECORD: record_findings,
    "metrics/eval.json": figure_findings,
    "metrics/ablation.json": ablation_findings,
    "documents": document_findings,
    "results": result_findings,
    "models": model_findings,
}
