"""Everybody but those in the room that is in trouble, and what they are promised meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from dev.stack import INSTANCE, Stack
from dev.user_client import UserClient

from .story import OnboardedUser, ask, onboard, reply_to

# Seconds until everybody else is answered, whatever the state of one room.
PROMPT = 5.0


@dataclass
class Surroundings:
    """A stack, two people on it who may not use the bot, and a group of theirs with the bot."""

    stack: Stack
    outsiders: tuple[UserClient, UserClient]
    group: str


async def make_group(stack: Stack, outsiders: tuple[UserClient, UserClient]) -> str:
    """A group of these two which the bot's account joined by itself, without an invitation that
    the plugin would answer; its room."""
    first, second = outsiders
    room_id = await first.create_room(preset="public_chat")
    await second.join(room_id)
    await stack.as_bot().join(room_id)
    return room_id


async def stop(stack: Stack, database: str) -> None:
    """End maubot, with its database "kept" or "deleted"."""
    await stack.maubot.stop()
    if database == "deleted":
        stack.maubot.delete_database(INSTANCE)


async def start(stack: Stack, bob: OnboardedUser) -> None:
    """Start maubot; what bob wrote meanwhile is answered within `PROMPT` of that. What passes the
    wire from now on belongs to this start."""
    question = await bob.person.send(bob.chats[0], "is anybody there?")
    stack.proxy.clear()
    await stack.maubot.start()
    assert (await stack.maubot.instance(INSTANCE))["started"]
    assert await reply_to(bob.person, question, PROMPT) == "is anybody there?"


async def expect_service(
    stack: Stack, bob: OnboardedUser, newcomer: str, within: float = 10
) -> None:
    """Bob is answered within `PROMPT`, and somebody new is onboarded and answered.

    `within`: seconds that the newcomer waits for each invitation and for the welcome.
    """
    assert await ask(bob.person, bob.chats[0], "still there?", PROMPT) == "still there?"
    carol = await onboard(stack, newcomer, within=within)
    assert await ask(carol.person, carol.chats[0], "hello") == "hello"
