"""What git keeps of a project at another commit; nothing is checked out."""

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from graphmer.errors import ArtifactError


@dataclass(frozen=True)
class Revision:
    """One commit of the project in `root`, which may lie below the repository's own root."""

    root: Path
    commit: str

    @classmethod
    def branched_from(cls, root: Path, base: str) -> "Revision":
        """Where the present branch left `base`: what `base` has gained since is no change of the branch.

        Raises ArtifactError where `root` is in no repository, git knows no such commit, or the two share no history.
        """
        if _git(root, "rev-parse", "--git-dir") is None:
            raise ArtifactError(f"{root.absolute()}: not in a git repository; run from a clone of the project")
        named = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
        if named is None:
            raise ArtifactError(f"BASE={base}: git knows no such commit; fetch it, or name another (git branch --all)")
        common = _git(root, "merge-base", named.decode().strip(), "HEAD")
        if common is None:
            raise ArtifactError(f"BASE={base}: shares no history with HEAD; in a shallow clone: git fetch --unshallow")
        return cls(root, common.decode().strip())

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where the commit has no such file."""
        return _git(self.root, "cat-file", "blob", f"{self.commit}:./{path}")

    def names(self, folders: Iterable[str]) -> list[str]:
        """Paths of all files below some folders, sorted."""
        listed = _git(self.root, "ls-tree", "-r", "-z", "--name-only", self.commit, "--", *folders)
        if listed is None:
            raise ArtifactError(f"{self.commit}: git cannot list its files; check the clone with git fsck")
        return sorted(os.fsdecode(name) for name in listed.split(b"\0") if name)


def _git(root: Path, *arguments: str) -> bytes | None:
    """What git prints; None where it says no. Its words differ with the language, so only the exit code is read."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True)
    except FileNotFoundError:
        raise ArtifactError("git: not installed, or no such folder; the report compares two commits") from None
    return done.stdout if done.returncode == 0 else None
