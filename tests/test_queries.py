"""The DuckDB queries that README shows, on a graph as `graphmer kg` writes it."""

import re
from pathlib import Path

import duckdb
import pytest
from imports import ROOT
from indexed import ROUTER, run

QUERIES = re.findall(r"```sql\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
STATEMENTS = [statement.strip() for block in QUERIES for statement in block.split(";") if statement.strip()]


@pytest.fixture(scope="module")
def at(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("queries")
    run(made, "kg", str(ROUTER), "--out", str(folder / "kg"))
    return folder


def test_readme_shows_three_queries() -> None:
    assert len(STATEMENTS) == 3


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_query_of_readme_answers(at: Path, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    monkeypatch.chdir(at)
    assert duckdb.sql(statement).fetchall()
