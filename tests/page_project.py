"""A small project whose report can be made: a graph of planted code, some of it hostile, and the committed figures."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
from imports import ROOT

from graphmer.artifacts import read_json, write_json, write_text

RUNS = "window.ran = (window.ran || 0) + 1"
DOCSTRING = f"</script><script>{RUNS}</script><img src=x onerror='{RUNS}'><!-- <script> --> ]]> &lt;b&gt; \\u2028"
FILE_NAME = "<img src=x onerror=ran()>.py"
CODE = f'''\
class Basket:
    """{DOCSTRING}"""

    def add(self, item: "Item", note: str = "<b>{RUNS}</b>") -> None:
        check(item)


class Item:
    pass


def check(item: Item) -> None:
    Basket().add(item)
'''


TILL = """\
class Till:
    @property
    def total(self) -> int:
        return 0

    @total.setter
    def total(self, value: int) -> None:
        print(value)
"""


def plant_code(folder: Path) -> Path:
    """A package with HTML in a docstring, a default value and a file's name, and a symbol with many neighbours."""
    write_text(folder / "shop/basket.py", CODE)
    write_text(folder / "shop" / FILE_NAME, "def odd() -> None:\n    pass\n")
    callers = "\n\n".join(f"def caller_{number}() -> None:\n    check(None)" for number in range(80))
    write_text(folder / "shop/callers.py", f"from shop.basket import check\n\n\n{callers}\n")
    # The two functions of a property have one name.
    write_text(folder / "shop/till.py", TILL)
    return folder


def plant_graph(code: Path, out: Path) -> Path:
    """The graph that `graphmer kg` makes of a folder."""
    command = [sys.executable, "-m", "graphmer.cli", "kg", str(code), "--out", str(out), "--license", "MIT"]
    subprocess.run(command, check=True, capture_output=True)
    return out


def plant_project(root: Path) -> Path:
    """metrics/ and plots/ as committed, with a small graph, and as many entities and triples in metrics/kg.json."""
    plant_graph(plant_code(root / "code"), root / "data/kg")
    for name in ("metrics", "plots"):
        shutil.copytree(ROOT / name, root / name)
    sizes = {name: len(pd.read_parquet(root / f"data/kg/{name}.parquet")) for name in ("entities", "triples")}
    write_json(root / "metrics/kg.json", read_json(root / "metrics/kg.json") | sizes)
    return root


def embedded(html: str) -> dict[str, object]:
    """The data within a report."""
    start = html.index('<script type="application/json" id="data">')
    found: dict[str, object] = json.loads(html[html.index(">", start) + 1 : html.index("</script>", start)])
    return found
