"""What a package says of itself: its declared dependencies and what it builds. Nothing is ever executed.

References of a manifest:
- `dependency`: name = normalised distribution name (Maven: `group:artifact`, npm: `npm:name`), value = the
  requirement as written;
- `build_target`: name = sdist, wheel, console_script, jar, main or bin, value = the script's or the artifact's name.
Requirements of extras and Maven's test scope are left out: they are no dependency of the package itself. The span is
the requirement's or the name's own text.
"""

import ast
import configparser
import json
import re
import tomllib
import warnings
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from graphmer.corpus.parse.maven import MavenError, read_pom
from graphmer.corpus.parse.records import FileKey, ParsedFile, Reference

SCRIPT_GROUPS = ("console_scripts", "gui_scripts")


class Declared(NamedTuple):
    """One statement of a manifest, and the text that shows it with the text that comes before it in the file."""

    kind: str
    name: str
    value: str
    shown: str
    after: str = ""  # the shown text is searched behind this one, so that a name in a title is not taken for it


def parse_manifest(source: bytes, where: FileKey) -> ParsedFile:
    """Dependencies and build targets of a manifest; one that cannot be read is skipped as `syntax_error`."""
    text = source.decode("utf-8-sig")  # TOML and INI know no byte order mark
    try:
        declared = list(_READERS[PurePosixPath(where.file).name](text))
    except MavenError as error:
        return ParsedFile("", [], [], "skipped", error.reason)
    except (tomllib.TOMLDecodeError, configparser.Error, SyntaxError, ValueError, RecursionError, MemoryError):
        return ParsedFile("", [], [], "skipped", "syntax_error")
    references = [_reference(item, source, where) for item in declared]
    return ParsedFile("", [], sorted(references, key=lambda row: (row.byte_start, row)), "ok", "")


def _reference(item: Declared, source: bytes, where: FileKey) -> Reference:
    scope = f"{where.language}:{where.package}:{where.file}"
    shown = item.shown.encode("utf-8")
    behind = max(source.find(item.after.encode("utf-8")), 0)
    start = max(source.find(shown, behind), 0)  # a value that TOML's escapes hide points at the file's start
    end = start + len(shown) if source[start : start + len(shown)] == shown else start
    return Reference(scope, item.kind, item.name, item.value, 0, start, end)


def _dependencies(requirements: list[str], after: str) -> Iterator[Declared]:
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:  # an old or foreign notation names no distribution that could be trusted
            continue
        if requirement.marker is None or not re.search(r"\bextra\b", str(requirement.marker)):
            yield Declared("dependency", canonicalize_name(requirement.name), text, text, after)


def _python_targets(shown: str, scripts: list[str], after: str) -> Iterator[Declared]:
    """A Python project builds an sdist and a wheel, and its console scripts."""
    yield Declared("build_target", "sdist", "", shown)
    yield Declared("build_target", "wheel", "", shown)
    for name in scripts:
        yield Declared("build_target", "console_script", name, name, after)


def _read_pkg_info(text: str) -> Iterator[Declared]:
    headers = HeaderParser().parsestr(text, headersonly=True)
    requirements = [" ".join(str(value).split()) for value in headers.get_all("Requires-Dist", [])]
    yield from _dependencies(requirements, "Requires-Dist")
    yield from _python_targets("Metadata-Version", [], "")


def _read_pyproject(text: str) -> Iterator[Declared]:
    tree = tomllib.loads(text)
    project = _table(tree, "project")
    poetry = _table(_table(tree, "tool"), "poetry")
    yield from _dependencies(_texts(project.get("dependencies")), "dependencies")
    for name in _table(poetry, "dependencies"):
        if name != "python":
            yield Declared("dependency", canonicalize_name(name), name, name, "[tool.poetry.dependencies]")
    scripts = [*_table(project, "scripts"), *_table(project, "gui-scripts"), *_table(poetry, "scripts")]
    if project or poetry:
        yield from _python_targets("[project]" if project else "[tool.poetry]", scripts, "scripts")


def _read_setup_cfg(text: str) -> Iterator[Declared]:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    lines = parser.get("options", "install_requires", fallback="").splitlines()
    requirements = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    yield from _dependencies(requirements, "install_requires")
    if parser.has_section("metadata") or parser.has_section("options"):
        groups = [parser.get("options.entry_points", group, fallback="") for group in SCRIPT_GROUPS]
        shown = "[metadata]" if parser.has_section("metadata") else "[options]"
        yield from _python_targets(shown, _script_names("\n".join(groups).splitlines()), "scripts")


def _read_setup_py(text: str) -> Iterator[Declared]:
    """Literal arguments of setup(); what the script would compute is not known."""
    with warnings.catch_warnings(action="ignore"):  # an odd escape in a package's setup.py is not the user's concern
        tree = ast.parse(text)
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_setup(node.func)]
    for call in calls[:1]:
        given = {keyword.arg: _literal(keyword.value, constants) for keyword in call.keywords if keyword.arg}
        yield from _dependencies(_texts(given.get("install_requires")), "")
        points = given.get("entry_points")
        groups = [_texts(points.get(group)) for group in SCRIPT_GROUPS] if isinstance(points, dict) else []
        yield from _python_targets("setup(", _script_names([line for group in groups for line in group]), "scripts")


def _is_setup(function: ast.expr) -> bool:
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return name == "setup"


def _literal(node: ast.expr, constants: dict[str, ast.expr]) -> object:
    if isinstance(node, ast.Name):
        node = constants.get(node.id, node)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):  # computed, so not known without running it
        return None


def _script_names(lines: list[str]) -> list[str]:
    return [line.partition("=")[0].strip() for line in lines if "=" in line]


def _table(tree: dict[str, Any], key: str) -> dict[str, Any]:
    value = tree.get(key)
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> list[str]:
    if isinstance(value, str):  # setuptools takes one text with a requirement a line
        return [line.strip() for line in value.splitlines() if line.strip()]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []


def _read_pom(text: str) -> Iterator[Declared]:
    pom = read_pom(text.encode("utf-8"))
    for group, artifact, version in pom.dependencies:
        value = f"{group}:{artifact}:{version}".rstrip(":")
        yield Declared("dependency", f"{group}:{artifact}", value, artifact, "<dependencies")
    if pom.artifact and pom.packaging in ("jar", "bundle"):
        yield Declared("build_target", "jar", pom.artifact, pom.artifact)


def _read_package_json(text: str) -> Iterator[Declared]:
    tree = json.loads(text)
    if not isinstance(tree, dict):
        raise ValueError("a package.json is a mapping")
    for name, wanted in _table(tree, "dependencies").items():
        yield Declared("dependency", f"npm:{name}", f"{name}@{wanted}", json.dumps(name), '"dependencies"')
    if isinstance(tree.get("main"), str):
        yield Declared("build_target", "main", tree["main"], json.dumps(tree["main"]), '"main"')
    scripts = _table(tree, "bin") or ({tree.get("name", ""): tree["bin"]} if isinstance(tree.get("bin"), str) else {})
    for name in scripts:
        yield Declared("build_target", "bin", str(name), json.dumps(name), "")


_READERS = {
    "PKG-INFO": _read_pkg_info,
    "package.json": _read_package_json,
    "pyproject.toml": _read_pyproject,
    "setup.cfg": _read_setup_cfg,
    "setup.py": _read_setup_py,
    "pom.xml": _read_pom,
}
