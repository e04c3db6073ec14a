"""Alert webhooks of Alertmanager and Grafana: each alert is put on the queue of events."""

import asyncio
import logging
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datasources.errors import SourceError
from datasources.files.mappings.alerts import AlertMapping
from datasources.json_members import TooManyMembers
from datasources.observability.spans import SERVER, record_call, record_status
from datasources.queues.port import Queue
from datasources.request import RequestContext, use_request
from resolvers.alerts.alertmanager import ingest_notification
from resolvers.alerts.webhook import MAX_ALERTS, parse_notification
from resolvers.errors import BadUserInput, Forbidden, ShownError, SourceLost
from resolvers.events.parser import InvalidEvent
from schema.http.cloudevents import MAX_BODY_BYTES, TooManyEvents
from schema.http.endpoint import Authenticate, new_call
from schema.http.events import TIMEOUT_SECONDS, event_error_response, json_response
from schema.http.request_body import UnsupportedMediaType, media_type, read_body

WRITE_PERMISSION = "alerts:write"

log = logging.getLogger("stackflow.alerts")


def alert_routes(queue: Queue, authenticate: Authenticate, mapping: AlertMapping) -> list[Route]:
    """Return the route /alerts/alertmanager, for callers with `alerts:write`. Responses are like those of /events.

    Alertmanager retries after a 5xx and gives up after a 4xx:
    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    """

    async def alertmanager(http: Request) -> Response:
        call = new_call(http, TIMEOUT_SECONDS)
        with use_request(call), record_call("POST /alerts/alertmanager", SERVER, call) as recording:
            try:
                body = await _ingest_alerts(http, queue, authenticate, mapping, call)
                response = json_response(body, 202 if body["accepted"] else 400, call)
            except ShownError as error:
                response = event_error_response(error, call)
            record_status(recording, response.status_code)
        return response

    return [Route("/alerts/alertmanager", alertmanager, methods=["POST"])]


async def _ingest_alerts(
    http: Request, queue: Queue, authenticate: Authenticate, mapping: AlertMapping, call: RequestContext
) -> dict[str, Any]:
    try:
        principal = await authenticate(http.headers.get("authorization"))
        if not principal.allows(WRITE_PERMISSION):
            raise Forbidden(f"this needs the permission {WRITE_PERMISSION}", permission=WRITE_PERMISSION)
        kind = media_type(http)
        if kind != "application/json":
            raise UnsupportedMediaType(f"content-type is {kind or 'missing'!r}; send application/json")
        # In a thread, because parsing a body of only brackets takes up to a second.
        notification = await asyncio.to_thread(parse_notification, await read_body(http, MAX_BODY_BYTES))
        accepted = await ingest_notification(queue, notification, mapping, call.request_id, sender=principal.actor)
    except InvalidEvent as error:
        raise BadUserInput(error.reason) from error
    except TooManyMembers as error:
        raise TooManyEvents(f"the notification has more than {MAX_ALERTS:,} alerts", allowed=MAX_ALERTS) from error
    except SourceError as error:
        raise SourceLost(f"{error.source} is not available", store=error.source) from error
    if accepted.refused or notification.truncated:
        # Alertmanager ignores the body of the response.
        log.warning(
            "alerts not taken: %d refused, %d cut off by max_alerts; %s",
            len(accepted.refused), notification.truncated, accepted.refused[0].reason if accepted.refused else "",
            extra={"request_id": call.request_id},
        )  # fmt: skip
    return asdict(accepted) | {"truncated": notification.truncated}
