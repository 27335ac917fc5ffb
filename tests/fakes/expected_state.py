"""What must be routed by what stands in Matrix, and what the plugin's routes and cache say.

It reads the fake homeserver's rooms, one at a time, knows no cache, and shares nothing with the
plugin's own planning. It must stay simple enough to be believed.
"""

from __future__ import annotations

from typing import Any

from .maubot import BOT, Bot
from .rooms import Room
from .users import BINDING, CHILD, MARKER
from .world import World

# By room: Space, owner, handle, conversation, status.
Chats = dict[str, tuple[Any, ...]]
# What Matrix shows no more is remembered, or not.
LOST = "lost"


def is_closed(room: Room) -> bool:
    return ("m.room.tombstone", "") in room.state


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


def heir_of(world: World, room: Room) -> Room | None:
    """The open room that took over from a closed one in the end, as far as the bot can see."""
    while is_closed(room):
        tombstone = room.state["m.room.tombstone", ""]
        replacement_room = world.rooms.get(tombstone["content"].get("replacement_room", ""))
        if replacement_room is None or replacement_room.membership(BOT) != "join":
            return None
        predecessor = replacement_room.content("m.room.create").get("predecessor", {})
        if (
            predecessor.get("room_id") != room.room_id
            or replacement_room.creator != tombstone["sender"]
        ):
            return None
        room = replacement_room
    return room


def is_live(world: World, room: Room) -> bool:
    """Whether a chat that the bot is in is to be answered: nobody closed it, its owner is in it
    or invited, and the Space, if the bot is in one, links it."""
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
    return linked and room.membership(owner) in ("join", "invite") and not is_closed(room)


def chats_of(world: World) -> Chats:
    """The chats that the bot is in, and what must be known of each. One that was upgraded is none
    any more, whatever became of the room that took over: its binding moved there."""
    chats = [
        room
        for room in world.rooms.values()
        if room.content(BINDING).get("platform_chat_id") and room.membership(BOT) == "join"
    ]
    for room in chats:
        replacement_room = heir_of(world, room)
        assert replacement_room in (None, room), (
            f"the binding of {room} did not move to {replacement_room}"
        )
    return {
        room.room_id: (
            *(
                room.content(BINDING)[part]
                for part in ("space_id", "matrix_user_id", "chat_id", "platform_chat_id")
            ),
            "live" if is_live(world, room) else "archived",
        )
        for room in chats
    }


def routed(bot: Bot) -> Chats:
    """What the routes say."""
    chats = bot.plugin.services.routes.chats.values()
    stale = [chat.room_id for chat in chats if chat.stale]
    assert stale == [], "every room can be read"
    return {
        chat.room_id: (
            chat.binding.space_id,
            chat.owner,
            chat.binding.chat_id,
            chat.binding.platform_chat_id,
            chat.status.value,
        )
        for chat in chats
        if chat.status.value != LOST
    }


def cached(bot: Bot) -> Chats:
    """The same of the database."""
    rows = bot.query(
        "SELECT room_id, space_id, matrix_user_id, chat_id, platform_chat_id, status FROM chat"
    )
    return {room_id: tuple(rest) for room_id, *rest in rows if rest[-1] != LOST}
