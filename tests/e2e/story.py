"""What the stories have in common: how people come in, write, and what passed on the wire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

from dev.proxy import Proxy, RecordedRequest
from dev.room_snapshot import content_of
from dev.stack import Stack
from dev.user_client import Event, NotSeen, UserClient

MEMBERSHIPS = r"/(createRoom|invite|leave|kick|ban|join)$|/v3/join/"


@dataclass
class OnboardedUser:
    """Somebody who was onboarded: their control room, their Space, and their chats in order."""

    person: UserClient
    control: str
    space_id: str
    chats: list[str]


async def onboard(stack: Stack, name: str, chats: int = 1, within: float = 10) -> OnboardedUser:
    """A new person who invited the bot, accepted everything, and has so many chats.

    `within`: seconds to wait for each invitation and for the welcome. Raises NotSeen.
    """
    person = await stack.register_user(name)
    control = await person.direct_chat(stack.bot.user_id)
    space_id, first = await accept_home(person, within)
    await person.wait_for_message(control, "Welcome", within)
    onboarded = OnboardedUser(person, control, space_id, [first])
    for _ in range(1, chats):
        await start_chat(onboarded)
    return onboarded


async def accept_home(person: UserClient, within: float = 10) -> tuple[str, str]:
    """Accept the invitations to a new Space and to its first chat; give the two rooms."""
    invitations = [await person.wait_for_invitation(within) for _ in range(2)]
    invitations.sort(key=lambda invitation: not is_space(invitation["invite_state"]))
    for invitation in invitations:
        await person.join(invitation["room_id"])
    space, chat = invitations
    return space["room_id"], chat["room_id"]


async def start_chat(onboarded: OnboardedUser, title: str = "") -> str:
    """Have one more chat made, and join it; give its room."""
    person = onboarded.person
    await person.send(onboarded.control, f"!new {title}")
    room_id: str = (await person.wait_for_invitation())["room_id"]
    await person.join(room_id)
    await person.wait_for_message(onboarded.control, "is ready")
    onboarded.chats.append(room_id)
    return room_id


def is_space(state: list[Event]) -> bool:
    """Whether this is the state of a Space."""
    return content_of(state, "m.room.create").get("type") == "m.space"


async def ask(person: UserClient, room_id: str, text: str, within: float = 10) -> str:
    """Write in a room; give the words that come back. Raises NotSeen."""
    return await reply_to(person, await person.send(room_id, text), within)


async def reply_to(person: UserClient, question: str, within: float = 10) -> str:
    """The words of the answer or reply to the event `question`, when it is whole. Raises
    NotSeen."""

    def is_reply(event: Event) -> bool:
        content = event["content"]
        relation = content.get("m.relates_to", {}).get("m.in_reply_to", {})
        named = (content.get("chat.spacekeeper.answers"), relation.get("event_id"))
        return question in named and "chat.spacekeeper.live" not in content

    content = (await person.wait_for(is_reply, within))["content"]
    return str(content.get("m.new_content", content)["body"])


async def wait_for_words(person: UserClient, question: str) -> Event:
    """The first words of the answer to the event `question`. Raises NotSeen."""
    return await person.wait_for(
        lambda event: event["content"].get("chat.spacekeeper.answers") == question
    )


async def show_that_nothing_is_limited(onboarded: OnboardedUser) -> None:
    """Let the plugin see that the homeserver takes more messages than it would under its default
    limit: until then it shows no more of an answer than that leaves room for."""
    for _ in range(13):
        await ask(onboarded.person, onboarded.control, "!help")


async def ask_everywhere(
    users: Iterable[OnboardedUser], text: str, within: float = 10
) -> dict[str, str]:
    """Have everybody write in each of their chats; what came back, by room. Raises NotSeen."""

    async def ask_all(onboarded: OnboardedUser) -> dict[str, str]:
        person = onboarded.person
        asked = {room_id: await person.send(room_id, text) for room_id in onboarded.chats}
        return {
            room_id: await reply_to(person, question, within)
            for room_id, question in asked.items()
        }

    answers: dict[str, str] = {}
    for theirs in await asyncio.gather(*map(ask_all, users)):
        answers |= theirs
    return answers


async def messages_of(person: UserClient, room_id: str, sender: str) -> list[str]:
    """What `sender` wrote in the room so far, oldest first."""
    return [
        event["content"]["body"]
        for event in await person.messages(room_id)
        if event["type"] == "m.room.message" and event["sender"] == sender
    ]


def membership_changes(proxy: Proxy) -> list[str]:
    """The requests that passed by which rooms are made, or people come and go."""
    return [passage.path for passage in proxy.find("POST", MEMBERSHIPS)]


def state_writes(proxy: Proxy) -> list[str]:
    """The requests that passed by which a room's state is written."""
    return [passage.path for passage in proxy.find("PUT", r"/rooms/[^/]+/state/")]


def initial_syncs(proxy: Proxy) -> list[RecordedRequest]:
    """The `/sync` requests that passed and named no token to go on from: the plugin sends one
    where it starts without a cache to rely on; maubot itself has a token since its first start."""
    return [sync for sync in proxy.find("GET", r"/sync$") if "since=" not in sync.query]


async def wait_for_log(stack: Stack, text: str, since: int, within: float = 20) -> None:
    """Wait until maubot has logged `text`, not counting the first `since` characters."""
    deadline = time.monotonic() + within
    while text not in stack.maubot.log()[since:]:
        if time.monotonic() > deadline:
            raise NotSeen(f"maubot did not log {text!r} within {within:g} s.")
        await asyncio.sleep(0.1)
