"""What sets up a machine for people says the same as what the pipeline uses."""

import json
import re

import yaml
from imports import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
DEVCONTAINER = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
TARGETS = set(re.findall(r"^([a-z-]+)(?: [a-z-]+)*:.*##", MAKEFILE, re.MULTILINE))


def instructions() -> list[list[str]]:
    """The Dockerfile's instructions in order, comments left out and continued lines joined."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.startswith("#")]
    return [line.split(maxsplit=1) for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


def test_the_linter_before_a_commit_is_that_of_the_tests() -> None:
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    (pinned,) = re.findall(r"^ruff==(.*)$", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert repo["rev"] == f"v{pinned}"
    assert [hook["id"] for hook in repo["hooks"]] == ["ruff-check", "ruff-format"]
    for command in ("ruff check .", "ruff format --check ."):
        assert command in MAKEFILE


def test_types_are_checked_by_make_test() -> None:
    recipe = MAKEFILE.partition("\ntest:")[2].partition("\n\n")[0]
    assert [command for command in ("ruff", "mypy", "pytest") if command in recipe] == ["ruff", "mypy", "pytest"]


def test_the_image_has_the_oldest_python_that_is_promised() -> None:
    (image,) = [rest for name, rest in instructions() if name == "FROM"]
    (version,) = re.findall(r'^requires-python = ">=(.*)"$', PYPROJECT, re.MULTILINE)
    assert image == f"python:{version}-slim"


def test_the_image_runs_as_a_plain_user_and_bakes_in_neither_data_nor_code() -> None:
    names = [name for name, _ in instructions()]
    assert "COPY" not in names
    assert "ADD" not in names
    assert names.index("USER") > max(at for at, name in enumerate(names) if name == "RUN")
    (user,) = [rest for name, rest in instructions() if name == "USER"]
    assert re.search(rf"\buseradd\b.* {user}\b", DOCKERFILE)
    assert user == DEVCONTAINER["remoteUser"] != "root"
    assert (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()[-1] == "*"


def test_the_image_has_the_programs_that_make_calls() -> None:
    (installed,) = re.findall(r"apt-get install [a-z -]*?((?: [a-z+]+)+) ", DOCKERFILE.replace("\\\n", " "))
    assert {"git", "make", "npm"} <= set(installed.split())


def test_container_and_readme_run_targets_that_exist() -> None:
    comments = [line for line in DOCKERFILE.splitlines() if line.startswith("#")]
    called = re.findall(r"\bmake ([a-z-]+)", " ".join([DEVCONTAINER["postCreateCommand"], *comments]))
    called += [json.loads(rest)[1] for name, rest in instructions() if name == "CMD"]
    assert {"install", "repro", "help", "test"} == set(called)
    assert set(called) <= TARGETS


def test_the_dev_container_builds_the_same_image_and_works_where_it_is_mounted() -> None:
    assert (ROOT / ".devcontainer" / DEVCONTAINER["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    (folder,) = [rest for name, rest in instructions() if name == "WORKDIR"]
    assert folder == DEVCONTAINER["workspaceFolder"]
    assert f"target={folder}," in DEVCONTAINER["workspaceMount"]
    settings = DEVCONTAINER["customizations"]["vscode"]["settings"]
    assert settings["python.defaultInterpreterPath"] == f"{folder}/.venv/bin/python"
