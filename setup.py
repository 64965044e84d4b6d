"""A wheel carries the project's params.yaml, so that `graphmer kg` has its values wherever it is installed.

All else of the build is in pyproject.toml. The file has one home, the root: this copies it when a wheel is made.
"""

from pathlib import Path
from shutil import copyfile

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithParameters(build_py):
    """Copies params.yaml beside the package's modules."""

    def run(self) -> None:
        """Build as usual, then add the file; an editable install reads it where it is."""
        super().run()
        if not self.editable_mode:
            copyfile(Path(__file__).parent / "params.yaml", Path(self.build_lib) / "graphmer" / "params.yaml")


setup(cmdclass={"build_py": BuildWithParameters})
