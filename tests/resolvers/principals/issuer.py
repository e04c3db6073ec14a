"""A small OpenID issuer on loopback: a discovery document, a JWKS and the tokens it signs."""

import asyncio
import json
import time
from collections import Counter
from typing import Any

import uvicorn
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from datasources.embedded.process import free_port

AUDIENCE = "stackflow"
Key = RSAKey | ECKey | OKPKey


def rsa(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid})


# Made once: an RSA key takes a while.
FIRST = rsa("first")


class Issuer:
    """Counts what it is asked. `away` answers 503; `keys` and `named` may be changed while it runs."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.named = self.url
        self.keys: list[Key] = [FIRST]
        self.extra: list[dict[str, Any]] = []
        self.away = False
        self.asked: Counter[str] = Counter()
        routes = [
            Route("/.well-known/openid-configuration", self._discovery),
            Route("/keys", self._jwks),
        ]
        self._server = uvicorn.Server(
            uvicorn.Config(Starlette(routes=routes), port=self.port, log_level="error", lifespan="off")
        )

    async def start(self) -> None:
        self._task = asyncio.ensure_future(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        self._server.should_exit = True
        await self._task

    def token(self, key: Key | None = None, alg: str = "RS256", **claims: Any) -> str:
        """A token good for an hour; a claim of None is left out."""
        key = key or self.keys[0]
        now = int(time.time())
        good = {"iss": self.url, "aud": AUDIENCE, "sub": "ada", "exp": now + 3_600, "iat": now} | claims
        payload = {name: value for name, value in good.items() if value is not None}
        # In ASCII, so that a claim may be half a surrogate pair.
        return jws.serialize_compact({"alg": alg, "kid": key.kid}, json.dumps(payload), key, algorithms=[alg])

    async def _discovery(self, _: Request) -> Response:
        self.asked["discovery"] += 1
        document = {"issuer": self.named, "jwks_uri": f"{self.url}/keys"}
        return Response(status_code=503) if self.away else JSONResponse(document)

    async def _jwks(self, _: Request) -> Response:
        self.asked["keys"] += 1
        # As slow as a network, so that requests overlap.
        await asyncio.sleep(0.02)
        keys = [*self.extra, *(key.as_dict(private=False) for key in self.keys)]
        return Response(status_code=503) if self.away else JSONResponse({"keys": keys})
