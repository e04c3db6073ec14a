"""Jars come once, whole or not at all, from where the machine's settings say, and what can't be had is one line."""

import base64
import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from datasources.config import JarSettings
from datasources.embedded import jars
from datasources.embedded.engines import JANUSGRAPH, TINKERGRAPH, TRANSACTIONAL
from datasources.embedded.jars import MAVEN_CENTRAL_URL, fetch_jars, maven_repository
from datasources.embedded.process import EmbeddedError, free_port

FILES = {f"org/example/{name}/1/{name}-1.jar": name.encode() * 1_000 for name in ("one", "two", "three")}
ONE, TWO, THREE = FILES
REMEDY = "look to the network, or set MAVEN_REPOSITORY_URL to a Maven repository that this machine may use"


class Repository(ThreadingHTTPServer):
    """A Maven repository over HTTP. `altered` are other bytes than the true ones; `cut` breaks off so many times;
    with a `login` it lets nobody else in."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = dict(FILES)
        self.altered: dict[str, bytes] = {}
        self.failing: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()
        self.login: str | None = None
        self.asked: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/maven2"


class _Handler(BaseHTTPRequestHandler):
    server: Repository

    def do_GET(self) -> None:
        path = self.path.removeprefix("/maven2/")
        login = f"Basic {base64.b64encode((self.server.login or '').encode()).decode()}"
        if self.server.login is not None and self.headers.get("Authorization") != login:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="jars"')
            self.end_headers()
            return
        self.server.asked[path] += 1
        data = self.server.altered.get(path) or self.server.files.get(path)
        if data is None or self.server.failing[path] > 0:
            self.server.failing[path] -= 1
            self.send_error(404 if data is None else 503)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.server.cut[path] > 0:
            self.server.cut[path] -= 1
            data = data[:100]
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def served() -> Iterator[Repository]:
    with Repository() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "_RETRY_PAUSE_SECONDS", 0.0)


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    lines = [f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in FILES.items()]
    (tmp_path / "example.jars").write_text("".join(lines))
    return tmp_path / "example.jars"


def left(cache: Path) -> dict[str, bytes]:
    """All jars of a cache folder, which has no other file."""
    jars = cache / "stackflow" / "jars"
    return {str(path.relative_to(jars)): path.read_bytes() for path in cache.rglob("*") if path.is_file()}


def test_jars_come_in_the_order_of_the_lock_and_only_once(served: Repository, lock: Path, tmp_path: Path) -> None:
    settings = JarSettings(f"{served.url}/", tmp_path / "cache")
    told: list[tuple[int, int]] = []
    found = fetch_jars(lock, settings, lambda *counts: told.append(counts))
    assert found == [tmp_path / "cache" / "stackflow" / "jars" / path for path in FILES]
    assert left(tmp_path / "cache") == FILES
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert fetch_jars(lock, settings, lambda *counts: told.append(counts)) == found
    assert (served.asked, len(told)) == (Counter(FILES.keys()), 4)


def test_a_kept_jar_that_was_altered_comes_anew_and_no_other(served: Repository, lock: Path, tmp_path: Path) -> None:
    settings = JarSettings(served.url, tmp_path / "cache")
    fetch_jars(lock, settings)
    (tmp_path / "cache" / "stackflow" / "jars" / TWO).write_bytes(b"rot")
    told: list[tuple[int, int]] = []
    fetch_jars(lock, settings, lambda *counts: told.append(counts))
    assert left(tmp_path / "cache") == FILES
    assert told == [(2, 3), (3, 3)]
    assert served.asked == Counter({ONE: 1, TWO: 2, THREE: 1})


def test_a_download_that_breaks_off_or_fails_twice_is_tried_again(
    served: Repository, lock: Path, tmp_path: Path
) -> None:
    served.cut[ONE] = 2
    served.failing[TWO] = 2
    fetch_jars(lock, JarSettings(served.url, tmp_path / "cache"))
    assert left(tmp_path / "cache") == FILES
    assert served.asked == Counter({ONE: 3, TWO: 3, THREE: 1})


def refusal(lock: Path, settings: JarSettings) -> str:
    with pytest.raises(EmbeddedError) as caught:
        fetch_jars(lock, settings)
    return str(caught.value)


def test_a_jar_that_is_not_there_is_asked_for_once(served: Repository, lock: Path, tmp_path: Path) -> None:
    del served.files[TWO]
    assert refusal(lock, JarSettings(served.url, tmp_path / "cache")) == (
        f"two-1.jar cannot be downloaded from 127.0.0.1: it answers 404 Not Found; {REMEDY}"
    )
    assert served.asked[TWO] == 1
    assert TWO not in left(tmp_path / "cache")


def test_a_jar_that_breaks_off_each_time_is_not_kept(served: Repository, lock: Path, tmp_path: Path) -> None:
    served.cut[THREE] = 3
    assert refusal(lock, JarSettings(served.url, tmp_path / "cache")) == (
        f"three-1.jar cannot be downloaded from 127.0.0.1: IncompleteRead(100 bytes read, 4900 more expected); {REMEDY}"
    )
    assert served.asked[THREE] == 3
    assert not [name for name in left(tmp_path / "cache") if name.startswith(THREE)]


def test_a_jar_with_another_checksum_is_not_kept(served: Repository, lock: Path, tmp_path: Path) -> None:
    served.altered[ONE] = b"evil"
    assert refusal(lock, JarSettings(served.url, tmp_path / "cache")) == (
        "one-1.jar cannot be downloaded from 127.0.0.1: it gives another file than the one we know by its checksum; "
        + REMEDY
    )
    assert served.asked[ONE] == 3
    assert not [name for name in left(tmp_path / "cache") if name.startswith(ONE)]


def test_without_a_network_the_line_says_what_to_do(lock: Path, tmp_path: Path) -> None:
    said = refusal(lock, JarSettings(f"http://127.0.0.1:{free_port()}/maven2", tmp_path / "cache"))
    assert said.endswith(f"-1.jar cannot be downloaded from 127.0.0.1: Connection refused; {REMEDY}")


def test_a_name_and_a_password_are_sent_and_never_told(served: Repository, lock: Path, tmp_path: Path) -> None:
    served.login = "me:p@ss"
    with_login = served.url.replace("//", "//me:p%40ss@")
    fetch_jars(lock, JarSettings(with_login, tmp_path / "cache"))
    assert left(tmp_path / "cache") == FILES
    served.login = "me:another"
    said = refusal(lock, JarSettings(with_login, tmp_path / "other"))
    assert "it answers 401 Unauthorized" in said
    assert "p@ss" not in said
    assert "p%40ss" not in said


@pytest.mark.parametrize("line", ["org/example/one.jar", "abc  org/example/one.jar", f"{'0' * 64} one", ""])
def test_a_line_without_a_checksum_fetches_nothing(served: Repository, lock: Path, tmp_path: Path, line: str) -> None:
    lock.write_text(f"{lock.read_text()}{line}\n")
    said = refusal(lock, JarSettings(served.url, tmp_path / "cache"))
    assert said == f"{lock}, line 4, is no checksum and path; run make clean setup"
    assert not served.asked


def test_a_cache_that_cannot_be_written_names_its_setting(served: Repository, lock: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    said = refusal(lock, JarSettings(served.url, tmp_path / "cache"))
    assert said.endswith("Not a directory; set XDG_CACHE_HOME to another folder")


MIRROR = "<mirror><id>x</id><mirrorOf>{}</mirrorOf><url> http://mirror/{} </url></mirror>"


@pytest.mark.parametrize("namespace", ["", ' xmlns="http://maven.apache.org/SETTINGS/1.2.0"'])
@pytest.mark.parametrize(
    ("mirrors", "chosen"),
    [
        (["central"], "http://mirror/0"),
        (["*"], "http://mirror/0"),
        (["external:*"], "http://mirror/0"),
        (["other, central"], "http://mirror/0"),
        (["other", "central", "*"], "http://mirror/1"),
        (["*,!other"], "http://mirror/0"),
        (["*,!central"], MAVEN_CENTRAL_URL),
        (["other"], MAVEN_CENTRAL_URL),
        ([], MAVEN_CENTRAL_URL),
    ],
)
def test_a_mirror_of_mavens_settings_stands_for_central(
    tmp_path: Path, namespace: str, mirrors: list[str], chosen: str
) -> None:
    inner = "".join(MIRROR.format(names, number) for number, names in enumerate(mirrors))
    (tmp_path / "settings.xml").write_text(f"<settings{namespace}><mirrors>{inner}</mirrors></settings>")
    assert maven_repository(tmp_path / "settings.xml") == chosen


def test_without_mavens_settings_it_is_central(tmp_path: Path) -> None:
    assert maven_repository(tmp_path / "settings.xml") == MAVEN_CENTRAL_URL


def test_broken_settings_of_maven_are_told(tmp_path: Path) -> None:
    (tmp_path / "settings.xml").write_text("<settings>")
    with pytest.raises(
        EmbeddedError, match=r"settings\.xml cannot be read: no element found.*; correct it, or set MAVEN"
    ):
        maven_repository(tmp_path / "settings.xml")


@pytest.mark.parametrize("url", ["file:///etc", "ftp://host/maven2", "https://", "maven2"])
def test_a_repository_that_is_no_web_address_is_refused(lock: Path, tmp_path: Path, url: str) -> None:
    said = refusal(lock, JarSettings(url, tmp_path / "cache"))
    assert said == "the Maven repository has no usable URL; set MAVEN_REPOSITORY_URL to https://host/path"


def test_the_locks_of_the_engines_name_each_jar_once() -> None:
    engines = (TINKERGRAPH, TRANSACTIONAL, JANUSGRAPH)
    names = [[line[66:] for line in engine.jars.read_text().splitlines()] for engine in engines]
    assert [len(each) for each in names] == [26, 26, 68]
    for each in names:
        assert each == sorted(set(each))
        # One version of an artifact: two on a class path are one of them by chance.
        artifacts = Counter(path.rsplit("/", 2)[0] for path in each)
        assert set(artifacts.values()) == {1}
    assert "org/apache/commons/commons-lang3/3.17.0/commons-lang3-3.17.0.jar" in names[2]
