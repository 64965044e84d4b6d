"""A trained model in fewer bits and small files, to be kept in git and handed on: it loads as any other.

    python -m graphmer.model.compact data/model models/small            # half precision
    python -m graphmer.model.compact data/model models/base --bits 4    # a ninth of the size

What that costs is measured: evaluate both folders and compare (`make share`).
"""

import argparse
import shutil
import sys
from pathlib import Path

from safetensors.torch import save

from graphmer.artifacts import atomic_folder, read_json, sha256_file, write_json
from graphmer.errors import ArtifactError, GraphmerError
from graphmer.model.checkpoint import TOKENIZER, WEIGHTS, load_model
from graphmer.model.stored import BITS, GROUP, Bits, fewer_bits, pieces

MOST_BYTES = 15 * 2**20  # of a file's tensors: with its header it stays below 16 MiB


def compact(folder: Path, out: Path, bits: Bits) -> None:
    """Write the model in `folder` to `out`, which is new or an earlier model and is replaced as a whole.

    Raises ArtifactError where the model is missing, damaged or compact already, where it cannot be held in so few bits,
    or where `out` holds something else.
    """
    config = read_json(folder / "config.json")
    model = load_model(folder)
    if "weights" in config:
        raise ArtifactError(f"{folder}: is compact already; give the model as training wrote it")
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / "config.json").is_file())):
        raise ArtifactError(f"{out}: holds something else; give a new folder or an earlier model")
    try:
        parts = list(pieces(fewer_bits(model.state_dict(), bits), MOST_BYTES))
    except ValueError as error:
        raise ArtifactError(f"{folder}: {error}; keep it as it is") from None
    with atomic_folder(out) as scratch:
        names = (
            [WEIGHTS] if len(parts) == 1 else [f"model-{number:02}.safetensors" for number, _ in enumerate(parts, 1)]
        )
        for name, part in zip(names, parts, strict=True):
            (scratch / name).write_bytes(save(part))
        for path in sorted(folder.iterdir()):
            if path.is_file() and path.name not in (WEIGHTS, "config.json"):
                shutil.copyfile(path, scratch / path.name)
        files = {name: sha256_file(scratch / name) for name in (*names, TOKENIZER)}
        how = {"bits": bits} if bits == 16 else {"bits": bits, "group": GROUP}
        write_json(
            scratch / "config.json", {**config, "files": files, "weights": how | {"of": config["files"][WEIGHTS]}}
        )


def main() -> int:
    """Parse flags and write; returns the exit code."""
    parser = argparse.ArgumentParser(prog="compact", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path, help="a folder that training wrote")
    parser.add_argument("out", type=Path, help="a new folder, or an earlier model, which is replaced")
    parser.add_argument("--bits", type=int, choices=BITS, default=16, help="of a matrix' weight, default 16")
    chosen = parser.parse_args()
    try:
        compact(chosen.model, chosen.out, chosen.bits)
    except GraphmerError as error:
        print(f"compact: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
