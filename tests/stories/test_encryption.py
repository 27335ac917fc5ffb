"""Where maubot can encrypt: nothing leaves in clear text, and nobody meets silence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from maubot.matrix import MaubotMatrixClient
from mautrix.client import DecryptionDispatcher

from ..fakes.crypto import FakeCrypto
from ..fakes.fake_platform import FakePlatform
from ..fakes.faults import Answer
from ..fakes.maubot import BOT, Bot
from ..fakes.rooms import Room
from ..fakes.stories import WHEN, come_back, meanwhile, settle_in
from ..fakes.streams import lift_limit
from ..fakes.users import User, heard


@pytest.fixture
def crypto(monkeypatch: pytest.MonkeyPatch) -> FakeCrypto:
    crypto = FakeCrypto()
    monkeypatch.setattr(MaubotMatrixClient, "crypto", crypto)
    return crypto


def sealed(room: Room) -> list[str]:
    """What the bot said in a room that only those with the key can read."""
    return [
        event["content"]["ciphertext"]
        for event in room.timeline
        if event["type"] == "m.room.encrypted" and event["sender"] == BOT
    ]


@WHEN
async def test_what_is_asked_where_encryption_was_just_turned_on_is_answered_encrypted(
    bot: Bot, platform: FakePlatform, crypto: FakeCrypto, alice: User, when: str
) -> None:
    await settle_in(bot, alice)

    async with meanwhile(bot, when):
        alice.turn_on_encryption(alice.chat)
        alice.write_encrypted(alice.chat)

    assert heard(alice.chat) == []
    (answer,) = sealed(alice.chat)
    assert "Answer to In secret" in answer


async def test_encryption_that_was_turned_on_between_two_answers_is_noticed(
    bot: Bot, platform: FakePlatform, crypto: FakeCrypto, alice: User
) -> None:
    await settle_in(bot, alice)
    alice.write(alice.chat, "In clear text")
    await bot.deliver()
    alice.turn_on_encryption(alice.chat)
    alice.write_encrypted(alice.chat)

    await bot.deliver()

    assert heard(alice.chat) == ["Answer to In clear text"]
    assert len(sealed(alice.chat)) == 1


async def test_an_answer_waits_while_it_is_not_known_whether_the_room_is_encrypted(
    bot: Bot, platform: FakePlatform, crypto: FakeCrypto, alice: User, bob: User
) -> None:
    """And meanwhile everybody else is answered."""
    await settle_in(bot, alice, bob)
    await bot.stop()
    alice.turn_on_encryption(alice.chat)
    alice.write_encrypted(alice.chat)
    bob.write(bob.chat, "Hello")
    fault = bot.server.inject(
        Answer("GET .*/state/m.room.encryption", times=None, room_id=alice.chat.room_id)
    )
    bot.give_up_soon()

    await bot.start()
    await bot.server.until(lambda: bool(heard(bob.chat)) and fault.reached.is_set())

    assert heard(alice.chat) == sealed(alice.chat) == []
    assert heard(bob.chat) == ["Answer to Hello"]
    fault.times = 0
    await bot.settled()
    assert heard(alice.chat) == []
    assert len(sealed(alice.chat)) == 1


@WHEN
async def test_a_message_that_cannot_be_decrypted_gets_a_word_once(
    bot: Bot, crypto: FakeCrypto, alice: User, when: str
) -> None:
    await settle_in(bot, alice)
    crypto.has_keys = False

    async with meanwhile(bot, when):
        alice.write_encrypted(alice.chat)
        alice.write_encrypted(alice.chat)

    (said,) = heard(alice.chat)
    assert "the key to it didn't reach me" in said


async def test_the_word_is_said_again_only_when_it_worked_in_between(
    bot: Bot, platform: FakePlatform, crypto: FakeCrypto, alice: User
) -> None:
    await settle_in(bot, alice)
    for has_keys in (False, False, True, False):
        crypto.has_keys = has_keys
        alice.write_encrypted(alice.chat)
        await bot.deliver()

    assert ["the key" in said for said in heard(alice.chat)] == [True, False, True]


async def test_a_message_whose_key_comes_late_is_answered(
    bot: Bot, platform: FakePlatform, crypto: FakeCrypto, alice: User
) -> None:
    await settle_in(bot, alice)
    crypto.late = 1
    alice.write_encrypted(alice.chat)
    await bot.deliver()

    assert heard(alice.chat) == ["Answer to In secret"]


async def test_nothing_is_said_where_strangers_talk_in_secret(
    bot: Bot, crypto: FakeCrypto, alice: User, bob: User
) -> None:
    await settle_in(bot, alice)
    group = alice.invite_bot(bob)
    bob.join(group)
    await bot.deliver()
    before = heard(group)
    crypto.has_keys = False

    alice.write_encrypted(group)
    await bot.deliver()
    await bot.stop()
    alice.write_encrypted(group)
    await come_back(bot)

    assert heard(group) == before


async def test_an_encrypted_answer_is_shown_while_it_is_written_and_found_again(
    bot: Bot, platform: FakePlatform, crypto: FakeCrypto, alice: User
) -> None:
    bot.stream_at_once()
    await settle_in(bot, alice)
    lift_limit(bot)
    alice.turn_on_encryption(alice.chat)
    stream = platform.stream("In secret")
    alice.write_encrypted(alice.chat)
    await bot.push()
    stream.say("Once upon")
    await bot.server.until(lambda: len(sealed(alice.chat)) == 1)
    stream.say(" a time")
    await bot.server.until(lambda: len(sealed(alice.chat)) == 2)

    await bot.kill()
    platform.streams.clear()
    await come_back(bot, keep_database=False)

    first, *edits = map(read_sealed, sealed(alice.chat))
    assert first["chat.spacekeeper.live"] is True
    assert edits[-1]["m.new_content"]["body"] == "Answer to In secret"
    assert "chat.spacekeeper.live" not in edits[-1]["m.new_content"]
    assert heard(alice.chat) == []
    # The homeserver knows which event each of them edits, and nothing else.
    events = [one for one in alice.chat.timeline if one["type"] == "m.room.encrypted"]
    begun = next(one for one in events if one["sender"] == BOT)
    relation = {"rel_type": "m.replace", "event_id": begun["event_id"]}
    assert events[-1]["content"]["m.relates_to"] == relation


async def test_an_edit_in_secret_of_the_last_question_asks_again_though_it_comes_twice(
    bot: Bot, platform: FakePlatform, crypto: FakeCrypto, alice: User
) -> None:
    await settle_in(bot, alice)
    # As maubot sets it up: it reads, too, and delivers what it read.
    bot.client.add_dispatcher(DecryptionDispatcher)
    alice.turn_on_encryption(alice.chat)
    question = alice.write_encrypted(alice.chat)
    await bot.deliver()

    relation = {"rel_type": "m.replace", "event_id": question["event_id"]}
    new = {"msgtype": "m.text", "body": "Otherwise"}
    clear = {**new, "m.new_content": new, "m.relates_to": relation}
    content = {**question["content"], "ciphertext": f"[{json.dumps(clear)}]"}
    alice.world.send(alice.id, alice.chat.room_id, "m.room.encrypted", content)
    await bot.deliver()

    assert platform.texts == ["In secret", "Otherwise"]
    assert read_sealed(sealed(alice.chat)[-1])["m.new_content"]["body"].startswith(
        "Answer to Otherwise"
    )


def read_sealed(text: str) -> Any:
    return json.loads(text[1:-1])
