"""What calls special methods without brackets: operators, subscripts, tests of truth, values within texts."""

import re

from tree_sitter import Node

from graphmer.corpus.parse.python.expression_kinds import MAX_ITEMS, SUMS
from graphmer.corpus.parse.python.file import DEEP, PythonFile, last_name
from graphmer.corpus.parse.python.kinds import KIND
from graphmer.corpus.parse.python.notation import UNKNOWN, Expression, is_open, written

ARITHMETIC = frozenset({"+", "-", "*", "/", "//", "%", "**", "@", "<<", ">>", "&", "|", "^"})
COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in"})
CONVERSIONS = {"!r": "repr", "!a": "repr", "!s": "str"}
FORMATS = re.compile(r"%[#0\- +]*[\d*]*(?:\.[\d*]+)?(.)")
FORMATTED = {"s": "str", "r": "repr", "a": "repr"}
CHAINS = frozenset(KIND[name] for name in ("attribute", "subscript", "call"))
GROUPS = ("expression_list", "tuple", "list", "parenthesized_expression")


class Operations:
    """Files an `operate` or an `ask` for each, where an operand may be an instance of a class."""

    def __init__(self, file: PythonFile) -> None:
        self.file, self.scopes, self.read = file, file.scopes, file.read

    def binary(self, node: Node) -> None:
        """`left + right`."""
        parts = code_children(node)
        if len(parts) != 3 or parts[1].type not in ARITHMETIC:  # a broken line
            return
        left, operator, right = parts
        if operator.type == "%" and left.kind_id == KIND["string"]:
            self._formatted(self.file.said(left), right)
        else:
            self._file(operator.type, operator, left, right)

    def comparison(self, node: Node) -> None:
        """`a < b <= c`: each two that stand side by side."""
        parts = code_children(node)
        for left, operator, right in zip(parts[::2], parts[1::2], parts[2::2]):
            if operator.type in COMPARISONS:
                self._file(operator.type, operator, left, right)

    def unary(self, node: Node) -> None:
        """`-value`, `~value`."""
        operator = node.children[0]
        self._file(f"{operator.type}x", operator, node.children[-1])

    def augmented(self, node: Node) -> None:
        """`target += value`; an item is read and stored."""
        parts = code_children(node)
        if len(parts) != 3 or parts[1].type[:-1] not in ARITHMETIC:
            return
        left, operator, right = parts
        self._file(operator.type, operator, left, right)
        if left.kind_id == KIND["subscript"]:
            self.file.file_item("[]=", left)

    def subscript(self, node: Node) -> None:
        """`value[key]`, read or deleted; what is stored is met as a target."""
        if node.byte_range not in self.file.stored:
            self.file.file_item("del[]" if _is_deleted(node) else "[]", node)

    def display(self, node: Node) -> None:
        """The items of a set and the keys of a dict are asked for their hashes."""
        for item in node.named_children[:MAX_ITEMS]:
            key = item.children[0] if item.kind_id == KIND["pair"] else item
            if not self.file.expressions.is_starred(key):
                self._ask("hash", last_name(key), key)

    def spread(self, node: Node) -> None:
        """`[*items]`: they are iterated; those among arguments are met with their call."""
        whole, around = node, node.parent
        while around is not None and around.kind_id in CHAINS and around.children[0] == whole:  # `*a.b` as `(*a).b`
            whole, around = around, around.parent
        if around is not None and around.kind_id != KIND["argument_list"]:
            self.file.file_protocol("iterate", whole, self.read(whole), False)

    def awaited(self, node: Node) -> None:
        """`await value`; what a call gives is mostly a coroutine, which has no method of the package."""
        self._ask("await", last_name(node.children[-1]), node.children[-1])

    # Truth

    def condition(self, node: Node) -> None:
        """What `if`, `elif`, `while`, an assertion or a clause of a comprehension asks."""
        asked = node.child_by_field_name("condition")
        if asked is None and node.named_child_count:
            asked = node.named_children[0]
        if asked is not None:
            self._ask_truth(asked)

    def conditional(self, node: Node) -> None:
        """`a if condition else b`."""
        parts = code_children(node)  # a if b else c
        if len(parts) == 5:
            self._ask_truth(parts[2])

    def negation(self, node: Node) -> None:
        """`not value`."""
        self._ask_truth(node.children[-1])

    def choice(self, node: Node) -> None:
        """`a and b`, `a or b`: the first is asked."""
        self._ask_truth(node.children[0])

    def _ask_truth(self, node: Node) -> None:
        while True:
            if node.kind_id == KIND["parenthesized_expression"] and node.named_child_count == 1:
                node = node.named_children[0]
            elif node.kind_id == KIND["boolean_operator"]:  # which asks its first part itself
                node = node.children[-1]
            else:
                break
        self._ask("bool", last_name(node), node)

    # Texts

    def interpolation(self, node: Node) -> None:
        """`{value!r}` in a text; `{value=}` shows what `!r` does unless something else is said."""
        named = node.named_children
        if not named:
            return
        said = next((self.file.said(child) for child in named[1:] if child.type == "type_conversion"), "")
        shows = len(named) == 1 and any(child.type == "=" for child in node.children)
        self._ask("repr" if shows else CONVERSIONS.get(said, "format"), last_name(named[0]), named[0])

    def _formatted(self, text: str, right: Node) -> None:
        """`"%s and %r" % (a, b)`; a text of bytes, or one that names its parts, asks for other things."""
        if text[:1] in "bB" or "%(" in text:
            return
        parts = right.named_children if right.kind_id == KIND["tuple"] else [right]
        kinds = [kind for kind in FORMATS.findall(text) if kind != "%"]
        if len(kinds) == len(parts):
            for kind, part in zip(kinds, parts):
                if kind in FORMATTED:
                    self._ask(FORMATTED[kind], last_name(part), part)

    def _file(self, word: str, at: Node, *operands: Node) -> None:
        said = [_short(self.read(operand, DEEP)) for operand in operands]
        if any(map(is_open, said)):
            start, end = at.byte_range
            self.scopes.refer("operate", word, written([word, *said]), start, start, end)

    def _ask(self, word: str, at: Node, node: Node) -> None:
        value = _short(self.read(node, DEEP))
        if is_open(value):
            self.scopes.refer("ask", word, written(value), 0, *at.byte_range)


def _short(operand: Expression) -> Expression:
    """A sum by its place: only an instance matters here, and the sum has a reference of its own."""
    is_sum = isinstance(operand, list) and operand[0] in SUMS.values() and operand[3] != UNKNOWN
    return operand[3] if is_sum else operand


def code_children(node: Node) -> list[Node]:
    """The children of a node without comments."""
    children = node.children
    return [child for child in children if not child.is_extra] if len(children) > 3 else children


def _is_deleted(node: Node) -> bool:
    """Whether a subscript is one of those that a `del` statement names."""
    parent = node.parent
    while parent is not None and parent.type in GROUPS:
        parent = parent.parent
    return parent is not None and parent.type == "delete_statement"
