"""Parameters of the fetch stage: which corpus, which licences, and what no source may exceed."""

from dataclasses import dataclass

from graphmer.corpus.licences import PROPRIETARY, parse_licence


@dataclass(frozen=True)
class UnpackLimits:
    """What one source may hold: past `max_file_bytes` a file is left out, past the others the source is refused.

    `max_ratio` (unpacked to packed bytes) is judged only past `ratio_from_bytes`: the zeros that pad a small tar
    already pack a hundredfold.
    """

    max_files: int
    max_bytes: int
    max_file_bytes: int
    max_ratio: float
    ratio_from_bytes: int

    def __post_init__(self) -> None:
        """Raise ValueError on a limit that is not positive."""
        for name in ("max_files", "max_bytes", "max_file_bytes", "max_ratio", "ratio_from_bytes"):
            _require_positive(name, getattr(self, name))


@dataclass(frozen=True)
class FetchParams:
    """The `fetch` section of params.yaml."""

    corpus: str
    allowed_licences: tuple[str, ...]
    extra_licences: tuple[str, ...]
    allow_proprietary: bool
    limits: UnpackLimits
    max_download_bytes: int
    download_threads: int
    timeout_s: float
    command_timeout_s: float
    retries: int
    retry_wait_s: float

    @property
    def licences(self) -> frozenset[str]:
        """Every SPDX identifier that a source may rely on."""
        own = (PROPRIETARY,) if self.allow_proprietary else ()
        return frozenset((*self.allowed_licences, *self.extra_licences, *own))

    def __post_init__(self) -> None:
        """Raise ValueError on a licence that is not an SPDX identifier, or a number out of range."""
        for field in ("allowed_licences", "extra_licences"):
            for licence in getattr(self, field):
                _require_identifier(field, licence)
        for name in ("max_download_bytes", "download_threads", "timeout_s", "command_timeout_s"):
            _require_positive(name, getattr(self, name))
        for name in ("retries", "retry_wait_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")


def _require_positive(name: str, value: float) -> None:
    if value <= 0:
        raise ValueError(f"{name}: expected more than 0, got {value}")


def _require_identifier(field: str, licence: str) -> None:
    try:
        parsed = parse_licence(licence)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None
    if licence == PROPRIETARY:
        raise ValueError(f"{field}: {PROPRIETARY} is let in by allow_proprietary: true alone")
    if len(parsed.identifiers) != 1 or str(parsed) != licence:
        raise ValueError(f"{field}: expected single SPDX identifiers, got '{licence}' (SPDX says '{parsed}')")
