"""Changes Matrix: makes rooms, sends state, invites, joins and leaves.

Each method is one request, and raises what came of it: `MatrixRequestError` if the homeserver
refused, `NoAnswer` if it is not known. When to make one is decided in reconciler/ and spaces/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mautrix.api import Method, Path
from mautrix.types import RoomID, UserID

from .api import NoAnswer, RetryingAPI


class Writer:
    """Writes to the homeserver as the bot."""

    def __init__(self, api: RetryingAPI) -> None:
        self.api = api

    async def create_room(self, request: Mapping[str, Any]) -> RoomID:
        """Make a room (client-server API, section 8.1).

        Args:
            request: the body, from create_room.py.

        Returns:
            The new room's id.

        Raises:
            MatrixRequestError: refused; there is no room.
            NoAnswer: the room may have been made; look for it by its marker before trying again.
        """
        answer = await self.api.request(Method.POST, Path.v3.createRoom, request)
        room_id = answer.get("room_id") if isinstance(answer, dict) else None
        if not isinstance(room_id, str):
            raise NoAnswer("createRoom named no room")
        return RoomID(room_id)

    async def put_state(
        self, room_id: RoomID, event_type: str, state_key: str, content: Mapping[str, Any]
    ) -> None:
        """Send a state event (section 6.5.1); sending the same again does no harm."""
        path = Path.v3.rooms[room_id].state[event_type][state_key]
        await self.api.request(Method.PUT, path, content)

    async def invite(self, room_id: RoomID, user_id: UserID) -> None:
        """Invite a user; refused with M_FORBIDDEN if they are in the room or banned."""
        body = {"user_id": user_id}
        await self.api.request(Method.POST, Path.v3.rooms[room_id].invite, body)

    async def join(self, room_id: RoomID) -> None:
        """Accept an invitation; joining a joined room does no harm."""
        await self.api.request(Method.POST, Path.v3.rooms[room_id].join)

    async def leave(self, room_id: RoomID, reason: str) -> None:
        """Leave a room or decline its invitation, saying why."""
        await self.api.request(Method.POST, Path.v3.rooms[room_id].leave, {"reason": reason})
