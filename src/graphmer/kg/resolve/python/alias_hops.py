"""Answers that need other answers, and maybe themselves: found once each, with a bound on how deep the search goes."""

from collections.abc import Callable
from typing import TypeVar

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class AliasHops:
    """How deep the present search is, and how often one was cut off."""

    def __init__(self, limit: int) -> None:
        self.limit, self.depth, self.cuts = limit, 0, 0

    def once(self, known: dict[Key, Answer], key: Key, nothing: Answer, find: Callable[[], Answer]) -> Answer:
        """The answer under a key, by `find` where it is not known yet.

        A key that needs itself, and one past the limit, gives `nothing`. What was not found since the search was cut
        off is not kept: another way in may see more.
        """
        if key in known:
            return known[key]
        if self.depth >= self.limit:
            self.cuts += 1
            return nothing
        known[key] = nothing
        cuts = self.cuts
        self.depth += 1
        found = find()
        self.depth -= 1
        if self.cuts == cuts or found != nothing:
            known[key] = found
        else:
            del known[key]
        return found
