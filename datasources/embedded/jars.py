"""Jars of a lock file: downloaded once from a Maven repository, verified on every use, and cached."""

import base64
import hashlib
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen
from xml.etree import ElementTree

from datasources.config import JarSettings
from datasources.embedded.process import EmbeddedError, explain_write_errors

# https://maven.apache.org/repositories/central.html
MAVEN_CENTRAL_URL = "https://repo.maven.apache.org/maven2"
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


class _Jar(NamedTuple):
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
    jars = _read_lock(lock)
    missing = [jar for jar in jars if not _is_cached(cache / jar.path, jar)]
    if missing:
        present = len(jars) - len(missing)
        requests = [_request(settings.repository or maven_repository(), jar) for jar in missing]
        tell(present, len(jars))
        with ThreadPoolExecutor(_MAX_DOWNLOADS) as threads:
            running = [threads.submit(_download, *pair, cache) for pair in zip(requests, missing, strict=True)]
            try:
                for done, one in enumerate(as_completed(running), present + 1):
                    one.result()
                    tell(done, len(jars))
            finally:
                # After the first failure, the other downloads are useless.
                threads.shutdown(cancel_futures=True)
    return [cache / jar.path for jar in jars]


def _read_lock(lock: Path) -> list[_Jar]:
    jars = []
    for number, line in enumerate(lock.read_text().splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise EmbeddedError(f"{lock}, line {number}, is no checksum and path; run make clean setup")
        jars.append(_Jar(match[1], match[2]))
    return jars


def _is_cached(file: Path, jar: _Jar) -> bool:
    try:
        return jar.matches_checksum(file.read_bytes())
    except OSError:
        return False


def _request(repository: str, jar: _Jar) -> Request:
    parts = urlsplit(repository)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise EmbeddedError("the Maven repository has no usable URL; set MAVEN_REPOSITORY_URL to https://host/path")
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], path=parts.path.rstrip("/"), query="", fragment="")
    request = Request(f"{bare.geturl()}/{jar.path}")  # noqa: S310 the scheme was checked above
    if parts.username:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        # Credentials of the URL never appear in a message, and no other host receives them after a redirect.
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
    return request


def _download(request: Request, jar: _Jar, cache: Path) -> None:
    data = _get(request, jar)
    file = cache / jar.path
    with explain_write_errors(cache, "XDG_CACHE_HOME"):
        file.parent.mkdir(parents=True, exist_ok=True)
        # Another process may download the same jar: each writes a separate file, and the last complete one wins.
        new = file.with_name(f"{file.name}.{os.getpid()}.new")
        new.write_bytes(data)
        new.replace(file)


def _get(request: Request, jar: _Jar) -> bytes:
    """Download a jar, in up to three tries."""
    reason = ""
    for attempt in range(MAX_TRIES):
        if attempt:
            time.sleep(_RETRY_PAUSE_SECONDS * 2**attempt)
        try:
            with urlopen(request, timeout=READ_TIMEOUT_SECONDS) as reply:  # noqa: S310 as above
                data: bytes = reply.read()
        except HTTPError as error:
            reason = f"it answers {error.code} {error.reason}"
            error.close()
            if error.code < 500:
                # Another try would have the same result.
                break
        except (OSError, HTTPException) as error:
            # urllib wraps the error of the operating system.
            cause = getattr(error, "reason", error)
            reason = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        else:
            if jar.matches_checksum(data):
                return data
            reason = "it gives another file than the one we know by its checksum"
    raise EmbeddedError(
        f"{jar.path.rpartition('/')[2]} cannot be downloaded from {urlsplit(request.full_url).hostname}: {reason}; "
        "look to the network, or set MAVEN_REPOSITORY_URL to a Maven repository that this machine may use"
    )


def maven_repository(settings: Path = MAVEN_SETTINGS_PATH) -> str:
    """Return the URL of the Maven repository: the mirror of central in Maven's settings, or central itself."""
    file = settings.expanduser()
    try:
        root = ElementTree.parse(file).getroot()  # noqa: S314 the user's own file
    except FileNotFoundError:
        return MAVEN_CENTRAL_URL
    except (OSError, ElementTree.ParseError) as error:
        raise EmbeddedError(f"{file} cannot be read: {error}; correct it, or set MAVEN_REPOSITORY_URL") from error
    for mirror in root.iterfind("{*}mirrors/{*}mirror"):
        names = {name.strip() for name in mirror.findtext("{*}mirrorOf", "").split(",")}
        url = mirror.findtext("{*}url", "").strip()
        if url and names & _CENTRAL and "!central" not in names:
            return url
    return MAVEN_CENTRAL_URL
