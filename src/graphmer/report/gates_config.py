"""Parameters of the gates; apart from the ablation's, so that a bound moved trains no cell again."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class GatesParams:
    """Section `gates` of params.yaml: what `graphmer verify --gates` holds a finished run against."""

    min_triples: int
    min_domain_range: float  # share of triples whose types the ontology allows
    max_loss_ratio: float  # last tenth of the training curve over its first
    max_loss_rise: float  # last tenth of the training curve over its lowest row
    min_rel_bias_gain: float  # of `full` over `no_rel_bias`, relative

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 0:
                raise ValueError(f"{field.name}: expected at least 0, got {getattr(self, field.name)}")
        if self.min_domain_range > 1:
            raise ValueError(f"min_domain_range: expected a share from 0 to 1, got {self.min_domain_range}")
        if self.max_loss_rise < 1:
            raise ValueError(f"max_loss_rise: expected at least 1, got {self.max_loss_rise}")
