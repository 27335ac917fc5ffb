"""Somebody invites the bot: what they get, once, however often they ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import unquote

import pytest
import pytest_asyncio
from aiohttp import web

from dev.proxy import hang_up
from dev.room_snapshot import Chat, content_of, take_snapshot
from dev.stack import Stack
from dev.user_client import Event, UserClient

from .story import accept_home, ask, membership_changes, messages_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(
    loop_scope="session", params=[True, False], ids=["autojoin", "no-autojoin"]
)
async def autojoin(stack: Stack, request: pytest.FixtureRequest) -> AsyncIterator[bool]:
    """Whether maubot itself accepts invitations."""
    await stack.maubot.put_client(stack.bot, stack.proxy.url, autojoin=request.param)
    yield request.param
    await stack.maubot.put_client(stack.bot, stack.proxy.url, autojoin=True)


async def chats_of(stack: Stack, person: UserClient) -> list[Chat]:
    """The person's chats, as they stand in Matrix."""
    picture = await take_snapshot(stack.as_bot())
    return [chat for chat in picture if chat.owner == person.user_id]


async def test_an_invitation_brings_a_private_space_with_a_first_chat(
    stack: Stack, autojoin: bool
) -> None:
    ann = await stack.register_user(f"ann-{autojoin}".lower())
    control = await ann.direct_chat(stack.bot.user_id)
    space_id, room_id = await accept_home(ann)
    welcome = await ann.wait_for_message(control, "Welcome")

    assert f"matrix.to/#/{space_id}?" in unquote(welcome["content"]["formatted_body"])
    (chat,) = await chats_of(stack, ann)
    assert (chat.space_id, chat.room_id, chat.chat_id) == (space_id, room_id, "C1")
    assert chat.mirror == chat.binding
    space = await ann.state(space_id)
    assert content_of(space, "m.room.name") == {"name": f"{ann.user_id[1:-10]}'s chats"}
    assert content_of(space, "m.room.join_rules") == {"join_rule": "invite"}
    assert content_of(await ann.state(room_id), "m.space.parent", space_id)["via"] == ["localhost"]
    assert await ask(ann, room_id, "hello") == "hello"


async def test_the_welcome_is_said_once(stack: Stack, autojoin: bool) -> None:
    bea = await stack.register_user(f"bea-{autojoin}".lower())
    control = await bea.direct_chat(stack.bot.user_id)
    await accept_home(bea)
    await bea.wait_for_message(control, "Welcome")
    await ask(bea, control, "!status")
    said = await messages_of(bea, control, stack.bot.user_id)
    assert ["Welcome" in words for words in said] == [True, False]


async def test_three_invitations_at_once_bring_one_space(stack: Stack, autojoin: bool) -> None:
    ben = await stack.register_user(f"ben-{autojoin}".lower())
    rooms = await asyncio.gather(*(ben.direct_chat(stack.bot.user_id) for _ in range(3)))
    await accept_home(ben)
    for room_id in rooms:
        await ben.wait_for_message(room_id, "Welcome")
    assert len(await chats_of(stack, ben)) == 1
    assert stack.proxy.count("POST", "/createRoom$") == 2


async def test_invitations_from_two_devices_bring_one_space(stack: Stack) -> None:
    cleo = await stack.register_user("cleo")
    devices = [cleo, await cleo.another_device()]
    rooms = await asyncio.gather(*(each.direct_chat(stack.bot.user_id) for each in devices))
    await accept_home(cleo)
    for room_id in rooms:
        await cleo.wait_for_message(room_id, "Welcome")
    assert len(await chats_of(stack, cleo)) == 1
    assert stack.proxy.count("POST", "/createRoom$") == 2


async def test_who_is_not_permitted_is_declined_unseen_and_gets_nothing(
    stack: Stack, autojoin: bool
) -> None:
    mallory = await stack.register_user(f"mallory-{autojoin}".lower())
    room_id = await mallory.direct_chat(stack.bot.user_id)
    wanted = "join" if autojoin else "leave"

    def is_seen(event: Event) -> bool:
        about_bot = event["type"] == "m.room.member" and event["state_key"] == stack.bot.user_id
        return bool(about_bot and event["content"]["membership"] == wanted)

    seen = await mallory.wait_for(is_seen)
    assert ("not set up to serve your account" in seen["content"].get("reason", "")) != autojoin
    # Longer than the plugin looks whether maubot joins by itself.
    await asyncio.sleep(5)
    member = content_of(await mallory.state(room_id), "m.room.member", stack.bot.user_id)
    assert member["membership"] == wanted
    assert not await messages_of(mallory, room_id, stack.bot.user_id)
    assert not await mallory.invitations()
    assert "/createRoom" not in "".join(membership_changes(stack.proxy))


async def test_in_a_group_nothing_is_made_and_who_mentions_the_bot_is_told_how_to_get_chats(
    stack: Stack, autojoin: bool
) -> None:
    host = await stack.register_user(f"host-{autojoin}".lower())
    guest = await stack.register_user(f"guest-{autojoin}".lower())
    bot = stack.bot.user_id
    group = await host.create_room(invite=[bot, guest.user_id])
    await guest.join(group)
    await host.wait_for(
        lambda event: event.get("state_key") == bot and event["content"]["membership"] == "join"
    )

    await guest.send(group, "Chatter")
    await guest.send(group, "And you?", **{"m.mentions": {"user_ids": [bot]}})

    await guest.wait_for_message(group, "direct chat")
    assert len(await messages_of(guest, group, bot)) == 1
    assert "/createRoom" not in "".join(membership_changes(stack.proxy))


@pytest.mark.parametrize("done", [1, 2], ids=["the-space", "the-first-chat"])
async def test_what_a_crash_interrupted_is_finished_by_the_next_start(
    stack: Stack, done: int
) -> None:
    """The homeserver makes the room; the bot is dead before it hears of that."""

    async def crash(request: web.Request) -> web.StreamResponse | None:
        if request.path.endswith("/createRoom") and stack.proxy.count("POST", "Room$") == done:
            await stack.proxy.forward(request)
            stack.maubot.kill()
            crashed.set()
            return hang_up(request)
        return None

    crashed = asyncio.Event()
    stack.proxy.fault = crash
    dora = await stack.register_user(f"dora-{done}")
    control = await dora.direct_chat(stack.bot.user_id)
    await asyncio.wait_for(crashed.wait(), 10)
    stack.proxy.fault = None
    await stack.maubot.start()

    space_id, room_id = await accept_home(dora)
    await dora.wait_for_message(control, "Welcome")
    (chat,) = await chats_of(stack, dora)
    assert (chat.space_id, chat.room_id, chat.mirror) == (space_id, room_id, chat.binding)
    assert await ask(dora, room_id, "hello") == "hello"
    created = stack.proxy.find("POST", "/createRoom$")
    assert sum(dora.user_id.encode() in passage.body for passage in created) == 2
