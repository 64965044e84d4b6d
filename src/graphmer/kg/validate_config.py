"""Parameters of the validate_kg stage: how good a graph must be to be trained on."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class ValidateParams:
    """Lowest share that each check must reach; `null` reports without a bound. A missed bound ends the pipeline.

    `duplicates` and `orphans` are highest counts and shares instead.
    """

    min_triples: int
    domain_range: float
    acyclicity: float
    signature_java: float
    signature_python: float | None
    licence: float
    constraints: float
    provenance: float
    leakage: float
    duplicates: int
    orphans: float | None
    entity_coverage: float | None
    relation_coverage: float | None
    offenders_shown: int

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and value < 0:
                raise ValueError(f"{field.name}: expected at least 0, got {value}")
            if value is not None and isinstance(value, float) and value > 1:
                raise ValueError(f"{field.name}: expected a share from 0 to 1, got {value}")
