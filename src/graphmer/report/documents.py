"""Every page that is written from committed figures: `python -m graphmer.report.documents`, `make docs`."""

import sys
from pathlib import Path

from graphmer.artifacts import write_text
from graphmer.errors import ArtifactError, GraphmerError
from graphmer.params import load_tree
from graphmer.report import adapted
from graphmer.report.benchmarks import speed_figures
from graphmer.report.data_card import data_card
from graphmer.report.model_card import model_card
from graphmer.report.readme import MEASURED, SPEED, results_table, with_block, with_figures, with_results, with_speed
from graphmer.report.scale import scale_figures
from graphmer.report.specs import specs

WALKTHROUGH, SHARING = "docs/walkthrough.md", "docs/sharing.md"
CARDS = {"docs/model_card.md": model_card, "docs/data_card.md": data_card, "docs/specs.md": specs}


def documents(root: Path) -> dict[str, str]:
    """Text of each page by its path in the project.

    Raises ArtifactError where a figure's file or a page's marker is missing, CorpusError or ParamsError where those
    files are damaged.
    """
    pages = {
        "README.md": with_results(_text(root / "README.md"), results_table(root / "metrics")),
        "docs/scale.md": with_figures(_text(root / "docs/scale.md"), scale_figures(root / SPEED)),
        "docs/benchmarks.md": with_speed(_text(root / "docs/benchmarks.md"), speed_figures(root / MEASURED)),
    }
    walkthrough = _text(root / WALKTHROUGH)
    figures = adapted.adapted_figures(root / adapted.ADAPTED)
    pages[WALKTHROUGH] = with_block(walkthrough, adapted.BEGIN, figures, adapted.END, WALKTHROUGH)
    figures = adapted.compact_figures(root / adapted.COMPACT)
    pages[SHARING] = with_block(_text(root / SHARING), adapted.COMPACT_BEGIN, figures, adapted.END, SHARING)
    tree = load_tree(root / "params.yaml")
    return pages | {path: write(root, tree) for path, write in CARDS.items()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ArtifactError(f"{path}: not found; restore it, `make docs` writes only its figures") from None


def main(root: Path) -> int:
    """Write every page of the project in `root`; returns the exit code."""
    try:
        for path, text in documents(root).items():
            write_text(root / path, text)
    except GraphmerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path()))
