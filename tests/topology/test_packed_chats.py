"""Chats by room: what is put in comes out as it was, and the garbage collector sees no chat."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mautrix.types import RoomID, UserID

from plugin.topology.model import Binding, Chat, Space, Status, Topology
from plugin.topology.packed import PackedChats
from plugin.topology.routes import build_routes

# What Matrix sends may be any text, with zeros in it and halves of characters.
TEXT = st.text(st.characters() | st.sampled_from('\0\n"\\[]'), max_size=8)
BINDINGS = st.builds(Binding, TEXT, TEXT, TEXT, TEXT, TEXT)
CHATS = st.builds(Chat.bound, TEXT, BINDINGS, st.sampled_from(Status), st.booleans())
FIRST = Chat.bound(RoomID("!1"), Binding("C1", RoomID("!s"), UserID("@a:b"), "echo", "x"))


@given(CHATS)
def test_a_chat_comes_out_as_it_was_put_in(chat: Chat) -> None:
    chats = PackedChats([chat])

    assert chats[chat.room_id] == chat
    assert isinstance(chats[chat.room_id].status, Status)
    assert isinstance(chats[chat.room_id].stale, bool)


def test_a_room_without_a_chat_has_none() -> None:
    chats = PackedChats([FIRST])

    assert chats.get(RoomID("!2")) is None
    assert RoomID("!2") not in chats
    with pytest.raises(KeyError):
        chats[RoomID("!2")]


def test_a_copy_is_left_alone_by_later_changes() -> None:
    chats = PackedChats([FIRST])
    copy = chats.copy()

    chats[FIRST.room_id] = FIRST._replace(status=Status.LOST)
    del copy[FIRST.room_id]

    assert (dict(copy), dict(chats)) == ({}, {FIRST.room_id: FIRST._replace(status=Status.LOST)})


def test_a_chat_is_nothing_that_the_garbage_collector_goes_through() -> None:
    before = _tracked()

    routes = build_routes(_topology(1_000))

    assert len(routes.chats) == 1_000
    assert _tracked() - before < 100


def _topology(number: int) -> Topology:
    space_id, owner = RoomID("!space"), UserID("@alice:test")
    chats = (
        Chat.bound(RoomID(f"!{at}"), Binding(f"C{at}", space_id, owner, "echo", f"c{at}"))
        for at in range(1, number + 1)
    )
    return Topology({space_id: Space(space_id, owner)}, {chat.room_id: chat for chat in chats})


def _tracked() -> int:
    """How many objects the collector goes through, once it has seen which ones it need not."""
    gc.collect()
    return len(gc.get_objects())
