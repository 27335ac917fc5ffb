"""What must be routed by what stands in Matrix, and what the plugin's routes and cache say.

It reads the fake homeserver's rooms, one at a time, knows no cache, and shares nothing with the
plugin's own planning. It must stay simple enough to be believed.
"""

from __future__ import annotations

from typing import Any

from .maubot import BOT, Bot
from .people import BINDING, CHILD, MARKER
from .rooms import Room
from .world import World

# By room: Space, owner, handle, conversation, status.
Chats = dict[str, tuple[Any, ...]]


def is_closed(room: Room) -> bool:
    return bool(room.content("m.room.tombstone"))


def space_of(world: World, owner: str) -> Room | None:
    """The Space that counts: the bot is in it, and no other one took its place."""
    spaces = [
        room
        for room in world.rooms.values()
        if room.content(MARKER).get("matrix_user_id") == owner
        and room.membership(BOT) == "join"
        and not room.content(MARKER).get("superseded_by")
        and not is_closed(room)
    ]
    assert len(spaces) <= 1, f"{owner} has several Spaces: {spaces}"
    return spaces[0] if spaces else None


def is_live(world: World, room: Room) -> bool:
    """Whether an open chat that the bot is in is to be answered: its owner is in it or invited,
    and the Space, if the bot is in one, links it."""
    binding = room.content(BINDING)
    owner = binding["matrix_user_id"]
    space = space_of(world, owner)
    linked = True
    if space is not None:
        assert binding["space_id"] == space.room_id, f"{room} names another Space"
        assert (CHILD, room.room_id) in space.state, f"{room} was never linked"
        link = space.content(CHILD, room.room_id)
        linked = bool(link.get("via"))
        assert not linked or link[BINDING] == binding, f"{room} is mirrored wrongly"
    return linked and room.membership(owner) in ("join", "invite")


def chats_of(world: World) -> Chats:
    """The open chats that the bot is in, and what must be known of each."""
    return {
        room.room_id: (
            *(
                room.content(BINDING)[part]
                for part in ("space_id", "matrix_user_id", "chat_id", "platform_chat_id")
            ),
            "live" if is_live(world, room) else "archived",
        )
        for room in world.rooms.values()
        if room.content(BINDING) and room.membership(BOT) == "join" and not is_closed(room)
    }


def routed(bot: Bot) -> Chats:
    """What the routes say of open chats."""
    chats = bot.plugin.slot.current.chats.values()
    stale = [chat.room_id for chat in chats if chat.stale]
    assert stale == [], "every room can be read"
    return _open_ones(
        bot.server.world,
        {
            chat.room_id: (
                chat.binding.space_id,
                chat.owner,
                chat.binding.chat_id,
                chat.binding.platform_chat_id,
                chat.status.value,
            )
            for chat in chats
        },
    )


def cached(bot: Bot) -> Chats:
    """The same of the database."""
    rows = bot.query(
        "SELECT room_id, space_id, matrix_user_id, chat_id, platform_chat_id, status FROM chat"
    )
    return _open_ones(bot.server.world, {room_id: tuple(rest) for room_id, *rest in rows})


def _open_ones(world: World, chats: Chats) -> Chats:
    """Leave out lost chats, which Matrix shows no more, and closed ones: whether one whose
    successor was lost is archived or forgotten depends on what was seen of it before. Either
    way it must not be live."""
    closed = {room_id for room_id in chats if is_closed(world.rooms[room_id])}
    assert "live" not in [chats[room_id][-1] for room_id in closed]
    return {
        room_id: chat
        for room_id, chat in chats.items()
        if chat[-1] != "lost" and room_id not in closed
    }
