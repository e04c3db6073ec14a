"""Jars of a lock file: downloaded once from the machine's Maven repository, checked each time, kept in one cache."""

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import HTTPBasicAuthHandler, HTTPPasswordMgrWithDefaultRealm, OpenerDirector, build_opener
from xml.etree import ElementTree

from datasources.config import JarSettings
from datasources.embedded.process import EmbeddedError, explain_write_errors

MAVEN_SETTINGS_PATH = Path("~/.m2/settings.xml")
MAX_TRIES = 3
# Seconds; of silence, not of a whole download.
READ_TIMEOUT_SECONDS = 30.0
_MAX_DOWNLOADS = 8
_RETRY_PAUSE_SECONDS = 0.2
_LINE = re.compile(r"([0-9a-f]{64})  ([\w./-]+\.jar)")
# The names by which a mirror of Maven's settings stands for its central repository.
_CENTRAL = {"central", "*", "external:*"}

# Told how many jars are there and how many there will be, whenever one has come; never if none is missing.
ProgressCallback = Callable[[int, int], None]


def ignore_progress(done: int, total: int) -> None:
    """Whoever does not want to hear."""


@dataclass(frozen=True, slots=True)
class _Jar:
    sha256: str
    path: str

    def matches_checksum(self, data: bytes) -> bool:
        return hashlib.sha256(data).hexdigest() == self.sha256


def fetch_jars(lock: Path, settings: JarSettings, tell: ProgressCallback = ignore_progress) -> list[Path]:
    """The jars of a lock, in its order, each with the lock's checksum. Blocks; eight downloads at a time.

    A lock has a line `sha256  path/in/the/repository.jar` for each. EmbeddedError if one can't be had.
    """
    cache = settings.cache.expanduser()
    wanted = _read_lock(lock)
    missing = [jar for jar in wanted if not _is_cached(cache / jar.path, jar)]
    if missing:
        source = _Repository(settings.repository or maven_repository())
        tell(len(wanted) - len(missing), len(wanted))
        for done, _ in enumerate(_download_all(missing, source, cache), len(wanted) - len(missing) + 1):
            tell(done, len(wanted))
    return [cache / jar.path for jar in wanted]


def _read_lock(lock: Path) -> list[_Jar]:
    lines = lock.read_text().splitlines()
    found = [_LINE.fullmatch(line) for line in lines]
    for number, line in enumerate(found, 1):
        if line is None:
            raise EmbeddedError(f"{lock}, line {number}, is no checksum and path; run make clean setup")
    return [_Jar(line[1], line[2]) for line in found if line is not None]


def _is_cached(file: Path, jar: _Jar) -> bool:
    try:
        return jar.matches_checksum(file.read_bytes())
    except OSError:
        return False


def _download_all(missing: Sequence[_Jar], source: "_Repository", cache: Path) -> Iterator[None]:
    with ThreadPoolExecutor(_MAX_DOWNLOADS) as threads:
        running = [threads.submit(_download, source, jar, cache) for jar in missing]
        try:
            for one in as_completed(running):
                yield one.result()
        finally:
            # After the first failure nobody wants the rest.
            threads.shutdown(cancel_futures=True)


def _download(source: "_Repository", jar: _Jar, cache: Path) -> None:
    data = source.get(jar)
    file = cache / jar.path
    with explain_write_errors(cache, "XDG_CACHE_HOME"):
        file.parent.mkdir(parents=True, exist_ok=True)
        # Another process may fetch the same one now: each writes its own and the last whole one stays.
        new = file.with_name(f"{file.name}.{os.getpid()}.new")
        new.write_bytes(data)
        new.replace(file)


class _Repository:
    def __init__(self, url: str) -> None:
        # A name and a password in the URL are sent when the server asks for them, and stand in no message.
        parts = urlsplit(url)
        bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise EmbeddedError("the Maven repository has no usable URL; set MAVEN_REPOSITORY_URL to https://host/path")
        self._url = bare
        self._host = parts.hostname
        self._opener = _opener(bare, unquote(parts.username or ""), unquote(parts.password or ""))

    def get(self, jar: _Jar) -> bytes:
        """The jar's bytes, in three tries."""
        for attempt in range(1, MAX_TRIES + 1):
            try:
                # The scheme was looked at above.
                with self._opener.open(f"{self._url}/{jar.path}", timeout=READ_TIMEOUT_SECONDS) as reply:
                    data: bytes = reply.read()
            except HTTPError as error:
                # Asked again, it would say the same.
                reason, again = f"it answers {error.code} {error.reason}", error.code >= 500
                error.close()
            except (OSError, HTTPException) as error:
                reason, again = _reason(error), True
            else:
                if jar.matches_checksum(data):
                    return data
                reason, again = "it gives another file than the one we know by its checksum", True
            if not again:
                break
            if attempt < MAX_TRIES:
                time.sleep(_RETRY_PAUSE_SECONDS * 2**attempt)
        raise EmbeddedError(
            f"{jar.path.rpartition('/')[2]} cannot be downloaded from {self._host}: {reason}; "
            "look to the network, or set MAVEN_REPOSITORY_URL to a Maven repository that this machine may use"
        )


def _reason(error: OSError | HTTPException) -> str:
    # urllib wraps what the operating system said.
    cause = getattr(error, "reason", error)
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _opener(url: str, user: str, password: str) -> OpenerDirector:
    if not user:
        return build_opener()
    known = HTTPPasswordMgrWithDefaultRealm()
    known.add_password(None, url, user, password)
    return build_opener(HTTPBasicAuthHandler(known))


def maven_repository(settings: Path = MAVEN_SETTINGS_PATH) -> str:
    """The machine's Maven repository: the mirror of central that Maven's settings name, or central itself."""
    return _mirror(settings.expanduser()) or _central()


def _mirror(file: Path) -> str | None:
    try:
        root = ElementTree.parse(file).getroot()  # noqa: S314 the user's own file
    except FileNotFoundError:
        return None
    except (OSError, ElementTree.ParseError) as error:
        raise EmbeddedError(f"{file} cannot be read: {error}; mend it, or set MAVEN_REPOSITORY_URL") from error
    for mirror in root.iterfind("{*}mirrors/{*}mirror"):
        names = {name.strip() for name in mirror.findtext("{*}mirrorOf", "").split(",")}
        url = mirror.findtext("{*}url", "").strip()
        if url and names & _CENTRAL and "!central" not in names:
            return url
    return None


def _central() -> str:
    try:
        from jgo.constants import MAVEN_CENTRAL_URL
    except ModuleNotFoundError as error:
        raise EmbeddedError("jgo is not installed; run make setup GRAPH=gremlin, or set GRAPH_URL") from error
    return str(MAVEN_CENTRAL_URL)
