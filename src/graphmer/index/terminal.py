"""What the verbs share: parameters, one line for what a user can mend, and the answer on the screen."""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from graphmer.errors import ArtifactError, GraphmerError, ParamsError

if TYPE_CHECKING:
    from graphmer.index.build import IndexParams
    from graphmer.index.session import Session
    from graphmer.index.store import Index

# The library lies in the project's src/; its parameters at the project's root.
PACKAGED = Path(__file__).parents[1] / "params.yaml"  # of a wheel; setup.py puts it there
PARAMS = PACKAGED if PACKAGED.is_file() else Path(__file__).resolve().parents[3] / "params.yaml"
APPLY_AT_LEAST = 0.5  # of a proposal that is written: likelier right than wrong
INTERRUPTED = 130
TERMINATED = 128 + signal.SIGTERM
NOT_WHOLE = ("skipped", "partial", "left_out")  # what a graph's manifest counts of files, by reason
PIPE_CLOSED = 141  # as a shell tells of a program that SIGPIPE ended
# Of flags: click's, or that of the click within a later typer.
USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]


class OneLineGroup(TyperGroup):
    """A command whose wrong flags are told as its other faults are, in one line; the exit status is 2."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command; `standalone_mode` ends the process with its exit status, as click has it."""
        try:
            status = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except USAGE_ERROR as error:
            if not standalone_mode:
                raise
            _complain_of_flags(error)
            status = 2
        if standalone_mode:
            sys.exit(status)
        return status


def _complain_of_flags(error: Any) -> None:
    """error: a usage error of click."""
    verb = error.ctx.info_name if error.ctx is not None and error.ctx.parent is not None else ""
    asking = f"graphmer {verb} --help" if verb else "graphmer --help"
    complain(verb, f"{error.format_message().rstrip('.')}; {asking} tells what it takes")


def complain(verb: str, text: str) -> None:
    """One line on standard error, whatever the text holds."""
    with suppress(BrokenPipeError):  # nobody reads it
        print(f"graphmer {verb}: {escaped(text)}" if verb else f"graphmer: {escaped(text)}", file=sys.stderr)


def escaped(text: str) -> str:
    """A text on one line, without what would steer a terminal: names from code and flags may hold anything."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


@contextmanager
def told(verb: str) -> Iterator[None]:
    """What a user can mend as one line on standard error, and its exit status.

    A SIGTERM ends the verb as Ctrl-C does: what it wrote half, and its copy of the code, are removed on the way out.
    """
    try:
        with _ended_by_sigterm():
            yield
    except GraphmerError as error:
        complain(verb, str(error))
        raise typer.Exit(2 if isinstance(error, ParamsError) else 1) from None
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        what = f"{os.fsdecode(error.filename)}: {reason}" if isinstance(error.filename, str | bytes) else reason
        complain(verb, f"{what}; check the path and who may write it")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        complain(verb, "interrupted")
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """A SIGTERM raises SystemExit within the block; only a main thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise SystemExit(TERMINATED)

    earlier = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)


def asked(folder: Path, model: Path | None, params: Path) -> "Session":
    """The index of a verb's flags with what its questions need."""
    from graphmer.index.session import Session
    from graphmer.index.store import check_parameters

    index, section = opened(folder, model), read_params(params).eval
    check_parameters(index, section, params)
    return Session(index, section.link)


def opened(folder: Path, model: Path | None) -> "Index":
    """The index of a verb's flags."""
    from graphmer.index.store import Index

    return Index.open(folder, model)


def show(as_json: bool, tree: dict[str, Any], text: str) -> None:
    """The answer on standard output."""
    printed(json.dumps(tree, ensure_ascii=True, indent=2) if as_json else text)


def printed(text: str) -> None:
    """Lines on standard output, each escaped; where the reader has gone, as `head` does, the rest is not written.

    Raises typer.Exit with PIPE_CLOSED there, and ArtifactError where standard output takes nothing.
    """
    try:
        print("\n".join(map(escaped, text.split("\n"))), flush=True)
    except OSError as error:
        # What is still buffered would be written, and told of, at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise typer.Exit(PIPE_CLOSED) from None
        raise ArtifactError(f"standard output: {error.strerror or error}; send it to where it can be written") from None


def not_whole(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows of a graph's files that were left out or read in part, by reason, as the manifest counts them."""
    return [
        (f"{kind.replace('_', ' ')}, {reason}", f"{count:,}")
        for kind in NOT_WHOLE
        for reason, count in manifest[kind].items()
    ]


def read_params(path: Path) -> "IndexParams":
    """The sections of params.yaml that an index needs."""
    from graphmer.evaluate.config import EvalParams
    from graphmer.index.build import IndexParams
    from graphmer.kg.folder_graph import FolderParams
    from graphmer.pack.config import PackParams
    from graphmer.params import load_section, load_tree

    tree = load_tree(path)
    sections = (load_section(tree, "pack", PackParams), load_section(tree, "eval", EvalParams))
    return IndexParams(FolderParams.of(tree), *sections)
