"""A value or a comment that names its source names one that a reader can find in the repository."""

import re

import pytest
from imports import ROOT

PARAMS = (ROOT / "params.yaml").read_text(encoding="utf-8")
CITED = [
    (line.split(":")[0].strip(), name)
    for line in PARAMS.splitlines()
    for name in re.findall(r"docs/\w+\.md", line.partition("#")[2])
]


@pytest.mark.parametrize(("key", "document"), CITED, ids=[f"{key} in {document}" for key, document in CITED])
def test_a_value_that_cites_a_document_is_spoken_of_there(key: str, document: str) -> None:
    assert re.search(rf"\b{key}\b", (ROOT / document).read_text(encoding="utf-8"))


def test_no_value_cites_what_is_not_in_the_repository() -> None:
    comments = [line.partition("#")[2] for line in PARAMS.splitlines()]
    vague = re.compile(r"\bmethod:|feasibility|tuned on|\bstudy\b")
    assert [comment for comment in comments if vague.search(comment)] == []


def test_every_document_that_code_cites_is_there() -> None:
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "stages").glob("*.py"), *(ROOT / "src").rglob("*.yaml")]:
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"\b(?:docs/\w+|method|design|ontology|anchors|style)\.md\b", text):
            assert (ROOT / name).is_file(), f"{path.name}: {name}"
