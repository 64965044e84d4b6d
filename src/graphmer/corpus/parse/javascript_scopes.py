"""The scopes of one JavaScript or TypeScript file while its nodes are met in order: symbols grow, references are filed.

A block that binds names of its own is a scope too, though no symbol: `javascript:p:f.js#f@120` is the one at byte 120.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from graphmer.corpus.parse.javascript_text import LONGEST_STATEMENT_START, STATEMENT_START, doc_text
from graphmer.corpus.parse.records import FileKey, Reference, Symbol

MAX_SCOPES = 200  # no hand nests deeper; symbols would grow quadratically
FUNCTIONS = frozenset({"function", "method", "lambda"})
Span = tuple[int, int]
NOWHERE: Span = (0, 0)


_reference: Callable[[tuple[str, str, str, str, int, int, int]], Reference] = partial(tuple.__new__, Reference)


class Owner(NamedTuple):
    """What `this` is in a function: a class, a constructor function, or an object with a name."""

    symbol: str
    qualified_name: str
    kind: str


@dataclass(slots=True)
class Frame:
    """One scope: where its references belong (`scope`), which symbol names what it defines, and where it ends."""

    scope: str
    symbol: str
    kind: str  # module, namespace, class, interface, function, method, lambda, object, anonymous, exports, block
    qualified_name: str
    end: int
    home: "Frame | None" = None  # the nearest scope that names its definitions; None: itself
    owner: Owner | None = None
    seen: set[tuple[str, str]] = field(default_factory=set)
    lambdas: int = 0
    objects: dict[str, Span] = field(default_factory=dict)  # local objects, which are symbols once they have a member
    span: Span = NOWHERE  # of the name of an object that is no symbol yet


class Naming(NamedTuple):
    """What a function, a class or an object that is a value is called, from what it is bound to."""

    name: str
    name_span: Span
    extent_start: int
    container: Frame | Owner
    kind: str
    modifiers: tuple[str, ...] = ()
    exported: str = ""  # under this name; `exports`: as the whole of what the module exports
    owner: Owner | None = None
    binds: "Binding | None" = None  # where the value goes that is no definition of its scope


class Binding(NamedTuple):
    """A path that a function or class is assigned to; `ordinal` as in an `assign` reference."""

    path: str
    span: Span
    ordinal: int
    scope: str


class JavaScriptScopes:
    """Symbols and references of one file; frames are entered when met and left by byte position."""

    def __init__(self, source: bytes, where: FileKey, module: str) -> None:
        self.source, self.module = source, module
        self.prefix = f"{where.language}:{where.package}:{where.file}#"
        self.symbols: list[Symbol] = []
        self.references: list[Reference] = []
        self.frames = [Frame(self.prefix, self.prefix, "module", module, len(source) + 1)]
        self.taken: set[str] = {self.prefix}
        self.by_path: dict[str, Symbol] = {}  # the first definition of each path
        self.counts: dict[str, int] = {}
        self.claimed: set[int] = set()  # bytes of names that are no reads: callees, parameters, targets
        self.claimed_ends: set[int] = set()  # ends of members that are none: callees, targets
        self.known: set[bytes] = set()  # names that may be symbols
        self.namings: dict[int, Naming] = {}  # by the byte where the value starts
        self.values: dict[int, int] = {}  # functions and classes that are values: start -> end
        self.met: dict[int, str] = {}  # their paths, by start, once they are symbols
        self.returned: dict[int, str] = {}  # scopes that return a function, by its start
        self.tests: dict[int, Span] = {}  # the title of a test by the start of its function
        self.doc_ends: list[int] = []
        self.doc_starts: list[int] = []
        self.specifier = ""  # of the import or export under way
        self.specifier_end = 0
        self.skip_patterns_until = 0
        self.skip_types_until = 0
        self.return_types: list[Span] = []
        self.skipped_decorators: set[int] = set()
        self.type_variables: set[bytes] = set()
        self.handled: set[int] = set()  # assignments within an assignment that is done
        self.decorators: list[tuple[str, str, Span]] = []  # of the member to come
        self.last_member: tuple[str, int] = ("", 0)

    def define_module(self) -> None:
        """The module itself, documented by a comment at the file's start."""
        name, end = self.module.rpartition(".")[2], len(self.source)
        row = Symbol(self.prefix, "module", name, self.module, "", 0, end, 0, 0, "", "", 0, 0, "")
        self.symbols.append(row)

    def in_return_type(self, start: int) -> bool:
        """Whether a byte lies in a declared return type."""
        place = bisect_right(self.return_types, (start, len(self.source))) - 1
        return place >= 0 and start < self.return_types[place][1]

    def slice(self, span: Span) -> str:
        """The text of a byte range."""
        return self.source[span[0] : span[1]].decode("utf-8", "replace")

    @property
    def home(self) -> Frame:
        """The nearest scope that names what is defined here: a module, class, function or namespace."""
        frame = self.frames[-1]
        return frame.home or frame

    @property
    def function(self) -> Frame:
        """The scope that `var` binds in: a function or the module."""
        for frame in reversed(self.frames):
            if frame.kind in FUNCTIONS or frame.kind in ("module", "namespace"):
                return frame
        return self.frames[0]

    def open(self, frame: Frame) -> None:
        """Enter a scope.

        Raises RecursionError where scopes nest deeper than anything written by hand.
        """
        if len(self.frames) > MAX_SCOPES:
            raise RecursionError(f"scopes nest deeper than {MAX_SCOPES}")
        self.frames.append(frame)

    def open_block(self, start: int, end: int) -> None:
        """Enter a block that binds names of its own; a function's body is the function's scope."""
        frame = self.frames[-1]
        if end != frame.end:
            self.open(Frame(f"{frame.scope}@{start}", "", "block", "", end, frame.home or frame, frame.owner))

    def path(self, container: Frame | Owner, name: str) -> str:
        """The symbol that the first definition of a name in a container has."""
        return container.symbol + name if container.symbol == self.prefix else f"{container.symbol}.{name}"

    def define(
        self,
        kind: str,
        name: str,
        container: Frame | Owner,
        extent: Span,
        name_span: Span,
        signature: str = "",
        modifiers: tuple[str, ...] = (),
        doc: Span = NOWHERE,
    ) -> Symbol:
        """Add a symbol; a second definition of one path gets ~2."""
        base = symbol = self.path(container, name)
        while symbol in self.taken:
            self.counts[base] = self.counts.get(base, 1) + 1
            symbol = f"{base}~{self.counts[base]}"
        self.taken.add(symbol)
        qualified = f"{container.qualified_name}.{name}" if container.qualified_name else name
        if doc == NOWHERE:
            doc, documented = self.documented(extent[0])
        else:
            documented = self.slice(doc)
        row = Symbol(
            symbol,
            kind,
            name,
            qualified,
            container.symbol,
            *extent,
            *name_span,
            signature,
            documented,
            *doc,
            " ".join(sorted(set(modifiers))),
        )
        self.by_path.setdefault(base, row)
        self.symbols.append(row)
        return row

    def define_once(self, kind: str, name: str, container: Frame | Owner, span: Span, extent: Span = NOWHERE) -> None:
        """A variable or field, at its first binding."""
        if self.path(container, name) not in self.taken:
            self.define(kind, name, container, extent if extent != NOWHERE else span, span)

    def refer(self, kind: str, name: str, value: str, start: int, end: int, ordinal: int = 0, scope: str = "") -> None:
        """Add a reference from the innermost scope, or from `scope`."""
        where = scope or self.frames[-1].scope
        self.references.append(_reference((where, kind, name, value, ordinal, start, end)))

    def documented(self, start: int) -> tuple[Span, str]:
        """The JSDoc comment that ends right before a definition's statement."""
        place = bisect_right(self.doc_ends, start) - 1
        if place >= 0:
            begin, end = self.doc_starts[place], self.doc_ends[place]
            gap = self.source[end:start] if start - end <= LONGEST_STATEMENT_START else b"?"
            if STATEMENT_START.fullmatch(gap):
                return (begin, end), doc_text(self.source[begin:end])
        return NOWHERE, ""
