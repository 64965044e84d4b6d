"""SPDX licence expressions: which a corpus may hold, and whether a pin agrees with the package's own word."""

import json
import re
import tomllib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from functools import cache
from pathlib import Path
from typing import Any

PROPRIETARY = "LicenseRef-Proprietary"

# Free text and trove classifiers that name one licence beyond doubt; what is not here counts as undeclared.
# "BSD" alone leaves the number of clauses open, so either satisfies it.
KNOWN_NAMES = {
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "bsd": "BSD-2-Clause OR BSD-3-Clause",
    "bsd license": "BSD-2-Clause OR BSD-3-Clause",
    "2-clause bsd": "BSD-2-Clause",
    "3-clause bsd": "BSD-3-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "the mit license": "MIT",
    "mit license": "MIT",
    "mozilla public license 2.0 mpl 2.0": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "isc license iscl": "ISC",
    "python software foundation license": "PSF-2.0",
    "the unlicense unlicense": "Unlicense",
    "zlib/libpng license": "Zlib",
    "gnu general public license v2 gplv2": "GPL-2.0-only",
    "gnu general public license v2 or later gplv2+": "GPL-2.0-or-later",
    "gnu general public license v3 gplv3": "GPL-3.0-only",
    "gnu general public license v3 or later gplv3+": "GPL-3.0-or-later",
    "gnu lesser general public license v2 lgplv2": "LGPL-2.0-only",
    "gnu lesser general public license v2 or later lgplv2+": "LGPL-2.0-or-later",
    "gnu lesser general public license v3 lgplv3": "LGPL-3.0-only",
    "gnu lesser general public license v3 or later lgplv3+": "LGPL-3.0-or-later",
    "gnu affero general public license v3": "AGPL-3.0-only",
    "gnu affero general public license v3 or later agplv3+": "AGPL-3.0-or-later",
    "other/proprietary license": PROPRIETARY,
}


@dataclass(frozen=True)
class Licence:
    """A valid SPDX expression; str() gives its canonical spelling."""

    expression: Any

    def __str__(self) -> str:
        """The expression as SPDX writes it."""
        return str(self.expression.render())

    @property
    def identifiers(self) -> frozenset[str]:
        """Every identifier named; `A WITH B` counts as one."""
        return frozenset(str(symbol.render()) for symbol in self.expression.get_literals())

    def satisfied_by(self, held: Collection[str]) -> bool:
        """Whether the identifiers in `held` meet the expression: all of an AND, one of an OR."""
        return _meets(self.expression, held)


def parse_licence(text: str) -> Licence:
    """An SPDX expression, or `LicenseRef-Proprietary`; raises ValueError with one line on anything else."""
    from license_expression import ExpressionError, ParseError

    try:
        expression = _licensing().parse(text, validate=True)
    except (ExpressionError, ParseError):
        expression = None
    if expression is None:
        raise ValueError(f"'{text}' is not an SPDX licence expression (for example MIT, or MIT OR Apache-2.0)")
    return Licence(expression)


def is_allowed(text: str, allowed: Collection[str]) -> bool:
    """Whether a licence expression can be met by allowed licences alone.

    allowed: SPDX identifiers, with `LicenseRef-Proprietary` only where the user opted in.
    Raises ValueError where `text` is not an SPDX expression.
    """
    return parse_licence(text).satisfied_by(allowed)


def contradicts(pinned: str, declared: str, allowed: Collection[str]) -> bool:
    """Whether what the package declares cannot be met by what the pin relies on.

    A pin may choose one side of a declared OR, and may name more than the package does (vendored code); it may not
    name another licence, nor drop one side of a declared AND.
    """
    held = parse_licence(pinned).identifiers & frozenset(allowed)
    return not parse_licence(declared).satisfied_by(held)


def declared_licence(folder: Path) -> str:
    """The SPDX expression that a package's own metadata declares, or "" where it declares none that is clear.

    Looks into PKG-INFO, then pyproject.toml, then package.json of the package's top folder. Free text and
    classifiers count only where they name a licence beyond doubt; several classifiers are read as a choice.
    """
    readers: dict[str, Callable[[str], str]] = {
        "PKG-INFO": _from_core_metadata,
        "pyproject.toml": _from_pyproject,
        "package.json": _from_package_json,
    }
    for name, read in readers.items():
        path = folder / name
        if path.is_file() and (found := read(path.read_text(encoding="utf-8", errors="replace"))):
            return found
    return ""


@cache
def _licensing() -> Any:
    from license_expression import LicenseSymbol, Licensing, get_spdx_licensing

    return Licensing([*get_spdx_licensing().known_symbols.values(), LicenseSymbol(PROPRIETARY)])


def _meets(expression: Any, held: Collection[str]) -> bool:
    operator = getattr(expression, "operator", "").strip()
    if operator == "AND":
        return all(_meets(part, held) for part in expression.args)
    if operator == "OR":
        return any(_meets(part, held) for part in expression.args)
    return expression.render() in held


def _from_core_metadata(text: str) -> str:
    headers: Message = HeaderParser().parsestr(text)
    classifiers = headers.get_all("Classifier", [])
    return _clear(headers.get("License-Expression")) or _clear(headers.get("License")) or _classified(classifiers)


def _from_pyproject(text: str) -> str:
    try:
        project = tomllib.loads(text).get("project", {})
    except (tomllib.TOMLDecodeError, RecursionError):
        return ""
    if not isinstance(project, dict):
        return ""
    licence = project.get("license")
    stated = licence.get("text") if isinstance(licence, dict) else licence
    classifiers = project.get("classifiers", [])
    return _clear(stated) or _classified(classifiers if isinstance(classifiers, list) else [])


def _from_package_json(text: str) -> str:
    return _clear(package_facts(text).get("license"))


def package_facts(text: str) -> dict[str, Any]:
    """What a package.json says; nothing where it is no object, or nests deeper than anything written by hand."""
    try:
        package = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return {}
    return package if isinstance(package, dict) else {}


def _clear(stated: object) -> str:
    """What a licence field says as SPDX, or "": some packages put the whole licence text there."""
    if not isinstance(stated, str) or not stated.strip() or len(stated) > 200:
        return ""
    known = KNOWN_NAMES.get(re.sub(r"[\s(),]+", " ", stated.lower()).strip())
    try:
        return str(parse_licence(known or stated))
    except ValueError:
        return ""


def _classified(classifiers: Collection[object]) -> str:
    """The licences that trove classifiers name, as a choice: they cannot say AND."""
    names = [str(item).rpartition(" :: ")[2] for item in classifiers if str(item).startswith("License :: ")]
    clear = sorted({found for name in names if (found := _clear(name))})
    return str(parse_licence(" OR ".join(f"({found})" for found in clear))) if clear else ""
