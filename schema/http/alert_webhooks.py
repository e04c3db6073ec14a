"""Alerts over HTTP: the webhooks of Alertmanager and Grafana, each alert put onto the queue of events."""

import asyncio
import logging
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datasources.errors import SourceError
from datasources.files.alerts import AlertMapping
from datasources.json_members import TooManyMembers
from datasources.observability.spans import SERVER, answered, recorded
from datasources.queues.port import Queue
from datasources.request import Call, calling
from resolvers.alerts.alertmanager import accept_notification
from resolvers.alerts.webhook import MAX_ALERTS, read
from resolvers.errors import BadUserInput, Forbidden, ShownError, SourceLost
from resolvers.events.parser import Unusable
from schema.http.cloudevents import BODY_BYTES, TooManyEvents
from schema.http.endpoint import Authenticate, arrived
from schema.http.events import SECONDS, refusal, reply
from schema.http.request_body import UnsupportedMedia, media_type, read_body

WRITES = "alerts:write"

log = logging.getLogger("stackflow.alerts")


def alert_routes(queue: Queue, authenticate: Authenticate, mapping: AlertMapping) -> list[Route]:
    """/alerts/alertmanager, for who may `alerts:write`. The answers are those of /events.

    Alertmanager sends again after a 5xx, and gives up after a 4xx:
    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    """

    async def alertmanager(http: Request) -> Response:
        call = arrived(http, SECONDS)
        with calling(call), recorded("POST /alerts/alertmanager", SERVER, call) as recording:
            try:
                told = await _accepted(http, queue, authenticate, mapping, call)
                answer = reply(told, 202 if told["accepted"] else 400, call)
            except ShownError as error:
                answer = refusal(error, call)
            answered(recording, answer.status_code)
        return answer

    return [Route("/alerts/alertmanager", alertmanager, methods=["POST"])]


async def _accepted(
    http: Request, queue: Queue, authenticate: Authenticate, mapping: AlertMapping, call: Call
) -> dict[str, Any]:
    try:
        principal = await authenticate(http.headers.get("authorization"))
        if not principal.allows(WRITES):
            raise Forbidden(f"this needs the permission {WRITES}", permission=WRITES)
        kind = media_type(http)
        if kind != "application/json":
            raise UnsupportedMedia(f"content-type is {kind or 'missing'!r}; send application/json")
        # In a thread, as one of brackets alone takes up to a second.
        notification = await asyncio.to_thread(read, await read_body(http, BODY_BYTES))
        accepted = await accept_notification(queue, notification, mapping, call.request_id, sender=principal.actor)
    except Unusable as unusable:
        raise BadUserInput(unusable.reason) from unusable
    except TooManyMembers as error:
        raise TooManyEvents(f"the notification has more than {MAX_ALERTS:,} alerts", allowed=MAX_ALERTS) from error
    except SourceError as error:
        raise SourceLost(f"{error.source} is not available", store=error.source) from error
    if accepted.refused or notification.truncated:
        # Alertmanager does not look at the answer.
        log.warning(
            "alerts not taken: %d refused, %d cut off by max_alerts; %s",
            len(accepted.refused), notification.truncated, accepted.refused[0].reason if accepted.refused else "",
            extra={"request_id": call.request_id},
        )  # fmt: skip
    return asdict(accepted) | {"truncated": notification.truncated}
