"""Packed arrays on disk: what is read back, and one line for each way in which a folder may be damaged."""

import dataclasses
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packed import NAME_SLOTS, VOCABULARY, make_entities, make_split, write_packed

from graphmer.artifacts import read_json, write_json
from graphmer.errors import ArtifactError
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import load_entities, load_split, save_arrays, save_split

RELATIONS = len(load_ontology().relation_names)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    return write_packed(tmp_path / "packed", 20)


def last(value: int) -> Callable[[Any], Any]:
    """An array whose last element is another one."""
    return lambda values: np.concatenate([values[:-1], np.asarray([value], values.dtype)])


def test_what_was_written_is_read_back(packed: Path) -> None:
    expected = make_split(0, 20)
    found = load_split(packed, "train")
    for field in dataclasses.fields(expected):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        assert one.equals(other) if field.name == "samples" else np.array_equal(one, other), field.name


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("token_id", last(VOCABULARY), f"to {VOCABULARY}, expected 0 to {VOCABULARY - 1}; the tokenizer"),
        ("pair_token", last(VOCABULARY), f"to {VOCABULARY}, expected 0 to {VOCABULARY - 1}; the tokenizer"),
        ("token_id", lambda values: np.where(values > 0, np.nan, 0.0), "float64 with 1 axes, expected int32 with 1"),
        ("token_first", lambda values: values.astype(np.int32), "int32 with 1 axes, expected bool"),
        ("token_word", lambda values: values[:-1], "rows, expected"),
        ("token_word", last(12), "-1 to 12, expected -1 to 11"),
        ("leaf_relation", last(RELATIONS), f"to {RELATIONS}, expected 0 to {RELATIONS - 1}"),
        ("leaf_tail", last(20), "to 20, expected 0 to 19"),
        ("edge_head", last(-1), "holds -1 to"),
        ("leaf_query", lambda values: values[1:], "rows, expected"),
        ("leaf_anchor_end", last(1000), "is 1000, expected 0 to"),
        ("leaf_anchor_start", last(1000), "is 1000, expected 0 to"),
        ("edge_source", last(1000), "is 1000, expected 0 to"),
        ("pair_doc_end", last(1000), "is 1000, expected 0 to"),
        ("pair_doc_start", last(3), "is 3, expected 0 to 2"),
        ("pair_sample", last(20), "to 20, expected 0 to 19"),
        ("pair_sample", last(0), "does not rise"),
        ("pair_word", last(-2), "holds -2 to"),
        ("pair_text", lambda values: values[::-1].copy(), "does not run from 0"),
        ("sample_token", last(3), "does not run from 0"),
        ("sample_leaf", lambda values: np.delete(values, 1), "rows, expected 21"),
        ("sample_edge", lambda values: np.zeros(0, np.int64), "does not run from 0"),
    ],
)
def test_a_damaged_array_is_named_in_one_line(packed: Path, name: str, damage: Callable[[Any], Any], said: str) -> None:
    split = make_split(0, 20)
    save_split(packed, "train", dataclasses.replace(split, **{name: damage(getattr(split, name))}))
    with pytest.raises(ArtifactError) as caught:
        load_split(packed, "train")
    message = str(caught.value)
    assert message.startswith(f"{packed / 'train.npz'}: {name}")
    assert said in message
    assert "run dvc repro pack" in message
    assert "\n" not in message


def test_a_table_of_fewer_samples_is_told(packed: Path) -> None:
    split = make_split(0, 20)
    save_split(packed, "train", dataclasses.replace(split, samples=split.samples.iloc[:-1]))
    with pytest.raises(ArtifactError, match="its table of samples has 19 rows, expected 20"):
        load_split(packed, "train")


def test_a_vocabulary_that_does_not_fit_is_told_when_the_split_is_read(packed: Path) -> None:
    manifest = read_json(packed / "manifest.json")
    write_json(packed / "manifest.json", manifest | {"vocabulary": 9})
    with pytest.raises(ArtifactError, match=r"train.npz: token_id .* expected 0 to 8; the tokenizer"):
        load_split(packed, "train")
    with pytest.raises(ArtifactError, match=r"entities.npz: name_token .* expected 0 to 8; the tokenizer"):
        load_entities(packed)


def test_entities_of_another_shape_are_told(packed: Path) -> None:
    manifest = read_json(packed / "manifest.json")
    write_json(packed / "manifest.json", manifest | {"name_slots": 7})
    with pytest.raises(ArtifactError, match=f"name_token is {NAME_SLOTS} wide, the manifest says name_slots 7"):
        load_entities(packed)
    write_json(packed / "manifest.json", manifest)
    save_arrays(packed / "entities.npz", dataclasses.replace(make_entities(), names=["one"]))
    with pytest.raises(ArtifactError, match="names has 1 rows, expected 20"):
        load_entities(packed)


def test_a_folder_of_another_layout_is_refused(packed: Path) -> None:
    manifest = read_json(packed / "manifest.json")
    write_json(packed / "manifest.json", manifest | {"layout_version": 2})
    with pytest.raises(ArtifactError, match=r"layout version 2, expected 3; run dvc repro pack"):
        load_split(packed, "train")


def test_a_wrong_byte_is_told_wherever_it_stands(packed: Path) -> None:
    path = packed / "train.npz"
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        # The middle of an array's bytes, and the number in the directory that says how they were compressed.
        places = [
            entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2 for entry in archive.filelist
        ]
        places.append(archive.start_dir + 10)
    for place in places:
        path.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        with pytest.raises(ArtifactError, match=r"train.npz: damaged \(.*\); delete it and run dvc repro pack"):
            load_split(packed, "train")


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.98])
def test_a_file_that_is_cut_is_damaged(packed: Path, share: float) -> None:
    path = packed / "train.npz"
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ArtifactError, match=r"damaged .*; delete it and run dvc repro pack"):
        load_split(packed, "train")
