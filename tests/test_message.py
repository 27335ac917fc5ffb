"""A message as somebody's client or server wrote it, and as the database may give it back."""

from __future__ import annotations

import json
from typing import Any

import attr
import pytest

from plugin.message import parse_message, restore_message

EVENT = {
    "type": "m.room.message",
    "event_id": "$1",
    "room_id": "!room:test",
    "sender": "@alice:test",
    "origin_server_ts": 5,
    "content": {"msgtype": "m.text", "body": "Hello", "m.mentions": {"user_ids": ["@b:test"]}},
}


@pytest.mark.parametrize("time", [10**400, -1, 2**53, 1.5, "5", True, None])
def test_a_time_that_is_none_is_long_ago(time: Any) -> None:
    message = parse_message({**EVENT, "origin_server_ts": time})

    assert message is not None
    assert message.sent_at == 0


def test_a_message_comes_back_as_it_was_kept() -> None:
    message = parse_message(EVENT)
    assert message is not None
    assert message.sent_at == 5

    assert restore_message(json.loads(json.dumps(attr.asdict(message)))) == message
