"""Dependencies and artifact of a Maven pom.xml, read without entities, document types or anything outside the file."""

from dataclasses import dataclass, field
from xml.parsers import expat

DEPENDENCY = ("project", "dependencies", "dependency")
OWN_GROUPS = frozenset({"${project.groupId}", "${pom.groupId}", "${groupId}"})


class MavenError(Exception):
    """Why a pom.xml is skipped."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class Pom:
    """What a pom.xml declares; dependencies are (group, artifact, version) outside the project's own group."""

    artifact: str = ""
    packaging: str = "jar"  # Maven's own default
    dependencies: list[tuple[str, str, str]] = field(default_factory=list)


def read_pom(source: bytes) -> Pom:
    """Read a pom.xml.

    Raises MavenError: `xml_doctype` where it declares a document type (entities can read files and explode), and
    `syntax_error` where it is not well-formed.
    """
    texts: dict[tuple[str, ...], str] = {}
    blocks: list[dict[str, str]] = []
    path: list[str] = []

    def start(name: str, _attributes: dict[str, str]) -> None:
        path.append(name.rpartition(":")[2])
        if tuple(path) == DEPENDENCY:
            blocks.append({})

    def end(_name: str) -> None:
        path.pop()

    def text(data: str) -> None:
        key = tuple(path[:5])
        if len(path) == 4 and key[:3] == DEPENDENCY:
            blocks[-1][path[-1]] = blocks[-1].get(path[-1], "") + data
        elif len(path) <= 3:
            texts[key] = texts.get(key, "") + data

    def refuse(*_declaration: object) -> None:
        raise MavenError("xml_doctype")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(source, True)
    except expat.ExpatError:
        raise MavenError("syntax_error") from None
    own = texts.get(("project", "groupId"), texts.get(("project", "parent", "groupId"), "")).strip()
    return Pom(
        artifact=texts.get(("project", "artifactId"), "").strip(),
        packaging=texts.get(("project", "packaging"), "jar").strip(),
        dependencies=[found for block in blocks if (found := _dependency(block, own)) is not None],
    )


def _dependency(block: dict[str, str], own_group: str) -> tuple[str, str, str] | None:
    group, artifact, version = (block.get(key, "").strip() for key in ("groupId", "artifactId", "version"))
    inside = group in OWN_GROUPS or group == own_group
    if not group or not artifact or inside or block.get("scope", "").strip() == "test":
        return None
    return group, artifact, version
