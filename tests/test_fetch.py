"""The fetch stage against a package index on loopback, real git and npm, and users' mistakes."""

import errno
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_unpack import header, tar_of, zip_of

from graphmer.corpus.fetch import fetch_corpus
from graphmer.corpus.fetch_config import FetchParams, UnpackLimits
from graphmer.corpus.licences import contradicts, declared_licence, is_allowed
from graphmer.corpus.pins import load_corpus
from graphmer.corpus.selection import matches
from graphmer.errors import CorpusError

ROOT = Path(__file__).parents[1]
PARAMS = FetchParams(
    corpus="corpus.yaml",
    allowed_licences=("MIT", "Apache-2.0", "BSD-3-Clause"),
    extra_licences=(),
    allow_proprietary=False,
    limits=UnpackLimits(
        max_files=1000, max_bytes=1 << 24, max_file_bytes=1 << 16, max_ratio=100.0, ratio_from_bytes=1 << 20
    ),
    max_download_bytes=1 << 20,
    download_threads=2,
    timeout_s=5.0,
    command_timeout_s=60.0,
    retries=1,
    retry_wait_s=0.0,
)
Entry = dict[str, Any]


class Web:
    """What the loopback server answers: a body or a status by path; and which paths it was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, list[bytes | int]] = {}
        self.asked: list[str] = []

    def serve_sdist(self, name: str, version: str, data: bytes) -> Entry:
        """Publish a source distribution; returns its pin."""
        filename = f"{name}-{version}.tar.gz"
        page = {
            "meta": {"api-version": "1.1"},
            "name": name,
            "versions": [version],
            "files": [{"filename": filename, "url": f"{self.url}/files/{filename}", "hashes": {}}],
        }
        self.answers[f"/simple/{name}/"] = [json.dumps(page).encode()]
        self.answers[f"/files/{filename}"] = [data]
        return pin(name, version, data)


class Handler(BaseHTTPRequestHandler):
    """Answers from `web`; the last answer of a path repeats."""

    def __init__(self, web: Web, *args: Any) -> None:
        self.web = web
        super().__init__(*args)

    def do_GET(self) -> None:
        self.web.asked.append(self.path)
        answers = self.web.answers.get(self.path, [404])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(answer if isinstance(answer, int) else 200)
        body = b"" if isinstance(answer, int) else answer
        if self.path.startswith("/simple/"):
            self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A package index on loopback that PIP_INDEX_URL names."""
    site = Web("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, site))
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("PIP_INDEX_URL", f"{site.url}/simple/")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


def sdist(name: str, version: str, licence: str = "MIT", **files: bytes) -> bytes:
    """A packed source distribution; keyword `a__b_py` is the file a/b.py."""
    top = f"{name}-{version}"
    metadata = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nLicense-Expression: {licence}\n"
    members = {"PKG-INFO": metadata.encode(), "LICENSE": b"may be used", f"{name}.py": b"x = 1\n"}
    members |= {key.replace("__", "/").replace("_py", ".py"): data for key, data in files.items()}
    return gzip.compress(tar_of(*((f"{top}/{path}", data) for path, data in members.items())), mtime=0)


def pin(name: str, version: str, data: bytes, **changes: Any) -> Entry:
    entry = {"kind": "pypi", "name": name, "version": version, "sha256": hashlib.sha256(data).hexdigest()}
    return entry | {"license": "MIT", "languages": ["python"], "split": "by_module"} | changes


def folder_pin(path: str, **changes: Any) -> Entry:
    entry = {"kind": "path", "name": "mine", "version": "0.1", "path": path, "license": "MIT"}
    return entry | {"languages": ["python"], "split": "by_module"} | changes


def write_pins(folder: Path, *entries: Entry) -> Path:
    path = folder / "corpus.yaml"
    path.write_text(yaml.safe_dump({"name": "tiny", "sources": list(entries)}), encoding="utf-8")
    return path


def fetch(folder: Path, *entries: Entry, params: FetchParams = PARAMS) -> Entry:
    """Fetch into folder/raw with downloads in folder/downloads; returns the manifest."""
    fetch_corpus(write_pins(folder, *entries), folder / "raw", params, folder / "downloads")
    manifest: Entry = json.loads((folder / "raw" / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def refusal(folder: Path, *entries: Entry, params: FetchParams = PARAMS) -> str:
    """The message of a refused fetch: one line that names the corpus file, and nothing half-written."""
    with pytest.raises(CorpusError) as caught:
        fetch(folder, *entries, params=params)
    message = str(caught.value)
    assert "\n" not in message
    assert "corpus.yaml" in message
    assert not (folder / "raw").exists()
    assert not list(folder.rglob("*.partial"))
    return message


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- the index ---------------------------------------------------------------------------------------------------


def test_a_pinned_sdist_is_unpacked_without_its_top_folder_and_with_its_own_bytes(tmp_path: Path, web: Web) -> None:
    entry = web.serve_sdist("alpha", "1.0", sdist("alpha", "1.0", pkg__m_py=b"y = 2\r\n", logo_png=b"\x89PNG"))
    manifest = fetch(tmp_path, entry)
    raw = tree(tmp_path / "raw")
    assert sorted(raw) == ["alpha/LICENSE", "alpha/PKG-INFO", "alpha/alpha.py", "alpha/pkg/m.py", "manifest.json"]
    assert raw["alpha/pkg/m.py"] == b"y = 2\r\n"
    (source,) = manifest["sources"]
    assert manifest["corpus"] == "tiny"
    assert source["files"] == 4
    assert source["bytes"] == sum(len(data) for path, data in raw.items() if path != "manifest.json")
    assert source["skipped"] == {"not_needed": 1}
    assert source["declared_license"] == "MIT"


def test_a_second_run_asks_the_network_nothing_and_gives_the_same_bytes(tmp_path: Path, web: Web) -> None:
    entries = [
        web.serve_sdist(name, "1.0", sdist(name, "1.0")) | {"split": split}
        for name, split in [("zeta", "train"), ("alpha", "val"), ("mid", "test")]
    ]
    manifest = fetch(tmp_path, *entries)
    first, num_asked = tree(tmp_path / "raw"), len(web.asked)
    fetch(tmp_path, *reversed(entries))
    assert tree(tmp_path / "raw") == first
    assert len(web.asked) == num_asked
    assert [source["name"] for source in manifest["sources"]] == ["alpha", "mid", "zeta"]


def test_a_kept_download_that_was_damaged_is_downloaded_again(tmp_path: Path, web: Web) -> None:
    entry = web.serve_sdist("alpha", "1.0", sdist("alpha", "1.0"))
    fetch(tmp_path, entry)
    (tmp_path / "downloads" / entry["sha256"]).write_bytes(b"rotten")
    fetch(tmp_path, entry)
    assert hashlib.sha256((tmp_path / "downloads" / entry["sha256"]).read_bytes()).hexdigest() == entry["sha256"]


def test_a_wrong_digest_is_refused_and_the_file_is_not_kept(tmp_path: Path, web: Web) -> None:
    entry = web.serve_sdist("alpha", "1.0", sdist("alpha", "1.0")) | {"sha256": "0" * 64}
    message = refusal(tmp_path, entry)
    assert "(alpha): sha256 is " in message
    assert "pinned is 0000" in message
    assert list((tmp_path / "downloads").iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "omega"}, "pinned is omega 1.0, but the archive of that digest says that it is alpha 1.0"),
        ({"version": "2.0"}, "pinned is alpha 2.0, but the archive of that digest says that it is alpha 1.0"),
    ],
)
def test_a_pin_of_another_name_or_version_is_refused_though_its_digest_is_kept(
    tmp_path: Path, web: Web, changes: Entry, said: str
) -> None:
    entry = web.serve_sdist("alpha", "1.0", sdist("alpha", "1.0"))
    (tmp_path / "before").mkdir()
    fetch(tmp_path / "before", entry)
    (tmp_path / "after").mkdir()
    shutil.copytree(tmp_path / "before" / "downloads", tmp_path / "after" / "downloads")
    num_asked = len(web.asked)
    assert said in refusal(tmp_path / "after", entry | changes)
    assert len(web.asked) == num_asked


def test_one_name_and_version_may_be_written_in_two_ways(tmp_path: Path, web: Web) -> None:
    data = sdist("Al_pha", "1.0.0")
    assert fetch(tmp_path, web.serve_sdist("al-pha", "1.0", data))["sources"][0]["version"] == "1.0"


def test_an_sdist_without_metadata_is_known_by_its_folder(tmp_path: Path, web: Web) -> None:
    data = gzip.compress(tar_of(("alpha-1.0/alpha.py", b"x = 1\n")))
    fetch(tmp_path, web.serve_sdist("alpha", "1.0", data))
    other = gzip.compress(tar_of(("beta-3.0/alpha.py", b"x = 1\n")))
    (tmp_path / "other").mkdir()
    message = refusal(tmp_path / "other", web.serve_sdist("alpha", "1.0", other))
    assert "says that it is beta 3.0" in message


def test_a_missing_package_is_named(tmp_path: Path, web: Web) -> None:
    assert "(beta): the package index has no such package" in refusal(tmp_path, pin("beta", "1.0", b""))


def test_a_missing_version_names_those_that_are_there(tmp_path: Path, web: Web) -> None:
    entry = web.serve_sdist("alpha", "1.0", sdist("alpha", "1.0")) | {"version": "2.0"}
    assert "no source distribution of version 2.0; the last it lists: 1.0" in refusal(tmp_path, entry)


def test_no_network_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple/")
    message = refusal(tmp_path, pin("alpha", "1.0", b""))
    assert "no connection to 127.0.0.1" in message
    assert "check the network" in message


def test_a_server_that_is_down_for_a_moment_is_asked_again(tmp_path: Path, web: Web) -> None:
    entry = web.serve_sdist("alpha", "1.0", sdist("alpha", "1.0"))
    web.answers["/files/alpha-1.0.tar.gz"].insert(0, 503)
    assert fetch(tmp_path, entry)["sources"][0]["files"] == 3
    assert web.asked.count("/files/alpha-1.0.tar.gz") == 2


def test_a_download_past_the_limit_is_ended(tmp_path: Path, web: Web) -> None:
    entry = web.serve_sdist("alpha", "1.0", sdist("alpha", "1.0"))
    params = replace(PARAMS, max_download_bytes=100)
    assert "fetch.max_download_bytes" in refusal(tmp_path, entry, params=params)


def test_of_several_bad_sources_the_first_listed_is_reported(tmp_path: Path, web: Web) -> None:
    entries = [pin(name, "1.0", b"", split=split) for name, split in zip("cab", ["train", "val", "test"])]
    assert all("sources[0] (c)" in refusal(tmp_path, *entries) for _ in range(3))


# --- licences ----------------------------------------------------------------------------------------------------


def test_a_licence_off_the_list_is_refused_before_anything_is_asked_for(tmp_path: Path, web: Web) -> None:
    entry = web.serve_sdist("alpha", "1.0", sdist("alpha", "1.0")) | {"license": "GPL-3.0-only"}
    assert "(alpha): licence GPL-3.0-only is not on the allow list" in refusal(tmp_path, entry)
    assert web.asked == []


def test_a_pin_that_contradicts_the_package_is_refused_and_the_old_output_stays(tmp_path: Path, web: Web) -> None:
    fetch(tmp_path, web.serve_sdist("alpha", "1.0", sdist("alpha", "1.0")))
    before = tree(tmp_path / "raw")
    with pytest.raises(CorpusError, match=r"pinned licence MIT, but the package itself declares GPL-3.0-only"):
        fetch(tmp_path, web.serve_sdist("alpha", "2.0", sdist("alpha", "2.0", licence="GPL-3.0-only")))
    assert tree(tmp_path / "raw") == before


def test_ones_own_code_needs_the_opt_in(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "m.py").write_text("x = 1\n")
    entry = folder_pin("code", license="LicenseRef-Proprietary")
    assert "fetch.allow_proprietary" in refusal(tmp_path, entry)
    manifest = fetch(tmp_path, entry, params=replace(PARAMS, allow_proprietary=True))
    assert manifest["sources"][0]["declared_license"] == "undeclared"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT AND (GPL-3.0-only OR Apache-2.0)", True),
        ("Apache-2.0 WITH LLVM-exception", False),
        ("LicenseRef-Proprietary", False),
    ],
)
def test_an_or_needs_one_allowed_side_and_an_and_both(expression: str, expected: bool) -> None:
    assert is_allowed(expression, {"MIT", "Apache-2.0"}) is expected


@pytest.mark.parametrize("text", ["", "BSD", "MIT AND", "MIT/X11", "see the file", "LicenseRef-Other"])
def test_what_is_not_spdx_is_no_licence(text: str) -> None:
    with pytest.raises(ValueError, match="not an SPDX"):
        is_allowed(text, {"MIT"})


@pytest.mark.parametrize(
    ("pinned", "declared", "expected"),
    [
        ("MIT", "MIT OR Apache-2.0", False),  # a pin may choose
        ("Apache-2.0 AND BSD-3-Clause", "Apache-2.0", False),  # and may know of vendored code
        ("MIT", "MIT AND BSD-3-Clause", True),  # but not drop an obligation
        ("MIT", "BSD-3-Clause", True),
        ("MIT OR GPL-3.0-only", "GPL-3.0-only", True),  # nor rely on a side that is not allowed
    ],
)
def test_a_pin_may_choose_but_not_contradict(pinned: str, declared: str, expected: bool) -> None:
    assert contradicts(pinned, declared, PARAMS.licences) is expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("PKG-INFO", "License-Expression: MIT OR Apache-2.0\nLicense: GPL\n\nbody", "MIT OR Apache-2.0"),
        ("PKG-INFO", "License: Apache License, Version 2.0\n", "Apache-2.0"),
        ("PKG-INFO", "License: Apache 2.0\n", "Apache-2.0"),
        ("PKG-INFO", "Classifier: License :: OSI Approved :: MIT License\n", "MIT"),
        ("PKG-INFO", "Classifier: License :: OSI Approved :: BSD License\n", "BSD-2-Clause OR BSD-3-Clause"),
        ("PKG-INFO", "Classifier: License :: OSI Approved\n", ""),
        ("PKG-INFO", "License: Copyright (c) 2020 Somebody, all rights\n", ""),
        ("PKG-INFO", "Name: x\n\nLicense: MIT\n", ""),
        ("pyproject.toml", '[project]\nlicense = "MIT"\n', "MIT"),
        ("pyproject.toml", '[project]\nlicense = {text = "BSD-3-Clause"}\n', "BSD-3-Clause"),
        ("pyproject.toml", "[project\n", ""),
        ("package.json", '{"license": "ISC"}', "ISC"),
        ("package.json", "[]", ""),
    ],
)
def test_the_packages_own_word_counts_only_where_it_is_clear(
    tmp_path: Path, name: str, text: str, expected: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert declared_licence(tmp_path) == expected


@pytest.mark.parametrize("licences", [("Apache",), ("mit",), ("MIT OR ISC",), ("LicenseRef-Proprietary",)])
def test_an_allow_list_holds_single_spdx_identifiers(licences: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="extra_licences: "):
        replace(PARAMS, extra_licences=licences)


# --- archives, and what of them is kept ---------------------------------------------------------------------------


def test_an_archive_that_climbs_out_is_refused_with_package_and_member(tmp_path: Path, web: Web) -> None:
    data = gzip.compress(tar_of(("alpha-1.0/alpha.py", b""), ("alpha-1.0/../../evil.py", b"")))
    message = refusal(tmp_path, web.serve_sdist("alpha", "1.0", data))
    assert "(alpha)" in message
    assert "evil.py" in message
    assert not list(tmp_path.rglob("evil.py"))


def test_an_sdist_has_one_folder_at_its_top(tmp_path: Path, web: Web) -> None:
    data = gzip.compress(tar_of(("alpha-1.0/alpha.py", b""), ("other/a.py", b"")))
    assert "expected one folder" in refusal(tmp_path, web.serve_sdist("alpha", "1.0", data))


def test_what_is_left_out_is_counted_by_reason(tmp_path: Path, web: Web) -> None:
    names = ["keep.py", "new\nline.py", "back\\slash.py", "CASE.py", "case.py", "skip/me.py", "n" * 300 + ".py"]
    names += ["data.bin", 'it\'s "quoted".py', "x.egg-info/PKG-INFO", "docs/guide.rst", "Main.java", "setup.py"]
    members = [(f"alpha-1.0/{name}", b"x = 1\n") for name in names]
    link = header("alpha-1.0/README.md", b"2", "docs/guide.rst")
    data = gzip.compress(tar_of(*members, ("alpha-1.0/long.py", b"#" * (1 << 17)), link))
    entry = web.serve_sdist("alpha", "1.0", data) | {"exclude": ["skip/**"]}
    (source,) = fetch(tmp_path, entry)["sources"]
    kept = {"CASE.py", "docs/guide.rst", 'it\'s "quoted".py', "keep.py", "setup.py"}
    assert set(tree(tmp_path / "raw" / "alpha")) == kept
    assert source["skipped"] == {
        "case_collision": 1,
        "excluded": 1,
        "link": 1,
        "not_needed": 3,
        "odd_name": 3,
        "too_large": 1,
    }
    assert source["files"] + sum(source["skipped"].values()) == len(names) + 2


def test_include_narrows_the_code_but_keeps_the_papers_at_the_top(tmp_path: Path, web: Web) -> None:
    entry = web.serve_sdist("alpha", "1.0", sdist("alpha", "1.0", a__m_py=b"", b__m_py=b"")) | {"include": ["a/**"]}
    fetch(tmp_path, entry)
    assert set(tree(tmp_path / "raw" / "alpha")) == {"LICENSE", "PKG-INFO", "a/m.py"}


def test_a_source_without_a_file_of_its_languages_is_refused(tmp_path: Path, web: Web) -> None:
    entry = web.serve_sdist("alpha", "1.0", sdist("alpha", "1.0")) | {"languages": ["java"]}
    assert "no .java file is left" in refusal(tmp_path, entry)


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("**/*.java", "A.java", True),
        ("**/*.java", "a/b/A.java", True),
        ("*.java", "a/A.java", False),
        ("src/**", "src/a/b.py", True),
        ("src/**", "srcs/a.py", False),
        ("a?.py", "ab.py", True),
        ("a?.py", "a/.py", False),
        ("a.c", "abc", False),
    ],
)
def test_a_star_stays_in_its_folder_and_two_cross_folders(glob: str, path: str, expected: bool) -> None:
    assert matches(path, glob) is expected


def test_an_archive_at_a_file_address_may_lack_a_top_folder(tmp_path: Path) -> None:
    data = zip_of(("a.py", b"x"), ("pkg/b.py", b"y"))
    (tmp_path / "code.zip").write_bytes(data)
    url = (tmp_path / "code.zip").as_uri()
    fetch(tmp_path, pin("mine", "1", data, kind="archive", url=url))
    assert set(tree(tmp_path / "raw" / "mine")) == {"a.py", "pkg/b.py"}
    missing = pin("mine", "1", b"other", kind="archive", url=url + "x")
    with pytest.raises(CorpusError, match="no such file"):
        fetch(tmp_path, missing)


def test_an_archive_comes_over_http_and_a_missing_one_is_not_asked_for_again(tmp_path: Path, web: Web) -> None:
    data = sdist("alpha", "1.0")
    entry = pin("alpha", "1.0", data, kind="archive", url=f"{web.url}/a.tgz")
    assert "the server answered 404" in refusal(tmp_path, entry)
    assert web.asked == ["/a.tgz"]
    web.answers["/a.tgz"] = [data]
    assert fetch(tmp_path, entry)["sources"][0]["files"] == 3


# --- folders, git, npm --------------------------------------------------------------------------------------------


def test_a_folder_is_copied_without_links_tools_and_its_own_output(tmp_path: Path) -> None:
    for name in [
        "code/m.py",
        "code/.git/x.py",
        "code/venv/pyvenv.cfg",
        "code/venv/x.py",
        "code/pkg/n.py",
        "code/a.txt",
    ]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "code" / "same.py").symlink_to("m.py")
    (tmp_path / "code" / "loop.py").symlink_to("loop.py")
    os.mkfifo(tmp_path / "code" / "pipe.py")
    (source,) = fetch(tmp_path, folder_pin("code"))["sources"]
    assert set(tree(tmp_path / "raw" / "mine")) == {"m.py", "pkg/n.py"}
    assert source["skipped"] == {"ignored": 2, "link": 2, "not_needed": 1, "special": 1}
    fetch_corpus(write_pins(tmp_path, folder_pin("code")), tmp_path / "code" / "out", PARAMS, tmp_path / "downloads")
    fetch_corpus(write_pins(tmp_path, folder_pin("code")), tmp_path / "code" / "out", PARAMS, tmp_path / "downloads")
    assert set(tree(tmp_path / "code" / "out" / "mine")) == {"m.py", "pkg/n.py"}


def test_the_digest_of_a_folder_is_that_of_what_was_kept(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "m.py").write_text("x = 1\n")
    digests = [fetch(tmp_path, folder_pin("code"))["sources"][0]["sha256"]]
    for name in ["a.txt", "m.py"]:
        (tmp_path / "code" / name).write_text("x = 2\n")
        digests.append(fetch(tmp_path, folder_pin("code"))["sources"][0]["sha256"])
    assert digests[0] == digests[1] != digests[2]


def test_a_link_that_leaves_the_folder_is_counted_and_never_read(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "secret.py").write_text("x = 1\n")
    (tmp_path / "code" / "m.py").symlink_to("../secret.py")
    (tmp_path / "code" / "a.py").write_text("x = 2\n")
    (source,) = fetch(tmp_path, folder_pin("code"))["sources"]
    assert source["skipped"] == {"link_outside": 1}
    assert not (tmp_path / "raw" / "code" / "m.py").exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert "no such folder" in refusal(tmp_path, folder_pin("nowhere"))


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_commit_is_taken_whole_as_it_was_committed_and_kept_for_later(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    git = partial(subprocess.run, cwd=home, check=True, capture_output=True, text=True)
    (home / "m.py").write_bytes(b"x = '$Id$'\r\n")
    (home / "test_m.py").write_bytes(b"y = 2\n")
    (home / ".gitattributes").write_text("test_m.py export-ignore\n*.py ident eol=lf export-subst -text\n")
    git(["git", "init", "-q"])
    git(["git", "add", "-A"])
    git(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "one"])
    commit = git(["git", "rev-parse", "HEAD"]).stdout.strip()
    entry = folder_pin("x", kind="git", url=home.as_uri(), commit=commit)
    del entry["path"]
    fetch(tmp_path, entry)
    shutil.rmtree(home)
    fetch(tmp_path, entry)
    assert tree(tmp_path / "raw" / "mine") == {"m.py": b"x = '$Id$'\r\n", "test_m.py": b"y = 2\n"}
    with pytest.raises(CorpusError, match="git failed; check"):
        fetch(tmp_path, entry | {"commit": "0" * 40})


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_an_npm_tarball_is_packed_from_the_registry(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    package = b'{"name": "jay", "version": "1.0.0", "license": "MIT"}'
    data = gzip.compress(tar_of(("package/package.json", package), ("package/src/A.java", b"class A {}")), mtime=0)
    dist = {"tarball": f"{web.url}/jay.tgz", "shasum": hashlib.sha1(data).hexdigest()}
    version = {"name": "jay", "version": "1.0.0", "dist": dist}
    page = {"name": "jay", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    web.answers |= {"/jay": [json.dumps(page).encode()], "/jay.tgz": [data]}
    monkeypatch.setenv("npm_config_registry", f"{web.url}/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    fetch(tmp_path, pin("jay", "1.0.0", data, kind="npm", languages=["java"]))
    assert set(tree(tmp_path / "raw" / "jay")) == {"package.json", "src/A.java"}
    with pytest.raises(CorpusError, match=r"pinned is jay 1\.0\.1, but the archive .* says that it is jay 1\.0\.0"):
        fetch(tmp_path, pin("jay", "1.0.1", data, kind="npm", languages=["java"]))
    with pytest.raises(CorpusError, match="npm failed; check name, version"):
        fetch(tmp_path, pin("jay", "2.0.0", b"", kind="npm", languages=["java"]))


# --- the machine fails --------------------------------------------------------------------------------------------


@pytest.fixture
def disk_space(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many more files may be written before the disk is full, as a list of one number."""
    left = [sys.maxsize]
    write, open_file = Path.write_bytes, Path.open

    def spend(path: Path) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def write_bytes(path: Path, data: bytes) -> int:
        spend(path)
        return write(path, data)

    def open_path(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if mode == "wb" and "downloads" in path.parts:
            spend(path)
        return open_file(path, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    monkeypatch.setattr(Path, "open", open_path)
    return left


def test_a_disk_that_fills_while_unpacking_leaves_the_old_output(
    tmp_path: Path, web: Web, disk_space: list[int]
) -> None:
    entry = web.serve_sdist("alpha", "1.0", sdist("alpha", "1.0"))
    fetch(tmp_path, entry)
    before = tree(tmp_path / "raw")
    disk_space[0] = 2
    with pytest.raises(OSError, match="No space left"):
        fetch(tmp_path, entry)
    assert tree(tmp_path / "raw") == before
    assert not list(tmp_path.rglob("*.partial"))


def test_a_disk_that_fills_while_downloading_keeps_no_part_of_it(
    tmp_path: Path, web: Web, disk_space: list[int]
) -> None:
    entry = web.serve_sdist("alpha", "1.0", sdist("alpha", "1.0"))
    disk_space[0] = 0
    with pytest.raises(OSError, match="No space left"):
        fetch(tmp_path, entry)
    assert not (tmp_path / "raw").exists()
    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_kill_in_mid_stage_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    for name in "abc":
        (tmp_path / "code" / f"{name}.py").write_text("x = 1\n")
    pins = write_pins(tmp_path, folder_pin("code"))
    script = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_fetch import PARAMS, fetch_corpus
write = Path.write_bytes
def killed(path, data):
    write(path, data)
    if path.name == "b.py":
        os.kill(os.getpid(), signal.SIGKILL)
Path.write_bytes = killed
fetch_corpus(Path({str(pins)!r}), Path({str(tmp_path / "raw")!r}), PARAMS, Path({str(tmp_path / "downloads")!r}))
"""
    assert subprocess.run([sys.executable, "-c", script], check=False, capture_output=True).returncode == -9
    assert (tmp_path / ".raw.partial" / "mine" / "b.py").exists()
    assert not (tmp_path / "raw").exists()
    assert fetch(tmp_path, folder_pin("code"))["sources"][0]["files"] == 3
    assert not (tmp_path / ".raw.partial").exists()


# --- the corpus file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kind": "conda"}, "kind: expected one of pypi, npm"),
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"url": "https://example.org/a.zip"}, "unknown key 'url'"),
        ({"sha256": "abc"}, "sha256: expected 64 lower-case hexadecimal digits"),
        ({"sha256": "A" * 64}, "sha256: expected 64 lower-case hexadecimal digits"),
        ({"version": 26.3}, "version: expected text, got float 26.3; put it in quotes"),
        ({"license": "BSD"}, "license: 'BSD' is not an SPDX licence expression"),
        ({"languages": []}, "languages: expected at least one"),
        ({"languages": ["cobol"]}, "languages: expected some of java, javascript, python, typescript, got 'cobol'"),
        ({"split": "dev"}, "split: expected train, val, test or by_module"),
        ({"include": "**"}, "include: expected a list"),
        ({"name": "../alpha"}, "name: expected letters"),
        ({"name": "manifest.json"}, "name: expected letters"),
    ],
)
def test_a_mistake_in_an_entry_is_named_with_file_and_entry(tmp_path: Path, changes: Entry, expected: str) -> None:
    message = refusal(tmp_path, pin("alpha", "1.0", b"") | changes)
    assert f"sources[0] ({changes.get('name', 'alpha')}): {expected}" in message


@pytest.mark.parametrize("key", ["kind", "name", "version", "license", "languages", "split", "sha256"])
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    entry = pin("alpha", "1.0", b"")
    del entry[key]
    assert ("kind: expected one of" if key == "kind" else f"missing key '{key}'") in refusal(tmp_path, entry)


@pytest.mark.parametrize("url", ["ext::sh -c evil", "--upload-pack=evil", "ftp://example.org/x", "/etc"])
def test_an_address_of_another_scheme_is_refused(tmp_path: Path, url: str) -> None:
    entry = folder_pin("x", kind="git", url=url, commit="0" * 40)
    del entry["path"]
    assert "url: expected an address" in refusal(tmp_path, entry)


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    entries = [pin(name, "1.0", b"", split="train") for name in ("my-pkg", "My_Pkg")]
    assert "sources[1] (My_Pkg): the name is taken by sources[0] (my-pkg)" in refusal(tmp_path, *entries)


def test_an_empty_corpus_is_refused(tmp_path: Path) -> None:
    assert "the corpus is empty" in refusal(tmp_path)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_split_without_packages_is_refused(tmp_path: Path, split: str) -> None:
    others = [name for name in ("train", "val", "test") if name != split]
    entries = [pin(f"p-{name}", "1.0", b"", split=name) for name in others]
    assert f"split '{split}' has no packages" in refusal(tmp_path, *entries)


def test_by_module_is_for_one_source_alone(tmp_path: Path) -> None:
    entries = [pin(name, "1.0", b"", split=split) for name, split in [("a", "by_module"), ("b", "train")]]
    assert "by_module is for one source alone, there are 2" in refusal(tmp_path, *entries)


@pytest.mark.parametrize("text", ["- a\n- b\n", "name: [", "", "name: x\nsources: {}\nextra: 1\n", "name: \udc80"])
def test_a_file_that_is_no_corpus_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "corpus.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(CorpusError, match=r"corpus\.yaml: ") as caught:
        load_corpus(path)
    assert "\n" not in str(caught.value)


def test_a_missing_corpus_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"none\.yaml: no such corpus file"):
        load_corpus(tmp_path / "none.yaml")


def test_the_default_corpus_holds_out_what_the_design_says() -> None:
    corpus = load_corpus(ROOT / "data" / "corpora" / "small.yaml")
    held = {split: {s.name for s in corpus.sources if s.split == split} for split in ("train", "val", "test")}
    assert held["test"] == {"marshmallow", "trio", "jpy"}
    assert held["val"] == {"arrow", "mako", "jpype1"}
    for language in ("java", "python"):
        assert {s.split for s in corpus.sources if language in s.languages} == {"train", "val", "test"}
