"""The page about settings and the settings agree: names, defaults and bounds."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import settings
from settings import SettingsError
from settings.__main__ import HEAD, table

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `([A-Z0-9_]+)` \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
BOUNDS = re.compile(r"([\d.]+) to ([\d.]+)")

PAGE = {name: (meaning, default, bounds) for name, meaning, default, bounds in ROW.findall(
    (ROOT / "docs" / "settings.md").read_text()
)}  # fmt: skip
NUMBERS = {
    name: tuple(map(float, found.groups()))
    for name, (_, _, bounds) in PAGE.items()
    if (found := BOUNDS.fullmatch(bounds))
}

# Enough that every variable is read.
WHOLE = {
    "DATABASE_URL": "postgresql://h/d", "REQUIREMENTS_URL": "postgresql://h/r", "REDIS_URL": "redis://h",
    "OIDC_ISSUER": "https://issuer", "OIDC_AUDIENCE": "stackflow", "GRAPH_URL": "wss://h", "GRAPH_IAM": "on",
    "AWS_REGION": "eu-west-1", "KNOWLEDGE_BASE_ID": "BXJGG7PIPS",
}  # fmt: skip

PUBLICATION = {"KNOWLEDGE_BUCKET": "documents", "KNOWLEDGE_DATA_SOURCE_ID": "DS12345678"}


class Watched(Mapping[str, str]):
    """An environment that notes which variables are asked for."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = given
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.given[name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("settings are read by name")

    def __len__(self) -> int:
        return len(self.given)


def test_the_page_has_the_table_of_the_declarations() -> None:
    """`python -m settings` prints it."""
    page = (ROOT / "docs" / "settings.md").read_text()
    assert page.count(HEAD) == 1
    assert page[page.index(HEAD) :].partition("\n\n")[0] + "\n" == table()


def test_every_variable_has_its_row_and_no_other() -> None:
    watched = Watched(WHOLE)
    settings.load_settings(watched)
    assert watched.asked == set(PAGE)


def test_every_variable_that_the_text_names_was_asked_for() -> None:
    """So that one read on a branch of its own is not missed."""
    paths = [ROOT / "datasources" / "config.py", *(ROOT / "settings").glob("*.py")]
    trees = [ast.parse(path.read_text()) for path in paths]
    texts = {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    named = {text for text in texts if re.fullmatch(r"[A-Z]+(_[A-Z0-9]+)+", text)}
    # The names without an underscore, and one that begins with it.
    assert named | {"GRAPH", "LANGUAGE", "PROJECTION", "STREAMS", "_HANDLER"} == set(PAGE)


def test_most_variables_are_numbers_with_bounds() -> None:
    assert len(NUMBERS) == 27


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_bounds_and_default_of_a_number_are_as_the_page_says(name: str) -> None:
    least, most = NUMBERS[name]
    for inside in (least, most):
        settings.load_settings(WHOLE | {name: f"{inside:g}" if inside < 1e6 else str(int(inside))})
    for outside in (least - 0.001 if least < 1 else least - 1, most + 1):
        with pytest.raises(SettingsError, match=f"{name} is .*between"):
            settings.load_settings(WHOLE | {name: str(outside)})
    assert settings.load_settings(WHOLE | {name: PAGE[name][1]}) == settings.load_settings(WHOLE)


@pytest.mark.parametrize("name", sorted(name for name, row in PAGE.items() if row[1].startswith("`")))
def test_the_default_of_a_text_is_as_the_page_says(name: str) -> None:
    assert settings.load_settings(WHOLE | {name: PAGE[name][1].strip("`")}) == settings.load_settings(WHOLE)
    others = re.findall(r"`([a-zA-Z-]+)`", PAGE[name][2]) or ["debug"]
    assert {settings.load_settings(WHOLE | {name: other}) == settings.load_settings(WHOLE) for other in others} != {
        True
    }


@pytest.mark.parametrize("name", ["GRAPH", "GRAPH_HOPS"])
def test_a_choice_is_one_of_those_on_the_page(name: str) -> None:
    choices = re.findall(r"`([a-z-]+)`", PAGE[name][2])
    assert len({settings.load_settings(WHOLE | {name: choice}).graph for choice in choices}) == len(choices)
    with pytest.raises(SettingsError, match=f"{name} is 'neo'; write one of {', '.join(choices)}"):
        settings.load_settings(WHOLE | {name: "neo"})


@pytest.mark.parametrize(
    ("lacking", "given"),
    [
        ("GRAPH_URL", {"GRAPH_READER_URL": "wss://h"}),
        ("AWS_REGION", {"GRAPH_IAM": "on"}),
        ("GRAPH_LOADER_BUCKET", {"GRAPH_LOADER_ROLE": "arn:role"}),
        ("GRAPH_LOADER_BUCKET", {"GRAPH_LOADER_ROLE": "arn:role", "GRAPH_LOADER_BUCKET": "bucket"}),
        ("GRAPH_LOADER_ROLE", {"GRAPH_LOADER_BUCKET": "s3://bucket/graph"}),
    ],
)
def test_half_of_the_graph_is_refused_and_the_other_half_named(lacking: str, given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=lacking):
        settings.load_settings(given)


@pytest.mark.parametrize(
    ("error", "given"),
    [
        ("AWS_REGION is missing; set it to the region of Bedrock", {"LANGUAGE": "bedrock"}),
        ("KNOWLEDGE_BASE_ID is missing", {"BEDROCK_GENERATION": "retrieve-and-generate"}),
        ("KNOWLEDGE_BASE_ID is 'BXJGG7PIPS2'; write ten letters and digits", {"KNOWLEDGE_BASE_ID": "BXJGG7PIPS2"}),
        ("KNOWLEDGE_BUCKET is missing", {"KNOWLEDGE_DATA_SOURCE_ID": "DS12345678"}),
        ("KNOWLEDGE_DATA_SOURCE_ID is missing", {"KNOWLEDGE_BUCKET": "documents"}),
        ("KNOWLEDGE_BASE_ID is missing", PUBLICATION),
        (
            "AWS_REGION is missing; set it to the region of the knowledge base",
            PUBLICATION | {"KNOWLEDGE_BASE_ID": "BXJGG7PIPS"},
        ),
        ("KNOWLEDGE_BUCKET is 's3://documents'; write the name of a bucket", {"KNOWLEDGE_BUCKET": "s3://documents"}),
        ("BEDROCK_GUARDRAIL is 'gr1'; write it as id:version", {"BEDROCK_GUARDRAIL": "gr1"}),
    ],
)
def test_half_of_bedrock_is_refused_and_the_other_half_named(error: str, given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=error):
        settings.load_settings(given)


QUEUES = [name for name in PAGE if name.endswith("_QUEUE_URL")]


def test_the_urls_of_queues_are_read_each_for_its_own() -> None:
    assert len(QUEUES) == 4
    for name in QUEUES:
        queues = settings.load_settings(WHOLE | {name: "https://sqs/1/q.fifo"}).queues
        assert getattr(queues, name.removesuffix("_QUEUE_URL").lower()) == "https://sqs/1/q.fifo"
        assert queues.region == "eu-west-1"
        with pytest.raises(SettingsError, match=r"AWS_REGION is missing.*the queues"):
            settings.load_settings({name: "https://sqs/1/q.fifo"})
        with pytest.raises(SettingsError, match=f"{name} is not a usable URL"):
            settings.load_settings(WHOLE | {name: "q.fifo"})


def test_only_events_need_a_fifo_queue() -> None:
    for name in QUEUES:
        if name != "EVENTS_QUEUE_URL":
            assert settings.load_settings(WHOLE | {name: "https://sqs/1/q"}) != settings.load_settings(WHOLE)
    with pytest.raises(SettingsError, match=r"EVENTS_QUEUE_URL is no FIFO queue.*\.fifo"):
        settings.load_settings(WHOLE | {"EVENTS_QUEUE_URL": "https://sqs/1/q"})


def test_a_log_level_that_does_not_exist_is_refused() -> None:
    levels = re.findall(r"`([A-Z]+)`", PAGE["STACKFLOW_LOG_LEVEL"][2])
    assert {settings.load_settings({"STACKFLOW_LOG_LEVEL": each.lower()}).log_level for each in levels} == set(levels)
    with pytest.raises(SettingsError, match="STACKFLOW_LOG_LEVEL is 'loud'; write one of DEBUG, INFO, WARNING, ERROR"):
        settings.load_settings({"STACKFLOW_LOG_LEVEL": "loud"})


def test_a_switch_is_on_or_off() -> None:
    assert PAGE["DATABASE_PREPARE"][1:] == ("off", "on or off")
    assert settings.load_settings(WHOLE | {"DATABASE_PREPARE": "off"}) == settings.load_settings(WHOLE)
    assert settings.load_settings(WHOLE | {"DATABASE_PREPARE": "on"}) != settings.load_settings(WHOLE)
    with pytest.raises(SettingsError, match="write on or off"):
        settings.load_settings(WHOLE | {"DATABASE_PREPARE": "maybe"})


ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:main"
VERIFIED = "postgresql://api@h/d?sslmode=verify-full&sslrootcert=ca.pem"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"DATABASE_IAM": "on", "DATABASE_URL": "postgresql://api@h/d"}, "DATABASE_URL does not verify"),
        ({"DATABASE_IAM": "on", "DATABASE_URL": VERIFIED.replace("full", "ca")}, "DATABASE_URL does not verify"),
        ({"DATABASE_IAM": "on", "REQUIREMENTS_URL": "postgresql://api@h/d"}, "REQUIREMENTS_URL does not verify"),
        ({"DATABASE_IAM": "on", "DATABASE_URL": VERIFIED.replace("api@", "")}, "DATABASE_URL names no user"),
        ({"DATABASE_IAM": "on", "DATABASE_URL": VERIFIED.replace("@", ":hush@")}, "DATABASE_URL holds a password"),
        ({"DATABASE_IAM": "on", "DATABASE_URL": VERIFIED, "AWS_REGION": ""}, "AWS_REGION is missing"),
        ({"DATABASE_IAM": "on", "DATABASE_URL": VERIFIED, "DATABASE_SECRET": ARN}, "DATABASE_SECRET and DATABASE_IAM"),
        ({"DATABASE_SECRET": "hush", "DATABASE_URL": VERIFIED}, "DATABASE_SECRET is no ARN"),
        ({"DATABASE_SECRET": ARN, "DATABASE_URL": "postgresql://h/d"}, "DATABASE_URL does not verify"),
        ({"DATABASE_SECRET": ARN}, "DATABASE_URL is missing"),
        ({"REQUIREMENTS_SECRET": ARN}, "REQUIREMENTS_URL is missing"),
        ({"REDIS_SECRET": ARN}, "REDIS_URL is missing"),
        ({"REDIS_SECRET": ARN, "REDIS_URL": "redis://h"}, "REDIS_URL is without TLS"),
        ({"REDIS_SECRET": ARN, "REDIS_URL": "rediss://:hush@h"}, "REDIS_URL holds a token"),
    ],
)
def test_what_aws_signs_in_to_is_verified_and_named_once(given: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        settings.load_settings({"AWS_REGION": "us-east-1"} | given)
    assert "hush" not in str(caught.value)


def test_secrets_and_tokens_are_read_each_for_its_own() -> None:
    by_secret = settings.load_settings({
        "DATABASE_URL": VERIFIED, "DATABASE_SECRET": ARN, "REQUIREMENTS_URL": VERIFIED,
        "REQUIREMENTS_SECRET": f"{ARN}2", "REDIS_URL": "rediss://h", "REDIS_SECRET": f"{ARN}3",
    })  # fmt: skip
    found = [store.secret for store in (by_secret.main, by_secret.requirements, by_secret.cache) if store is not None]
    assert [(each.variable, each.arn, each.region) for each in found if each is not None] == [
        ("DATABASE_SECRET", ARN, "us-east-1"),
        ("REQUIREMENTS_SECRET", f"{ARN}2", "us-east-1"),
        ("REDIS_SECRET", f"{ARN}3", "us-east-1"),
    ]
    signed = settings.load_settings({"DATABASE_URL": VERIFIED, "DATABASE_IAM": "on", "AWS_REGION": "eu-west-1"}).main
    assert signed is not None
    assert signed.signing is not None
    assert signed.signing.region == "eu-west-1"
    assert settings.load_settings({"STACKFLOW_ENVIRONMENT": "prod"}).seen.environment == "prod"
