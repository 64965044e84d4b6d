"""The structure: imports go leftwards, heavy libraries stay where they belong, dvc.yaml names what stages reach."""

import re
from pathlib import Path

import pytest
import yaml
from imports import ROOT, SRC, imported, modules, reached

LAYERS = ["ontology", "corpus", "kg", "pack", "model", "train", "evaluate", "index", "report", "cli"]
BASE = {"errors": 0, "machine": 0, "artifacts": 1, "executor": 1, "params": 2, "writing": 2}
LEVEL = BASE | {name: 3 + index for index, name in enumerate(LAYERS)} | {"evaluate": 3 + LAYERS.index("train")}
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


def own_imports(path: Path) -> set[str]:
    """Packages of this project that a module imports."""
    names = {name.split(".")[1] for name in imported(path) if name.startswith("graphmer.")}
    return {name for name in names if name in LEVEL}


@pytest.mark.parametrize(("name", "path"), list(modules().items()))
def test_imports_go_only_leftwards(name: str, path: Path) -> None:
    own = name.split(".")[0]
    if own == "__init__":
        return
    for other in own_imports(path):
        assert other == own or LEVEL[other] < LEVEL[own], f"{name} imports {other}"


def test_package_files_are_empty() -> None:
    for name, path in modules().items():
        if path.name == "__init__.py" and name != "__init__":
            assert path.read_text(encoding="utf-8") == "", name


def allowed_only_in(library: str, *places: str) -> list[str]:
    """Modules outside `places` that import a library."""
    offenders = []
    for name, path in modules().items():
        if not name.startswith(places) and any(item.split(".")[0] == library for item in imported(path)):
            offenders.append(name)
    return offenders


def test_torch_appears_only_from_model_on_and_not_in_parameters() -> None:
    assert allowed_only_in("torch", "model.", "train.", "evaluate.", "index.") == []
    for name, path in modules().items():
        if name.endswith("config"):
            assert "torch" not in imported(path), name


def test_matplotlib_is_imported_by_plots_alone() -> None:
    assert allowed_only_in("matplotlib", "report.plots") == []


def test_torch_xla_is_imported_by_the_device_plan_alone() -> None:
    assert allowed_only_in("torch_xla", "train.device") == []


def test_ray_is_imported_by_the_executor_alone() -> None:
    assert allowed_only_in("ray", "executor") == []


def test_transformers_is_imported_by_what_is_made_for_it_alone() -> None:
    assert allowed_only_in("transformers", "evaluate.hf_scorer", "index.hf") == []
    assert [name for name, path in modules().items() if "graphmer.index.hf" in imported(path)] == []


def test_the_grammars_are_known_to_one_module() -> None:
    for grammar in ("tree_sitter", "tree_sitter_python", "tree_sitter_java"):
        assert allowed_only_in(grammar, "corpus.parse.") == []
    grammars = [
        name for name, path in modules().items() if {"tree_sitter_python", "tree_sitter_java"} & set(imported(path))
    ]
    assert grammars == ["corpus.parse.treesitter"]


def test_tables_and_ray_are_imported_late_below_pack() -> None:
    late = {"pandas", "pyarrow", "ray", "torch"}
    for name, path in modules().items():
        if name.split(".")[0] in {*BASE, "ontology", "corpus", "kg"}:
            heavy = {item.split(".")[0] for item in imported(path, module_level=True)} & late
            assert not heavy, f"{name} imports {heavy} at import"


def covered(path: Path, deps: list[str]) -> bool:
    relative = path.relative_to(ROOT).as_posix()
    return any(relative == dep or relative.startswith(f"{dep}/") for dep in deps)


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_depends_on_all_code_that_its_script_reaches(stage: str) -> None:
    command = STAGES[stage]["cmd"]
    (script,) = re.findall(r"stages/\w+\.py", command)
    deps = STAGES[stage]["deps"]
    needed = {ROOT / script, ROOT / "stages/_stage.py"} | reached(ROOT / script) | reached(ROOT / "stages/_stage.py")
    missing = sorted(path.relative_to(ROOT).as_posix() for path in needed if not covered(path, deps))
    assert missing == []


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_depends_on_no_code_that_it_does_not_reach(stage: str) -> None:
    command = STAGES[stage]["cmd"]
    (script,) = re.findall(r"stages/\w+\.py", command)
    needed = reached(ROOT / script) | reached(ROOT / "stages/_stage.py")
    for dep in STAGES[stage]["deps"]:
        path = ROOT / dep
        if dep.startswith("src/") and path.suffix == ".py":
            assert path in needed, dep
        elif dep.startswith("src/") and path.is_dir():
            assert any(path in file.parents for file in needed), dep


def test_queries_and_ontology_files_are_dependencies_where_they_are_read() -> None:
    data_files = [path for path in SRC.rglob("*") if path.suffix in {".scm", ".yaml", ".json"} and path.is_file()]
    assert data_files
    for path in data_files:
        stages = [stage for stage in STAGES if covered(path, STAGES[stage]["deps"])]
        assert stages, path
