"""The Lambda Runtime API as a server of our own, and a function that takes its calls from it by AWS's client.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from tests.fixtures.spans import AMAZON

# The modules with a handler: tests/workers/test_lambda_runtime.py compares them with the folder.
ENTRIES = (
    "app", "workers.events", "workers.migrations", "workers.projection", "workers.requirements",
    "workers.workflows",
)  # fmt: skip

ARN = "arn:aws:lambda:us-east-1:000000000000:function:StackFlowAPI"


@dataclass(frozen=True)
class Reply:
    """What a function answered to one event: its result, or the error that it raised. Milliseconds as AWS sees them."""

    result: Any
    error: Any
    milliseconds: float


def processor_of(pid: int) -> float:
    """Processor seconds of a process so far, user and system, in steps of 10 ms as Linux counts them."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Function:
    """One execution environment: a process that runs one handler of an unfolded bundle. Times in seconds."""

    def __init__(
        self, python: Path, root: Path, handler: str, variables: Mapping[str, str], *, timeout: float = 60.0
    ) -> None:
        self._python, self._root, self._handler = python, root, handler
        self._variables, self._timeout = variables, timeout
        self._events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._replies: queue.Queue[tuple[bool, bytes, float]] = queue.Queue()
        self._asked = threading.Event()
        self._frozen, self._resumed = threading.Event(), threading.Event()
        self._failures: queue.Queue[Any] = queue.Queue()
        self._sent = 0.0
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._answering())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            "LAMBDA_TASK_ROOT": str(self._root),
            "PYTHONPATH": str(self._root),
            "PYTHONDONTWRITEBYTECODE": "1",
            "_HANDLER": self._handler,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_LAMBDA_FUNCTION_NAME": "StackFlowAPI",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1792",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/StackFlowAPI",
            "AWS_LAMBDA_LOG_STREAM_NAME": "none",
        } | dict(self._variables)
        command = [str(self._python), "-m", "awslambdaric", self._handler]
        self._child = subprocess.Popen(command, env=environment, cwd=self._root, stdout=self._log, stderr=self._log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.kill()
        self._child.wait(10)
        self._server.shutdown()
        self._server.server_close()
        self._log.close()

    def ready(self) -> float:
        """Wait until the function asks for its first event; the processor seconds that its process has spent."""
        end = time.monotonic() + self._timeout
        while not self._asked.wait(0.02):
            self._check(end)
        return self.processor()

    def processor(self) -> float:
        """Of its process: see `processor_of`."""
        return processor_of(self._child.pid)

    def snapshot(self) -> None:
        """Wait until it is ready to be copied: it has started as SnapStart starts functions and asks to be restored."""
        end = time.monotonic() + self._timeout
        while not self._frozen.wait(0.02):
            self._check(end)

    def restore(self) -> None:
        """Tell it that it is a copy from now on."""
        self._resumed.set()

    def failed(self) -> Any:
        """Wait until it says that it cannot start, or not go on as a copy; the error as AWS logs it."""
        return self._failures.get(timeout=self._timeout)

    def call(self, event: Any) -> Reply:
        """Give it an event and wait for its reply."""
        self._events.put((str(uuid4()), event))
        end = time.monotonic() + self._timeout
        while True:
            try:
                succeeded, body, milliseconds = self._replies.get(timeout=0.2)
            except queue.Empty:
                self._check(end)
                continue
            told = json.loads(body)
            return Reply(told if succeeded else None, None if succeeded else told, milliseconds)

    def freeze(self) -> None:
        """Stop it between two calls, as AWS does."""
        os.kill(self._child.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self._child.pid, signal.SIGCONT)

    def said(self) -> str:
        """What it has logged."""
        # Not by the file's place, which is where the function writes on.
        return os.pread(self._log.fileno(), 1_000_000, 0).decode(errors="replace")

    def _check(self, end: float) -> None:
        if self._child.poll() is not None:
            raise AssertionError(f"the function ended with {self._child.returncode}: {self.said()}")
        if time.monotonic() > end:
            raise AssertionError(f"the function did not answer: {self.said()}")

    def _answering(self) -> type[BaseHTTPRequestHandler]:
        function = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Without both, an answer waits 40 ms for an acknowledgement, which AWS's own server does not.
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                if self.path.endswith("/restore/next"):
                    function._frozen.set()
                    function._resumed.wait(function._timeout)
                    self._send(200, b"{}", {})
                    return
                function._asked.set()
                id_, event = function._events.get()
                headers = {
                    "Content-Type": "application/json",
                    "Lambda-Runtime-Aws-Request-Id": id_,
                    "Lambda-Runtime-Deadline-Ms": str(int((time.time() + function._timeout) * 1_000)),
                    "Lambda-Runtime-Invoked-Function-Arn": ARN,
                    "Lambda-Runtime-Trace-Id": AMAZON,
                }
                body = json.dumps(event).encode()
                function._sent = time.perf_counter()
                self._send(200, body, headers)

            def do_POST(self) -> None:
                body = self._body()
                arrived = time.perf_counter()
                self._send(202, b'{"status":"OK"}', {})
                if self.path.endswith(("/init/error", "/restore/error")):
                    function._failures.put(json.loads(body))
                    return
                succeeded = self.path.endswith("/response")
                function._replies.put((succeeded, body, (arrived - function._sent) * 1_000))

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Answering


def gateway_event(
    body: Mapping[str, Any] | None,
    *,
    path: str = "/graphql",
    token: str = "",
    query: Mapping[str, str] | None = None,
    also: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """An event of API Gateway's REST API, format 1.0: a POST of JSON, or a GET without a body; `also` are headers."""
    method = "GET" if body is None else "POST"
    headers = {"host": "api.example.org", "accept": "application/graphql-response+json, application/json"}
    headers |= {} if body is None else {"content-type": "application/json"}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    headers |= also or {}
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query and dict(query),
        "multiValueQueryStringParameters": query and {name: [value] for name, value in query.items()},
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": path,
            "httpMethod": method,
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "stage": "prod",
            "requestId": str(uuid4()),
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "test"},
            "apiId": "abcdefghij",
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }
