"""What will not pass by itself is refused at once, with the remedy, and harms no later call."""

import asyncio
import decimal
from pathlib import Path

import pytest
from gremlin_python.process.graph_traversal import __

from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.neptune_like import Faults, NeptuneLike
from datasources.errors import SourceRefused, SourceUnavailable
from datasources.graph.gremlin.source import g
from tests.datasources.graph.gremlin.client.conftest import MakeClient, within
from tests.datasources.graph.gremlin.client.faulty import certificate, closing_with, pipes


async def test_an_answer_too_large(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url, pool_max=1, message_bytes=65_536)
    with within(10), pytest.raises(SourceRefused, match="more than GRAPH_MESSAGE_BYTES"):
        await client.submit(g.inject(*range(200)).map(__.constant("x" * 500)).fold(), "test")
    assert await client.submit(g.inject(2), "test") == [2]
    assert [each.connection for each in double.request_log.requests] == [1, 2]


async def test_a_large_answer_in_many_messages_passes(make_client: MakeClient) -> None:
    client = make_client(message_bytes=65_536)
    rows = [f"{number:0100}" for number in range(500)]
    assert await client.submit(g.inject(*rows), "test") == rows


async def test_a_traversal_too_large_is_not_sent(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url, message_bytes=65_536)
    with within(10) as call, pytest.raises(SourceRefused, match="send it in smaller parts"):
        await client.submit(g.inject("x" * 65_536), "test")
    assert call.usage.traversals == 0
    assert double.request_log.handshakes == []


async def test_a_traversal_too_large_for_the_engine(make_client: MakeClient) -> None:
    # RFC 6455, 7.4.1: 1009 is for a message too big to process. It is not sent again and again.
    async with closing_with(1009) as url:
        with within(10) as call, pytest.raises(SourceRefused, match="takes no message of this length"):
            await make_client(url=url).submit(g.inject("x" * 100_000), "test")
        assert call.usage.traversals == 1


async def test_an_engine_that_goes_away_is_none_of_our_fault(make_client: MakeClient) -> None:
    async with closing_with(1001) as url:
        with within(10) as call, pytest.raises(SourceUnavailable, match=r"closed the web socket \(1001 enough\)"):
            await make_client(url=url, attempts=3).submit(g.inject(1), "test")
        assert call.usage.traversals == 3


async def test_an_answer_of_a_type_that_is_not_read(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url, pool_max=1)
    with within(10) as call, pytest.raises(SourceRefused, match="gx:BigDecimal: project it"):
        await client.submit(g.inject(*range(100), decimal.Decimal("1.5"), *range(100, 300)), "test")
    assert call.usage.traversals == 1
    assert await client.submit(g.inject(2), "test") == [2]
    assert [each.connection for each in double.request_log.requests] == [1, 2]


async def test_a_lambda_never_leaves(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url)
    with pytest.raises(TypeError, match="lambda"):
        await client.submit(g.inject(1).map(lambda: "it.get()"), "test")
    assert double.request_log.handshakes == []


async def test_a_certificate_that_is_not_trusted(
    make_client: MakeClient, gremlin_server: EmbeddedGremlin, tmp_path: Path
) -> None:
    shown, context = certificate(tmp_path)
    async with pipes(gremlin_server.port, "127.0.0.1", tls=context) as secure:
        url = f"wss://127.0.0.1:{secure.port}/gremlin"
        client = make_client(url=url)
        with within(10) as call, pytest.raises(SourceRefused, match="check GRAPH_CA_FILE"):
            await client.submit(g.inject(1), "test")
        assert call.usage.traversals == 0
        assert secure.accepted == []
        assert not client.is_lost
        trusting = make_client(url=url, ca_file=str(shown))
        assert await trusting.submit(g.inject(1), "test") == [1]
        assert len(secure.accepted) == 1


async def test_a_certificate_of_another_host(
    make_client: MakeClient, gremlin_server: EmbeddedGremlin, tmp_path: Path
) -> None:
    shown, context = certificate(tmp_path, "127.0.0.9")
    async with pipes(gremlin_server.port, "127.0.0.1", tls=context) as secure:
        client = make_client(url=f"wss://127.0.0.1:{secure.port}/gremlin", ca_file=str(shown))
        with within(10), pytest.raises(SourceRefused, match="GRAPH_CA_FILE"):
            await client.submit(g.inject(1), "test")
        assert secure.accepted == []


async def test_the_name_is_checked_and_not_the_address(
    make_client: MakeClient, gremlin_server: EmbeddedGremlin, tmp_path: Path
) -> None:
    shown, context = certificate(tmp_path)

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with pipes(gremlin_server.port, "127.0.0.1", tls=context) as secure:
        client = make_client(url=f"wss://graph.test:{secure.port}/gremlin", ca_file=str(shown), resolve=resolve)
        with within(10), pytest.raises(SourceRefused, match=r"graph\.test"):
            await client.submit(g.inject(1), "test")


@pytest.mark.parametrize("ca_file", ["absent.pem", "empty.pem"])
async def test_no_file_of_certificates(make_client: MakeClient, tmp_path: Path, ca_file: str) -> None:
    (tmp_path / "empty.pem").write_text("nothing here")
    client = make_client(url="wss://127.0.0.1:1/gremlin", ca_file=str(tmp_path / ca_file))
    with within(5), pytest.raises(SourceRefused, match="GRAPH_CA_FILE cannot be read"):
        await client.submit(g.inject(1), "test")


async def test_tls_to_an_engine_without(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url.replace("ws://", "wss://"))
    with within(10), pytest.raises(SourceRefused, match="does not speak TLS"):
        await client.submit(g.inject(1), "test")


async def test_a_wrong_path(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url.replace("/gremlin", "/other"))
    with within(10), pytest.raises(SourceRefused, match="check the path in GRAPH_URL"):
        await client.submit(g.inject(1), "test")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_signature_is_tried_twice(make_client: MakeClient, double: NeptuneLike, status: int) -> None:
    double.faults = Faults(refuse=(status, status, status))
    client = make_client(url=double.url)
    with within(10), pytest.raises(SourceRefused, match="check the credentials, GRAPH_IAM, AWS_REGION and the clock"):
        await client.submit(g.inject(1), "test")
    assert len(double.request_log.handshakes) == 2
    assert not client.is_lost


async def test_a_server_that_is_no_engine(make_client: MakeClient) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        client = make_client(url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/gremlin")
        with within(10), pytest.raises(SourceRefused, match="no Gremlin engine"):
            await client.submit(g.inject(1), "test")
    finally:
        server.close()
