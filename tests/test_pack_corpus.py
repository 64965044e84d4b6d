"""The pack stage from parsed packages to a folder that training reads: pairs, tokenizers, what it refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_build import PARAMS as GRAPH
from test_build import parse_packages

from graphmer.artifacts import read_json, sha256_file, sha256_tree, write_json
from graphmer.errors import ArtifactError
from graphmer.kg.build import build_graph
from graphmer.pack.build import pack_corpus
from graphmer.pack.config import PackParams
from graphmer.pack.draw import LeafDraw
from graphmer.pack.pairs import pair_ends, pair_rows
from graphmer.pack.shards import SplitArrays, load_entities, load_split
from graphmer.pack.tokenizer import HIDDEN, PAD, SPECIAL_TOKENS, CodeTokenizer

PACK = PackParams(
    tokenizer_from=None, vocabulary_size=400, min_frequency=2, max_roots=128, name_slots=4, key_tokens=12,
    max_head_tokens=8, min_doc_words=4, max_doc_tokens=24, query_share=0.2, max_queries=10, seed=1,
)  # fmt: skip
DRAW = LeafDraw(max_leaves=3, max_leaves_per_anchor=1, leaf_drop=0.3, masked_leaf_share=0.3, hide_share=0.7)
PYTHON = '''def area(side):
    """Square of a side, or the :func:`area` of it.

    More that is not asked.

    Args:
        side: its length.
    """
    return side * area.scale


def short(side):
    """Too short, area."""
    return area(side)


class Cube:
    """A cube that has a docstring but is no function."""

    def volume(self, side):
        """Volume of a cube with this side; text ends somewhere here, since it has more tokens than a pair may."""
        return area(side) * side
'''
JAVA = """package org.flat;

public class Square {
    /** The {@code area} of this square, by its side.
     *
     * @return the area
     */
    public int area(int side) { return side * side; }
}
"""
PACKAGES = {
    "shapes": {
        "shapes/__init__.py": PYTHON,
        "tests/test_shapes.py": 'def test_area():\n    """A test is never asked for its code."""\n    assert 1\n',
        "README.md": "# Shapes\n",
    },
    "flat": {"org/flat/Square.java": JAVA},
    "held": {"held/__init__.py": "def f(x):\n    return x\n\n\ndef g(x):\n    return f(x)\n"},
}
SPLITS = {"shapes": "train", "flat": "val", "held": "test"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("corpus"), PACKAGES)


def build(folder: Path, packages: dict[str, dict[str, str]]) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPHMER_WORKERS", "1")
        build_graph(parse_packages(folder, packages, SPLITS), folder / "kg", GRAPH)
    write_json(folder / "kg.json", {})
    return folder


def pack(built: Path, out: Path, params: PackParams = PACK) -> Path:
    inputs = (built / "parsed", built / "kg", built / "kg.json")
    pack_corpus(*inputs, out / "packed", out / "pack.json", params, 160, DRAW)
    return out / "packed"


@pytest.fixture(scope="module")
def packed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(built, tmp_path_factory.mktemp("packed"))


def pair_of(split: SplitArrays, owner: str) -> int:
    owners = split.samples["owner"].to_numpy()[split.pair_sample]
    return int(np.flatnonzero(owners == owner)[0])


def shown(packed: Path, split_name: str, owner: str, hide: bool, max_text: int = 24, max_code: int = 64) -> list[str]:
    """Text and code of a function's pair as one string each, without spaces; [H] for a hidden name."""
    split, tokenizer = load_split(packed, split_name), CodeTokenizer.load(packed / "tokenizer.json")
    pair = np.asarray([pair_of(split, owner)])
    rows = pair_rows(split, pair, pair_ends(split)[pair], np.asarray([hide]), max_text, max_code)
    spelt = {HIDDEN: "[H]", PAD: ""}
    return ["".join(spelt.get(token, tokenizer.decode_name([token])) for token in row[0].tolist()) for row in rows]


AREA, SQUARE = "python:shapes:shapes/__init__.py#area", "java:flat:org/flat/Square.java#Square.area"


def test_documented_functions_outside_tests_are_pairs_in_the_order_of_their_samples(packed: Path) -> None:
    train, val, test = (load_split(packed, split) for split in ("train", "val", "test"))
    owners = train.samples["owner"].to_numpy()
    assert set(owners[train.pair_sample]) == {AREA, "python:shapes:shapes/__init__.py#Cube.volume"}
    assert (np.diff(train.pair_sample) > 0).all()
    assert val.samples["owner"].to_numpy()[val.pair_sample].tolist() == [SQUARE]
    assert (len(test.pair_sample), len(test.pair_token), test.pair_text.tolist()) == (0, 0, [0])
    counted = read_json(packed.parent / "pack.json")
    assert [counted[split]["pairs"] for split in ("train", "val", "test")] == [2, 1, 0]


def test_a_python_function_is_shown_without_its_docstring_and_its_name_hidden_on_both_sides(packed: Path) -> None:
    text, code = shown(packed, "train", AREA, hide=False)
    assert text == "Squareofaside,ortheareaofit."
    assert code.replace("\n", "") == "defarea(side):returnside*area.scale"
    text, code = shown(packed, "train", AREA, hide=True)
    assert text == "Squareofaside,orthe[H]ofit."
    assert code.replace("\n", "") == "def[H](side):returnside*[H].scale"


def test_a_java_methods_comment_stands_outside_its_window(packed: Path) -> None:
    split = load_split(packed, "val")
    assert split.pair_doc_start[0] == split.pair_doc_end[0]
    assert shown(packed, "val", SQUARE, hide=True) == [
        "The[H]ofthissquare,byitsside.",
        "publicint[H](intside){returnside*side;}",
    ]


def test_a_long_text_and_a_long_function_are_cut_at_their_widths(packed: Path) -> None:
    volume = "python:shapes:shapes/__init__.py#Cube.volume"
    split = load_split(packed, "train")
    pair = pair_of(split, volume)
    assert split.pair_text[pair + 1] - split.pair_text[pair] == PACK.max_doc_tokens
    rows = pair_rows(split, np.asarray([pair]), pair_ends(split)[[pair]], np.asarray([False]), 3, 5)
    assert [row.shape for row in rows] == [(1, 3), (1, 5)]
    assert all((row != PAD).all() for row in rows)


def test_a_split_without_a_documented_function_gives_no_rows(packed: Path) -> None:
    nothing = np.zeros(0, np.int64)
    text, code = pair_rows(load_split(packed, "test"), nothing, nothing, np.zeros(0, np.bool_), 6, 7)
    assert (text.shape, code.shape) == ((0, 6), (0, 7))


def test_packing_again_gives_the_same_bytes(built: Path, packed: Path, tmp_path: Path) -> None:
    assert sha256_tree(pack(built, tmp_path)) == sha256_tree(packed)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's folder as far as packing reads it, its tokenizer learnt from other text."""
    folder = tmp_path / "model"
    folder.mkdir()
    tokenizer = CodeTokenizer.train(["side other cube\n"] * 3, 320, 2)
    # Without the line's end that this version would write: the bytes are the model's, not ours.
    (folder / "tokenizer.json").write_text(tokenizer.dumps().rstrip("\n"), encoding="utf-8")
    write_json(folder / "config.json", {"files": {"tokenizer.json": sha256_file(folder / "tokenizer.json")}})
    return folder


def test_an_earlier_models_tokenizer_is_taken_byte_for_byte(built: Path, model: Path, tmp_path: Path) -> None:
    packed = pack(built, tmp_path, replace(PACK, tokenizer_from=str(model)))
    assert (packed / "tokenizer.json").read_bytes() == (model / "tokenizer.json").read_bytes()
    manifest = read_json(packed / "manifest.json")
    assert manifest["vocabulary"] == CodeTokenizer.load(model / "tokenizer.json").vocabulary_size < 320
    assert manifest["tokenizer"] == sha256_file(model / "tokenizer.json")
    assert load_split(packed, "train").token_id.max() < manifest["vocabulary"]
    assert load_entities(packed).key_token.max() < manifest["vocabulary"]


def test_a_tokenizer_that_is_not_the_models_is_refused_in_one_line(built: Path, model: Path, tmp_path: Path) -> None:
    params = replace(PACK, tokenizer_from=str(model))
    (model / "tokenizer.json").write_text(CodeTokenizer.train(["other\n"] * 3, 300, 2).dumps(), encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"^pack.tokenizer_from: .*its vocabulary does not fit the weights.*$"):
        pack(built, tmp_path, params)
    (model / "config.json").unlink()
    with pytest.raises(ArtifactError, match=r"config.json: not found"):
        pack(built, tmp_path, params)
    (model / "tokenizer.json").unlink()
    with pytest.raises(ArtifactError, match=r"^pack.tokenizer_from: .*tokenizer.json not found; name the folder of a"):
        pack(built, tmp_path, params)
    assert not (tmp_path / "packed").exists()


@pytest.mark.parametrize("text", ["", "{", "{}", '{"model": 3}'])
def test_a_damaged_tokenizer_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"tokenizer.json: no tokenizer \(.*\); restore it or run dvc repro pack$"):
        CodeTokenizer.load(tmp_path / "tokenizer.json")


def test_a_split_without_files_or_without_a_token_ends_packing(tmp_path: Path) -> None:
    gone = {name: contents for name, contents in PACKAGES.items() if name != "held"}
    with pytest.raises(ArtifactError, match="split 'test' has no file; give the corpus a package with split: test"):
        pack(build(tmp_path / "one", gone), tmp_path)
    blank = build(tmp_path / "two", {**PACKAGES, "held": {"held/__init__.py": "\n\n"}})
    with pytest.raises(ArtifactError, match="files of split 'test' have no token; give it a package with code"):
        pack(blank, tmp_path)


def test_the_special_tokens_stand_before_all_others(packed: Path) -> None:
    split = load_split(packed, "train")
    assert split.token_id.min() >= len(SPECIAL_TOKENS)
    assert split.pair_token.min() >= len(SPECIAL_TOKENS)
