"""Parameters of the parse stage."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ParseParams:
    """Which files are read, and how one repository alone is cut into splits; sources stand in params.yaml."""

    max_file_bytes: int
    max_line_bytes: int
    by_module_val_share: float
    by_module_test_share: float
    by_module_seed: int

    def __post_init__(self) -> None:
        for name in ("max_file_bytes", "max_line_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        for name in ("by_module_val_share", "by_module_test_share"):
            if not 0 < getattr(self, name) < 0.5:
                raise ValueError(f"{name}: expected a share between 0 and 0.5, got {getattr(self, name)}")
