"""Names of builtins and of the standard library whose calls say something of values, by what they do."""

from graphmer.kg.resolve.python.values import BUILTIN

# Give back what they are given first: decorators that keep a function callable, wrappers that keep a value.
IDENTITIES = frozenset(
    {
        *(f"functools.{name}" for name in ("cache", "lru_cache", "singledispatch", "total_ordering", "update_wrapper")),
        *(f"{BUILTIN}.{name}" for name in ("staticmethod", "classmethod", "aiter")),
        *("contextlib.contextmanager", "contextlib.asynccontextmanager", "copy.copy", "copy.deepcopy"),
        *("asyncio.run", "asyncio.create_task", "asyncio.ensure_future", "asyncio.shield", "asyncio.wait_for"),
        *("abc.abstractmethod", "typing.overload", "typing.final", "contextlib.closing", "atexit.register"),
        "functools.cmp_to_key",
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
# What is put into them comes out again.
QUEUES = frozenset(
    {
        *(f"queue.{name}" for name in ("Queue", "LifoQueue", "PriorityQueue", "SimpleQueue")),
        *(f"asyncio.{name}" for name in ("Queue", "LifoQueue", "PriorityQueue")),
        *(f"multiprocessing.{name}" for name in ("Queue", "JoinableQueue", "SimpleQueue")),
    }
)
QUEUE_MEMBERS = frozenset(
    {
        *("put", "put_nowait", "get", "get_nowait", "qsize", "empty", "full", "join", "task_done", "maxsize"),
        *("close", "join_thread", "cancel_join_thread", "shutdown", "is_shutdown"),
    }
)
# Call what they are handed: where it stands, by place or by name; what they iterate, whose items it is called with.
CALLBACKS: dict[str, tuple[int | str, int | None]] = {
    "re.sub": (1, None),
    "re.subn": (1, None),
    "re.Pattern.sub": (0, None),
    "re.Pattern.subn": (0, None),
    "itertools.takewhile": (0, 1),
    "itertools.dropwhile": (0, 1),
    "itertools.filterfalse": (0, 1),
    "itertools.starmap": (0, None),
    "itertools.accumulate": (1, 0),
    "itertools.groupby": ("key", 0),
    "heapq.nlargest": ("key", 1),
    "heapq.nsmallest": ("key", 1),
    "heapq.merge": ("key", 0),
    "bisect.bisect": ("key", 0),
    "bisect.bisect_left": ("key", 0),
    "bisect.bisect_right": ("key", 0),
    "bisect.insort": ("key", 0),
    "json.loads": ("object_hook", None),
    "json.load": ("object_hook", None),
    "json.dumps": ("default", None),
    "json.dump": ("default", None),
    "timeit.timeit": (0, None),
}
FILTERS = frozenset(f"itertools.{name}" for name in ("takewhile", "dropwhile", "filterfalse"))  # give what they iterate
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
    **dict.fromkeys((f"{BUILTIN}.globals", f"{BUILTIN}.locals", f"{BUILTIN}.vars"), f"{BUILTIN}.dict"),
    "re.compile": "re.Pattern",
    **{f"{owner}.{name}": "re.Match" for owner in ("re", "re.Pattern") for name in ("match", "search", "fullmatch")},
    **dict.fromkeys(("re.sub", "re.Pattern.sub", "re.Match.group"), f"{BUILTIN}.str"),
    "logging.getLogger": "logging.Logger",
    "logging.Logger.getChild": "logging.Logger",
    **{f"datetime.datetime.{name}": "datetime.datetime" for name in ("now", "utcnow", "fromtimestamp", "strptime")},
    **{f"datetime.datetime.{name}": "datetime.datetime" for name in ("fromisoformat", "combine", "astimezone")},
    **{f"datetime.date.{name}": "datetime.date" for name in ("today", "fromisoformat", "fromtimestamp")},
    **{f"os.path.{name}": f"{BUILTIN}.str" for name in ("join", "abspath", "basename", "dirname", "realpath")},
    "argparse.ArgumentParser.add_subparsers": "argparse._SubParsersAction",
    "argparse.ArgumentParser.parse_args": "argparse.Namespace",
    "argparse._SubParsersAction.add_parser": "argparse.ArgumentParser",
}
