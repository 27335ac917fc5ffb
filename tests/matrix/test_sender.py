"""What the bot says: cut to fit, encrypted where the room is, never sent twice."""

from __future__ import annotations

from typing import cast

import attr
import pytest
from maubot.matrix import MaubotMatrixClient
from mautrix.errors import MForbidden
from mautrix.types import EventID, RoomID, UserID

from plugin.matrix.answers import Answers
from plugin.matrix.api import RetryingAPI
from plugin.matrix.render import Renderer, RenderLimits
from plugin.matrix.room_messages import RoomMessages
from plugin.matrix.room_pages import RoomPages
from plugin.matrix.sender import Sender
from plugin.matrix.split import PIECE_BYTES
from plugin.matrix.timeline import Timeline
from plugin.message import IncomingMessage
from plugin.topology.standing_answer import StandingAnswer

from .http_server import BUSY, FORBIDDEN, Homeserver, Reply

ROOM = RoomID("!room:one.test")
QUESTION = EventID("$question")
ASKED = IncomingMessage(QUESTION, ROOM, UserID("@alice:one.test"), "m.text", "Why?", 0)


class Client:
    """As much of maubot's client as sending needs."""

    mxid = UserID("@keeper:one.test")
    crypto = None


def sender(api: RetryingAPI) -> Sender:
    client = cast(MaubotMatrixClient, Client())
    return Sender(RoomMessages(client, api, "main"), Renderer(RenderLimits()))


async def answer(
    api: RetryingAPI, asked: IncomingMessage, text: str, limits: RenderLimits | None = None
) -> None:
    """Let an answer stand in the room that has none yet."""
    client = cast(MaubotMatrixClient, Client())
    timeline = Timeline(RoomPages(client, api), Client.mxid, "main")
    renderer = Renderer(limits or RenderLimits())
    answers = Answers(RoomMessages(client, api, "main"), renderer, timeline)
    await answers.publish(asked, text, StandingAnswer())


async def test_an_answer_is_a_reply_in_as_many_messages_as_it_takes(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"event_id": "$sent"})

    await answer(api, ASKED, "word " * 4000)

    first, second = (asked.body for asked in homeserver.asked)
    assert first["msgtype"] == second["msgtype"] == "m.text"
    assert first["m.relates_to"] == {"m.in_reply_to": {"event_id": QUESTION}}
    assert "m.relates_to" not in second
    assert first["chat.spacekeeper.answers"] == second["chat.spacekeeper.answers"] == QUESTION
    assert len(first["body"].encode()) <= PIECE_BYTES


async def test_a_notice_is_marked_as_the_bots_own(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"event_id": "$sent"})

    await sender(api).notice(ROOM, "**Done.**")

    (asked,) = homeserver.asked
    assert asked.body == {
        "msgtype": "m.notice",
        "body": "**Done.**",
        "m.mentions": {},
        "format": "org.matrix.custom.html",
        "formatted_body": "<p><strong>Done.</strong></p>\n",
    }


async def test_markup_in_an_answer_is_shown_and_not_obeyed(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"event_id": "$sent"})

    await answer(api, ASKED, "<script>alert(1)</script>")

    assert "<script>" not in homeserver.asked[0].body["formatted_body"]


async def test_a_text_without_markup_is_sent_as_it_is(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    """Line breaks are kept then, which Markdown would take for spaces."""
    homeserver.tell_all({"event_id": "$sent"})

    await answer(api, ASKED, "Roses are red,\nviolets are blue. (And so on!)")

    assert "formatted_body" not in homeserver.asked[0].body


async def test_what_is_too_large_with_its_looks_is_sent_without_them(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"event_id": "$sent"})

    await answer(api, ASKED, "<" * (PIECE_BYTES - 1))

    (asked,) = homeserver.asked
    assert asked.body["body"] == "<" * (PIECE_BYTES - 1)
    assert "formatted_body" not in asked.body
    assert "format" not in asked.body


async def test_an_answer_comes_in_the_same_pieces_however_it_looks(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    """A kill may have come between two of them: the rest is found by their number."""
    homeserver.tell_all({"event_id": "$sent"})
    text = "\n\n".join(f"`{number}` <b>" * 500 for number in range(4))

    await answer(api, ASKED, text)
    bodies = [asked.body["body"] for asked in homeserver.asked]
    homeserver.asked.clear()
    await answer(api, ASKED, text, RenderLimits(work=0.0))

    assert [asked.body["body"] for asked in homeserver.asked] == bodies
    assert all("formatted_body" not in asked.body for asked in homeserver.asked)


async def test_a_long_notice_is_cut_like_an_answer(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"event_id": "$sent"})

    settles = {"before": ASKED.event_id}
    await sender(api).reply(ASKED, "- chat\n" * 4000, settles)

    first, *_, last = (asked.body for asked in homeserver.asked)
    assert first["chat.spacekeeper.continues"] is True
    assert "chat.spacekeeper.settles" not in first
    assert "chat.spacekeeper.continues" not in last
    assert last["chat.spacekeeper.settles"] == settles
    assert {first["msgtype"], last["msgtype"]} == {"m.notice"}
    assert len({asked.path for asked in homeserver.asked}) == len(homeserver.asked) == 3


async def test_in_a_thread_every_piece_stays_in_it(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all({"event_id": "$sent"})
    asked_there = attr.evolve(ASKED, thread=EventID("$root"))

    await answer(api, asked_there, "word " * 4000)
    await sender(api).notice(ROOM, "Hm.", asked_there)

    assert [asked.body["m.relates_to"] for asked in homeserver.asked] == 3 * [
        {
            "rel_type": "m.thread",
            "event_id": "$root",
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": QUESTION},
        }
    ]


async def test_a_message_tried_again_is_the_same_message(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all(BUSY, Reply(500, ""), {"event_id": "$sent"})

    await sender(api).notice(ROOM, "Hello")

    assert len({asked.path for asked in homeserver.asked}) == 1
    assert len(homeserver.asked) == 3


async def test_two_messages_alike_are_two(homeserver: Homeserver, api: RetryingAPI) -> None:
    homeserver.tell_all({"event_id": "$sent"})

    await sender(api).notice(ROOM, "Hello")
    await sender(api).notice(ROOM, "Hello")

    assert len({asked.path for asked in homeserver.asked}) == 2


async def test_a_message_the_homeserver_refuses_is_not_passed_over(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all(FORBIDDEN)

    with pytest.raises(MForbidden):
        await sender(api).notice(ROOM, "Hello")


@pytest.mark.parametrize("answer", [FORBIDDEN, Reply(502, "<html>")])
async def test_no_answer_fails_for_the_lack_of_a_courtesy(
    homeserver: Homeserver, api: RetryingAPI, answer: Reply
) -> None:
    homeserver.tell_all(answer)

    await sender(api).typing(ROOM, active=True)
    await sender(api).typing(ROOM, active=False)
    await sender(api).mark_read(ROOM, QUESTION)

    assert [asked.body for asked in homeserver.asked] == [
        {"typing": True, "timeout": 30_000},
        {"typing": False},
        {},
    ]
    assert homeserver.paths("POST") == ["rooms/!room:one.test/receipt/m.read/$question"]


async def test_no_courtesy_is_paid_while_the_homeserver_asks_for_a_pause(
    homeserver: Homeserver, api: RetryingAPI
) -> None:
    homeserver.tell_all(BUSY)

    await sender(api).typing(ROOM, active=True)
    await sender(api).mark_read(ROOM, QUESTION)

    assert len(homeserver.asked) == 1
