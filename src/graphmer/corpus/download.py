"""Archives over HTTP: the Python package index, and plain addresses.

The index is the default one, or the one in the environment variable PIP_INDEX_URL: a fact of the machine, because
the pinned digest makes every mirror give the same bytes.
"""

import os
import shutil
import ssl
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from graphmer.corpus.fetch_config import FetchParams
from graphmer.corpus.pins import Source
from graphmer.errors import CorpusError

if TYPE_CHECKING:  # 0.3 s of start-up that a corpus of local folders does not need
    from pypi_simple import DistributionPackage, ProgressTracker, PyPISimple

T = TypeVar("T")
INDEX_VARIABLE = "PIP_INDEX_URL"
RETRIED_STATUS = (408, 429, 500, 502, 503, 504)


def from_index(source: Source, target: Path, params: FetchParams) -> None:
    """Download the source distribution of `source.version`; the caller verifies the digest."""
    from pypi_simple import NoSuchProjectError

    with index_client() as client:
        try:
            page = _retried(lambda: client.get_project_page(source.name, timeout=params.timeout_s), source, params)
        except NoSuchProjectError:
            raise CorpusError(f"{source.where}: the package index has no such package; check the name") from None
        _download(client, _pinned_sdist(page.packages, source), source, target, params)


def _pinned_sdist(packages: "Sequence[DistributionPackage]", source: Source) -> "DistributionPackage":
    from packaging.utils import canonicalize_version

    sdists = [package for package in packages if package.package_type == "sdist" and package.version]
    wanted = canonicalize_version(source.version)
    matching = [package for package in sdists if canonicalize_version(package.version or "") == wanted]
    # A version may come as .tar.gz and as .zip: the digest tells which was pinned.
    pinned = [package for package in matching if package.digests.get("sha256") == source.sha256]
    if pinned or matching:
        return (pinned or matching)[0]
    newest = ", ".join(dict.fromkeys(package.version or "" for package in sdists[-5:]))
    raise CorpusError(
        f"{source.where}: the package index has no source distribution of version {source.version}; "
        f"the last it lists: {newest or 'none'}"
    )


def from_address(source: Source, target: Path, params: FetchParams) -> None:
    """Download, or copy, the archive at `source.url`; the caller verifies the digest."""
    from pypi_simple import DistributionPackage

    parts = urllib.parse.urlsplit(source.url)
    if parts.scheme == "file":
        _copy(Path(urllib.request.url2pathname(parts.path)), source, target)
        return
    package = DistributionPackage(
        filename=Path(parts.path).name,
        url=source.url,
        project=source.name,
        version=source.version,
        package_type=None,
        digests={},
        requires_python=None,
        has_sig=None,
    )
    with index_client() as client:
        _download(client, package, source, target, params)


def _copy(path: Path, source: Source, target: Path) -> None:
    try:
        shutil.copyfile(path, target)
    except FileNotFoundError:
        raise CorpusError(f"{source.where}: url: no such file: {path}") from None


class _Cap:
    """Counts a download's bytes for pypi-simple, and ends it past the limit."""

    def __init__(self, source: Source, params: FetchParams) -> None:
        self._source = source
        self._max_bytes = params.max_download_bytes
        self._num_bytes = 0

    def __enter__(self) -> "_Cap":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, increment: int) -> None:
        self._num_bytes += increment
        if self._num_bytes > self._max_bytes:
            raise CorpusError(
                f"{self._source.where}: the download is larger than {self._max_bytes} bytes; "
                "raise fetch.max_download_bytes if it may be"
            )


def index_client() -> "PyPISimple":
    """A client that trusts what this machine's own store of certificates trusts, beside requests' own list."""
    import requests
    from pypi_simple import PYPI_SIMPLE_ENDPOINT, PyPISimple
    from requests.adapters import HTTPAdapter

    class SystemStoreAdapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, ssl_context=ssl.create_default_context(), **kwargs)

    session = requests.Session()
    session.mount("https://", SystemStoreAdapter())
    return PyPISimple(os.environ.get(INDEX_VARIABLE) or PYPI_SIMPLE_ENDPOINT, session=session)


def _download(
    client: "PyPISimple", package: "DistributionPackage", source: Source, target: Path, params: FetchParams
) -> None:
    def progress(_: int | None) -> "ProgressTracker":
        return _Cap(source, params)

    def attempt() -> None:
        # Not verified by the library against what the index says of itself: the caller does it against the pin.
        client.download_package(package, target, verify=False, progress=progress, timeout=params.timeout_s)

    _retried(attempt, source, params)


def _retried(action: Callable[[], T], source: Source, params: FetchParams) -> T:
    import requests

    for attempt in range(params.retries + 1):
        if attempt:
            time.sleep(params.retry_wait_s * 2 ** (attempt - 1))
        try:
            return action()
        except requests.HTTPError as error:
            status = error.response.status_code
            reason = f"the server answered {status}"
            if status not in RETRIED_STATUS:
                raise CorpusError(f"{source.where}: {reason} for {error.response.url}; check the pin") from None
        except requests.exceptions.SSLError:
            reason = "the server's certificate is not trusted on this machine (name its issuer in REQUESTS_CA_BUNDLE)"
        except requests.RequestException as error:
            host = urllib.parse.urlsplit(error.request.url or "").hostname if error.request else None
            reason = f"no connection to {host or source.url or 'the package index'} ({type(error).__name__})"
    raise CorpusError(
        f"{source.where}: {reason}; check the network (or {INDEX_VARIABLE}, where it is set) and run again: "
        "downloads that ended well are kept"
    )
