"""Questions in words on the demo landscape: how many find their trusted document, and which never do."""

import pytest

from bench.operations.measures import DIRECTIONAL, QUALIFIED, Finding, ask_all, read_questions
from datasources.sources import open_sources
from resolvers.operations import use_cases
from tests.fixtures.demo import stores


@pytest.fixture(scope="module")
async def findings(demo: tuple[str, str]) -> list[Finding]:
    return await _ask(demo)


async def _ask(demo: tuple[str, str]) -> list[Finding]:
    sources = open_sources(*stores(*demo))
    try:
        return await ask_all(sources, read_questions())
    finally:
        await sources.close()


def of(findings: list[Finding], kind: str) -> list[Finding]:
    return [each for each in findings if each.question.kind == kind]


def test_the_set_has_enough_questions(findings: list[Finding]) -> None:
    assert len(of(findings, "in_scope")) >= 100
    assert len(of(findings, "out_of_scope")) >= 25
    assert len(of(findings, "qualified")) >= 90
    assert len(of(findings, "qualified_kept_aside")) >= 45
    assert len(of(findings, "imperative")) >= 15


def test_most_questions_are_answered_and_rightly(findings: list[Finding]) -> None:
    chosen = [each for each in of(findings, "in_scope") if each.is_chosen]
    assert len(chosen) >= 0.95 * len(of(findings, "in_scope"))
    assert [each.question.text for each in chosen if not each.is_right] == []


def test_of_questions_kept_aside_most_are_answered_and_rightly(findings: list[Finding]) -> None:
    chosen = [each for each in of(findings, "kept_aside") if each.is_chosen]
    assert len(chosen) >= 0.65 * len(of(findings, "kept_aside"))
    assert [each.question.text for each in chosen if not each.is_right] == []


@pytest.mark.parametrize("kind", QUALIFIED)
def test_no_condition_is_dropped(findings: list[Finding], kind: str) -> None:
    assert [each.question.text for each in of(findings, kind) if not each.is_right] == []


def test_a_list_of_priorities_or_states_is_filled(findings: list[Finding]) -> None:
    chosen = [each.question.text for each in of(findings, "qualified") if each.is_chosen]
    assert len(chosen) >= 11
    assert {"incidents P1 through P3", "P1/P2 incidents", "resolved and open incidents"} <= set(chosen)


def test_directions_are_never_confused(findings: list[Finding]) -> None:
    asked = [each for each in findings if each.question.operation in DIRECTIONAL]
    assert [each.question.text for each in asked if each.is_chosen and not each.is_right] == []
    assert [each.question.text for each in asked if not each.is_chosen] == ["what feeds on vault-01"]


def test_no_operation_for_what_is_out_of_scope(findings: list[Finding]) -> None:
    assert [each.question.text for each in of(findings, "out_of_scope") if not each.is_right] == []


def test_no_operation_for_a_demand(findings: list[Finding]) -> None:
    assert [each.question.text for each in of(findings, "imperative") if each.match.choices] == []


async def test_without_a_model_fewer_are_answered_and_as_rightly(
    demo: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_cases, "open_embedder", lambda: None)
    findings = await _ask(demo)
    chosen = [each for each in of(findings, "in_scope") if each.is_chosen]
    assert len(chosen) >= 0.8 * len(of(findings, "in_scope"))
    assert [each.question.text for each in chosen if not each.is_right] == []
    assert [each.question.text for each in findings if each.is_chosen and not each.is_right] == []
