"""JavaScript expressions as access paths, types as text, JSDoc as clean text."""

import re
from functools import lru_cache

from tree_sitter import Node

UNKNOWN = "<expr>"
MAX_CHAIN = 40  # links of one access path; a longer chain is generated code
NAME = r"[A-Za-z_$\x80-\xff][A-Za-z0-9_$\x80-\xff]*"
# a.b?.c!.#d with white space and line ends between; bytes beyond ASCII are taken for letters
SIMPLE = re.compile(rf"{NAME}(?:\s*[?!]?\.\s*#?{NAME})*!?".encode())
LAST_NAME = re.compile(rf"#?{NAME}$".encode())
NOT_IN_PATH = re.compile(r"[\s?!]+")
KEYWORDS = {"true": "<Boolean>", "false": "<Boolean>", "null": "<null>", "undefined": "<null>"}
LITERALS = {
    "string": "<String>",
    "template_string": "<String>",
    "number": "<Number>",
    "regex": "<RegExp>",
    "array": "<Array>",
    "object": "<object>",
    "true": "<Boolean>",
    "false": "<Boolean>",
    "null": "<null>",
    "undefined": "<null>",
}
WRAPPERS = frozenset(
    {"await_expression", "parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"}
)
BARE = (WRAPPERS - {"await_expression"}) | {"sequence_expression"}
# What compilers put around a required module
INTEROP = (b"__importStar", b"__importDefault", b"_interopRequireWildcard", b"_interopRequireDefault")
CHOICES = frozenset({"||", "??", "&&"})
KEEPING = frozenset({"||=", "??="})  # give what was there before, which the right side once made
STATEMENT_START = re.compile(rb"\s*(?:export\s+)?(?:default\s+)?(?:(?:const|let|var|abstract|declare)\s+)?")
LONGEST_STATEMENT_START = 60
SPACE = re.compile(r"\s+")
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
DOC_MARGIN = re.compile(r"^[ \t]*\*? ?", re.MULTILINE)


def text(node: Node) -> str:
    """The node's source."""
    return node.text.decode("utf-8", "replace") if node.text is not None else ""


def first_named(node: Node) -> Node | None:
    """The first named child, if there is one."""
    return node.named_child(0) if node.named_child_count else None


@lru_cache(maxsize=1 << 16)  # a program says the same paths again and again
def simple_path(source: bytes) -> str:
    """The path of dotted names alone, or an empty text where something else stands there."""
    if SIMPLE.fullmatch(source) is None:
        return ""
    path = source.decode("utf-8", "replace")
    return path if path.isidentifier() else NOT_IN_PATH.sub("", path)


def access_path(node: Node | None, source: bytes, depth: int = 0) -> str:
    """An expression in the neutral notation: dotted names, `()` for a call, `{}` for `new`, `[]` for a subscript.

    A literal is `<String>`, `<Array>`, ...; `require("x")` is `<require x exports>`; whatever else the notation cannot
    say is `<expr>`. `await x` is the path of x: what it gives is what the function returns.
    """
    if node is None or depth > MAX_CHAIN:
        return UNKNOWN
    path = simple_path(source[node.start_byte : node.end_byte])
    if path:
        return KEYWORDS.get(path, path)
    kind = node.type
    if kind in LITERALS:
        return LITERALS[kind]
    if kind == "call_expression":
        return _call_path(node, source, depth)
    if kind == "new_expression":
        return access_path(node.child_by_field_name("constructor"), source, depth + 1) + "{}"
    if kind == "member_expression":
        name = node.child_by_field_name("property")
        owner = access_path(node.child_by_field_name("object"), source, depth + 1)
        return UNKNOWN if name is None else f"{owner}.{text(name)}"
    if kind == "subscript_expression":
        return access_path(node.child_by_field_name("object"), source, depth + 1) + _subscript(node)
    if kind in WRAPPERS:
        return access_path(first_named(node), source, depth + 1)
    if kind == "sequence_expression":
        return access_path(node.named_child(node.named_child_count - 1), source, depth + 1)
    if kind == "assignment_expression":
        return access_path(node.child_by_field_name("right"), source, depth + 1)
    if kind == "augmented_assignment_expression":  # `a ??= b`
        operator = node.child_by_field_name("operator")
        kept = operator is not None and text(operator) in KEEPING
        return access_path(node.child_by_field_name("right"), source, depth + 1) if kept else UNKNOWN
    return UNKNOWN


def _subscript(node: Node) -> str:
    """`.key` of `object["key"]`, `[]` of any other subscript."""
    index = node.child_by_field_name("index")
    key = text(index)[1:-1] if index is not None and index.type == "string" else ""
    return f".{key}" if key.isidentifier() else "[]"


def _call_path(node: Node, source: bytes, depth: int) -> str:
    function = node.child_by_field_name("function")
    said = source[function.start_byte : function.end_byte] if function is not None else b""
    if said in (b"require", b"import"):
        specifier = required(node)
        return f"<require {specifier} {'exports' if said == b'require' else '*'}>" if specifier else UNKNOWN
    if said.endswith(INTEROP):
        arguments = node.child_by_field_name("arguments")
        return access_path(first_named(arguments) if arguments is not None else None, source, depth + 1)
    return access_path(function, source, depth + 1) + "()"


def bare(node: Node | None) -> Node | None:
    """An expression without the parentheses and type assertions around it; of `(0, f)` it is f."""
    while node is not None and node.type in BARE:
        count = node.named_child_count
        last = count - 1 if node.type == "sequence_expression" else 0
        node = node.named_child(last) if count else None
    return node


def required(node: Node) -> str:
    """What a call of `require` or `import` names, where it is one plain text; else an empty text."""
    arguments = node.child_by_field_name("arguments")
    first = first_named(arguments) if arguments is not None else None
    specifier = text(first)[1:-1] if first is not None and first.type == "string" else ""
    return "" if re.search(r"[\s<>\\]", specifier) else specifier


def alternatives(node: Node | None, source: bytes) -> list[str]:
    """The paths that a value may have: both sides of `a || b` and of `c ? a : b`."""
    if node is not None and node.type == "binary_expression":
        operator = node.child_by_field_name("operator")
        if operator is not None and text(operator) in CHOICES:
            sides = (node.child_by_field_name("left"), node.child_by_field_name("right"))
            return [access_path(side, source) for side in sides]
    if node is not None and node.type == "ternary_expression":
        sides = (node.child_by_field_name("consequence"), node.child_by_field_name("alternative"))
        return [access_path(side, source) for side in sides]
    return [access_path(node, source)]


def one_line(source: bytes) -> str:
    """Source without comments, with runs of white space as single spaces."""
    said = source.decode("utf-8", "replace")
    if "/" in said:
        said = COMMENT.sub(" ", said)
    said = SPACE.sub(" ", said).strip()
    return said.replace("( ", "(").replace(", )", ")").replace(" )", ")")


def doc_text(source: bytes) -> str:
    """A JSDoc comment without its marks and its margin of stars."""
    said = source.decode("utf-8", "replace")
    inner = said[3:-2] if said.endswith("*/") and len(said) >= 5 else said[3:]
    return DOC_MARGIN.sub("", inner).strip()


def type_text(source: bytes) -> str:
    """A type annotation's text without its colon."""
    return one_line(source).removeprefix(":").strip()
