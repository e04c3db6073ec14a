"""Principals: deny by default, scopes as cache keys, and who may be the developer."""

import itertools

import pytest

from datasources.records.queries import Scope
from resolvers.principals.principal import (
    Principal,
    PrincipalKind,
    development_principal,
    parse_permissions,
)


def principal(*permissions: str, teams: tuple[str, ...] = ()) -> Principal:
    return Principal("ada", "Ada", PrincipalKind.USER, frozenset(permissions), frozenset(teams))


def test_what_is_not_permitted_is_denied() -> None:
    reader = principal("incidents:read")
    assert [reader.allows(text) for text in ("incidents:read", "incidents:write", "changes:read", "*", "")] == [
        True, False, False, False, False,
    ]  # fmt: skip
    assert not principal().allows("incidents:read")
    assert principal("*").allows("incidents:read-restricted")


def test_scope_sees_all_restricted_rows_or_those_of_its_teams() -> None:
    assert principal("incidents:read", teams=("web", "db")).scope == Scope(False, ("db", "web"))
    assert principal("incidents:read-restricted").scope == Scope(True, ())
    assert principal("*").scope.sees_restricted


def test_scope_keys_are_stable_and_differ_as_the_scopes_do() -> None:
    teams = [(), ("db",), ("web",), ("db", "web"), ("db,web",), ('db", "web',)]
    scopes = [Scope(restricted, keys) for restricted, keys in itertools.product((True, False), teams)]
    assert len({scope.key for scope in scopes}) == 12
    assert [scope.key for scope in scopes if not scope.team_keys] == ["all", "own"]
    assert Scope(False, ("db", "web")).key == "own-" + Scope(True, ("db", "web")).key[4:]
    assert max(len(scope.key) for scope in scopes) == 28


def test_only_texts_written_as_permissions_are_permissions() -> None:
    texts = ["incidents:read", "configuration-items:read-all", "*", "openid", "incidents:", ":read", "a:b:c", "a:*"]
    assert parse_permissions(texts) == {"incidents:read", "configuration-items:read-all", "*"}


@pytest.mark.parametrize("loopback", [True, False])
@pytest.mark.parametrize("issuer", [None, "https://issuer.example"])
def test_developer_exists_only_on_loopback_without_an_issuer(loopback: bool, issuer: str | None) -> None:
    found = development_principal(loopback=loopback, issuer=issuer)
    if loopback and issuer is None:
        assert found is not None
        assert (found.kind, found.permissions) == (PrincipalKind.DEVELOPMENT, frozenset({"*"}))
    else:
        assert found is None
