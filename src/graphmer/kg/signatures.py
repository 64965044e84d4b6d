"""Whether one signature stands in for another: what overriding asks of a method."""

import re
from dataclasses import dataclass, field

TYPE_VARIABLE = re.compile(r"[A-Z][A-Z0-9]?|[A-Z][a-z]*T")


@dataclass
class Parameters:
    """What a Python function takes: positional names in order, how many are required, keyword-only ones, stars."""

    positional: list[str] = field(default_factory=list)
    required: int = 0
    keyword_only: dict[str, bool] = field(default_factory=dict)  # name -> required
    takes_any_positional: bool = False
    takes_any_keyword: bool = False


def compatible(own: str, other: str, language: str) -> bool:
    """Whether a method with signature `own` can be called wherever one with `other` is expected."""
    if language == "java":
        return _java_compatible(own, other)
    return _python_compatible(python_parameters(own), python_parameters(other))


def split_parameters(signature: str) -> list[str]:
    """The parameters of `(a, b: dict[str, int] = {}) -> T`, split at the outer commas."""
    parts, depth, start = [], 0, 1
    for place, character in enumerate(signature):
        if character in "([{<":
            depth += 1
        elif character in ")]}" or (character == ">" and signature[place - 1] != "-"):
            depth -= 1
        if (character == "," and depth == 1) or (depth == 0 and place):
            parts.append(signature[start:place].strip())
            start = place + 1
            if depth == 0:
                break
    return [part for part in parts if part]


def python_parameters(signature: str) -> Parameters:
    """Read a Python signature."""
    found = Parameters()
    keyword_only = False
    for part in split_parameters(signature):
        name = re.split(r"[:=]", part, maxsplit=1)[0].strip()
        optional = "=" in re.sub(r"[=!<>]=", "", part)
        if name.startswith("**"):
            found.takes_any_keyword = True
        elif name.startswith("*"):
            keyword_only = True
            found.takes_any_positional |= len(name) > 1
        elif name == "/":
            continue
        elif keyword_only:
            found.keyword_only[name] = not optional
        else:
            found.positional.append(name)
            found.required += not optional
    return found


def _python_compatible(own: Parameters, other: Parameters) -> bool:
    enough = own.takes_any_positional or len(own.positional) >= len(other.positional)
    more = own.required <= max(other.required, 0) or (other.takes_any_positional and other.takes_any_keyword)
    named = set(own.positional) | set(own.keyword_only)
    keywords = own.takes_any_keyword or all(name in named for name in other.keyword_only)
    known = set(other.keyword_only) | set(other.positional)
    demanded = all(name in known for name, required in own.keyword_only.items() if required)
    return enough and more and keywords and (demanded or other.takes_any_keyword)


def _java_compatible(own: str, other: str) -> bool:
    """Same number of parameters, and the same types by erasure where neither is a type variable."""
    left, right = split_parameters(own), split_parameters(other)
    if len(left) != len(right):
        return False
    pairs = ((_erased(a), _erased(b)) for a, b in zip(left, right, strict=True))
    return all(a == b or TYPE_VARIABLE.fullmatch(a) or TYPE_VARIABLE.fullmatch(b) for a, b in pairs)


def _erased(parameter: str) -> str:
    """`final java.util.List<String>... names` is `List[]`."""
    text = re.sub(r"@\w+(\([^)]*\))?\s*|\bfinal\s+", "", parameter)
    while re.search(r"<[^<>]*>", text):
        text = re.sub(r"<[^<>]*>", "", text)
    dots = "..." in text
    said, _, name = text.replace("...", " ").strip().rpartition(" ")
    array = "[]" * (said.count("[]") + name.count("[]") + dots)
    return said.replace("[]", "").strip().rpartition(".")[2] + array
