"""A user's Matrix client: what the tests and the demo do with Spacekeeper goes through one.

Raw JSON over HTTP: a test sees what the homeserver said. Must know nothing of the plugin.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import aiohttp

from .synapse import Login

Event = dict[str, Any]
SYNC_FILTER = json.dumps({"room": {"timeline": {"limit": 100}}, "presence": {"types": []}})


class MatrixRefusal(Exception):
    """The homeserver said no: `status` is HTTP's, `errcode` Matrix's."""

    def __init__(self, status: int, said: dict[str, Any]) -> None:
        super().__init__(f"{status} {said.get('errcode')}: {said.get('error')}")
        self.status = status
        self.errcode = said.get("errcode")


class NotSeen(AssertionError):
    """What was waited for did not come; the message lists what came instead."""


class UserClient:
    """One log-in of a user on the homeserver.

    What the homeserver tells this log-in is kept until a `wait_for` takes it, so nothing is
    missed between two waits, in whatever order things come.
    """

    def __init__(self, session: aiohttp.ClientSession, homeserver: str, login: Login) -> None:
        self.user_id = login.user_id
        self.login = login
        self._session = session
        self._homeserver = homeserver
        self._since = ""
        self._seen: list[Event] = []
        self._invited: dict[str, list[Event]] = {}
        self._numbers = itertools.count(1)

    async def another_device(self) -> UserClient:
        """The same user, logged in once more."""
        password = self.login.password
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self.user_id},
            "password": password,
        }
        made = await self.call("POST", "login", body)
        login = Login(self.user_id, made["device_id"], made["access_token"], password)
        return UserClient(self._session, self._homeserver, login)

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """One request of the client-server API; `path` follows /_matrix/client/v3/.

        Raises MatrixRefusal.
        """
        async with self._session.request(
            method,
            f"{self._homeserver}/_matrix/client/v3/{path}",
            json=body,
            params={name: str(value) for name, value in query.items()},
            headers={"Authorization": f"Bearer {self.login.access_token}"},
        ) as answer:
            said = await answer.json()
        if answer.status >= 400:
            raise MatrixRefusal(answer.status, said)
        return said

    async def create_room(self, **options: Any) -> str:
        """Make a room with these options of createRoom; give its id."""
        return str((await self.call("POST", "createRoom", options))["room_id"])

    async def direct_chat(self, user_id: str) -> str:
        """Start a direct chat with `user_id`, as a client's "new message" does."""
        return await self.create_room(
            preset="trusted_private_chat", is_direct=True, invite=[user_id]
        )

    async def invite(self, room_id: str, user_id: str) -> None:
        """Invite somebody into a room."""
        await self.call("POST", f"rooms/{quote(room_id)}/invite", {"user_id": user_id})

    async def join(self, room_id: str) -> None:
        """Join a room, or accept the invitation to it."""
        await self.call("POST", f"rooms/{quote(room_id)}/join", {})

    async def leave(self, room_id: str) -> None:
        """Leave a room, or decline the invitation to it."""
        await self.call("POST", f"rooms/{quote(room_id)}/leave", {})

    async def send(self, room_id: str, text: str, **content: Any) -> str:
        """Send a message (`m.text` unless `msgtype` says else); give the event's id."""
        body = {"msgtype": "m.text", "body": text} | content
        # Transaction ids are told apart within one device only, and a UserClient is one device.
        path = f"rooms/{quote(room_id)}/send/m.room.message/{next(self._numbers)}"
        return str((await self.call("PUT", path, body))["event_id"])

    async def set_state(self, room_id: str, kind: str, content: Any, key: str = "") -> str:
        """Send a state event; give its id."""
        path = f"rooms/{quote(room_id)}/state/{kind}/{quote(key)}"
        return str((await self.call("PUT", path, content))["event_id"])

    async def state(self, room_id: str) -> list[Event]:
        """The room's whole state, as events."""
        events: list[Event] = await self.call("GET", f"rooms/{quote(room_id)}/state")
        return events

    async def messages(self, room_id: str, limit: int = 100) -> list[Event]:
        """The last `limit` events of the room's timeline, oldest first."""
        path = f"rooms/{quote(room_id)}/messages"
        return list(reversed((await self.call("GET", path, dir="b", limit=limit))["chunk"]))

    async def joined_rooms(self) -> set[str]:
        """The ids of the rooms that this user is in."""
        return set((await self.call("GET", "joined_rooms"))["joined_rooms"])

    async def invitations(self) -> dict[str, list[Event]]:
        """The pending invitations: room id to the stripped state that came along."""
        await self._sync(0)
        return dict(self._invited)

    async def wait_for(self, wanted: Callable[[Event], bool], within: float = 10) -> Event:
        """The first event not yet taken that is `wanted`; wait `within` seconds for it.

        Events are those of timelines, typing notices and receipts, each with its `room_id`. An
        invitation is this user's own `m.room.member` event, with the stripped state that came
        along under `invite_state`. Raises NotSeen.
        """
        deadline = time.monotonic() + within
        while True:
            for event in self._seen:
                if wanted(event):
                    self._seen.remove(event)
                    return event
            left = deadline - time.monotonic()
            if left <= 0:
                raise NotSeen(self._report(within))
            await self._sync(left)

    async def wait_for_invitation(self, within: float = 10) -> Event:
        """The next invitation that this user gets. Raises NotSeen."""
        return await self.wait_for(lambda event: "invite_state" in event, within)

    async def wait_for_message(
        self, room_id: str, containing: str = "", within: float = 10
    ) -> Event:
        """The next message of somebody else in the room with this text in it. Raises NotSeen."""

        def wanted(event: Event) -> bool:
            return (
                event["room_id"] == room_id
                and event["type"] == "m.room.message"
                and event["sender"] != self.user_id
                and containing in event["content"].get("body", "")
            )

        return await self.wait_for(wanted, within)

    def forget(self) -> None:
        """Drop what was seen and not taken."""
        self._seen.clear()

    async def _sync(self, seconds: float) -> None:
        query = {"filter": SYNC_FILTER, "timeout": int(min(seconds, 5) * 1000)}
        if self._since:
            query["since"] = self._since
        answer = await self.call("GET", "sync", **query)
        self._since = answer["next_batch"]
        rooms = answer.get("rooms", {})
        for room_id, room in rooms.get("invite", {}).items():
            self._invited[room_id] = room["invite_state"]["events"]
            self._see(room_id, [self._invitation(self._invited[room_id])])
        for room_id, room in (rooms.get("join", {}) | rooms.get("leave", {})).items():
            self._invited.pop(room_id, None)
            self._see(room_id, room.get("timeline", {}).get("events", []))
            self._see(room_id, room.get("ephemeral", {}).get("events", []))

    def _see(self, room_id: str, events: list[Event]) -> None:
        self._seen += [event | {"room_id": room_id} for event in events]

    def _invitation(self, stripped: list[Event]) -> Event:
        own = next(event for event in stripped if event.get("state_key") == self.user_id)
        return own | {"invite_state": stripped}

    def _report(self, within: float) -> str:
        seen = "\n".join(json.dumps(event) for event in self._seen[-10:])
        return f"{self.user_id} waited {within:g} s in vain.\nInstead came:\n{seen}"
