"""What a statement of a scope's own body replaces: such statements run once, in order.

A name that is bound anew gets a new version, `name#2`, so that its values are told apart. A dict that was just written
down loses the key that is stored next, for as long as nobody has used it.
"""

from tree_sitter import Node

from graphmer.corpus.parse.python.file import PythonFile
from graphmer.corpus.parse.python.kinds import KIND
from graphmer.corpus.parse.python.notation import UNKNOWN, Expression, is_constant, written
from graphmer.corpus.parse.python.scopes import Fresh
from graphmer.corpus.parse.python.targets import Targets


class Rebinding:
    """Keeps the versions of names and the fresh dicts of scopes."""

    def __init__(self, file: PythonFile, targets: Targets) -> None:
        self.file, self.targets = file, targets
        self.scopes, self.said, self.read = file.scopes, file.said, file.read

    def replaces(self, assignment: Node) -> bool:
        """Whether an assignment replaces what its target was before."""
        frame = self.scopes.frame
        return frame.kind != "class" and frame.states(assignment.start_byte, KIND["expression_statement"])

    def bind(self, target: Node, value: Expression, end: int) -> None:
        """File the binding of a target that is replaced. end: of the statement; until there the name is the old one."""
        if target.kind_id == KIND["identifier"]:
            self._bind_name(target, value, end)
            return
        if target.kind_id == KIND["subscript"]:
            name, keys = self._key_path(target)
            self._forget(self.scopes.frame.fresh.get(name), keys)
        self.targets.bind(target, value)

    def _bind_name(self, target: Node, value: Expression, end: int) -> None:
        frame, references = self.scopes.frame, self.scopes.references
        name = self.said(target)
        filed = len(references)
        if name in frame.bound and name not in frame.globals:
            frame.bound[name] += 1
            old, new = frame.versions.get(name, name), f"{name}#{frame.bound[name]}"
            frame.versions[name] = new
            self.targets.bind(target, value)
            frame.versions[name] = old
            self.scopes.rename_from(end, name, new)
        else:
            self.targets.bind(target, value)
        frame.fresh.pop(name, None)
        if isinstance(value, list) and value[0] == "dict" and len(references) > filed:
            frame.fresh[name] = Fresh(len(references) - 1, value)

    def _key_path(self, target: Node) -> tuple[str, list[Expression]]:
        """`d["a"]["b"]` as its name and keys; an empty name where it is anything else."""
        keys: list[Expression] = []
        while target.kind_id == KIND["subscript"]:
            given = target.children_by_field_name("subscript")
            keys.append(self.read(given[0]) if len(given) == 1 else UNKNOWN)
            target = target.children[0]
        is_plain = all(map(is_constant, keys)) and target.kind_id == KIND["identifier"]
        return (self.said(target) if is_plain else ""), keys[::-1]

    def _forget(self, fresh: Fresh | None, keys: list[Expression]) -> None:
        if fresh is not None and fresh.forget(keys):
            references = self.scopes.references
            references[fresh.reference] = references[fresh.reference]._replace(value=written(fresh.display))

    def call(self, node: Node, callee: Node) -> None:
        """`d.update({...})` stores keys; any other call may use any dict that is still fresh."""
        frame = self.scopes.frame
        fresh, given = dict(frame.fresh), node.children[-1].named_children
        frame.fresh.clear()
        if callee.kind_id != KIND["attribute"] or len(given) != 1 or not self.file.in_body(node.parent):
            return
        update = self.read(given[0])
        if self.said(callee.children[-1]) == "update" and isinstance(update, list) and update[0] == "dict":
            for item in update[2:]:
                if is_constant(item[0]):
                    self._forget(fresh.get(self.said(callee.children[0])), [item[0]])
