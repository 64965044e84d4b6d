"""What common generic methods of the standard library return, in terms of their receiver's type arguments."""

from collections.abc import Mapping

# Method -> by the number of the receiver's type arguments, the type it returns: {0} is the first argument, {self} the
# receiver itself.
_ELEMENT = {1: "{0}"}
_KEY = {2: "{0}"}
_VALUE = {2: "{1}"}
_STREAM = {1: "java.util.stream.Stream<{0}>"}
_SAME = {1: "{self}"}
_ITERATOR = {1: "java.util.Iterator<{0}>"}
_OPTIONAL = {1: "java.util.Optional<{0}>"}
_ENTRY = {2: "java.util.Map.Entry<{0}, {1}>"}
_ELEMENT_METHODS = (
    "next previous peek poll pop element first last getFirst getLast removeFirst removeLast pollFirst pollLast "
    "peekFirst peekLast nextElement orElse orElseThrow orElseGet call join take newInstance cast getAndSet"
)
ELEMENT_METHODS: Mapping[str, Mapping[int, str]] = {
    "get": {1: "{0}", 2: "{1}"},
    **dict.fromkeys(("getOrDefault", "put", "putIfAbsent", "computeIfAbsent", "getValue", "apply"), _VALUE),
    **dict.fromkeys(_ELEMENT_METHODS.split(), _ELEMENT),
    "remove": _VALUE,
    **dict.fromkeys(("getKey", "firstKey", "lastKey"), _KEY),
    **dict.fromkeys(("firstEntry", "lastEntry", "floorEntry", "ceilingEntry"), _ENTRY),
    **dict.fromkeys(("stream", "parallelStream"), _STREAM),
    **dict.fromkeys(("filter", "sorted", "distinct", "limit", "skip"), _SAME),  # a Stream, or an Optional
    **dict.fromkeys(("iterator", "listIterator", "descendingIterator"), _ITERATOR),
    **dict.fromkeys(("findFirst", "findAny"), _OPTIONAL),
    "subList": {1: "java.util.List<{0}>"},
    "keySet": {2: "java.util.Set<{0}>"},
    "values": {2: "java.util.Collection<{1}>"},
    "entrySet": {2: "java.util.Set<java.util.Map.Entry<{0}, {1}>>"},
}


def type_arguments(text: str) -> list[str]:
    """The arguments of a generic type as written: `Map<K, List<V>>` has `K` and `List<V>`; a bound for a wildcard."""
    start, end = text.find("<"), text.rfind(">")
    if start < 0 or end < start:
        return []
    found, depth, begin = [], 0, start + 1
    for place in range(start + 1, end):
        character = text[place]
        if character == "," and depth == 0:
            found.append(text[begin:place])
            begin = place + 1
        depth += (character == "<") - (character == ">")
    return [argument.strip().removeprefix("? extends ").strip() for argument in [*found, text[begin:end]]]


def returned_element(name: str, receiver: str) -> str | None:
    """The type that a method of a generic receiver returns, written with the receiver's own arguments."""
    arguments = type_arguments(receiver)
    form = ELEMENT_METHODS.get(name, {}).get(len(arguments))
    return None if form is None else form.format(*arguments, self=receiver)
