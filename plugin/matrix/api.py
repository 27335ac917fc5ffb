"""One call to the homeserver, with patience, and with three outcomes that are never mixed up.

It is mautrix's own HTTPAPI with another `request`: what it returns was answered, a
`MatrixRequestError` was refused by the homeserver in Matrix's own words, and `NoAnswer` means
that nobody knows. A proxy's error page, a broken answer and a time-out are all `NoAnswer`.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attr
from aiohttp import ClientError, ClientResponse, ClientTimeout
from mautrix.api import HTTPAPI, Method, PathBuilder
from mautrix.errors import MatrixError, make_request_error

from .lanes import LaneClosed, Lanes
from .retry import RequestPolicies

TOO_MANY = "429: too many requests"
# Seconds beyond which a pause that a homeserver names makes no sense.
LONGEST_RETRY_AFTER = 86400.0


class NoAnswer(MatrixError):
    """The homeserver gave no answer that means anything: nothing may be concluded from it.

    Attributes:
        retry_after: seconds the homeserver asked to wait, if it did.
        limited: it said that there were too many requests (a 429).
    """

    def __init__(self, what: str, retry_after: float | None = None, limited: bool = False) -> None:
        super().__init__(what)
        self.retry_after = retry_after
        self.limited = limited


@attr.frozen
class _Call:
    method: Method
    path: PathBuilder | str
    content: Mapping[str, Any] | None
    query: Mapping[str, Any]


@attr.frozen
class _Answer:
    status: int
    body: Any
    retry_after: float | None


class RetryingAPI(HTTPAPI):
    """mautrix's API client, patient: see `request`.

    Attributes:
        sent: how many requests went out, by method and kind of endpoint.
        limited: how many of them were answered with 429.
    """

    def __init__(self, like: HTTPAPI, policies: RequestPolicies) -> None:
        """
        Args:
            like: mautrix's client: its homeserver, its access token, its connections.
            policies: what each kind of request may cost.
        """
        super().__init__(like.base_url, like.token, client_session=like.session, log=like.log)
        self.as_user_id = like.as_user_id
        self.as_device_id = like.as_device_id
        self.sent: Counter[str] = Counter()
        self.limited = 0
        self._backoff = policies.backoff
        self._lanes = Lanes(policies)

    async def request(  # type: ignore[override]
        self,
        method: Method,
        path: PathBuilder | str,
        content: Mapping[str, Any] | None = None,
        *,
        query_params: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> Any:
        """Call the homeserver, and again until it answers or patience ends.

        Args:
            method: the HTTP method.
            path: the endpoint, from `_matrix` on.
            content: the JSON body; ignored for GET.
            query_params: the query; None values are left out.

        Returns:
            The JSON value answered.

        Raises:
            MatrixRequestError: the homeserver refused, with an errcode of its own.
            NoAnswer: it could not be reached, was busy, or answered nonsense, to the end.
        """
        return await self._request_with_retry(_Call(method, path, content, query_params or {}))

    async def _request_with_retry(self, call: _Call) -> Any:
        kind, lane = self._lanes.find(call.method, str(call.path), call.content)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + lane.policy.total
        attempt = 0
        while True:
            attempt += 1
            try:
                async with lane.slot(deadline, first=attempt > 1):
                    self.sent[f"{call.method} {kind}"] += 1
                    try:
                        return await self._attempt(call, lane.policy.attempt)
                    except NoAnswer as error:
                        failure = error
                        wait = failure.retry_after or self._backoff.delay(attempt)
                        if failure.limited:
                            self.limited += 1
                            lane.pause(wait)
            except LaneClosed as closed:
                raise NoAnswer(TOO_MANY, closed.seconds, limited=True) from None
            if loop.time() + wait > deadline:
                raise failure
            self.log.debug("Trying again in %.1f s after %s on %s", wait, failure, call.path)
            if not failure.limited:
                await asyncio.sleep(wait)

    async def _attempt(self, call: _Call, seconds: float) -> Any:
        query = {key: str(value) for key, value in call.query.items() if value is not None}
        if self.as_user_id:
            query["user_id"] = self.as_user_id
        if self.as_device_id:
            query["org.matrix.msc3202.device_id"] = query["device_id"] = self.as_device_id
        try:
            async with self.session.request(
                str(call.method),
                self.base_url.with_path(self._full_path(call.path), encoded=True),
                data=None if call.method == Method.GET else json.dumps(call.content or {}),
                params=query,
                headers={
                    "Authorization": f"Bearer {self.token}",
                    "Content-Type": "application/json",
                },
                timeout=ClientTimeout(total=seconds),
            ) as response:
                answer = await _read(response)
        except asyncio.TimeoutError as error:
            raise NoAnswer(f"no answer within {seconds:.0f} s") from error
        except (ClientError, OSError) as error:
            raise NoAnswer(f"{type(error).__name__}: {error}") from error
        return _classify(answer)


async def _read(response: ClientResponse) -> _Answer:
    text = await response.text(errors="replace")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        # No JSON, or more brackets in one another than Python reads.
        body = None
    retry_after = _seconds(response.headers.get("Retry-After"))
    if isinstance(body, dict) and retry_after is None:
        retry_after = _seconds(body.get("retry_after_ms"), per_second=1000)
    return _Answer(response.status, body, retry_after)


def _seconds(value: Any, per_second: int = 1) -> float | None:
    try:
        number = float(value) / per_second
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < LONGEST_RETRY_AFTER else None


def _classify(answer: _Answer) -> Any:
    """What an answer amounts to (client-server API, section 2.1: errors carry an errcode)."""
    status, body = answer.status, answer.body
    if status == 429:
        raise NoAnswer(TOO_MANY, answer.retry_after, limited=True)
    if 200 <= status < 300:
        if isinstance(body, (dict, list)):
            return body
        raise NoAnswer(f"{status} with a body that is no JSON object")
    errcode = body.get("errcode") if isinstance(body, dict) else None
    if not isinstance(errcode, str) or not 400 <= status < 500:
        raise NoAnswer(f"{status} {errcode or 'without a Matrix error'}")
    message = str(body.get("error", ""))
    raise make_request_error(http_status=status, text=message, errcode=errcode, message=message)
