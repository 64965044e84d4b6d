"""The scopes of one Python file while its nodes are met in order: symbols grow, references are filed."""

from collections import Counter
from dataclasses import dataclass, field

from tree_sitter import Node

from graphmer.corpus.parse.records import FileKey, Reference, Symbol

MAX_SCOPES = 200  # CPython compiles at most 100 nested blocks
FUNCTIONS = frozenset({"function", "method", "lambda"})


@dataclass
class Frame:
    """One scope: its symbol, what it is, and where its body lies."""

    symbol: str
    kind: str
    qualified_name: str
    start: int
    end: int
    seen: set[tuple[str, str]] = field(default_factory=set)
    lambdas: int = 0
    index: int = -1  # of its symbol


class PythonScopes:
    """Symbols and references of one file; frames are entered and left by byte position."""

    def __init__(self, source: bytes, where: FileKey, module: str) -> None:
        self.source, self.where, self.module = source, where, module
        self.prefix = f"python:{where.package}:{where.file}#"
        self.symbols: list[Symbol] = []
        self.references: list[Reference] = []
        self.frames = [Frame(self.prefix, "module", module, 0, len(source) + 1)]
        self.pending: list[Frame] = []
        self.counts: Counter[str] = Counter()
        self.names: set[str] = set()  # symbols of variables and fields, which are defined once
        self.claimed: set[int] = set()  # bytes of names that are no reads: callees, parameters, targets
        self.conditional: list[tuple[int, int]] = []

    def move_to(self, byte: int) -> None:
        """Leave the scopes that end before `byte`, enter those whose body has begun."""
        while byte >= self.frames[-1].end:
            self.frames.pop()
        while self.pending and self.pending[-1].start <= byte:
            frame = self.pending.pop()
            if byte < frame.end:
                self.frames.append(frame)

    @property
    def frame(self) -> Frame:
        """The innermost scope."""
        return self.frames[-1]

    def open(self, frame: Frame) -> None:
        """A scope whose body starts later; the earliest is entered first.

        Raises RecursionError where scopes nest deeper than anything written by hand: symbols would grow quadratically.
        """
        if len(self.frames) + len(self.pending) > MAX_SCOPES:
            raise RecursionError(f"scopes nest deeper than {MAX_SCOPES}")
        self.pending.append(frame)
        self.pending.sort(key=lambda waiting: -waiting.start)

    def define(
        self,
        kind: str,
        name: str,
        container: Frame,
        extent: tuple[int, int],
        name_span: tuple[int, int],
        signature: str = "",
        docstring: str = "",
        doc_span: tuple[int, int] = (0, 0),
        modifiers: tuple[str, ...] = (),
    ) -> Symbol:
        """Add a symbol; a second definition of one path gets ~2."""
        base = container.symbol + name if container.kind == "module" else f"{container.symbol}.{name}"
        self.counts[base] += 1
        symbol = base if self.counts[base] == 1 else f"{base}~{self.counts[base]}"
        qualified = f"{container.qualified_name}.{name}" if container.qualified_name else name
        words = " ".join(sorted(modifiers))
        row = Symbol(
            symbol,
            kind,
            name,
            qualified,
            container.symbol,
            *extent,
            *name_span,
            signature,
            docstring,
            *doc_span,
            words,
        )
        self.symbols.append(row)
        return row

    def define_once(self, kind: str, name: str, container: Frame, node: Node) -> None:
        """A variable or field, at its first binding."""
        base = container.symbol + name if container.kind == "module" else f"{container.symbol}.{name}"
        if base not in self.names and self.counts[base] == 0:
            self.names.add(base)
            span = (node.start_byte, node.end_byte)
            self.define(kind, name, container, span, span)

    def refer(
        self, kind: str, name: str, value: str, ordinal: int, start: int, end: int, scope: Frame | None = None
    ) -> None:
        """Add a reference from the innermost scope, or from `scope`."""
        symbol = (scope or self.frame).symbol
        self.references.append(Reference(symbol, kind, name, value, ordinal, start, end))

    def class_of_method(self) -> Frame | None:
        """The class whose method is the innermost function, through nested functions and lambdas."""
        for frame in reversed(self.frames):
            if frame.kind == "class":
                return frame
            if frame.kind not in FUNCTIONS:
                return None
        return None
