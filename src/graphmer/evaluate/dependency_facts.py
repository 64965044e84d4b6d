"""What packages import and declare, as committed tables: the facts that dependency inference reads."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from graphmer.errors import ArtifactError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "packages": ("package", "split", "modules"),
    "declared": ("package", "distribution", "marker"),
    "imports": ("package", "module", "place", "circumstance", "files"),
}
SPLITS = ("train", "val", "test")
INSTALLED = ("core", "code")  # places of files that the distribution installs
Use = tuple[str, str]  # place, circumstance


@dataclass(frozen=True)
class PackageFacts:
    """One package. modules: those that it installs. declared: {distribution: marker}. uses: {module: {use: files}}."""

    package: str
    split: str
    modules: tuple[str, ...]
    declared: Mapping[str, str]
    uses: Mapping[str, Mapping[Use, int]]

    def installed_modules(self) -> list[str]:
        """Modules from elsewhere that installed code names in any way."""
        return [module for module, uses in self.uses.items() if any(place in INSTALLED for place, _ in uses)]

    def plain_modules(self) -> list[str]:
        """Modules from elsewhere that installed code cannot be imported without."""
        return [module for module, uses in self.uses.items() if any((place, "plain") in uses for place in INSTALLED)]


def load_dependency_facts(folder: Path) -> list[PackageFacts]:
    """Every package of the tables in `folder`, by name.

    Raises ArtifactError where a table is missing, has other columns, names an unknown package or split, or a split
    has none.
    """
    packages, declared, imports = (_read(folder, name) for name in COLUMNS)
    known = set(packages["package"])
    for name, table in (("declared", declared), ("imports", imports)):
        if strangers := sorted(set(table["package"]) - known):
            raise _bad(folder / f"{name}.csv", f"package '{strangers[0]}' is not in packages.csv")
    if missing := [split for split in SPLITS if split not in set(packages["split"])]:
        raise _bad(folder / "packages.csv", f"split '{missing[0]}' has no package")
    markers: dict[str, dict[str, str]] = {name: {} for name in known}
    for name, distribution, marker in _rows(declared, COLUMNS["declared"]):
        markers[name][distribution] = marker
    uses: dict[str, dict[str, Counter[Use]]] = {name: {} for name in known}
    for name, module, place, circumstance, files in _rows(imports, COLUMNS["imports"]):
        uses[name].setdefault(module, Counter())[place, circumstance] += int(files)
    return [
        PackageFacts(name, split, tuple(modules.split()), markers[name], uses[name])
        for name, split, modules in sorted(_rows(packages, COLUMNS["packages"]))
    ]


def _read(folder: Path, name: str) -> "pd.DataFrame":
    import pandas as pd

    path = folder / f"{name}.csv"
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise _bad(path, "not found") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise _bad(path, f"not readable as CSV ({' '.join(str(error).split())})") from None
    if missing := [column for column in COLUMNS[name] if column not in table]:
        raise _bad(path, f"no column '{missing[0]}'")
    return table


def _rows(table: "pd.DataFrame", columns: Iterable[str]) -> Iterable[tuple[str, ...]]:
    return zip(*(table[column].tolist() for column in columns), strict=True)


def _bad(path: Path, what: str) -> ArtifactError:
    return ArtifactError(f"{path}: {what}; write the tables anew with benchmarks/dependency_tables.py")
