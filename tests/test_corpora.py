"""The committed corpus files: what their splits hold, and that no package changes sides between two of them."""

from collections import Counter
from pathlib import Path

import pytest
from imports import ROOT

from graphmer.corpus.fetch_config import FetchParams
from graphmer.corpus.licences import is_allowed
from graphmer.corpus.pins import load_corpus
from graphmer.params import load_section, load_tree

CORPORA = sorted((ROOT / "data" / "corpora").glob("*.yaml"))
FULL = load_corpus(ROOT / "data/corpora/full.yaml")


@pytest.mark.parametrize("path", CORPORA, ids=lambda path: path.stem)
def test_every_corpus_is_under_the_licences_that_the_default_allows(path: Path) -> None:
    allowed = load_section(load_tree(ROOT / "params.yaml"), "fetch", FetchParams).licences
    assert [source.name for source in load_corpus(path).sources if not is_allowed(source.license, allowed)] == []


def test_the_full_corpus_has_python_and_java_in_every_split() -> None:
    counts = Counter((language, source.split) for source in FULL.sources for language in source.languages)
    assert counts["python", "train"] >= 30
    assert counts["python", "val"] >= 4
    assert counts["python", "test"] >= 6
    assert min(counts["java", "train"], counts["java", "test"]) >= 2
    assert counts["java", "val"] >= 1


def test_what_the_full_corpus_says_of_its_counts_is_so() -> None:
    counts = Counter((language, source.split) for source in FULL.sources for language in source.languages)
    head = (ROOT / "data/corpora/full.yaml").read_text(encoding="utf-8").partition("name: full")[0].replace("\n# ", " ")
    scripts = counts["javascript", "train"] + counts["typescript", "train"]
    for words in (
        f"{counts['python', 'train']} Python, {counts['java', 'train']} Java and {scripts} JavaScript or TypeScript",
        f"{counts['python', 'val']} Python and {counts['java', 'val']} Java in val",
        f"{counts['python', 'test']} Python and {counts['java', 'test']} Java in test",
    ):
        assert words in head


def test_the_default_corpus_stands_in_the_full_one_as_it_is() -> None:
    full = {source.name: source for source in FULL.sources}
    for source in load_corpus(ROOT / "data/corpora/small.yaml").sources:
        twin = full[source.name]
        assert (twin.version, twin.sha256, twin.split) == (source.version, source.sha256, source.split)
        assert (twin.include, twin.exclude) == (source.include, source.exclude)
