"""What is kept of a source distribution: which modules it imports and how, and what its manifest declares."""

import sys
from collections import Counter

from imports import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

from dependency_pins import SPLITS, eligible, split_of

from graphmer.corpus.declared import declared_dependencies
from graphmer.corpus.import_facts import import_facts
from graphmer.corpus.import_reading import CIRCUMSTANCES, file_imports
from graphmer.corpus.pins import load_corpus
from graphmer.evaluate.dependency_facts import load_dependency_facts

CODE = b"""
import plain_one, plain_two.deep
from plain_three import name
from . import sibling
if TYPE_CHECKING:
    import typed_one
else:
    import conditional_one
if sys.version_info < (3, 11):
    import versioned_one
else:
    import versioned_two
if os.name == "nt":
    import versioned_three
if DEBUG:
    import conditional_two
try:
    import guarded_one
except ImportError:
    import fallback_one
else:
    import guarded_two
try:
    import plain_four
except ValueError:
    import plain_five
with contextlib.suppress(ModuleNotFoundError):
    import guarded_three
with open("x"):
    import plain_six
def f():
    import inner_one
    try:
        import guarded_four
    except (KeyError, ImportError):
        pass
class A:
    import plain_seven
    async def g(self):
        import inner_two
"""


def test_every_import_is_told_by_how_it_stands() -> None:
    found = file_imports(CODE)
    assert ("", 1, "sibling", "plain") in found
    told = {one.module: one.circumstance for one in found if one.module}
    assert set(told.values()) == set(CIRCUMSTANCES)
    assert {module: circumstance for module, circumstance in told.items() if not module.startswith(circumstance)} == {}
    assert len(told) == 20
    assert "plain_two.deep" in told


SOURCES = {
    "src/parcel/__init__.py": b"from .core import send\nimport requests\n",
    "src/parcel/core.py": b"import os\nimport yaml\nfrom parcel.models import Box\nimport distutils.core\n",
    "src/parcel/models.py": b"from google.protobuf import message\nfrom google.auth.transport import x\n",
    "src/parcel/redis.py": b"import redis\n",
    "src/parcel/contrib/django.py": b"import django.conf\nfrom .. import core\n",
    "src/parcel/tests/test_core.py": b"import pytest\nimport parcel\n",
    "tests/test_all.py": b"import pytest\nimport helpers\nfrom requests import get\n",
    "tests/helpers.py": b"import mock\n",
    "docs/conf.py": b"import sphinx\n",
    "setup.py": b"from setuptools import setup\n",
    "old.py": b"print 'Python 2'\n",
}


def test_modules_from_elsewhere_are_counted_by_place_and_the_own_ones_are_not() -> None:
    facts = import_facts("parcel", SOURCES, frozenset({"parcel"}))
    assert facts.files == Counter(
        {
            ("requests", "core", "plain"): 1,
            ("yaml", "core", "plain"): 1,
            ("google.protobuf", "core", "plain"): 1,
            ("google.auth", "core", "plain"): 1,
            ("redis", "code", "plain"): 1,
            ("django.conf", "code", "plain"): 1,
            ("pytest", "tests", "plain"): 2,
            ("requests", "tests", "plain"): 1,
            ("mock", "tests", "plain"): 1,
            ("sphinx", "docs", "plain"): 1,
            ("setuptools", "other", "plain"): 1,
        }
    )
    outside = int("distutils" not in sys.stdlib_module_names)
    assert facts.counts == {"files": 11, "syntax_error": 1, "stdlib": 2 - outside, "own": 3}


def test_a_folder_that_distributions_share_is_own_only_where_it_holds_the_module() -> None:
    sources = {"google/cloud/store/__init__.py": b"import google.cloud.store.client\nimport google.auth\n",
               "google/cloud/store/client.py": b"from google.cloud import store\n"}  # fmt: skip
    facts = import_facts("google-cloud-store", sources)
    assert facts.own == {"google"}
    assert {module for module, _, _ in facts.files} == {"google.auth"}


def test_only_what_the_main_module_imports_is_core() -> None:
    sources = {"shop/__init__.py": b"import attr\n", "shop_django/__init__.py": b"import django\n",
               "shop/__main__.py": b"from shop import cli\n", "shop/cli.py": b"import click\n",
               "shop/extra.py": b"import boto3\n", "shop/lazy.py": b"import rich\n",
               "shop/late.py": b"def f():\n    import shop.lazy\n"}  # fmt: skip
    places = {module: place for module, place, _ in import_facts("Shop", sources).files}
    assert places == {"attr": "core", "click": "core", "django": "code", "boto3": "code", "rich": "code"}


METADATA = b"""Metadata-Version: 2.4
Name: parcel
Requires-Dist: Requests>=2
Requires-Dist: typing_extensions; python_version < "3.11"
Requires-Dist: zope.interface; sys_platform == "win32"
Requires-Dist: zope.interface; sys_platform == "darwin"
Requires-Dist: rich; extra == "cli"
Requires-Dist: uvloop; sys_platform != "win32" and extra == "fast"
Requires-Dist: parcel[cli]; extra == "all"
Requires-Dist: PyYAML
Requires-Dist: pyyaml; python_version < "3"
"""
DECLARED = {
    "pyyaml": "",
    "requests": "",
    "typing-extensions": 'python_version < "3.11"',
    "zope-interface": 'sys_platform == "darwin" or sys_platform == "win32"',
}
EGG = b"""Requests>=2
pyyaml

[:python_version < "3.11"]
typing_extensions

[cli]
rich

[fast:sys_platform != "win32"]
uvloop
"""
PYPROJECT = b'[project]\nname = "parcel"\ndependencies = ["attrs"]\n'


def test_extras_are_left_out_and_markers_are_kept() -> None:
    assert declared_dependencies({"PKG-INFO": METADATA, "pyproject.toml": PYPROJECT}, "parcel") == (
        DECLARED,
        "PKG-INFO",
    )


def test_older_metadata_that_say_nothing_give_way_to_what_setuptools_wrote() -> None:
    papers = {"PKG-INFO": b"Metadata-Version: 2.1\nName: parcel\n", "src/parcel.egg-info/PKG-INFO": b"",
              "src/parcel.egg-info/requires.txt": EGG, "pyproject.toml": PYPROJECT}  # fmt: skip
    wanted = {name: marker for name, marker in DECLARED.items() if name != "zope-interface"}
    assert declared_dependencies(papers, "parcel") == (wanted, "requires.txt")
    del papers["src/parcel.egg-info/requires.txt"]
    assert declared_dependencies(papers, "parcel") == ({}, "requires.txt")


def test_newer_metadata_that_say_nothing_mean_nothing_unless_the_field_is_dynamic() -> None:
    head = b"Metadata-Version: 2.2\nName: parcel\n"
    assert declared_dependencies({"PKG-INFO": head, "pyproject.toml": PYPROJECT}, "parcel") == ({}, "PKG-INFO")
    dynamic = {"PKG-INFO": head + b"Dynamic: Requires-Dist\n", "pyproject.toml": PYPROJECT}
    assert declared_dependencies(dynamic, "parcel") == ({"attrs": ""}, "pyproject.toml")


def test_what_a_script_would_compute_is_not_known() -> None:
    computed = {"setup.py": b"from setuptools import setup\nsetup(install_requires=read('requirements.txt'))\n"}
    assert declared_dependencies(computed, "parcel") is None
    literal = {"setup.py": b"from setuptools import setup\nsetup(install_requires=['six', 'parcel'])\n"}
    assert declared_dependencies(literal, "parcel") == ({"six": ""}, "setup.py")


def test_the_committed_tables_are_of_the_pinned_packages_and_no_other_corpus_has_one() -> None:
    pins = {source.name: source for source in load_corpus(ROOT / "data/corpora/dependencies.yaml").sources}
    facts = {one.package: one for one in load_dependency_facts(ROOT / "data/dependencies")}
    assert {name: one.split for name, one in facts.items()} == {name: one.split for name, one in pins.items()}
    assert sum(one.split == "test" for one in facts.values()) >= 50
    table = (ROOT / "data/dependencies/packages.csv").read_text(encoding="utf-8")
    assert all(f"{one.name},{one.version},{one.sha256},{one.license}," in table for one in pins.values())
    for name in ("small", "full", "large"):
        others = {source.name.lower() for source in load_corpus(ROOT / f"data/corpora/{name}.yaml").sources}
        assert others.isdisjoint(pins)


def test_packages_are_chosen_by_name_and_hash_alone() -> None:
    names = ["azure-core", "Azure_Storage", "types-six", "boto3-stubs", "flask", "nibabel", "azure"]
    assert set(eligible(names)) == {"azure-core", "nibabel"}
    splits = [split_of(f"package-{number}") for number in range(1600)]
    assert all(abs(splits.count(split) - 100 * share) < 90 for split, share in SPLITS)
    assert eligible(["numba", "trove", "nibabel"]) == eligible(["nibabel", "trove", "numba"])
