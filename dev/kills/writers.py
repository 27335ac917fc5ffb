"""Six people who write in twelve chats, whatever becomes of the plugin, and see what comes back.

They read what the homeserver tells them, as clients do, and ask the plugin nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from ..stack import INSTANCE, Stack
from ..user_client import UserClient
from .ledger import Event, Ledger
from .slow_platform import SlowPlatform

NAMES = ("ada", "ben", "cleo", "dan", "eve", "finn")
# Messages that may wait of one person: what goes beyond a hundred would be set aside.
MOST_WAITING = 16
# Of every message, beside its number: up to so many further words.
MOST_WORDS = 60
# Seconds between two messages of one person, at most.
LONGEST_PAUSE = 1.0
PAGE = 500
FILTER = json.dumps(
    {
        "presence": {"types": []},
        "account_data": {"types": []},
        "room": {
            "state": {"types": []},
            "ephemeral": {"types": []},
            "account_data": {"types": []},
            "timeline": {"types": ["m.room.message"], "limit": PAGE},
        },
    }
)


class Writer:
    """One person with one chat on each platform, by room: what happened there so far."""

    def __init__(self, person: UserClient, rooms: list[str], chance: random.Random) -> None:
        self.person = person
        self.chats = {room_id: Ledger(person.user_id) for room_id in rooms}
        self._chance = chance
        self._since = ""
        self._number = 0

    @property
    def waiting(self) -> int:
        """How many messages of this person have no answer yet."""
        return sum(chat.waiting for chat in self.chats.values())

    async def write(self) -> None:
        """Write, now here, now there, until cancelled."""
        while True:
            await asyncio.sleep(self._chance.random() * LONGEST_PAUSE)
            if self.waiting < MOST_WAITING:
                room_id = self._chance.choice(list(self.chats))
                self._number += 1
                further = " and so on" * self._chance.randrange(MOST_WORDS // 3)
                await self.person.send(room_id, f"message {self._number}{further}")

    async def look(self) -> None:
        """See what came since the last look. Raises RuntimeError if that was too much to see."""
        query: dict[str, Any] = {"filter": FILTER, "timeout": 0}
        if self._since:
            query["since"] = self._since
        answer = await self.person.call("GET", "sync", **query)
        for room_id, room in answer.get("rooms", {}).get("join", {}).items():
            if room_id not in self.chats:
                continue
            if room["timeline"]["limited"] and self._since:
                raise RuntimeError(f"More than {PAGE} events came in {room_id} at once.")
            self.chats[room_id].take(room["timeline"]["events"])
        self._since = answer["next_batch"]

    async def read_all(self) -> dict[str, Ledger]:
        """Every chat read anew, from its first event to its last."""
        return {room_id: await self._read(room_id) for room_id in self.chats}

    async def _read(self, room_id: str) -> Ledger:
        newest_first: list[Event] = []
        query: dict[str, Any] = {"dir": "b", "limit": PAGE}
        while True:
            page = await self.person.call("GET", f"rooms/{room_id}/messages", **query)
            newest_first += page["chunk"]
            if not page["chunk"] or "end" not in page:
                break
            query["from"] = page["end"]
        ledger = Ledger(self.person.user_id)
        ledger.take(reversed(newest_first))
        return ledger


async def bring_in(stack: Stack, slow: SlowPlatform, chance: random.Random) -> list[Writer]:
    """Onboard everybody, each with a chat on echo and one on the slow platform."""
    rooms: dict[str, list[str]] = {}
    people = [await stack.register_user(name) for name in NAMES]
    controls = []
    for person in people:
        controls.append(await person.direct_chat(stack.bot.user_id))
        rooms[person.user_id] = [await _accept_chat(person, invitations=2)]
    await stack.maubot.change_instance(INSTANCE, config=slow.config("slow"))
    for person, control in zip(people, controls, strict=True):
        await person.send(control, "!new Slow")
        rooms[person.user_id].append(await _accept_chat(person, invitations=1))
    return [Writer(person, rooms[person.user_id], chance) for person in people]


async def _accept_chat(person: UserClient, invitations: int) -> str:
    chat = ""
    for _ in range(invitations):
        invitation = await person.wait_for_invitation(60)
        await person.join(invitation["room_id"])
        create = next(e for e in invitation["invite_state"] if e["type"] == "m.room.create")
        if create["content"].get("type") != "m.space":
            chat = invitation["room_id"]
    return chat


@asynccontextmanager
async def running(*work: Coroutine[Any, Any, None]) -> AsyncIterator[Callable[[], None]]:
    """Let this go on for the length of the block; the call raises what one of them failed with."""
    tasks = [asyncio.ensure_future(one) for one in work]

    def check() -> None:
        for task in tasks:
            if task.done():
                task.result()

    try:
        yield check
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
