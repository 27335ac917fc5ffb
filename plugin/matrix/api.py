"""One call to the homeserver, with patience, and with three outcomes that are never mixed up.

It is mautrix's own HTTPAPI with another `request`: what it returns was answered, a
`MatrixRequestError` was refused by the homeserver in Matrix's own words, and `NoAnswer` means
that nobody knows: see outcome.py. What nobody needs to see goes by `try_request`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attr
from aiohttp import ClientError, ClientTimeout
from mautrix.api import HTTPAPI, Method, PathBuilder

from .lanes import Lane, LaneClosed, Lanes
from .message_limit import COUNTED, MessageLimit
from .outcome import TOO_MANY, NoAnswer, TooLarge, classify, read_answer
from .retry import RequestPolicies

__all__ = ["NoAnswer", "RetryingAPI", "TooLarge"]

# Bytes of an answer about one room: what stands in there is anybody's.
LARGEST_ABOUT_ROOM = 24_000_000


@attr.frozen
class _Call:
    method: Method
    path: PathBuilder | str
    content: Mapping[str, Any] | None
    query: Mapping[str, Any]
    most: int | None


class RetryingAPI(HTTPAPI):
    """mautrix's API client, patient: see `request`.

    Attributes:
        sent: how many requests went out, by method and kind of endpoint.
        limited: how many of them were answered with 429.
        message_limit: how many events the homeserver is likely to accept.
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
        self.message_limit = MessageLimit()
        self._policies = policies
        self._backoff = policies.backoff
        self._lanes = Lanes(policies)

    async def request(  # type: ignore[override]
        self,
        method: Method,
        path: PathBuilder | str,
        content: Mapping[str, Any] | None = None,
        *,
        query_params: Mapping[str, Any] | None = None,
        most: int | None = None,
        **_: Any,
    ) -> Any:
        """Call the homeserver, and again until it answers or patience ends.

        Args:
            method: the HTTP method.
            path: the endpoint, from `_matrix` on.
            content: the JSON body; ignored for GET.
            query_params: the query; None values are left out.
            most: how many bytes of an answer are read; where it concerns a room, never more than
                `LARGEST_ABOUT_ROOM`.

        Returns:
            The JSON value answered.

        Raises:
            MatrixRequestError: the homeserver refused, with an errcode of its own.
            TooLarge: it answered with more than that.
            NoAnswer: it could not be reached, was busy, or answered nonsense, to the end.
        """
        if most is None and "/rooms/" in str(path):
            most = LARGEST_ABOUT_ROOM
        call = _Call(method, path, content, query_params or {}, most)
        return await self._request_with_retry(call)

    def can_spare(self, least: int) -> bool:
        """Whether an event may be sent that nobody needs: nobody waits, and enough others can be
        sent after it.

        Args:
            least: how many.
        """
        return not self._lanes.messages_wait and self.message_limit.has_spare(least)

    async def try_request(
        self, method: Method, path: PathBuilder | str, content: Mapping[str, Any], least: int
    ) -> Any:
        """Call the homeserver once, for what nobody needs, and only if `can_spare` says so.

        Returns:
            The JSON value answered; None if nothing was sent, or there were too many requests.

        Raises:
            MatrixRequestError, NoAnswer: as for `request`.
        """
        if not self.can_spare(least):
            return None
        call = _Call(method, path, content, {}, LARGEST_ABOUT_ROOM)
        kind, lane = self._lanes.find(method, str(path), content)
        with lane.taken():
            self.sent[f"{method} {kind}"] += 1
            try:
                return await self._attempt(kind, call, self._policies.best_effort.attempt)
            except NoAnswer as error:
                if not error.limited:
                    raise
                self._slow_down(lane, error.retry_after or 0.0)
                return None

    async def _request_with_retry(self, call: _Call) -> Any:
        kind, lane = self._lanes.find(call.method, str(call.path), call.content)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + lane.policy.total
        attempt = 0
        while True:
            attempt += 1
            try:
                async with lane.slot(deadline, str(call.path), first=attempt > 1):
                    self.sent[f"{call.method} {kind}"] += 1
                    try:
                        return await self._attempt(kind, call, lane.policy.attempt)
                    except NoAnswer as error:
                        failure = error
                        wait = failure.retry_after or self._backoff.delay(attempt)
                        if failure.limited:
                            self._slow_down(lane, wait)
            except LaneClosed as closed:
                raise NoAnswer(TOO_MANY, closed.seconds, limited=True) from None
            again = failure.limited or lane.policy.retries_lost
            if not again or loop.time() + wait > deadline or isinstance(failure, TooLarge):
                raise failure
            self.log.debug("Trying again in %.1f s after %s on %s", wait, failure, call.path)
            if not failure.limited:
                await asyncio.sleep(wait)

    def _slow_down(self, lane: Lane, seconds: float) -> None:
        self.limited += 1
        lane.pause(seconds)

    async def _attempt(self, kind: str, call: _Call, seconds: float) -> Any:
        query = {key: str(value) for key, value in call.query.items() if value is not None}
        if self.as_user_id:
            query["user_id"] = self.as_user_id
        if self.as_device_id:
            query["org.matrix.msc3202.device_id"] = query["device_id"] = self.as_device_id
        requesting = self.session.request(
            str(call.method),
            self.base_url.with_path(self._full_path(call.path), encoded=True),
            data=None if call.method == Method.GET else json.dumps(call.content or {}),
            params=query,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
            timeout=ClientTimeout(total=seconds),
        )
        counts = kind in COUNTED
        with self.message_limit.sending(kind) if counts else contextlib.nullcontext():
            try:
                async with requesting as response:
                    answer = await read_answer(response, call.most)
            except asyncio.TimeoutError as error:
                raise NoAnswer(f"no answer within {seconds:.0f} s") from error
            except (ClientError, OSError) as error:
                raise NoAnswer(f"{type(error).__name__}: {error}") from error
            return classify(answer)
