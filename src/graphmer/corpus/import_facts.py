"""What a Python source distribution imports from elsewhere: which module, in which files, how surely it runs.

The facts stand for the code, which is not kept: a count of files for each module, place and circumstance. Imports of
the standard library and of the package's own modules are told apart and counted. Nothing is ever executed.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from packaging.utils import canonicalize_name

from graphmer.corpus.import_reading import Imported, file_imports

# Where a file stands. `core` runs whenever the module that bears the distribution's name is imported or run (where none
# does, any top-level module); `code` is installed too; `other` is setup.py, scripts, tools.
PLACES = ("core", "code", "tests", "docs", "other")
TESTS = {"test", "tests", "testing", "conftest"}
DOCS = {"doc", "docs", "example", "examples", "sample", "samples", "demo", "demos", "tutorial", "tutorials"}
NO_MODULE = TESTS | DOCS | {"build", "dist", "bin", "ci", "scripts", "script", "tools", "tasks", "benchmark",
                            "benchmarks", "setup", "noxfile", "fabfile", "dodo", "versioneer", "ez_setup"}  # fmt: skip
ROOTS = ("src/", "python/", "lib/", "")  # where the installed modules lie: the first that holds a package
MAX_PARTS = 2  # of a module's dotted name: `google.protobuf` and `google.auth` come from different distributions


@dataclass(frozen=True)
class ImportFacts:
    """What one distribution imports.

    files: {(module, place, circumstance): files}, of modules from elsewhere. own: {top-level module that the
    distribution installs}. counts: files read, imports left out as `stdlib` or `own`, files skipped by reason.
    """

    files: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    own: frozenset[str] = frozenset()
    counts: Counter[str] = field(default_factory=Counter)


def import_facts(
    distribution: str, sources: Mapping[str, bytes], installed: frozenset[str] = frozenset()
) -> ImportFacts:
    """The facts of a distribution's Python files.

    sources: content by path inside it. installed: its top-level modules where its metadata name them, else they are
    told from the layout.
    """
    layout = Layout(frozenset(sources), installed)
    facts = ImportFacts(own=layout.own)
    imports: dict[str, list[Imported]] = {}
    for path in sorted(sources):
        facts.counts["files"] += 1
        try:
            imports[path] = file_imports(sources[path])
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # Python 2, templates, broken on purpose
            facts.counts["syntax_error"] += 1
    core = layout.core(distribution, imports)
    for path, found in imports.items():
        place = "core" if path in core else layout.place_of(path)
        for module, circumstance in sorted({(_cut(one.module), one.circumstance) for one in found if not one.level}):
            kind = layout.kind_of(module, path)
            if kind == "elsewhere":
                facts.files[module, place, circumstance] += 1
            else:
                facts.counts[kind] += 1
    return facts


def _cut(module: str) -> str:
    return ".".join(module.split(".")[:MAX_PARTS])


class Layout:
    """Which files a distribution installs, and which modules are its own."""

    def __init__(self, paths: frozenset[str], installed: frozenset[str]) -> None:
        self.paths = paths
        self.folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents} - {"."}
        self.root = next(root for root in ROOTS if not root or self._holds_package(root, installed))
        self.own = installed or frozenset(self._told_from_files())
        # A folder without __init__.py may be shared with other distributions: google, zope, sphinxcontrib.
        self.shared = {name for name in self.own if not self._starts(name)}

    def _holds_package(self, root: str, installed: frozenset[str]) -> bool:
        below = [path.removeprefix(root) for path in self.paths if path.startswith(root)]
        inside = {path.split("/")[0].removesuffix(".py") for path in below}
        return bool(inside & installed) if installed else root == "src/" and bool(inside)

    def _told_from_files(self) -> Iterator[str]:
        for path in self.paths:
            if path.startswith(self.root):
                top = path.removeprefix(self.root).split("/")[0].removesuffix(".py")
                if top.isidentifier() and top.lower() not in NO_MODULE:
                    yield top

    def _starts(self, name: str) -> set[str]:
        """Files that run when a top-level module of that name is imported or run."""
        base = f"{self.root}{name}"
        return {f"{base}/__init__.py", f"{base}/__main__.py", f"{base}.py"} & self.paths

    def place_of(self, path: str) -> str:
        """Which of PLACES a file stands in, `core` aside."""
        parts = PurePosixPath(path).with_suffix("").parts
        lowered = {part.lower() for part in parts}
        if lowered & TESTS or parts[-1].startswith("test_") or parts[-1].endswith("_test"):
            return "tests"
        if path.startswith(self.root) and path.removeprefix(self.root).split("/")[0].removesuffix(".py") in self.own:
            return "code"
        return "docs" if lowered & DOCS else "other"

    def kind_of(self, module: str, path: str) -> str:
        """stdlib, own or elsewhere."""
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names:
            return "stdlib"
        if top in self.own and (top not in self.shared or self._is_there(self.root, module)):
            return "own"
        # Only a script's own folders are searched: in installed code `import redis` beside redis.py is the library.
        scripts = [] if self.place_of(path) == "code" else PurePosixPath(path).parents
        return "own" if any(self._is_there(f"{folder}/".removeprefix("./"), top) for folder in scripts) else "elsewhere"

    def _is_there(self, folder: str, module: str) -> bool:
        target = folder + module.replace(".", "/")
        return target in self.folders or f"{target}.py" in self.paths

    def core(self, distribution: str, imports: Mapping[str, Sequence[Imported]]) -> set[str]:
        """Files that run when the distribution's main module is imported or run: the closure of plain imports."""
        main = {name for name in self.own if canonicalize_name(name) == canonicalize_name(distribution)}
        todo = [path for name in main or self.own for path in self._starts(name)]
        seen = set(todo)
        while todo:
            path = todo.pop()
            plain = [one for one in imports.get(path, ()) if one.circumstance == "plain"]
            fresh = {found for one in plain for found in self._files_of(one, path)} - seen
            seen |= fresh
            todo += fresh
        return {path for path in seen if self.place_of(path) == "code"}

    def _files_of(self, one: Imported, path: str) -> set[str]:
        """Own files that an import runs: its module, the packages around it, and the name where that is a module."""
        if one.level:
            folders = PurePosixPath(path).parents
            base = str(folders[one.level - 1]) if one.level <= len(folders) else "."
        else:
            base = self.root.rstrip("/") or "."
        dotted = [part for part in (*one.module.split("."), one.name) if part]
        found = set()
        for end in range(len(dotted) + 1):
            place = "/".join(part for part in (base, *dotted[:end]) if part != ".")
            found |= {f"{place}/__init__.py", f"{place}.py"} & self.paths
        return found
