"""Check that dvc.yaml, dvc.lock, params.yaml and the committed metrics agree, without any of the data.

Commands, parameters, names of dependencies and outputs, and digests of committed metrics and plots must be equal; code
that has changed since the lock was written is listed, and is for whoever resolves an issue to re-run. The checks are
those of `graphmer verify`, which looks at the data too, where they are.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from graphmer.errors import ArtifactError  # noqa: E402
from graphmer.report.lock import Lock  # noqa: E402


def main() -> int:
    """Print every difference; 1 where there is one."""
    try:
        lock = Lock(ROOT)
    except ArtifactError as error:
        print(error, file=sys.stderr)
        return 1
    differences = list(lock.differences())
    for difference in differences:
        print(difference, file=sys.stderr)
    for line in lock.drift():
        print(f"note: {line}")
    print("dvc.lock does not agree; run `make repro` and commit the result" if differences else "dvc.lock agrees")
    return int(bool(differences))


if __name__ == "__main__":
    sys.exit(main())
