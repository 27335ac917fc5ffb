"""What is said in rooms, and what cannot be done to them, where a real homeserver judges it."""

from __future__ import annotations

import pytest

from dev.stack import Stack
from dev.user_client import MatrixRefusal

from .story import onboard

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_is_asked_in_a_thread_is_answered_in_it(stack: Stack) -> None:
    tea = await onboard(stack, "tea")
    (room_id,) = tea.chats
    root = await tea.person.send(room_id, "one")
    await tea.person.wait_for_message(room_id, "one")
    thread = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True}
    asked = await tea.person.send(
        room_id, "two", **{"m.relates_to": {**thread, "m.in_reply_to": {"event_id": root}}}
    )

    answer = await tea.person.wait_for_message(room_id, "two")

    relation = answer["content"]["m.relates_to"]
    assert relation == {**thread, "m.in_reply_to": {"event_id": asked}}
    seen = await tea.person.call("GET", f"rooms/{room_id}/event/{root}")
    assert seen["unsigned"]["m.relations"]["m.thread"]["count"] == 2


async def test_a_message_made_to_hold_up_everybody_holds_up_nobody(stack: Stack) -> None:
    """Its 48,000 characters come back in four messages, none of them too large."""
    uma, vito = await onboard(stack, "uma"), await onboard(stack, "vito")
    poison = "[a](" * 12_000

    await uma.person.send(uma.chats[0], poison)
    await vito.person.send(vito.chats[0], "hello")

    await vito.person.wait_for_message(vito.chats[0], "hello")
    pieces = [await uma.person.wait_for_message(uma.chats[0]) for _ in range(4)]
    assert "".join(piece["content"]["body"] for piece in pieces) == poison


async def test_an_owner_lets_nobody_into_the_space_and_encrypts_no_chat(stack: Stack) -> None:
    wes, xeno = await onboard(stack, "wes"), await onboard(stack, "xeno")

    with pytest.raises(MatrixRefusal, match="M_FORBIDDEN"):
        await wes.person.invite(wes.space_id, xeno.person.user_id)
    megolm = {"algorithm": "m.megolm.v1.aes-sha2"}
    with pytest.raises(MatrixRefusal, match="M_FORBIDDEN"):
        await wes.person.set_state(wes.chats[0], "m.room.encryption", megolm)
    await wes.person.invite(wes.chats[0], xeno.person.user_id)
