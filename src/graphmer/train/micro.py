"""Micro-batches: how many rows a process takes at once, of a global batch that is a parameter."""

from graphmer.errors import TrainingError

OUT_OF_MEMORY = (  # what CUDA and its libraries, XLA and the CPU's allocators say, in lower case
    "out of memory",
    "resource_exhausted",
    "status_alloc_failed",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
)


def micro_batches(rows: int, link_rows: int, world: int) -> list[int]:
    """Every valid micro-batch, the largest first: world x micro divides `rows` and is a multiple of `link_rows`.

    Raises TrainingError where there is none.
    """
    valid = [
        rows // parts // world
        for parts in range(1, rows + 1)
        if rows % (parts * world) == 0 and rows // parts % link_rows == 0
    ]
    if valid:
        return valid
    if rows % link_rows:
        raise TrainingError(f"train.link_rows: {link_rows} does not divide train.rows ({rows}); change one of them")
    raise TrainingError(
        f"train.rows: {world} processes cannot share {rows} rows evenly; change GRAPHMER_PROCESSES, or choose a "
        f"train.rows that is a multiple of both {world} and train.link_rows ({link_rows})"
    )


def check_micro_batch(micro: int, rows: int, link_rows: int, world: int) -> None:
    """Raises TrainingError where a given micro-batch is none of the valid ones, and names those."""
    valid = micro_batches(rows, link_rows, world)
    if micro not in valid:
        raise TrainingError(
            f"GRAPHMER_MICRO_BATCH: {micro} does not fit train.rows ({rows}), train.link_rows ({link_rows}) and "
            f"{world} processes; choose one of {', '.join(map(str, valid))}"
        )


def next_micro_batch(micro: int, rows: int, link_rows: int, world: int) -> int | None:
    """The next smaller valid micro-batch, None below the smallest."""
    return next((smaller for smaller in micro_batches(rows, link_rows, world) if smaller < micro), None)


def out_of_memory(micro: int, rows: int, link_rows: int, world: int) -> TrainingError:
    """What to tell when a micro-batch does not fit: the next one to try, or what else saves memory."""
    smaller = next_micro_batch(micro, rows, link_rows, world)
    if smaller is not None:
        return TrainingError(f"out of memory with a micro-batch of {micro} rows; try GRAPHMER_MICRO_BATCH={smaller}")
    return TrainingError(
        f"out of memory with a micro-batch of {micro} rows, the smallest that train.link_rows ({link_rows}) allows; "
        "try GRAPHMER_CHECKPOINT_ACTIVATIONS=1, or a smaller train.row_length"
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocator of CUDA, XLA or the CPU refused: torch has no one exception for all three."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in OUT_OF_MEMORY)
