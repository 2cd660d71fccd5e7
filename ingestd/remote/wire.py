"""One request, one answer: the only place that knows httpx.

Its exceptions end here: whatever happens on the way is an `Answer` or a `Loss`.
"""

from __future__ import annotations

import contextlib
import http.cookiejar
import time
import zlib
from typing import TYPE_CHECKING, Any, Final

import httpcore

import ingestd
from ingestd.errors import UsageError
from ingestd.lean import without
from ingestd.remote.backend import Backend
from ingestd.remote.body import Abort
from ingestd.remote.envelope import BODY_LIMIT, Answer, Loss, read_answer, shown

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from ingestd.remote.stream import Watch

with without("httpx._main"):
    import httpx

KEEPALIVE_EXPIRY: Final = 2.0  # seconds; an older connection may be dead already (rules R1)
_CONNECT_TIMEOUT: Final = 15.0
_IDLE_CONNECTIONS: Final = 8
_CUT: Final = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ReadTimeout)
_ANY_WINDOW: Final = 47  # zlib: takes gzip and zlib wrappers alike


class Wire:
    """The connections to one far side. Thread-safe.

    Raises:
        UsageError: base_url, proxy or ca_file cannot be used.
    """

    def __init__(
        self, base_url: str, *, proxy: str | None, ca_file: str | None, stall_timeout: float
    ) -> None:
        self._backend = Backend()
        transport = _PoolTransport(self._backend, _tls(base_url, ca_file), _proxy(proxy))
        blocked = http.cookiejar.DefaultCookiePolicy(allowed_domains=[])
        self._client = httpx.Client(
            base_url=_checked_url(base_url),
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            cookies=http.cookiejar.CookieJar(blocked),
            timeout=_timeout(stall_timeout),
            headers={
                "User-Agent": f"ingestd/{ingestd.__version__}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
        )

    def exchange(
        self, method: str, path: str, *, key: str, watch: Watch, **parts: Any
    ) -> Answer | Loss:
        """Send one request and read its answer.

        Args:
            method: The HTTP method.
            path: Below the base URL.
            key: Goes into `Authorization`, bare (contract 0.1).
            watch: What the request wants of its connection.
            parts: `params`, `json`, `content`, `headers` as httpx takes them.

        Raises:
            Abort: As the body raised it.
        """
        headers = {"Authorization": key, **parts.pop("headers", {})}
        try:
            with self._backend.watched(watch):
                request = self._client.build_request(method, path, headers=headers, **parts)
                return _read(self._client.send(request, stream=True), key)
        except Abort:
            raise
        except Exception as exc:  # noqa: BLE001 - the mark decides, not the exception (rules R1)
            return Loss(shown(_loss_text(exc), key))

    def stall_after(self, seconds: float) -> None:
        """Take another `stall_timeout` for the requests that begin from now on."""
        self._client.timeout = _timeout(seconds)

    def close(self) -> None:
        """Hang up, also under requests that are under way."""
        self._backend.hang_up()
        self._client.close()


def _timeout(stall: float) -> httpx.Timeout:
    return httpx.Timeout(stall, connect=_CONNECT_TIMEOUT, pool=None)


class _PoolTransport(httpx.BaseTransport):
    """httpx's own transport takes no network backend; this one is it, with ours."""

    def __init__(
        self, backend: Backend, tls: ssl.SSLContext | None, proxy: httpcore.Proxy | None
    ) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            proxy=proxy,
            max_connections=None,
            max_keepalive_connections=_IDLE_CONNECTIONS,
            keepalive_expiry=KEEPALIVE_EXPIRY,
            network_backend=backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; httpcore's exceptions go through as they are."""
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        # The reason phrase is left out: httpx logs it, and a far side may echo the key there.
        return httpx.Response(answer.status, headers=answer.headers, stream=_Received(answer))

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()


class _Received(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _read(response: httpx.Response, key: str) -> Answer | Loss:
    headers = response.headers
    body, whole = _collect(response)
    answer = read_answer(
        response.status_code,
        _decoded(body, headers.get("content-encoding", "")),
        secret=key,
        now=time.time(),
        retry_after=headers.get("retry-after", ""),
        date=headers.get("date", ""),
    )
    if response.is_success and answer.envelope is None and not whole:
        return Loss("The answer broke off")
    return answer


def _collect(response: httpx.Response) -> tuple[bytes, bool]:
    """Read the body as far as it comes, and tell whether all came: a status alone may be a no."""
    body = bytearray()
    whole = False
    try:
        with contextlib.suppress(*_CUT):
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > BODY_LIMIT:
                    break
            whole = True
    finally:
        response.close()
    return bytes(body[:BODY_LIMIT]), whole


def _decoded(body: bytes, encoding: str) -> bytes:
    """Undo a compression nobody asked for; bounded, so that a small answer cannot fill memory."""
    if encoding.strip().lower() not in {"gzip", "deflate"}:
        return body
    try:
        return zlib.decompressobj(_ANY_WINDOW).decompress(body, BODY_LIMIT)
    except zlib.error:
        return b""


def _loss_text(exc: Exception) -> str:
    if isinstance(exc, httpcore.ProxyError):
        return f"The proxy refused: {exc}"
    if isinstance(exc, httpcore.ProtocolError | httpx.ProtocolError):
        return "The connection ended before an answer came, or what came is no HTTP"
    if isinstance(exc, httpcore.NetworkError | httpcore.TimeoutException):
        text = str(exc)
        return text[:1].upper() + text[1:]
    return f"The request failed: {type(exc).__name__}"


def _checked_url(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as exc:
        raise UsageError(f"api.base_url is no address: {shown(base_url)}") from exc
    if url.scheme not in {"http", "https"} or not url.host:
        raise UsageError(
            f"api.base_url must begin with https:// and name a host (got {shown(base_url)})."
        )
    return url


def _tls(base_url: str, ca_file: str | None) -> ssl.SSLContext | None:
    if not base_url.startswith("https"):
        return None  # spares the time and memory of loading the authorities
    context = httpx.create_ssl_context(trust_env=False)
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except OSError as exc:
            raise UsageError(
                f"api.ca_file {ca_file} cannot be used; it must be a readable PEM file with"
                " certificates."
            ) from exc
    return context


def _proxy(proxy: str | None) -> httpcore.Proxy | None:
    if proxy is None:
        return None
    try:
        parsed = httpx.Proxy(proxy)
    except (httpx.InvalidURL, ValueError) as exc:
        raise UsageError("api.proxy is no address; write http://host:port.") from exc
    if parsed.url.scheme != "http":
        raise UsageError("api.proxy must begin with http://; other kinds are not supported.")
    url = parsed.url
    return httpcore.Proxy(
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        auth=parsed.raw_auth,
    )
