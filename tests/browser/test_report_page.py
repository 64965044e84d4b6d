"""The report in headless Chromium: it is quiet, its search finds, a click opens a neighbourhood, and no code runs."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from chromium import Opened, browser
from page_project import DOCSTRING, FILE_NAME, plant_project
from playwright.sync_api import Browser

from graphmer.report.page import main

ADD, CHECK = "shop.basket.Basket.add", "shop.basket.check"
CELL = "#entity-table .tabulator-row [tabulator-field=name]"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def report(project: Path) -> Path:
    out = project / "report.html"
    assert main(["--root", str(project), "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def tab(chromium: Browser, report: Path) -> Opened:
    return Opened(chromium, report)


@pytest.fixture
def opened(tab: Opened) -> Iterator[Opened]:
    """The report with nothing searched; what it complains of by the end of a test is an error of that test."""
    tab.page.select_option("#type", "")
    tab.search("")
    yield tab
    assert tab.complaints == []


def open_symbol(opened: Opened, words: str, name: str) -> None:
    """Search, and click on what is found first, which must be that symbol."""
    opened.search(words)
    opened.page.wait_for_function(f"name => document.querySelector('{CELL}')?.innerText === name", arg=name)
    opened.page.locator("#entity-table .tabulator-row").first.click()
    opened.page.wait_for_function("name => document.querySelector('#symbol').textContent === name", arg=name)


def test_every_section_is_drawn_and_nothing_is_complained_of(opened: Opened) -> None:
    for section in ("graph", "entities", "training", "tasks", "ablation"):
        assert opened.page.locator(f"#{section}").is_visible(), section
    for chart in ("#relations", "#curves", "#panels > div >> nth=0", "#forest > div >> nth=0"):
        assert opened.page.locator(f"{chart} >> svg.main-svg >> nth=0").is_visible(), chart
    assert opened.page.locator("#packages .tabulator-row").count() == 1


def test_the_search_finds_a_symbol_and_the_name_itself_comes_first(opened: Opened) -> None:
    opened.search("check")
    opened.page.wait_for_function(f"name => document.querySelector('{CELL}')?.innerText === name", arg=CHECK)
    opened.search("no such symbol")
    assert opened.text("#found") == "0 entities"


def test_the_search_is_narrowed_by_type(opened: Opened) -> None:
    opened.page.select_option("#type", "Class")
    opened.page.wait_for_function(
        "() => [...document.querySelectorAll('#entity-table [tabulator-field=type].tabulator-cell')]"
        ".every((cell) => cell.innerText === 'Class')"
    )
    kinds = opened.page.locator("#entity-table .tabulator-row [tabulator-field=type]").all_inner_texts()
    assert kinds == ["Class", "Class", "Class"]


def test_a_click_opens_the_neighbourhood_with_its_triples(opened: Opened) -> None:
    open_symbol(opened, "basket.add", ADD)
    assert "shop/basket.py:4" in opened.text("#where")
    row = opened.page.locator("#triples .tabulator-row").filter(has_text=CHECK).first
    shown = [row.locator(f"[tabulator-field={name}]").inner_text() for name in ("out", "relation", "name", "where")]
    assert shown == ["→", "calls", CHECK, "shop/basket.py:5"]
    nodes = opened.page.evaluate("() => window.view.picture.nodes().map((node) => node.data('label'))")
    assert {"add", "check", "Basket", "item"} <= set(nodes)
    assert opened.page.locator("#picture canvas").first.is_visible()


def test_a_click_on_a_neighbour_goes_there_and_back_returns(opened: Opened) -> None:
    open_symbol(opened, "basket.add", ADD)
    at = opened.page.evaluate(
        "() => window.view.picture.nodes().filter((node) => node.data('label') === 'check')[0].renderedPosition()"
    )
    opened.page.locator("#picture").click(position={"x": at["x"], "y": at["y"]})
    opened.page.wait_for_function("() => document.querySelector('#symbol').textContent === 'shop.basket.check'")
    opened.page.go_back()
    opened.page.wait_for_function("() => document.querySelector('#symbol').textContent === 'shop.basket.Basket.add'")


def test_the_picture_zooms_and_fits_again(opened: Opened) -> None:
    open_symbol(opened, "basket.add", ADD)
    before = opened.page.evaluate("() => window.view.picture.zoom()")
    opened.page.locator("#picture").hover()
    turns = 0
    while opened.page.evaluate("() => window.view.picture.zoom()") <= before:
        assert turns < 20, "the wheel does not zoom"
        opened.page.mouse.wheel(0, -240)
        opened.page.wait_for_timeout(400)  # Cytoscape leaves the wheel alone for a moment after the page has scrolled
        turns += 1
    opened.page.click("#fit")
    opened.page.wait_for_function("zoom => Math.abs(window.view.picture.zoom() - zoom) < 0.02 * zoom", arg=before)


def test_a_symbol_of_many_neighbours_shows_some_and_more_when_asked(opened: Opened) -> None:
    open_symbol(opened, "check", CHECK)
    assert opened.text("#shown").startswith("30 of 8")
    opened.page.click("#more")
    assert opened.text("#shown").startswith("60 of 8")
    opened.page.click("#more")
    assert not opened.page.locator("#more").is_visible()
    assert opened.page.evaluate("() => window.view.picture.nodes().length") > 80


def test_html_in_a_docstring_a_default_and_a_file_name_is_shown_and_does_not_run(opened: Opened) -> None:
    open_symbol(opened, "shop.basket.Basket", "shop.basket.Basket")
    shown = opened.page.locator("#docstring").text_content()
    assert shown == DOCSTRING.encode().decode("unicode_escape")
    open_symbol(opened, "basket.add", ADD)
    assert "<b>" in str(opened.page.locator("#signature").text_content())
    opened.search("img")
    opened.page.wait_for_function("() => document.querySelector('#entity-table').innerText.includes('<img src=x')")
    assert FILE_NAME in opened.page.locator("#entity-table").inner_text()
    assert opened.page.evaluate("() => window.ran") is None
    assert opened.page.locator("#neighbourhood img, #entity-table img").count() == 0


def test_even_markup_that_gets_into_the_page_cannot_run(chromium: Browser, report: Path) -> None:
    shown = Opened(chromium, report)
    shown.page.evaluate(
        """() => {
          document.querySelector("#docstring").innerHTML = "<img src=x onerror='window.ran = 1'>";
          document.body.append(Object.assign(document.createElement("script"), { text: "window.ran = 2" }));
        }"""
    )
    shown.page.wait_for_timeout(300)
    assert shown.page.evaluate("() => window.ran") is None
    assert any("Content Security Policy" in one for one in shown.complaints)
    shown.page.close()


def test_an_address_opens_its_symbol_and_an_unknown_one_says_so(chromium: Browser, report: Path) -> None:
    anchor = f"#symbol={quote('code/shop.basket.check', safe='')}"
    shown = Opened(chromium, report, anchor)
    assert shown.text("#symbol") == "shop.basket.check"
    shown.page.evaluate("() => { location.hash = '#symbol=code%2Fshop.nothing%' }")
    shown.page.wait_for_function("() => document.querySelector('#found').textContent.includes('no entity')")
    assert shown.complaints == []


def test_each_entity_of_a_name_that_two_share_opens_by_click_and_by_address(opened: Opened) -> None:
    opened.page.select_option("#type", "Method")
    for row, line in enumerate((2, 6)):
        opened.search("Till.total")
        opened.page.wait_for_function(f"() => document.querySelectorAll('{CELL}').length === 2")
        rows = opened.page.locator("#entity-table .tabulator-row")
        wanted = next(rows.nth(at) for at in range(2) if f":{line}" in rows.nth(at).inner_text())
        wanted.click()
        ends = "end => document.querySelector('#where').textContent.endsWith(end)"
        opened.page.wait_for_function(ends, arg=f":{line}")
        assert opened.page.evaluate("() => location.hash").endswith("&nth=2") == bool(row)


def test_a_search_of_two_hundred_thousand_names_answers_within_a_second(opened: Opened) -> None:
    took = opened.page.evaluate(
        """() => {
          const own = Object.getOwnPropertyDescriptors(window.graph);
          const graph = Object.create(Object.getPrototypeOf(window.graph), own);
          const many = (values) => Array.from({ length: 200000 }, (_, at) => values[at % values.length]);
          graph.lower = many(graph.lower); graph.name = many(graph.name); graph.size = 200000;
          graph.degree = () => 1;
          const start = performance.now();
          const found = graph.search("basket.add", "", "");
          return found.length ? performance.now() - start : Infinity;
        }"""
    )
    assert took < 1000


def test_the_report_of_a_graph_alone_leaves_out_what_it_has_not(
    chromium: Browser, project: Path, tmp_path: Path
) -> None:
    out = tmp_path / "alone.html"
    assert main(["--kg", str(project / "data/kg"), "--out", str(out)]) == 0
    shown = Opened(chromium, out)
    assert not shown.page.locator("#training").is_visible()
    assert not shown.page.locator("nav a[href='#tasks']").is_visible()
    assert shown.page.locator("#relations svg").first.is_visible()
    assert shown.complaints == []
