"""Pictures of a report for docs/: `python tests/browser/pictures.py .scratch/report.html docs SYMBOL`.

SYMBOL: package/qualified.name, such as requests/requests.sessions.Session.request.
"""

import sys
from pathlib import Path
from urllib.parse import quote

from chromium import Opened, browser

SECTIONS = {"report_neighbourhood.png": "#neighbourhood", "report_tasks.png": "#panels"}


def main(report: Path, out: Path, symbol: str) -> None:
    """Write the pictures; what the page complains of ends the run."""
    with browser() as running:
        shown = Opened(running, report, f"#symbol={quote(symbol, safe='')}")
        shown.page.add_style_tag(content="header { position: static }")  # else it lies across a tall section
        for name, selector in SECTIONS.items():
            shown.page.locator(selector).scroll_into_view_if_needed()
            shown.page.wait_for_timeout(500)  # the picture is drawn at the browser's next idle moment
            shown.page.locator(selector).screenshot(path=out / name)
    if shown.complaints:
        sys.exit("\n".join(shown.complaints))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
