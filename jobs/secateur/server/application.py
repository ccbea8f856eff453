"""The HTTP server's routes: the open inference protocol, version 2, and metrics."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from secateur.contracts.errors import ReleaseError, UsageError
from secateur.server.batching import Batcher
from secateur.server.mirror_scorer import ReleaseScorer
from secateur.server.model_metadata import model_metadata, server_metadata
from secateur.server.prometheus import CONTENT_TYPE, Metrics
from secateur.server.requests import TooManyRows
from secateur.server.scoring import Answered, Asked, Served, answer_all

JSON_BYTES = "inference-header-content-length"
_SIZE = re.compile("[0-9]{1,18}")
_MODEL = "/v2/models/{name}"
_VERSION = _MODEL + "/versions/{version}"


@dataclass(frozen=True)
class Limits:
    """What a server takes; what is more is refused, before it fills the memory.

    `body_bytes` and `rows` of a request (413), `requests` that are read, wait or are scored at
    once (429), `body_s` seconds for a body to come (408). Requests of at most `joined_rows` rows
    together are scored by one run of the model, and `threads` runs go on at once.
    """

    body_bytes: int = 4 << 20
    rows: int = 20_000
    requests: int = 128
    body_s: float = 30.0
    joined_rows: int = 256
    threads: int = 1


class InferenceServer:
    """Answers requests with what a channel or a mirror has, which it closes at its end."""

    def __init__(self, source: ReleaseScorer, name: str, limits: Limits) -> None:
        self._source, self._name, self._limits = source, name, limits
        self._in_flight = 0
        self._metrics = Metrics(lambda: source.status)
        self._batcher: Batcher[Asked, Answered] = Batcher(
            self._answer_all, limits.threads, limits.requests
        )

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            # They are tried in this order: what is asked most stands first.
            routes=[
                Route(f"{_MODEL}/infer", self._infer, methods=["POST"]),
                Route(f"{_VERSION}/infer", self._infer, methods=["POST"]),
                Route("/v2", self._server),
                Route("/v2/health/live", self._healthy),
                Route("/v2/health/ready", self._healthy),
                *(
                    route
                    for path in (_MODEL, _VERSION)
                    for route in (
                        Route(path, self._model),
                        Route(f"{path}/ready", self._model_ready),
                    )
                ),
                Route("/metrics", self._tell_metrics),
            ],
            exception_handlers={HTTPException: _protocol_error},
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self._batcher.close()
            self._source.close()

    def _current(self) -> Served:
        scorer, release = self._source.scorer_and_release
        return Served(scorer, self._name, str(release.manifest.number))

    def _answer_all(self, asked: Sequence[Asked]) -> list[Answered | Exception]:
        self._metrics.batches.observe(len(asked))
        return answer_all(self._current(), asked, self._limits.rows, self._limits.joined_rows)

    async def _server(self, _request: Request) -> Response:
        return JSONResponse(server_metadata(_version()))

    async def _healthy(self, _request: Request) -> Response:
        """It listens only once its first release is loaded, and its golden rows score alike."""
        return JSONResponse({})

    async def _tell_metrics(self, _request: Request) -> Response:
        return Response(self._metrics.exposition(), headers={"content-type": CONTENT_TYPE})

    async def _model(self, request: Request) -> Response:
        served = self._current()
        metadata = model_metadata(served.name, served.version, served.scorer.schema)
        return self._unknown(request) or JSONResponse(metadata)

    async def _model_ready(self, request: Request) -> Response:
        return self._unknown(request) or JSONResponse({"name": self._name, "ready": True})

    def _unknown(self, request: Request) -> Response | None:
        """The answer to a request for another model or another version than is served."""
        name, asked = request.path_params["name"], request.path_params.get("version")
        served = self._current()
        if name == served.name and asked in (None, served.version):
            return None
        which = f"{name} of version {asked}" if asked else name
        return _error(404, f"no model {which}: this is {served.name}, version {served.version}")

    async def _infer(self, request: Request) -> Response:
        started = time.perf_counter()
        response = self._unknown(request) or await self._score(request)
        self._metrics.requests.labels(response.status_code).inc()
        self._metrics.seconds.observe(time.perf_counter() - started)
        return response

    async def _score(self, request: Request) -> Response:
        if self._in_flight >= self._limits.requests:
            busy = f"{self._in_flight} requests are being answered: as many as this server takes"
            return _error(429, busy, {"retry-after": "1"})
        self._in_flight += 1
        self._metrics.in_flight.set(self._in_flight)
        try:
            return await self._score_body(request)
        finally:
            self._in_flight -= 1
            self._metrics.in_flight.set(self._in_flight)

    async def _score_body(self, request: Request) -> Response:
        try:
            asked = await _read(request, self._limits)
            answered = await asyncio.wrap_future(self._batcher.submit(asked))
        except HTTPException as error:
            return _error(error.status_code, error.detail)
        except Exception as error:  # told to the caller, who alone is concerned
            return _error(_code_of(error), str(error) or type(error).__name__)
        self._metrics.rows.inc(answered.rows)
        return _response(answered)


async def _read(request: Request, limits: Limits) -> Asked:
    """A request's body. Raises HTTPException where it is not as it may be."""
    json_bytes = request.headers.get(JSON_BYTES)
    if json_bytes is not None and not _SIZE.fullmatch(json_bytes):
        raise HTTPException(400, f"{JSON_BYTES} is no number of bytes")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "compressed requests are not read")
    try:
        # Not asyncio.wait_for, which before Python 3.12 makes a task of every request.
        with anyio.fail_after(limits.body_s):
            body = await _body(request, limits.body_bytes)
    except TimeoutError:
        raise HTTPException(408, f"no whole body within {limits.body_s:g} s") from None
    except ClientDisconnect:
        raise HTTPException(400, "the body ended early") from None
    return Asked(body, None if json_bytes is None else int(json_bytes))


async def _body(request: Request, limit: int) -> bytes:
    """The whole body. Raises HTTPException where it is too long, as its header may say at once."""
    parts, size = [], int(request.headers.get("content-length", 0))
    if size <= limit:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > limit:
                break
            parts.append(part)
    if size > limit:
        raise HTTPException(413, f"a request has at most {limit:,} bytes")
    return b"".join(parts)


def _response(answered: Answered) -> Response:
    headers = {"content-type": "application/json"}
    if answered.json_bytes is not None:
        headers = {"content-type": "application/octet-stream", JSON_BYTES: str(answered.json_bytes)}
    return Response(answered.body, headers=headers)


async def _protocol_error(_request: Request, error: Exception) -> Response:
    """The answer to a path that there is not, say, as the protocol has errors."""
    return _error(getattr(error, "status_code", 500), getattr(error, "detail", str(error)))


def _error(code: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, code, headers=headers)


def _code_of(error: Exception) -> int:
    for kind, code in ((TooManyRows, 413), (UsageError, 400), (ReleaseError, 503)):
        if isinstance(error, kind):
            return code
    return 500


def _version() -> str:
    try:
        return version("secateur")
    except PackageNotFoundError:  # a checkout that is not installed
        return "0"
