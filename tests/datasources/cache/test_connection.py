"""TLS is verified, tokens are needed, and health says in one line what is wrong and nothing of the secret."""

from pathlib import Path

import pytest

from datasources.cache.redis.adapter import RedisCache
from datasources.embedded.process import free_port
from datasources.embedded.valkey import EmbeddedValkey
from datasources.health import Health
from tests.datasources.cache.servers import TOKEN, TlsRedis, make_authority

SECRET = "wr0ng-t0ken"


async def health_of(url: str, ca_file: str | None = None) -> Health:
    cache = RedisCache(url, ca_file=ca_file, timeout=5)
    assert (await cache.get_many(["k"], ["t"])).values == {}
    health = await cache.health()
    await cache.close()
    return health


async def test_right_token_and_authority(tls_redis: TlsRedis) -> None:
    health = await health_of(tls_redis.url(), tls_redis.ca_file)
    assert (health.name, health.reachable, health.problem) == ("cache", True, "")
    assert health.version.startswith("7.")
    assert health.latency_ms > 0


async def test_valkey_tells_its_own_version(plain_valkey: EmbeddedValkey) -> None:
    assert (await health_of(plain_valkey.url)).version == "9.1.2"


@pytest.mark.parametrize("token", [SECRET, ""], ids=["wrong", "none"])
async def test_wrong_token_over_tls(tls_redis: TlsRedis, token: str) -> None:
    health = await health_of(tls_redis.url(token=token), tls_redis.ca_file)
    assert health.problem == "the cache refused the credentials; check the token in REDIS_URL"
    assert not health.reachable


async def test_wrong_token_in_the_clear(plain_valkey: EmbeddedValkey) -> None:
    health = await health_of(f"redis://:{SECRET}@127.0.0.1:{plain_valkey.port}/0")
    assert health.problem == "the cache refused the credentials; check the token in REDIS_URL"


async def test_other_authority_is_not_trusted(tls_redis: TlsRedis, tmp_path: Path) -> None:
    other = make_authority(tmp_path / "other.pem")
    health = await health_of(tls_redis.url(), str(other.file))
    assert health.problem.startswith("the certificate of the cache is not trusted (")
    assert health.problem.endswith("); check REDIS_CA_FILE")
    assert TOKEN not in repr(health)


async def test_system_authorities_do_not_trust_it_either(tls_redis: TlsRedis) -> None:
    assert (await health_of(tls_redis.url())).problem.startswith("the certificate of the cache is not trusted (")


async def test_url_can_not_switch_verification_off(tls_redis: TlsRedis) -> None:
    health = await health_of(tls_redis.url() + "?ssl_cert_reqs=none&ssl_check_hostname=false")
    assert health.problem.startswith("the certificate of the cache is not trusted (")


async def test_certificate_of_another_host_is_not_trusted(tls_redis: TlsRedis) -> None:
    health = await health_of(tls_redis.url(host="127.0.0.1"), tls_redis.ca_file)
    assert health.problem.startswith("the certificate of the cache is not trusted (IP address mismatch")


async def test_missing_authority_file(tls_redis: TlsRedis, tmp_path: Path) -> None:
    health = await health_of(tls_redis.url(), str(tmp_path / "absent.pem"))
    assert not health.reachable
    assert "No such file" in health.problem


async def test_plain_client_on_a_tls_port(tls_redis: TlsRedis) -> None:
    health = await health_of(tls_redis.url().replace("rediss:", "redis:"))
    assert not health.reachable
    assert len(health.problem.splitlines()) == 1
    assert TOKEN not in repr(health)


async def test_nobody_listens() -> None:
    port = free_port()
    health = await health_of(f"redis://:{SECRET}@127.0.0.1:{port}/0")
    assert str(port) in health.problem
    assert SECRET not in repr(health)
