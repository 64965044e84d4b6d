"""Names of builtins and of the standard library whose calls say something of values, by what they do."""

from graphmer.kg.resolve.python.values import BUILTIN

# Give back what they are given first: decorators that keep a function callable, wrappers that keep a value.
IDENTITIES = frozenset(
    {
        *(f"functools.{name}" for name in ("cache", "lru_cache", "singledispatch", "total_ordering", "update_wrapper")),
        *(f"{BUILTIN}.{name}" for name in ("staticmethod", "classmethod", "reversed", "aiter")),
        *("contextlib.contextmanager", "contextlib.asynccontextmanager", "copy.copy", "copy.deepcopy"),
        *("asyncio.run", "asyncio.create_task", "asyncio.ensure_future", "asyncio.shield", "asyncio.wait_for"),
        *("abc.abstractmethod", "typing.overload", "typing.final", "contextlib.closing", "atexit.register"),
    }
)
KEYED = frozenset(f"{BUILTIN}.{name}" for name in ("sorted", "min", "max"))
COPIES = {
    f"{BUILTIN}.list": "list",
    f"{BUILTIN}.tuple": "tuple",
    f"{BUILTIN}.set": "set",
    f"{BUILTIN}.frozenset": "set",
    "collections.deque": "list",
}
DICTS = frozenset({f"{BUILTIN}.dict", "collections.OrderedDict", "collections.defaultdict", "collections.ChainMap"})
# Methods of texts that give texts again, so that a chain of them keeps its names.
TEXT_METHODS = (
    *("capitalize", "casefold", "center", "expandtabs", "format", "format_map", "join", "ljust", "lower", "lstrip"),
    *("removeprefix", "removesuffix", "replace", "rjust", "rstrip", "strip", "swapcase", "title", "translate", "upper"),
    "zfill",
)
SPLITTERS = frozenset(f"{BUILTIN}.str.{name}" for name in ("split", "rsplit", "splitlines", "partition", "rpartition"))
RESULTS = {
    **{f"{BUILTIN}.str.{name}": f"{BUILTIN}.str" for name in TEXT_METHODS},
    **dict.fromkeys((f"{BUILTIN}.repr", f"{BUILTIN}.format", f"{BUILTIN}.input", f"{BUILTIN}.chr"), f"{BUILTIN}.str"),
    f"{BUILTIN}.str.encode": f"{BUILTIN}.bytes",
    f"{BUILTIN}.bytes.decode": f"{BUILTIN}.str",
    f"{BUILTIN}.len": f"{BUILTIN}.int",
}
