"""Files as documents: which files a path names, and what each of them holds."""

import codecs
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from datasources.documents.errors import DocumentFileError
from datasources.documents.front_matter import FrontMatter, split_front_matter
from datasources.documents.html import convert_html
from datasources.documents.markdown import first_heading
from datasources.values import key_violation, text_violation

MAX_FILE_BYTES = 5_000_000
HTML_SUFFIXES = frozenset({".html", ".htm"})
SUFFIXES = frozenset({".md", ".markdown", ".txt", *HTML_SUFFIXES})


class DocumentFile(Struct, frozen=True):
    """A document as a file holds it, with its key and title, and front matter for all else."""

    key: str
    title: str
    body: str
    front_matter: FrontMatter


def find_files(paths: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Yield each file of the paths with its default key: its path below the folder, without extension, by name.

    Hidden folders, links to folders and links out of the folder are not followed. A folder that cannot be read is among
    the files, so that it is rejected. Raise DocumentFileError for a path that does not exist or cannot be read.
    """
    for path in paths:
        try:
            is_folder, is_file = path.is_dir(), path.is_file()
        except OSError as error:
            raise DocumentFileError(f"{path} cannot be read: {error.strerror}") from error
        if is_folder:
            for file in sorted(_walk(path)):
                yield file.relative_to(path).with_suffix("").as_posix(), file
        elif is_file:
            yield path.stem, path
        else:
            raise DocumentFileError(f"{path} is no file and no folder; check the path")


def _walk(folder: Path) -> Iterator[Path]:
    unreadable: list[Path] = []
    root = folder.resolve()
    for parent, folders, names in os.walk(folder, onerror=lambda error: unreadable.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            file = Path(parent, name)
            if file.suffix.lower() in SUFFIXES and not name.startswith(".") and _is_importable(file, root):
                yield file
    yield from unreadable


def _is_importable(file: Path, root: Path) -> bool:
    """Whether it is a file below the root. A lost or unreadable one is, too: it is rejected when it is read."""
    try:
        return file.resolve().is_relative_to(root) and (file.is_file() or not file.exists())
    except OSError:
        return True


def read_document(default_key: str, path: Path) -> DocumentFile:
    """Return the document in a file. Raise DocumentFileError with the reason if it cannot be imported."""
    if path.is_dir():
        raise DocumentFileError("the folder cannot be read; check its permissions")
    if path.suffix.lower() not in SUFFIXES:
        raise DocumentFileError(f"its format is unknown; give a file of {', '.join(sorted(SUFFIXES))}")
    front_matter, body = split_front_matter(_text(path))
    page_title = ""
    if path.suffix.lower() in HTML_SUFFIXES:
        page_title, body = convert_html(body)
        if len(body) > MAX_FILE_BYTES:
            raise DocumentFileError(f"its text has more than {MAX_FILE_BYTES:,} characters; split it")
    key = front_matter.key or default_key
    title = front_matter.title or first_heading(body) or page_title or path.stem
    for name, text in (("key", key), ("title", title)):
        if violation := text_violation(text) or key_violation(text):
            raise DocumentFileError(f"its {name} {violation}")
    if violation := text_violation(body):
        raise DocumentFileError(f"its text {violation}")
    return DocumentFile(key, title, body, front_matter)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DocumentFileError(f"larger than {MAX_FILE_BYTES:,} bytes; split it")
        data = path.read_bytes()
    except OSError as error:
        raise DocumentFileError(f"cannot be read: {error.strerror}") from error
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not is_utf16 and b"\0" in data:
        raise DocumentFileError("has NUL bytes, so it is no text; save it as UTF-8")
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        encoding = "UTF-16" if is_utf16 else "UTF-8"
        raise DocumentFileError(f"byte {error.start:,} is not {encoding}; save it as UTF-8") from error
