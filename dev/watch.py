"""`./build.sh dev`: a local stack that stays up and takes over every saved change at once.

Polls the files' times rather than asking the system, which needs a library. A mistake in a
saved file is reported and never ends the watch.
"""

from __future__ import annotations

import asyncio
import sys
import time

from .environments import ROOT
from .maubot import ADMIN, MaubotRefusal
from .pack import PackFailure
from .processes import run_until_signal
from .stack import INSTANCE, Stack
from .vendored import VendoringFailure

INTERVAL = 0.3


def look() -> dict[str, int]:
    """The files that make the plugin, each with the time it was last written."""
    found = [ROOT / "maubot.yaml", ROOT / "base-config.yaml"]
    found += [path for path in (ROOT / "plugin").rglob("*") if path.suffix != ".pyc"]
    times: dict[str, int] = {}
    for path in found:
        try:
            if path.is_file():
                times[str(path.relative_to(ROOT))] = path.stat().st_mtime_ns
        except FileNotFoundError:
            continue  # an editor replaces a file by removing it for a moment
    return times


def check_syntax() -> None:
    """Raise SyntaxError for the first file of the plugin that is no Python."""
    for path in sorted((ROOT / "plugin").rglob("*.py")):
        compile(path.read_bytes(), str(path.relative_to(ROOT)), "exec")


async def take_over(stack: Stack, changed: list[str]) -> str:
    """Upload the plugin as it is now; one line that tells what came of it."""
    started_at = time.monotonic()
    what = ", ".join(changed)
    try:
        check_syntax()
        await stack.upload()
        instance = await stack.maubot.instance(INSTANCE)
    except SyntaxError as mistake:
        return f"{what}: not uploaded, {mistake.filename}:{mistake.lineno}: {mistake.msg}"
    except (MaubotRefusal, PackFailure, VendoringFailure, OSError) as refusal:
        return f"{what}: not uploaded, {refusal}"
    if not instance["started"]:
        return f"{what}: uploaded, but the instance did not start; see {stack.maubot.log_file}"
    return f"{what}: uploaded and running after {time.monotonic() - started_at:.1f} s"


async def main() -> int:
    """Start the stack, print its addresses, and watch until a signal comes."""
    print("starting Synapse and maubot ...", flush=True)
    async with Stack.start() as stack:
        alice = await stack.register_user("alice", admin=True)
        print(
            f"homeserver  {stack.synapse.url}\n"
            f"  log in    {alice.user_id}  password {alice.login.password}\n"
            f"  the bot   {stack.bot.user_id}\n"
            f"maubot      {stack.maubot.url}/_matrix/maubot/\n"
            f"  log in    {ADMIN}  password {stack.maubot.password}\n"
            f"  log       {stack.maubot.log_file}\n"
            "watching plugin/, maubot.yaml and base-config.yaml; Ctrl-C ends all",
            flush=True,
        )
        before = look()
        while True:
            await asyncio.sleep(INTERVAL)
            now = look()
            changed = sorted(dict(before.items() ^ now.items()))
            if changed:
                before = now
                print(await take_over(stack, changed), flush=True)


if __name__ == "__main__":
    sys.exit(run_until_signal(main()))
