"""What came in a room since a sync token."""

from __future__ import annotations

from typing import Any

import pytest
from mautrix.types import RoomID

from plugin.matrix.api import RetryingAPI
from plugin.matrix.backlog import read_backlog

from .test_timeline import ALICE, ROOM, message, timeline


@pytest.mark.parametrize("event_id", [None, 7, ["$1"], {"$1": "$1"}])
async def test_an_event_that_nobody_can_name_costs_itself_alone(
    api: RetryingAPI, event_id: Any
) -> None:
    nameless = {**message("$0", "Nobody knows me"), "event_id": event_id}
    taken_back = {"type": "m.room.redaction", "sender": ALICE, "redacts": "$2", "event_id": "$3"}
    events = [nameless, message("$1", "Hi"), message("$2", "Oh"), taken_back]

    backlog = await read_backlog(
        RoomID(ROOM), {"timeline": {"events": events}}, None, timeline(api)
    )

    assert [one.body for one in backlog.messages] == ["Hi", "Oh"]
    assert backlog.taken_back == {"$2"}
