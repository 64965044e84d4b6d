"""The workflow on pull requests: it reads as YAML, calls what there is, and may do no more than it must."""

import re
from pathlib import Path

import yaml
from imports import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/pull-request.yml").read_text(encoding="utf-8"))
JOBS = WORKFLOW["jobs"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+)(?: [a-z-]+)*:.*##", MAKEFILE, re.MULTILINE))


def steps(job: str) -> list[dict[str, object]]:
    return JOBS[job]["steps"]


def commands(job: str) -> str:
    return "\n".join(str(step["run"]) for step in steps(job) if "run" in step)


def test_every_make_command_of_the_workflow_is_a_target() -> None:
    called = re.findall(r"\bmake (?:--silent )?([a-z-]+)", commands("report"))
    assert called == ["install", "pr-report"]
    assert set(called) <= TARGETS


def test_every_tool_from_the_environment_is_one_that_requirements_pin() -> None:
    pinned = {line.partition("==")[0] for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()}
    tools = set(re.findall(r"\.venv/bin/(\w+)", commands("report")))
    assert tools - {"python"} == {"dvc"} <= pinned


def test_a_graph_that_cannot_be_fetched_costs_the_report_its_triples_and_no_more() -> None:
    (fetch,) = [line for line in commands("report").splitlines() if "dvc fetch" in line]
    assert re.search(r'dvc fetch data/kg \|\| echo "::warning::', fetch)


def test_actions_are_pinned_by_commit_with_their_version_beside_it() -> None:
    text = (ROOT / ".github/workflows/pull-request.yml").read_text(encoding="utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert len(used) == 2
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one) for one in used)


def test_the_job_that_runs_code_cannot_write_and_the_job_that_writes_runs_none() -> None:
    assert WORKFLOW["permissions"] == {}
    assert JOBS["report"]["permissions"] == {"contents": "read"}
    assert JOBS["comment"]["permissions"] == {"pull-requests": "write"}
    assert steps("report")[0]["with"]["persist-credentials"] is False  # type: ignore[index]
    assert not any("uses" in step for step in steps("comment"))
    assert "make" not in commands("comment")


def test_nothing_from_outside_is_pasted_into_a_shell_command() -> None:
    assert "${{" not in commands("report") + commands("comment")
    assert set(WORKFLOW[True]) == {"pull_request"}  # YAML takes `on` for true


def test_the_base_is_fetched_with_its_history_and_named_by_its_commit() -> None:
    assert steps("report")[0]["with"]["fetch-depth"] == 0  # type: ignore[index]
    environments = [step["env"] for step in steps("report") if "pr-report" in str(step.get("run"))]
    assert environments[0]["BASE"] == "${{ github.event.pull_request.base.sha }}"  # type: ignore[index]
    (exported,) = re.findall(r"^export ([A-Z ]+)$", MAKEFILE, re.MULTILINE)
    assert {"BASE", "IMAGES"} == set(environments[0]) <= set(exported.split())  # type: ignore[call-overload]


def test_the_python_of_the_workflow_is_the_oldest_that_is_promised() -> None:
    version = next(step["with"]["python-version"] for step in steps("report") if "python" in str(step.get("uses")))  # type: ignore[index]
    assert f'requires-python = ">={version}"' in Path(ROOT / "pyproject.toml").read_text(encoding="utf-8")
