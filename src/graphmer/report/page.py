"""One HTML file of a graph and of what was learnt from it: `python -m graphmer.report.page`, `make report`.

The page's own parts lie in page/, the libraries that it bundles in page/node_modules/ (page/package-lock.json has their
digests). The file needs no network, and its policy allows none: only the scripts whose digests it names run.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graphmer.artifacts import read_table, write_text
from graphmer.errors import ArtifactError, GraphmerError
from graphmer.kg.schema import entities_schema, triples_schema
from graphmer.report.page_graph import graph_columns, package_rows, relation_counts
from graphmer.report.page_results import graph_facts, result_parts

PAGE = Path("page")
LIBRARIES = ("cytoscape/dist/cytoscape.min.js", "plotly.js-basic-dist-min/plotly-basic.min.js",
             "tabulator-tables/dist/js/tabulator.min.js")  # fmt: skip
STYLES = ("node_modules/tabulator-tables/dist/css/tabulator.min.css", "page.css")
SCRIPTS = ("graph.js", "neighbourhood.js", "charts.js", "main.js")
SOURCE_MAP = re.compile(r"^(//# sourceMappingURL=.*|/\*# sourceMappingURL=.*\*/)$", re.MULTILINE)


def report_data(root: Path, graph: Path | None) -> dict[str, Any]:
    """What the page shows: the project in `root`, or the graph in a folder alone.

    Raises ArtifactError where a file is missing, damaged, or of another run than the others.
    """
    folder = root / "data/kg" if graph is None else graph
    entities = read_table(folder / "entities.parquet", entities_schema())
    triples = read_table(folder / "triples.parquet", triples_schema())
    counts = [("entities", entities), ("triples", triples)]
    facts = [(name, f"{len(frame):,}") for name, frame in counts]
    packages = package_rows(entities, triples)
    facts.append(("packages", f"{len(packages):,}"))
    own: dict[str, Any] = {
        "graph": graph_columns(entities, triples),
        "relations": relation_counts(triples),
        "packages": packages,
    }
    if graph is not None:
        return own | {"facts": facts}
    results = result_parts(root, len(entities), len(triples))
    return own | {"facts": [*facts, *graph_facts(root)], **results}


def render(page: Path, data: dict[str, Any]) -> str:
    """The HTML. page: the folder of its parts. Raises ArtifactError where a part or a library is missing."""
    libraries = [SOURCE_MAP.sub("", _part(page / "node_modules" / name)) for name in LIBRARIES]
    own = "\n".join(_part(page / name) for name in SCRIPTS)
    scripts = [_safe_script(text) for text in (*libraries, f'"use strict";\n{own}')]
    styles = "\n".join(SOURCE_MAP.sub("", _part(page / name)) for name in STYLES)
    parts = {
        "<!--policy-->": f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">',
        "<!--styles-->": f"<style>\n{styles}\n</style>",
        "<!--data-->": f'<script type="application/json" id="data">{embedded_json(data)}</script>',
        "<!--scripts-->": "\n".join(f"<script>{text}</script>" for text in scripts),
    }
    # In one pass: a marker within what was filled in stays text.
    return re.sub("|".join(parts), lambda found: parts[found[0]], _part(page / "page.html"))


def embedded_json(data: object) -> str:
    """JSON that can stand within a script element: no `<` is left that HTML could take for the start of a tag."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _policy(scripts: Sequence[str]) -> str:
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii") for text in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    # Styles: the libraries set them from scripts. data: and blob: images are those that a chart is saved as.
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"


def _safe_script(text: str) -> str:
    """The script, which must not end its own element; raises ArtifactError where a library would."""
    if re.search(r"</script|<!--", text, re.IGNORECASE):
        raise ArtifactError("page: a script holds </script or <!--, which HTML would read; pin another version")
    return text


def _part(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ArtifactError(f"{path}: not found; run make report, which fetches the page's libraries") from None


def main(arguments: Sequence[str]) -> int:
    """Write the report; 1 and one line where it cannot be."""
    parser = argparse.ArgumentParser(prog="report", description=__doc__, allow_abbrev=False)
    parser.add_argument("--root", type=Path, default=Path(), help="the project; default: here")
    parser.add_argument("--kg", type=Path, help="a folder that `graphmer kg` wrote: a report on that graph alone")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page's parts; default: page/")
    parser.add_argument("--out", type=Path, default=Path(".scratch/report.html"))
    given = parser.parse_args(arguments)
    try:
        write_text(given.out, render(given.page, report_data(given.root, given.kg)))
    except (GraphmerError, OSError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    print(f"{given.out}: {given.out.stat().st_size / 1e6:.1f} MB; open it in a browser")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
