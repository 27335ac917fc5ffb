"""maubot's standalone mode runs the plugin from the checkout, unpacked and unconfigured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dev.environments import ROOT, interpreter
from dev.processes import Program
from dev.stack import Stack
from dev.synapse import Login

from .story import accept_home, ask

pytestmark = pytest.mark.asyncio(loop_scope="session")


def configuration(bot: Login, homeserver: str) -> str:
    """A configuration of maubot.standalone that says nothing about the plugin's own."""
    credentials = {
        "id": bot.user_id,
        "homeserver": homeserver,
        "access_token": bot.access_token,
        "device_id": None,
    }
    user = {"credentials": credentials, "displayname": "disable", "avatar_url": "disable"}
    # JSON is YAML.
    return json.dumps({"user": user, "database": "sqlite:bot.db", "plugin_config": {}})


async def test_standalone_serves_from_the_checkout(stack: Stack, tmp_path: Path) -> None:
    bot = await stack.synapse.register("standalone")
    (tmp_path / "config.yaml").write_text(configuration(bot, stack.synapse.url), encoding="utf-8")
    python, meta = str(interpreter("maubot")), str(ROOT / "maubot.yaml")
    program = Program("standalone", [python, "-m", "maubot.standalone", "-m", meta], tmp_path)

    async def ready() -> bool:
        return "Startup completed" in program.log.read_text(encoding="utf-8")

    await program.start(ready)
    try:
        dan = await stack.register_user("dan")
        await dan.direct_chat(bot.user_id)
        _, room_id = await accept_home(dan)
        assert await ask(dan, room_id, "hello") == "hello"
    finally:
        await program.stop()
