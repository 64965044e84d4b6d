"""The scopes of one Python file while its nodes are met in order: symbols grow, references are filed."""

from bisect import bisect_right
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

from tree_sitter import Node

from graphmer.corpus.parse.python.notation import UNKNOWN, Expression
from graphmer.corpus.parse.records import FileKey, Reference, Symbol, reference_of, symbol_of

MAX_SCOPES = 200  # CPython compiles at most 100 nested blocks
FUNCTIONS = frozenset({"function", "method", "lambda"})
_START = attrgetter("start")


class Fresh(NamedTuple):
    """A dict display that a reference holds; until the name is used, a stored key replaces the display's."""

    reference: int
    display: list[Expression]

    def forget(self, keys: list[Expression]) -> bool:
        """Drop what stands under a key, the last of a path of keys; False where the path leads elsewhere."""
        display = self.display
        for key in keys[:-1]:
            inner = next((item[1] for item in display[2:] if item[0] == key), UNKNOWN)
            if not isinstance(inner, list) or inner[0] != "dict":
                return False
            display = inner
        display[2:] = [item for item in display[2:] if item[0] != keys[-1]]
        return True


@dataclass(slots=True)
class Frame:
    """One scope: its symbol, what it is, where its body lies, and which names it binds."""

    symbol: str
    kind: str
    qualified_name: str
    start: int
    end: int
    outer: "Frame | None" = None
    parameters: dict[str, int] = field(default_factory=dict)  # name -> position
    locals: set[str] = field(default_factory=set)  # bound by what is no parameter
    globals: set[str] = field(default_factory=set)
    filed: set[tuple[str, str, str]] = field(default_factory=set)
    bound: dict[str, int] = field(default_factory=dict)  # how often its own statements bind a name
    versions: dict[str, str] = field(default_factory=dict)  # names that its own statements bound anew
    fresh: dict[str, Fresh] = field(default_factory=dict)  # dicts that nobody has used since they were written down
    lambdas: int = 0
    index: int = -1  # of its symbol
    body: Node | None = None
    statements: frozenset[tuple[int, int]] | None = None  # of its body: first byte and kind, once asked

    def states(self, start: int, kind: int) -> bool:
        """Whether a statement of a kind that starts at a byte stands in the scope's own body.

        To ask the statement for what is around it takes longer: tree-sitter looks for it from the root.
        """
        if self.statements is None:
            children = self.body.named_children if self.body is not None else ()
            self.statements = frozenset([(node.start_byte, node.kind_id) for node in children])
        return (start, kind) in self.statements

    def member(self, name: str) -> str:
        """The symbol of something that stands in this scope."""
        return self.symbol + name if self.kind == "module" else f"{self.symbol}.{name}"


class PythonScopes:
    """Symbols and references of one file; frames are entered and left by byte position."""

    def __init__(self, size: int, where: FileKey, module: str) -> None:
        self.module = module
        self.prefix = f"python:{where.package}:{where.file}#"
        self.symbols: list[Symbol] = []
        self.references: list[Reference] = []
        self.frame = Frame(self.prefix, "module", module, 0, size + 1)
        self.frames = [self.frame]
        self.next_change = 0  # the byte from which on another scope may be the innermost
        self.pending: list[Frame] = []
        self.entered: list[Frame] = [self.frame]  # every frame, in the order in which their bodies begin
        self.later: tuple[int, Frame, str, str] | None = None  # from which byte on a name has which version
        self.counts: dict[str, int] = {}
        self.names: set[str] = set()  # symbols of variables and fields, which are defined once

    def move_to(self, byte: int) -> None:
        """Leave the scopes that end before `byte`, enter those whose body has begun."""
        frames, pending = self.frames, self.pending
        if self.later is not None and byte >= self.later[0]:
            _, owner, name, version = self.later
            owner.versions[name] = version
            self.later = None
        while byte >= frames[-1].end:
            frames.pop()
        while pending and pending[-1].start <= byte:
            frame = pending.pop()
            if byte < frame.end:
                frames.append(frame)
        self.frame = frames[-1]
        self.next_change = min(self.frame.end, pending[-1].start if pending else self.frame.end)
        if self.later is not None:
            self.next_change = min(self.next_change, self.later[0])

    def rename_from(self, byte: int, name: str, version: str) -> None:
        """From a byte on, the end of the statement that binds it anew, a name of the scope has another version."""
        self.later = (byte, self.frame, name, version)
        self.next_change = min(self.next_change, byte)

    def open(self, frame: Frame) -> None:
        """A scope whose body starts later; the earliest is entered first.

        Raises RecursionError where scopes nest deeper than anything written by hand: symbols would grow quadratically.
        """
        if len(self.frames) + len(self.pending) > MAX_SCOPES:
            raise RecursionError(f"scopes nest deeper than {MAX_SCOPES}")
        self.entered.append(frame)
        self.pending.append(frame)
        if len(self.pending) > 1:
            self.pending.sort(key=_START, reverse=True)
        self.next_change = min(self.next_change, self.pending[-1].start)

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
        modifiers: str = "",
    ) -> str:
        """Add a symbol; a second definition of one path gets ~2. Returns it."""
        base = container.member(name)
        self.counts[base] = count = self.counts.get(base, 0) + 1
        symbol = base if count == 1 else f"{base}~{count}"
        qualified = f"{container.qualified_name}.{name}" if container.qualified_name else name
        self.symbols.append(
            symbol_of((
                symbol, kind, name, qualified, container.symbol, *extent, *name_span, signature, docstring, *doc_span,
                modifiers,
            ))
        )  # fmt: skip
        return symbol

    def define_once(self, kind: str, name: str, container: Frame, span: tuple[int, int]) -> None:
        """A variable or field, at its first binding."""
        base = container.member(name)
        if base not in self.names and base not in self.counts:
            self.names.add(base)
            self.define(kind, name, container, span, span)

    def refer(self, kind: str, name: str, value: str, ordinal: int, start: int, end: int, scope: str = "") -> None:
        """Add a reference from the innermost scope, or from `scope`."""
        self.references.append(reference_of((scope or self.frame.symbol, kind, name, value, ordinal, start, end)))

    def refer_once(self, kind: str, name: str, value: str, start: int, end: int) -> None:
        """Add a reference from the innermost scope unless it says what one said before."""
        key = (kind, name, value)
        if key not in self.frame.filed:
            self.frame.filed.add(key)
            self.references.append(reference_of((self.frame.symbol, kind, name, value, 0, start, end)))

    def class_of_method(self) -> Frame | None:
        """The class whose method is the innermost function, through nested functions and lambdas."""
        frame: Frame | None = self.frame
        while frame is not None:
            if frame.kind == "class":
                return frame
            if frame.kind not in FUNCTIONS:
                return None
            frame = frame.outer
        return None

    def finder(self) -> "FrameFinder":
        """Finds the scope of any byte, once all scopes are known."""
        return FrameFinder(self.entered)


class FrameFinder:
    """The innermost scope of a byte, over the places where it changes."""

    def __init__(self, frames: list[Frame]) -> None:
        self.starts: list[int] = []
        self.innermost: list[Frame] = []
        stack: list[Frame] = []
        for frame in sorted(frames, key=_START):
            while stack and stack[-1].end <= frame.start:
                self._change(stack.pop().end, stack)
            stack.append(frame)
            self._change(frame.start, stack)
        while stack:
            self._change(stack.pop().end, stack)
        self.starts.append(1 << 62)

    def _change(self, byte: int, stack: list[Frame]) -> None:
        if stack:
            self.starts.append(byte)
            self.innermost.append(stack[-1])

    def at(self, byte: int) -> tuple[Frame, int]:
        """The innermost scope that holds a byte, and the byte from which on it may be another."""
        place = bisect_right(self.starts, byte)
        return self.innermost[place - 1], self.starts[place]
