"""Import statements: the names that they bind, and the libraries that they name."""

from tree_sitter import Node

from graphmer.corpus.parse.python.file import PythonFile
from graphmer.corpus.parse.python.kinds import KIND


class Imports:
    """Files what import statements bind."""

    def __init__(self, file: PythonFile) -> None:
        self.scopes, self.said, self.holes = file.scopes, file.said, file.holes

    def plain(self, node: Node) -> None:
        """`import a.b, c as d`."""
        self.holes.append(node.byte_range)
        for name in node.children_by_field_name("name"):
            path, alias = _aliased(name)
            if path is None:
                continue
            value = "".join(self.said(path).split())
            local = self.said(alias) if alias is not None else value
            self._bind(local.partition(".")[0])
            self.scopes.refer("import", local, value, 0, *path.byte_range)
            self._file_library(path.start_byte, value)

    def from_module(self, node: Node) -> None:
        """`from a.b import c as d`, `from . import *`."""
        self.holes.append(node.byte_range)
        module = node.child_by_field_name("module_name")
        if module is None:
            return
        origin = "".join(self.said(module).split())
        if origin == "__future__":
            return
        if not origin.startswith("."):
            self._file_library(module.start_byte, origin)
        if any(child.kind_id == KIND["wildcard_import"] for child in node.named_children):
            self.scopes.refer("star_import", origin.rpartition(".")[2], origin, 0, *module.byte_range)
            return
        for name in node.children_by_field_name("name"):
            path, alias = _aliased(name)
            if path is None:
                continue
            said = self.said(path)
            local = self.said(alias) if alias is not None else said
            self._bind(local)
            self.scopes.refer("import", local, f"{origin}:{said}", 0, *path.byte_range)

    def _bind(self, name: str) -> None:
        frame = self.scopes.frame
        frame.locals.add(name)
        frame.bound.setdefault(name, 1)
        frame.versions.pop(name, None)

    def _file_library(self, start: int, value: str) -> None:
        top = value.partition(".")[0]
        if top:
            self.scopes.refer("library", top, top, 0, start, start + len(top.encode()))


def _aliased(name: Node) -> tuple[Node | None, Node | None]:
    """What an import names, and as what; the path is None on a broken line."""
    if name.kind_id != KIND["aliased_import"]:
        return name, None
    return name.child_by_field_name("name"), name.child_by_field_name("alias")
