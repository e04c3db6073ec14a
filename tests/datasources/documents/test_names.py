"""Names in a text: whole identifiers with their lines and counts, and no ordinary words."""

import random
import time

import pytest

from datasources.documents.names import MAX_NAMES, MAX_WORDS, find_names, is_name


def names(text: str) -> dict[str, tuple[int, int]]:
    return {each.name: (each.first_line, each.count) for each in find_names(text)}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Restart redis-01.", "redis-01"),
        ("`REDIS-01`", "redis-01"),
        ("**_redis-01_**", "redis-01"),
        ("ssh redis-01:6379/0", "redis-01"),
        ("ssh deploy@redis-01.example.com", "redis-01.example.com"),
        ("the Persistent Redis 03 node", "persistent redis 03"),
        ("(sidekiq_catchall)", "sidekiq_catchall"),
        ("ask patronictl", "patronictl"),
        ("Büro-Drucker 7", "büro-drucker 7"),
    ],
)
def test_a_whole_name_is_found(text: str, name: str) -> None:
    assert names(text)[name] == (1, 1)


@pytest.mark.parametrize("text", ["redis-01-exporter", "my-redis-01", "redis-011", "xredis-01", "redis - 01"])
def test_a_part_of_a_word_is_no_name(text: str) -> None:
    assert "redis-01" not in names(text)


@pytest.mark.parametrize("word", ["redis", "the", "database", "monitoring", "2026", "10", "web", "a" * 201])
def test_an_ordinary_word_is_no_name(word: str) -> None:
    assert not is_name(word)


def test_names_have_their_first_line_and_count() -> None:
    found = names("Nothing.\n\nRestart redis-01 and Redis-01.\n- redis-01\n")
    assert found["redis-01"] == (3, 3)


def test_a_name_does_not_cross_a_line_or_a_blank_too_many() -> None:
    assert "persistent redis-03" not in names("persistent\nredis-03")
    assert "persistent redis-03" not in names("persistent  redis-03")


def test_names_and_words_are_bounded() -> None:
    assert len(find_names("\n".join(f"host-{number}" for number in range(MAX_NAMES + 10)))) == MAX_NAMES
    assert "late-01" not in names("x " * MAX_WORDS + "late-01")


def test_a_long_document_takes_no_more_than_seconds() -> None:
    chance = random.Random(1)
    text = "\n".join(" ".join(f"word{chance.randrange(50_000)}" for _ in range(20)) for _ in range(10_000))
    begin = time.perf_counter()
    assert len(find_names(text)) == MAX_NAMES
    assert time.perf_counter() - begin < 10
