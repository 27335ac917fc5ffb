"""Everyday use of the chats: messages, answers, commands, and rooms that are no chats."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from dev.room_snapshot import CHILD, content_of, take_snapshot
from dev.stack import Stack
from dev.user_client import Event, MatrixRefusal

from .conftest import Configure
from .recorder import Recorder
from .story import ask, membership_changes, messages_of, onboard, start_chat

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_message_is_answered_right_below_it_in_its_own_chat(stack: Stack) -> None:
    eve = await onboard(stack, "eve", chats=2)
    for room_id in eve.chats:
        question = await eve.person.send(room_id, f"hello in {room_id}")
        answer = await eve.person.wait_for_message(room_id)
        assert answer["content"]["body"] == f"hello in {room_id}"
        assert answer["content"]["msgtype"] == "m.text"
        assert answer["content"]["chat.spacekeeper.answers"] == question
        # What stands between the two would make it a reply.
        assert "m.relates_to" not in answer["content"]


async def test_who_waits_for_an_answer_sees_that_it_is_being_worked_on(
    stack: Stack, configure: Configure
) -> None:
    bot, seen = stack.bot.user_id, asyncio.Event()

    async def think(request: object) -> None:
        await asyncio.wait_for(seen.wait(), 10)

    def is_typing(event: Event) -> bool:
        return bool(event["type"] == "m.typing" and event["content"]["user_ids"] == [bot])

    async with Recorder.serve() as recorder:
        await configure(recorder.config)
        recorder.reactions["hello"] = think
        fay = await onboard(stack, "fay")
        (room_id,) = fay.chats
        question = await fay.person.send(room_id, "hello")
        await fay.person.wait_for(is_receipt_for(question))
        await fay.person.wait_for(is_typing)
        seen.set()
        await fay.person.wait_for_message(room_id, "hello")
        await fay.person.wait_for(
            lambda event: event["type"] == "m.typing" and not event["content"]["user_ids"]
        )


async def test_what_is_answered_at_once_is_read_too(stack: Stack) -> None:
    flo = await onboard(stack, "flo")
    question = await flo.person.send(flo.chats[0], "hello")
    await flo.person.wait_for_message(flo.chats[0], "hello")
    await flo.person.wait_for(is_receipt_for(question))


def is_receipt_for(question: str) -> Callable[[Event], bool]:
    return lambda event: event["type"] == "m.receipt" and question in str(event)


async def test_ten_messages_in_a_burst_are_answered_in_their_order(stack: Stack) -> None:
    gus = await onboard(stack, "gus")
    (room_id,) = gus.chats
    texts = [f"message {number}" for number in range(10)]
    for text in texts:
        await gus.person.send(room_id, text)
    answers = [await gus.person.wait_for_message(room_id) for _ in texts]
    assert [answer["content"]["body"] for answer in answers] == texts


async def test_only_the_owner_is_answered_in_a_chat(stack: Stack) -> None:
    hal, ivy = await onboard(stack, "hal"), await stack.register_user("ivy")
    (room_id,) = hal.chats
    await hal.person.invite(room_id, ivy.user_id)
    await ivy.join(room_id)
    await ivy.send(room_id, "hello from ivy")
    await ivy.send(room_id, "!archive")
    assert await ask(hal.person, room_id, "hello from hal") == "hello from hal"
    assert await messages_of(hal.person, room_id, stack.bot.user_id) == ["hello from hal"]


async def test_in_a_group_nothing_is_made_and_only_a_command_is_answered(stack: Stack) -> None:
    jim, kim = await onboard(stack, "jim"), await stack.register_user("kim")
    stack.proxy.clear()
    group = await jim.person.create_room(invite=[kim.user_id, stack.bot.user_id])
    await kim.join(group)
    await jim.person.send(group, "hello, group")
    assert "direct chat with me" in await ask(kim, group, "!help")

    said = await messages_of(kim, group, stack.bot.user_id)
    assert len(said) == 1
    assert await kim.joined_rooms() == {group}
    assert not await kim.invitations()
    assert "/createRoom" not in "".join(membership_changes(stack.proxy))


async def test_nobody_writes_in_the_space_itself(stack: Stack) -> None:
    lea = await onboard(stack, "lea")
    with pytest.raises(MatrixRefusal) as refusal:
        await lea.person.send(lea.space_id, "hello, Space")
    assert refusal.value.errcode == "M_FORBIDDEN"


async def test_an_owner_can_forge_no_binding(stack: Stack) -> None:
    mia = await onboard(stack, "mia")
    for room_id, kind in (
        (mia.chats[0], "chat.spacekeeper.room"),
        (mia.space_id, "chat.spacekeeper.space"),
    ):
        with pytest.raises(MatrixRefusal) as refusal:
            await mia.person.set_state(room_id, kind, {"matrix_user_id": "@else:localhost"})
        assert refusal.value.errcode == "M_FORBIDDEN"


async def test_new_starts_a_chat_with_the_title_given(stack: Stack) -> None:
    ned = await onboard(stack, "ned")
    room_id = await start_chat(ned, "Holiday plans")
    assert content_of(await ned.person.state(room_id), "m.room.name") == {"name": "Holiday plans"}
    assert await ask(ned.person, room_id, "where to?") == "where to?"
    told = await ask(ned.person, ned.control, "!chats")
    assert all(words in told for words in ("C1", "C2", "Holiday plans"))


async def test_rename_gives_the_chat_another_name(stack: Stack) -> None:
    ola = await onboard(stack, "ola")
    (room_id,) = ola.chats
    assert "Garden" in await ask(ola.person, room_id, "!rename Garden")
    assert content_of(await ola.person.state(room_id), "m.room.name") == {"name": "Garden"}


async def test_an_archived_chat_is_silent_until_it_is_restored(stack: Stack) -> None:
    pam = await onboard(stack, "pam", chats=2)
    room_id = pam.chats[1]
    assert "C2" in await ask(pam.person, room_id, "!archive")
    link = content_of(await pam.person.state(pam.space_id), CHILD, room_id)
    assert "via" not in link
    assert "is archived" in await ask(pam.person, room_id, "anybody there?")

    assert "C2" in await ask(pam.person, pam.control, "!restore C2")
    link = content_of(await pam.person.state(pam.space_id), CHILD, room_id)
    assert link["via"] == ["localhost"]
    assert await ask(pam.person, room_id, "anybody there?") == "anybody there?"


async def test_space_invites_who_left_it_back_to_the_same_space(stack: Stack) -> None:
    quin = await onboard(stack, "quin")
    await quin.person.leave(quin.space_id)
    await quin.person.send(quin.control, "!space")
    assert (await quin.person.wait_for_invitation())["room_id"] == quin.space_id


async def test_status_and_help_tell_how_things_are(stack: Stack) -> None:
    rob = await onboard(stack, "rob", chats=2)
    status = await ask(rob.person, rob.chats[0], "!status")
    assert status == "You have 2 chats (none archived). Everything is working."
    told = await ask(rob.person, rob.control, "!help")
    commands = ("!new", "!chats", "!rename", "!archive", "!restore", "!space", "!status", "!help")
    assert all(command in told for command in commands)


async def test_a_wrong_command_is_answered_by_its_usage(stack: Stack) -> None:
    sam = await onboard(stack, "sam")
    told = {
        command: await ask(sam.person, sam.chats[0], command)
        for command in ("!rename", "!restore", "!restore nonsense", "!restore C9")
    }
    assert "!rename <title>" in told["!rename"]
    assert "!restore <chat>" in told["!restore"]
    assert "You have no chat called **nonsense**" in told["!restore nonsense"]
    assert "You have no chat `C9`" in told["!restore C9"]


async def test_what_is_no_command_goes_to_the_platform(stack: Stack) -> None:
    tom = await onboard(stack, "tom")
    assert await ask(tom.person, tom.chats[0], "!important") == "!important"


async def test_each_chat_is_one_conversation_of_its_own(stack: Stack) -> None:
    una = await onboard(stack, "una", chats=3)
    picture = [
        chat for chat in await take_snapshot(stack.as_bot()) if chat.space_id == una.space_id
    ]
    assert [chat.chat_id for chat in picture] == ["C1", "C2", "C3"]
    assert len({chat.platform_chat_id for chat in picture}) == 3
