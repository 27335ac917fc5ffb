"""Rooms that cannot be read for a while: what is written in them, and what must come of it.

Each room here is one of those that a fault may concern alone. The fault itself is for the story
to inject and to clear.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Protocol

from dev.stack import Stack
from dev.user_client import UserClient

from .bystanders import PROMPT, Surroundings
from .scenario import eventually
from .story import OnboardedUser, ask, onboard, reply_to
from .transcript import EVERYTHING, read_transcript, read_when_complete

# Seconds for a room that is well again: its next try comes after a pause that has grown.
RECOVERY = 60.0
# More than the hundred messages that one answer to the plugin's own sync holds.
GROUP_MESSAGES = 150
GUEST_MESSAGES = 95
# By the owner, before those of the guest, and as many after them.
OWN_MESSAGES = 8


class SickRoom(Protocol):
    """A room, and people who write in it."""

    @property
    def room_id(self) -> str:
        """The room."""

    async def write_one(self) -> None:
        """Write a message that nobody answers."""

    async def write_many(self) -> None:
        """Write more than one sync holds."""

    async def write_while_sick(self) -> None:
        """Write while the room cannot be read, there and elsewhere."""

    async def expect_order(self) -> None:
        """What was written is answered in its order, or not at all where nobody is to answer."""


@dataclass
class Group:
    """A group of people who may not use the bot; the bot is in it, and has nothing to say."""

    surroundings: Surroundings

    @classmethod
    async def make(cls, surroundings: Surroundings, name: str) -> Group:
        """The group in which the bot has been all the time."""
        return cls(surroundings)

    @property
    def room_id(self) -> str:
        """The group's room."""
        return self.surroundings.group

    async def write_one(self) -> None:
        """One of them says something."""
        await self.surroundings.outsiders[0].send(self.room_id, "listen")

    async def write_many(self) -> None:
        """They talk to each other."""
        await write_at_once(self.surroundings.outsiders[0], self.room_id, GROUP_MESSAGES)

    async def write_while_sick(self) -> None:
        """The other one says something, too."""
        await self.surroundings.outsiders[1].send(self.room_id, "anybody else?")

    async def expect_order(self) -> None:
        """The bot said nothing, and never asked what was said."""
        stack = self.surroundings.stack
        timeline = await self.surroundings.outsiders[0].messages(self.room_id, EVERYTHING)
        said = {event["sender"] for event in timeline if event["type"] == "m.room.message"}
        assert stack.bot.user_id not in said
        assert pages_read(stack, self.room_id) == 0


@dataclass
class OwnedChat:
    """A chat of somebody who invited a guest into it, and has another chat beside it."""

    stack: Stack
    alice: OnboardedUser
    guest: UserClient

    @classmethod
    async def make(cls, surroundings: Surroundings, name: str) -> OwnedChat:
        """The chat of somebody new of this name, with the guest in it."""
        alice = await onboard(surroundings.stack, name, chats=2)
        guest = surroundings.outsiders[0]
        await alice.person.invite(alice.chats[0], guest.user_id)
        await guest.join(alice.chats[0])
        return cls(surroundings.stack, alice, guest)

    @property
    def room_id(self) -> str:
        """The chat's room."""
        return self.alice.chats[0]

    async def write_one(self) -> None:
        """The guest says something, which nobody answers."""
        await self.guest.send(self.room_id, "may I?")

    async def write_many(self) -> None:
        """The owner writes before the guest and after: a sync holds the later ones alone."""
        for number in range(OWN_MESSAGES):
            await self.alice.person.send(self.room_id, f"early {number}")
        await write_at_once(self.guest, self.room_id, GUEST_MESSAGES)
        for number in range(OWN_MESSAGES):
            await self.alice.person.send(self.room_id, f"late {number}")

    async def write_while_sick(self) -> None:
        """The owner writes on in the chat, whose older messages were asked for in vain, and is
        answered in the other one."""

        async def was_asked_for() -> bool:
            return pages_read(self.stack, self.room_id) > 0

        await eventually(was_asked_for, "the chat's timeline was asked for")
        await self.alice.person.send(self.room_id, "and now?")
        answer = await ask(self.alice.person, self.alice.chats[1], "and here?", PROMPT)
        assert answer == "and here?"

    async def expect_order(self) -> None:
        """Everything the owner wrote is answered, once each, in the order it was written."""
        await read_when_complete([(self.alice.person, self.room_id)], RECOVERY)
        # Whatever was to be answered twice is so before this.
        last = await self.alice.person.send(self.room_id, "is that all?")
        await reply_to(self.alice.person, last)
        transcript = await read_transcript(self.alice.person, self.room_id)
        assert len(transcript.asked) == 2 * OWN_MESSAGES + 2
        assert transcript.answered == transcript.asked


async def write_at_once(person: UserClient, room_id: str, count: int) -> None:
    """Write so many messages, in no order."""
    await asyncio.gather(*(person.send(room_id, f"remark {one}") for one in range(count)))


def pages_read(stack: Stack, room_id: str) -> int:
    """How often a room's timeline was asked for since the wire was cleared."""
    return stack.proxy.count("GET", rf"/rooms/{re.escape(room_id)}/messages$")
