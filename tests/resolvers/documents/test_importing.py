"""Files are imported once, changed ones again, and a bad file is named and stops no other."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from commands.main import application
from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.documents.errors import DocumentFileError
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.records.documents import DocumentKind
from datasources.sources import Sources
from resolvers.documents.importing import DocumentImportOptions, DocumentImportReport, import_documents
from resolvers.documents.indexing import index_documents
from tests.fixtures.databases import create_database

RUNBOOKS = Path(__file__).parents[4] / "shared" / "data" / "gitlab_runbooks" / "docs.jsonl.gz"
ITEM = "00000000-0000-7000-8000-000000000001"


@pytest.fixture(scope="module")
def database_url(postgres: EmbeddedPostgres) -> str:
    url = create_database(postgres, "document_files")
    execute(url, "INSERT INTO teams (id, key, name) VALUES (gen_random_uuid(), 'security', 'Security')")
    execute(url, "INSERT INTO teams (id, key, name) VALUES (gen_random_uuid(), 'storage', 'Storage')")
    execute(
        url, "INSERT INTO configuration_item_classes (key, name) VALUES ('server', 'Server') ON CONFLICT DO NOTHING"
    )
    execute(url, "INSERT INTO configuration_items (id, name, class_key) VALUES (%s, 'redis', 'server')", ITEM)
    execute(
        url,
        "INSERT INTO configuration_item_keys (configuration_item_id, source, key) VALUES (%s, 'gitlab', 'redis')",
        ITEM,
    )
    return url


@pytest.fixture
def url(database_url: str) -> str:
    execute(database_url, "DELETE FROM documents")
    return database_url


@pytest.fixture
async def sources(url: str) -> AsyncIterator[Sources]:
    main = Database("main", url)
    yield Sources(main, main, RecursiveGraph(main), NoCache())
    await main.close()


def execute(url: str, text: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(text.encode(), values)
        return cursor.fetchall() if cursor.description is not None else []


def documents(url: str) -> list[tuple[object, ...]]:
    return execute(
        url,
        "SELECT d.key, d.kind, d.title, d.body, d.source, d.version, t.key, r.key,"
        " (SELECT count(*) FROM document_configuration_items x WHERE x.document_id = d.id)"
        " FROM documents d LEFT JOIN teams t ON t.id = d.team_id LEFT JOIN teams r ON r.id = d.restricted_team_id"
        " ORDER BY d.key",
    )


def counts(report: DocumentImportReport) -> tuple[int, int, int, int]:
    return report.created, report.changed, report.unchanged, len(report.rejected)


OPTIONS = DocumentImportOptions()


async def test_files_become_documents_with_their_fields(sources: Sources, url: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.md").write_text("# Fail over\nPromote.")
    (tmp_path / "b.md").write_text(
        "---\ntitle: B\nkey: KB-1\nkind: KNOWLEDGE\nteam: storage\nrestricted_team: security\n"
        "items: [gitlab/redis, gitlab/none]\nx: 1\n---\nbody"
    )
    (tmp_path / "c.txt").write_text("---\nteam: nobody\n---\nbody")
    report = await import_documents(sources, [tmp_path], OPTIONS)
    assert counts(report) == (3, 0, 0, 0)
    assert (report.items_linked, report.items_unknown, report.fields_ignored) == (1, 1, 1)
    assert report.notes == [(str(tmp_path / "c.txt"), "team nobody is not known; left empty")]
    assert documents(url) == [
        ("KB-1", "KNOWLEDGE", "B", "body", "files", 1, "storage", "security", 1),
        ("c", "RUNBOOK", "c", "body", "files", 1, None, None, 0),
        ("sub/a", "RUNBOOK", "Fail over", "# Fail over\nPromote.", "files", 1, None, None, 0),
    ]


async def test_unchanged_files_write_nothing_and_changed_ones_a_version(
    sources: Sources, url: str, tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text("a")
    (tmp_path / "b.md").write_text("---\nrestricted_team: security\nitems: [gitlab/redis]\n---\nb")
    await import_documents(sources, [tmp_path], OPTIONS)
    before = execute(url, "SELECT key, updated_at FROM documents ORDER BY key")
    assert counts(await import_documents(sources, [tmp_path], OPTIONS)) == (0, 0, 2, 0)
    assert execute(url, "SELECT key, updated_at FROM documents ORDER BY key") == before
    (tmp_path / "a.md").write_text("changed")
    assert counts(await import_documents(sources, [tmp_path], OPTIONS)) == (0, 1, 1, 0)
    assert [row[5] for row in documents(url)] == [2, 1]
    # Without the fields the team and the links stay; only an empty field removes them.
    (tmp_path / "b.md").write_text("b")
    assert counts(await import_documents(sources, [tmp_path], OPTIONS)) == (0, 0, 2, 0)
    assert documents(url)[1][7:] == ("security", 1)
    (tmp_path / "b.md").write_text("---\nrestricted_team: ''\nitems: []\n---\nb")
    assert counts(await import_documents(sources, [tmp_path], OPTIONS)) == (0, 1, 1, 0)
    assert documents(url)[1][7:] == (None, 0)


async def test_options_hold_for_files_that_say_nothing_else(sources: Sources, url: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a")
    (tmp_path / "b.md").write_text("---\nkind: RUNBOOK\nrestricted_team: storage\n---\nb")
    options = DocumentImportOptions("wiki", DocumentKind.KNOWLEDGE, "security")
    assert counts(await import_documents(sources, [tmp_path], options)) == (2, 0, 0, 0)
    assert [(row[1], row[4], row[7]) for row in documents(url)] == [
        ("KNOWLEDGE", "wiki", "security"),
        ("RUNBOOK", "wiki", "storage"),
    ]


async def test_bad_files_are_named_and_leave_nothing(sources: Sources, url: str, tmp_path: Path) -> None:
    execute(url, "INSERT INTO documents (id, key, title, source) VALUES (gen_random_uuid(), 'd', 'D', 'wiki')")
    for name, text in {
        "a.md": "---\nkind: x\n---\n",
        "b.md": "---\nrestricted_team: absent\n---\nsecret",
        "c.md": "c",
        "c.txt": "c",
        "d.md": "d",
        "z.md": "z",
    }.items():
        (tmp_path / name).write_text(text)
    report = await import_documents(sources, [tmp_path], DocumentImportOptions(prune=True))
    assert counts(report) == (2, 0, 0, 4)
    assert report.rejected == [
        (str(tmp_path / "a.md"), "line 2: kind is unknown; write RUNBOOK or KNOWLEDGE"),
        (str(tmp_path / "b.md"), "restricted team absent is not known; import the team first"),
        (str(tmp_path / "c.txt"), f"its key is also that of {tmp_path / 'c.md'}; give one of them another key"),
        (
            str(tmp_path / "d.md"),
            "its key is that of a document of source wiki; give it another key, or import as that source",
        ),
    ]
    assert [row[0] for row in documents(url)] == ["c", "d", "z"]
    assert (report.pruned, report.refusal) == (
        0,
        "files were rejected, and their documents may be stored; correct them first",
    )


async def test_prune_deletes_what_no_file_of_the_source_has(sources: Sources, url: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.md").write_text(f"---\nitems: [gitlab/redis]\n---\n{name}")
    execute(url, "INSERT INTO documents (id, key, title, source) VALUES (gen_random_uuid(), 'x', 'X', 'wiki')")
    await import_documents(sources, [tmp_path], OPTIONS)
    await index_documents(sources)
    (tmp_path / "a.md").unlink()
    assert (await import_documents(sources, [tmp_path], OPTIONS)).pruned == 0
    report = await import_documents(sources, [tmp_path], DocumentImportOptions(prune=True))
    assert (report.pruned, [row[0] for row in documents(url)]) == (1, ["b", "x"])
    (tmp_path / "b.md").unlink()
    report = await import_documents(sources, [tmp_path], DocumentImportOptions(prune=True))
    assert report.refusal == "no file was found, so all documents would be deleted; check the paths"
    assert [row[0] for row in documents(url)] == ["b", "x"]


async def test_a_path_that_does_not_exist_stops_the_import(sources: Sources, url: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a")
    with pytest.raises(DocumentFileError):
        await import_documents(sources, [tmp_path, tmp_path / "absent"], OPTIONS)
    assert documents(url) == []


def test_the_command_imports_and_indexes(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("REQUIREMENTS_URL", url.replace("/document_files", "/postgres"))
    monkeypatch.setenv("REDIS_URL", "off")
    monkeypatch.setenv("STACKFLOW_STATE", str(tmp_path / "state"))
    monkeypatch.setattr("commands.documents.migrate", lambda *_: None)
    files = tmp_path / "files"
    files.mkdir()
    (files / "a.md").write_text("# Fail over\nPromote.")
    (files / "b.md").write_bytes(b"\xff")

    def run(*arguments: str) -> tuple[int, list[str]]:
        result = CliRunner().invoke(application, ["documents", *arguments])
        return result.exit_code, result.output.splitlines()

    code, lines = run("import", str(files))
    assert (code, lines[:-1]) == (
        0,
        [
            "documents: 1 new, 0 changed, 0 unchanged",
            "1 documents indexed",
            "1 files rejected",
            f"rejected: {files / 'b.md'}: byte 0 is not UTF-8; save it as UTF-8",
        ],
    )
    assert execute(url, "SELECT heading FROM document_chunks") == [("Fail over",)]
    code, lines = run("import", str(files), "--json")
    assert (code, json.loads(lines[0])["unchanged"], json.loads(lines[0])["indexed"]) == (0, 1, 0)
    assert run("index")[1][0].startswith("0 documents were indexed in ")
    assert run("import", str(files), "--kind", "NOTE")[0] == 2
    # An unset variable of a shell must not lift a restriction.
    for option in ("--restricted-team", "--source"):
        result = CliRunner().invoke(application, ["documents", "import", str(files), option, " "])
        assert str(result.exception) == f"{option} is empty; write its value"
    # The same file by two paths.
    assert run("import", str(files), str(files / "a.md"))[1][0] == "documents: 0 new, 0 changed, 1 unchanged"


async def test_nothing_is_pruned_while_a_file_is_lost(sources: Sources, url: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a")
    (tmp_path / "b.md").write_text("b")
    await import_documents(sources, [tmp_path], OPTIONS)
    (tmp_path / "b.md").unlink()
    (tmp_path / "b.md").symlink_to(tmp_path / "lost.md")
    report = await import_documents(sources, [tmp_path], DocumentImportOptions(prune=True))
    assert (report.pruned, len(documents(url)), len(report.rejected)) == (0, 2, 1)
    assert report.refusal == "files were rejected, and their documents may be stored; correct them first"


@pytest.mark.skipif(not RUNBOOKS.exists(), reason="the runbooks of GitLab are not here")
async def test_the_runbooks_of_gitlab(sources: Sources, url: str, tmp_path: Path) -> None:
    with gzip.open(RUNBOOKS, "rt") as lines:
        for line in lines:
            document = json.loads(line)
            path = tmp_path / document["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(document["text"] or "")
    report = await import_documents(sources, [tmp_path], OPTIONS)
    assert (counts(report), await index_documents(sources)) == ((414, 0, 0, 0), 414)
    assert execute(url, "SELECT count(*) FROM document_chunks") == [(2_766,)]
    assert counts(await import_documents(sources, [tmp_path], OPTIONS)) == (0, 0, 414, 0)
