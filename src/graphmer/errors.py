"""What can be wrong with a user's input: one line that says what, where, what was expected, what to do."""


class GraphmerError(Exception):
    """Base of every error that a user can mend; its message is one line."""


class ParamsError(GraphmerError):
    """A parameter is unknown, missing, of the wrong type or out of range."""


class ArtifactError(GraphmerError):
    """A file that a stage reads is missing, damaged or of another layout."""


class CorpusError(GraphmerError):
    """A source cannot be fetched, verified, licensed, unpacked or parsed."""


class OntologyError(GraphmerError):
    """The ontology is malformed, or a graph says what it does not allow."""


class TrainingError(GraphmerError):
    """Training cannot start or go on: data, devices, or a number that is not finite."""


class EvaluationError(GraphmerError):
    """Scores or predictions do not fit the test set."""


class Stopped(GraphmerError):
    """A run was told to stop (SIGTERM) and has kept what it needs to go on from there; no fault of anybody's."""
