"""Jars of a lock file: downloaded once from a Maven repository, verified on every use, and cached."""

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
# The timeout of a read, in seconds, not of a whole download.
READ_TIMEOUT_SECONDS = 30.0
_MAX_DOWNLOADS = 8
_RETRY_PAUSE_SECONDS = 0.2
_LINE = re.compile(r"([0-9a-f]{64})  ([\w./-]+\.jar)")
# The names of the central repository in the mirrors of Maven's settings.
_CENTRAL = {"central", "*", "external:*"}

# Called with the numbers of present and of all jars, after each download; never if no jar is missing.
ProgressCallback = Callable[[int, int], None]


def ignore_progress(done: int, total: int) -> None:
    """Ignore the progress."""


@dataclass(frozen=True, slots=True)
class _Jar:
    sha256: str
    path: str

    def matches_checksum(self, data: bytes) -> bool:
        return hashlib.sha256(data).hexdigest() == self.sha256


def fetch_jars(lock: Path, settings: JarSettings, tell: ProgressCallback = ignore_progress) -> list[Path]:
    """Return the jars of a lock file, in its order, after verifying their checksums.

    Blocks, with up to eight downloads at a time. A lock file has a line `sha256  path/in/the/repository.jar` for each
    jar. Raises EmbeddedError if a jar cannot be fetched.
    """
    cache = settings.cache.expanduser() / "stackflow" / "jars"
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
    matches = [_LINE.fullmatch(line) for line in lines]
    for number, line in enumerate(matches, 1):
        if line is None:
            raise EmbeddedError(f"{lock}, line {number}, is no checksum and path; run make clean setup")
    return [_Jar(line[1], line[2]) for line in matches if line is not None]


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
            # After the first failure, the other downloads are useless.
            threads.shutdown(cancel_futures=True)


def _download(source: "_Repository", jar: _Jar, cache: Path) -> None:
    data = source.get(jar)
    file = cache / jar.path
    with explain_write_errors(cache, "XDG_CACHE_HOME"):
        file.parent.mkdir(parents=True, exist_ok=True)
        # Another process may download the same jar: each writes a separate file, and the last complete one wins.
        new = file.with_name(f"{file.name}.{os.getpid()}.new")
        new.write_bytes(data)
        new.replace(file)


class _Repository:
    def __init__(self, url: str) -> None:
        # Credentials in the URL are sent when the server requests them, and never appear in a message.
        parts = urlsplit(url)
        bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise EmbeddedError("the Maven repository has no usable URL; set MAVEN_REPOSITORY_URL to https://host/path")
        self._url = bare
        self._host = parts.hostname
        self._opener = _opener(bare, unquote(parts.username or ""), unquote(parts.password or ""))

    def get(self, jar: _Jar) -> bytes:
        """Download a jar, in up to three tries."""
        for attempt in range(1, MAX_TRIES + 1):
            try:
                # The scheme was checked above.
                with self._opener.open(f"{self._url}/{jar.path}", timeout=READ_TIMEOUT_SECONDS) as reply:
                    data: bytes = reply.read()
            except HTTPError as error:
                # Another try would have the same result.
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
    # urllib wraps the error of the operating system.
    cause = getattr(error, "reason", error)
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _opener(url: str, user: str, password: str) -> OpenerDirector:
    if not user:
        return build_opener()
    passwords = HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, url, user, password)
    return build_opener(HTTPBasicAuthHandler(passwords))


def maven_repository(settings: Path = MAVEN_SETTINGS_PATH) -> str:
    """Return the URL of the Maven repository: the mirror of central in Maven's settings, or central itself."""
    return _mirror(settings.expanduser()) or _central()


def _mirror(file: Path) -> str | None:
    try:
        root = ElementTree.parse(file).getroot()  # noqa: S314 the user's own file
    except FileNotFoundError:
        return None
    except (OSError, ElementTree.ParseError) as error:
        raise EmbeddedError(f"{file} cannot be read: {error}; correct it, or set MAVEN_REPOSITORY_URL") from error
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
