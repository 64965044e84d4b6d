"""The Python API: `from graphmer import GraphMER`."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from indexed import answer, copied

from graphmer import GraphMER
from graphmer.errors import ArtifactError, ParamsError
from graphmer.index.api import GraphTriple

CODE = "def area(side):\n    return multiply(side, side)\n"


@pytest.fixture(scope="module")
def model(made: Path) -> GraphMER:
    return GraphMER.from_pretrained(made / "data/model", made / "router.index", made / "params.yaml")


def called(code: str, name: str, tail: str, relation: str = "calls") -> GraphTriple:
    start = code.index(name)
    return GraphTriple(start, start + len(name), relation, tail)


def test_importing_the_package_imports_no_torch() -> None:
    check = "import sys, graphmer; assert 'torch' not in sys.modules; assert graphmer.__version__"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    import graphmer

    with pytest.raises(AttributeError, match="no attribute 'GraphMERT'"):
        graphmer.GraphMERT  # noqa: B018


def test_code_becomes_unit_vectors(model: GraphMER) -> None:
    vectors = model.encode([CODE, "square of a side"])
    assert vectors.shape == (2, model.width)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert np.allclose(model.encode(CODE), vectors[:1], atol=1e-5)


def test_code_without_triples_is_read_as_plain_code(model: GraphMER) -> None:
    assert np.allclose(model.encode_graph(CODE, []), model.encode(CODE)[0], atol=1e-5)


def test_what_is_known_of_a_mention_changes_the_vector(model: GraphMER) -> None:
    plain = model.encode_graph(CODE, [])
    shown = model.encode_graph(CODE, [called(CODE, "multiply", "multiply")])
    other = model.encode_graph(CODE, [called(CODE, "multiply", "power")])
    relation = model.encode_graph(CODE, [called(CODE, "multiply", "multiply", "instantiates")])
    for vector in (shown, other, relation):
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
        assert not np.allclose(vector, plain, atol=1e-4)
    assert not np.allclose(shown, other, atol=1e-4)
    assert not np.allclose(shown, relation, atol=1e-6)


def test_spans_count_in_characters(model: GraphMER) -> None:
    wide = CODE.replace("side", "größe")
    model.encode_graph(wide, [called(wide, "multiply", "multiply")])
    with pytest.raises(ValueError, match="show no token"):
        model.encode_graph("x = 1\n\n\n\ny = 2", [GraphTriple(6, 7, "calls", "f")])


@pytest.mark.parametrize(
    ("code", "triple", "says"),
    [
        ("", None, "expected 1 to 96 tokens, got 0"),
        ("x " * 500, None, "expected 1 to 96 tokens, got 500"),
        (CODE, GraphTriple(0, 3, "resembles", "f"), "'resembles' is no stored relation"),
        (CODE, GraphTriple(5, 5, "calls", "f"), "characters 5 to 5 are not in the code"),
        (CODE, GraphTriple(0, 3, "contains", "f"), "their relation is no leaf"),
    ],
)
def test_what_cannot_be_encoded_is_refused(model: GraphMER, code: str, triple: GraphTriple | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        model.encode_graph(code, [triple] if triple else [])


def test_the_api_answers_as_the_command_does(made: Path, model: GraphMER) -> None:
    shown = answer(made, "search", "find a route", "--index", str(made / "router.index"), "-k", "4")
    assert [hit.symbol for hit in model.search("find a route", 4)] == [hit["symbol"] for hit in shown["results"]]
    around = model.neighbourhood("router.app.Router.find")
    assert "raises" in {edge.relation for edge in around.edges}
    assert model.evidence("router.app.Router.find", "raises", "NotFound").stated


def test_tails_are_ranked_by_their_probability(model: GraphMER) -> None:
    found = model.rank_tails("router.app.Router.add", "instantiates", 5)
    values = [one.probability for one in found]
    assert values == sorted(values, reverse=True)
    assert len({one.symbol for one in found}) == len(found) > 0
    assert model.rank_tails("router.app.Router.add", "instantiates", 5, line=1) == []


def test_questions_need_an_index(made: Path) -> None:
    bare = GraphMER.from_pretrained(made / "data/model")
    with pytest.raises(ArtifactError, match="opened without an index"):
        bare.search("x")


def test_counts_below_one_are_refused(model: GraphMER) -> None:
    asked: list[Callable[[int], object]] = [
        lambda k: model.search("date", k),
        lambda k: model.rank_tails("router.app.Router.add", "instantiates", k),
        lambda k: model.complete("router.app.Router.add", "instantiates", k),
        lambda k: model.resolve("router/app.py", 1, k),
    ]
    for question in asked:
        for k in (0, -1):
            with pytest.raises(ParamsError, match=rf"k: expected a whole number of at least 1, got {k}; say how many"):
                question(k)


def test_half_a_character_is_refused_before_the_tokenizer(model: GraphMER) -> None:
    with pytest.raises(ParamsError, match=r"code: character 2 is half a one \(U\+D800\)"):
        model.encode("x\ud800y")
    with pytest.raises(ParamsError, match=r"text 2: character 1 is half a one \(U\+DCFF\)"):
        model.encode(["x", "\udcff"])
    with pytest.raises(ParamsError, match="code: character 1"):
        model.encode_graph("\ud800", [])
    with pytest.raises(ParamsError, match="triple 1: tail: character 2"):
        model.encode_graph(CODE, [called(CODE, "multiply", "f\ud800")])
    with pytest.raises(ParamsError, match="words: character 4"):
        model.search("abc\udcff")


@pytest.mark.parametrize("text", ["[]", "{}", "null", '{"max_roots": true}'])
def test_limits_of_another_shape_are_one_line(made: Path, tmp_path: Path, text: str) -> None:
    folder = copied(made / "data/model", tmp_path / "model")
    (folder / "packed.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"packed.json: .*; restore it as training wrote it$"):
        GraphMER.from_pretrained(folder).encode_graph(CODE, [])
