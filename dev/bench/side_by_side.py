"""Two bots in one maubot on one Synapse: Spacekeeper, and a bare echo, each with its own chats.

Nothing stands between maubot and Synapse here: a wire would cost one more than the other. The
owners are the same people, so that their clients' work weighs on both alike.
"""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import attr

from ..stack import INSTANCE, Stack
from ..user_client import NotSeen, UserClient
from .exchange import Chat, Correspondent, listening
from .memory import memory_of
from .seeding import OwnerRooms, Seeding

BARE = "bare"
OWNERS = 10
ECHO = Path(__file__).parent / "echo_plugin"
# A start that looks at every chat; messages are answered from then on.
PATIENCE = 60.0


@attr.frozen
class Rivals:
    """The chats of each bot, in an order in which neighbours have different owners.

    Attributes:
        memory: tells what maubot's process holds just now, in bytes.
    """

    bare: tuple[Chat, ...]
    ours: tuple[Chat, ...]
    memory: Callable[[], int]


@asynccontextmanager
async def bring_up(chats: int, tell: Callable[[str], None]) -> AsyncIterator[Rivals]:
    """Both bots, ready, with so many chats each.

    Args:
        chats: how many; a multiple of the number of owners.
        tell: hears of each step, a line each.
    """
    connector = aiohttp.TCPConnector(limit=0)
    async with Stack.start() as stack, aiohttp.ClientSession(connector=connector) as session:
        tell("Synapse and maubot are up")
        homes = await _make_homes(stack, session, chats // OWNERS)
        bare = await _install_bare_echo(stack, session)
        rooms = await asyncio.gather(*(_open_rooms(bare, home) for home in homes))
        tell(f"{OWNERS} owners have {chats} chats with each of the two bots")
        owners = [Correspondent(home.owner) for home in homes]
        ours = _weave(owners, [home.chats for home in homes])
        async with listening(owners):
            await _until_answered(ours)
            folder = stack.directory / "maubot"
            yield Rivals(_weave(owners, rooms), ours, lambda: memory_of(folder))


async def _make_homes(
    stack: Stack, session: aiohttp.ClientSession, chats: int
) -> list[OwnerRooms]:
    await stack.maubot.put_client(stack.bot, stack.synapse.url)
    await stack.maubot.change_instance(INSTANCE, started=False)
    seeding = Seeding(session, stack.synapse, stack.bot)
    homes = await seeding.run(OWNERS, chats, lambda _: None)
    await asyncio.gather(*(_join(home) for home in homes))
    await stack.maubot.change_instance(INSTANCE, started=True)
    return homes


async def _join(home: OwnerRooms) -> None:
    for room_id in home.chats:
        await home.owner.join(room_id)


async def _install_bare_echo(stack: Stack, session: aiohttp.ClientSession) -> UserClient:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(ECHO / "maubot.yaml", "maubot.yaml")
        archive.write(ECHO / "__init__.py", "bare_echo/__init__.py")
    login = await stack.synapse.register(BARE)
    await stack.maubot.upload(packed.getvalue())
    await stack.maubot.put_client(login, stack.synapse.url)
    kind = "chat.spacekeeper.bare-echo"
    await stack.maubot.change_instance(BARE, type=kind, primary_user=login.user_id, config="")
    return UserClient(session, stack.synapse.url, login)


async def _open_rooms(bare: UserClient, home: OwnerRooms) -> list[str]:
    """As many private rooms with the bare bot as the owner has chats."""
    made = []
    for _ in home.chats:
        room_id = await bare.create_room(preset="private_chat", invite=[home.owner.user_id])
        await home.owner.join(room_id)
        made.append(room_id)
    return made


async def _until_answered(chats: Iterable[Chat]) -> None:
    """Wait until every chat was found: the first message in each is answered."""
    try:
        await asyncio.gather(*(chat.ask(PATIENCE) for chat in chats))
    except asyncio.TimeoutError:
        raise NotSeen(f"not every chat was answered within {PATIENCE:.0f} s") from None


def _weave(owners: list[Correspondent], rooms: Iterable[Iterable[str]]) -> tuple[Chat, ...]:
    by_owner = [
        [Chat(owner, room_id) for room_id in part]
        for owner, part in zip(owners, rooms, strict=True)
    ]
    return tuple(chat for rank in zip(*by_owner, strict=True) for chat in rank)
