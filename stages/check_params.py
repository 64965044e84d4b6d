"""Check every key of params.yaml; `make` runs this before anything else."""

import _stage


def work(tree: _stage.Tree, arguments: object) -> None:
    """`run` has checked already."""


if __name__ == "__main__":
    _stage.run("check_params", {}, {}, work)
