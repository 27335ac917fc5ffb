"""Fuzzed: what the homeserver, or a proxy before it, answers to the plugin's own requests.

Whatever that is, it counts as an answer, a refusal or no answer: nothing else comes out.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

from mautrix.api import Method
from mautrix.errors import MatrixRequestError, MNotFound
from yarl import URL

from plugin.matrix.account_data import (
    AccountData,
    decode_cursor,
    decode_index,
    encode_index,
    part_of,
)
from plugin.matrix.api import NoAnswer, RetryingAPI
from plugin.matrix.encryption import RoomEncryption
from plugin.matrix.lookups import Lookups
from plugin.matrix.reader import Reader
from plugin.matrix.retry import Backoff, RequestPolicies, RetryPolicy
from plugin.matrix.room_pages import RoomPages, Stretch, TooLong
from plugin.matrix.timeline import Timeline
from plugin.message import IncomingMessage

from .rooms import (
    ALICE,
    BOT,
    CHAT,
    CHAT_STATE,
    IDENTITY,
    MESSAGES,
    NEXT,
    QUESTION,
    SPACE,
    SPACE_STATE,
    SYNC,
    TOKEN,
)
from .target import LOOP, Target, Unusable, from_json, from_text, to_json

INDEX = {"v": 1, "spaces": [SPACE], "foreign": [NEXT]}
SHARED = {"v": 1, "instances": {"main": INDEX}}
CURSORS = {"v": 1, "instances": {"main": "s1"}}
PAGE = {"chunk": [*MESSAGES, {"event_id": "$0", "sender": BOT}], "start": "t9", "end": "t1"}
MEMBERS = {"chunk": [one for one in SPACE_STATE if one["type"] == "m.room.member"]}
VERSIONS = {"capabilities": {"m.room_versions": {"default": "11"}}}
ASKED = IncomingMessage(QUESTION, CHAT, ALICE, "m.text", "!retry", 0)
LOG = logging.getLogger("fuzz")
LOG.disabled = True


class _Scripted:
    """Answers each request with the next of these values: null is not found, text no answer."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values
        self._at = 0

    async def request(self, *_: object, **__: object) -> Any:
        value = self._values[self._at % len(self._values)]
        self._at += 1
        if value is None:
            raise MNotFound(http_status=404, message="not found")
        if not isinstance(value, (dict, list)):
            raise NoAnswer("no answer")
        return value


class _Store:
    async def is_encrypted(self, _: object) -> bool:
        return False

    async def set_encryption_info(self, _: object, content: Any) -> None:
        json.dumps(content.serialize())


async def _ask_for_everything(values: list[Any]) -> None:
    api = cast(RetryingAPI, _Scripted(values))
    client = cast(Any, SimpleNamespace(crypto=None, state_store=_Store()))
    reader = Reader(api, AccountData(api, IDENTITY), straggler=60.0)
    lookups, data = Lookups(api, BOT, moment=60.0), AccountData(api, IDENTITY)
    timeline = Timeline(RoomPages(client, api), BOT, "main")
    two = Stretch((ALICE,), pages=2)
    for ask in (
        lambda: reader.observe([SPACE], full=True),
        reader.begin,
        lambda: reader.since(TOKEN),
        data.read_index,
        data.read_cursor,
        lambda: lookups.members(CHAT),
        lambda: lookups.state_value(CHAT, "m.room.name", "name", ""),
        lambda: lookups.creation(CHAT),
        lambda: lookups.tombstone(CHAT),
        lambda: lookups.display_name(ALICE),
        lookups.default_room_version,
        lambda: lookups.greeting(CHAT),
        lambda: RoomEncryption(client, api).is_on(CHAT),
        lambda: timeline.between(CHAT, two),
        lambda: timeline.answers(CHAT, [QUESTION]),
        lambda: timeline.events_before(ASKED),
        lambda: _collect(timeline.before(CHAT, QUESTION, ALICE)),
    ):
        with contextlib.suppress(NoAnswer, MatrixRequestError, TooLong):
            await ask()


async def _collect(found: AsyncIterator[Any]) -> None:
    async for one in found:
        one.text.encode()


def read_answers(value: Any) -> None:
    """A homeserver that answers every request with the next of some values."""
    if not isinstance(value, list) or not value:
        raise Unusable
    LOOP.run(_ask_for_everything(value[:64]))


def read_account_data(value: Any) -> None:
    """What the bot noted for itself, as any earlier version or another program may have."""
    for content in (value, part_of(value, "main") if isinstance(value, dict) else None):
        index = decode_index(content)
        assert decode_index(encode_index(index)) == index
        cursor = decode_cursor(content)
        assert cursor is None or (isinstance(cursor, str) and cursor)


class _Session:
    """Answers one request with these bytes."""

    def __init__(self, status: int, headers: dict[str, str], body: str) -> None:
        self.status, self.headers, self._body = status, headers, body.encode(errors="replace")
        self.content = self

    @contextlib.asynccontextmanager
    async def request(self, *_: object, **__: object) -> AsyncIterator[_Session]:
        yield self

    async def iter_any(self) -> AsyncIterator[bytes]:
        yield self._body


HTTP_FIELDS = ("token", "as_user_id", "as_device_id")
ONCE = RetryPolicy(in_flight=1, attempt=1, total=0)
CLIENT = {"base_url": URL("http://test"), "log": LOG} | dict.fromkeys(HTTP_FIELDS)
POLICIES = RequestPolicies(read=ONCE, backoff=Backoff(0.0, 0.0))


def read_response(text: str) -> None:
    """A response: its status and Retry-After on the first line, its body on the others."""
    head, _, body = text.partition("\n")
    status, _, retry_after = head.partition(" ")
    if not (status.isascii() and status.isdigit() and len(status) == 3):
        raise Unusable
    session = _Session(int(status), {"Retry-After": retry_after} if retry_after else {}, body)
    like = SimpleNamespace(session=session, **CLIENT)
    api = RetryingAPI(cast(Any, like), POLICIES)
    try:
        answer = LOOP.run(api.request(Method.GET, "_matrix"))
        assert isinstance(answer, (dict, list))
    except NoAnswer as error:
        if error.retry_after is not None and not 0 <= error.retry_after <= 86400:
            raise AssertionError(f"to wait {error.retry_after} s") from error
    except MatrixRequestError:
        return


LIMITED = json.dumps({"errcode": "M_LIMIT_EXCEEDED", "error": "slow", "retry_after_ms": 5})
TARGETS = (
    Target(
        "answers",
        from_json(read_answers),
        to_json(
            [{"joined_rooms": [SPACE, CHAT]}, INDEX, SPACE_STATE, CHAT_STATE, SYNC, PAGE, None],
            [PAGE, MEMBERS, {"name": "A"}, {"displayname": "A"}, VERSIONS, "no answer"],
            [SYNC, {"algorithm": "m.megolm.v1.aes-sha2", "rotation_period_ms": 1}],
        ),
    ),
    Target("account-data", from_json(read_account_data), to_json(INDEX, SHARED, CURSORS)),
    Target(
        "responses",
        from_text(read_response),
        [
            b'200 \n{"a": [1]}',
            b"200 \n<html>",
            b"429 3\n" + LIMITED.encode(),
            b"429 \n" + LIMITED.encode(),
            b'403 \n{"errcode": "M_FORBIDDEN", "error": "no"}',
            b"502 Wed, 21 Oct 2015 07:28:00 GMT\nBad gateway",
        ],
    ),
)
