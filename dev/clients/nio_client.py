"""What matrix-nio shows of a room. Runs in the environment `sdks`, on its own; see client.py.

matrix-nio hands its callers the events and leaves it to them to apply edits. That is done here as
the specification has it (client-server API, section 11.37), and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from nio import AsyncClient, RoomMessageText


class Shown:
    """The texts of one room, as its reader has them before them."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.messages: dict[str, str] = {}
        self._settings = settings

    def take(self, event: Any) -> bool:
        """Show an event; whether it is the end of an answer."""
        if not isinstance(event, RoomMessageText):
            return False
        content = event.source["content"]
        relation = content.get("m.relates_to", {})
        event_id, body = event.event_id, event.body
        if relation.get("rel_type") == "m.replace":
            event_id, body = relation["event_id"], content["m.new_content"]["body"]
        self.messages[event_id] = body
        # An edit has the marks of its new content on the outside, too.
        return self._settings["answers"] in content and self._settings["live"] not in content


async def watch(settings: dict[str, str]) -> None:
    """Sync until an answer is whole, and print what is shown then."""
    client = AsyncClient(settings["homeserver"], settings["user_id"])
    client.restore_login(settings["user_id"], settings["device_id"], settings["access_token"])
    shown = Shown(settings)
    is_whole = is_ready = False
    try:
        while not is_whole:
            synced = await client.sync(1000, {"room": {"timeline": {"limit": 100}}})
            room = synced.rooms.join.get(settings["room_id"])
            for event in room.timeline.events if room else ():
                is_whole = shown.take(event) or is_whole
            if not is_ready:
                print("ready", file=sys.stderr, flush=True)
            is_ready = True
    finally:
        await client.close()
    listed = [{"event_id": key, "body": body} for key, body in shown.messages.items()]
    print(json.dumps(listed))


if __name__ == "__main__":
    asyncio.run(watch(json.loads(sys.argv[1])))
