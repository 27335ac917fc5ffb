"""What leaves this repository: the .mbp, as an administrator's maubot gets it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from dev.vendored import PINS, WHEELS, VendoringFailure, fetch_wheels, localize

ROOT = Path(__file__).resolve().parent.parent

# In a process of its own: plugins go into sys.modules, where other tests have ours already.
LOAD = """
import asyncio, json, sys
from maubot.loader import ZippedPluginLoader

async def main():
    found = {}
    for path in sys.argv[1:]:
        loader = ZippedPluginLoader.get(path)
        found[loader.meta.id] = await loader.load()
    told = {key: [kind.__module__, kind.__name__, sys.modules[kind.__module__].__file__]
            for key, kind in found.items()}
    print(json.dumps(told))

asyncio.run(main())
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this checkout that was just made by somebody who also ran the plugin in it."""
    tree = tmp_path / "checkout"
    for folder in ("plugin", "dev"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("maubot.yaml", "base-config.yaml", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    fetch_wheels(ROOT)
    shutil.copytree(ROOT / WHEELS, tree / WHEELS)
    cache = tree / "plugin" / "__pycache__"
    cache.mkdir()
    (cache / "bot.cpython-310.pyc").write_bytes(b"compiled")
    return tree


def build(tree: Path, umask: int = 0o022, **environment: str) -> Path:
    """Build in `tree`, and give the package."""
    done = try_build(tree, umask, **environment)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def try_build(
    tree: Path, umask: int = 0o022, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Build in `tree`, or see why not."""
    return subprocess.run(
        [sys.executable, "-m", "dev.pack"],
        cwd=tree,
        env=os.environ | environment,
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )


def load(*packages: Path) -> dict[str, list[str]]:
    """Load the packages into one maubot: id to the main class's module, name and file."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *map(str, packages)],
        cwd=packages[0].parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, list[str]] = json.loads(done.stdout)
    return told


def test_a_build_gives_the_same_bytes_on_another_machine_at_another_time(checkout: Path) -> None:
    here = build(checkout).read_bytes()
    for path in checkout.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        if path.is_file():
            path.chmod(0o600)
    there = build(checkout, umask=0o077, LC_ALL="C", PYTHONHASHSEED="7", TZ="Asia/Tokyo")
    assert there.read_bytes() == here


def test_a_build_leaves_one_package_and_strangers_alone(checkout: Path) -> None:
    dist = checkout / "dist"
    dist.mkdir()
    for name in ("chat.spacekeeper-v0.0.1.mbp", "org.example.other-v1.0.0.mbp"):
        (dist / name).write_bytes(b"")
    built = build(checkout)
    assert {path.name for path in dist.iterdir()} == {built.name, "org.example.other-v1.0.0.mbp"}


def test_the_package_holds_the_plugin_and_nothing_else(checkout: Path) -> None:
    with zipfile.ZipFile(build(checkout)) as package:
        names = set(package.namelist())
    ours = {f"chat_spacekeeper/{path}" for path in relative_files(checkout / "plugin")}
    library = {name for name in names if name.startswith("chat_spacekeeper/vendored/m")}
    assert names == ours | library | {"maubot.yaml", "base-config.yaml", "LICENSE"}
    assert {name.split("/")[2] for name in library} == {"markdown_it", "mdurl"}
    licences = {name.split("/", 2)[2] for name in library if not name.endswith(".py")}
    assert licences == {
        "markdown_it/LICENSE",
        "markdown_it/LICENSE.markdown-it",
        "mdurl/LICENSE",
    }


def test_the_library_in_the_package_is_the_one_that_the_tests_use() -> None:
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / PINS).read_text(), re.MULTILINE))
    assert pins == {name: version(name) for name in ("markdown-it-py", "mdurl")}


RENDER = """
import asyncio, sys
for name in sys.argv[2:]:
    sys.modules[name] = None
from maubot.loader import ZippedPluginLoader

async def main():
    await ZippedPluginLoader.get(sys.argv[1]).load()
    from chat_spacekeeper.matrix.render import Renderer, RenderLimits
    print(await Renderer(RenderLimits(work=5.0)).render("|*a*|\\n|-|\\n|[b](http://x)|"))

asyncio.run(main())
"""


def render(package: Path, *missing: str, **environment: str) -> str:
    """What the package's renderer makes of a table, where these modules are missing."""
    done = subprocess.run(
        [sys.executable, "-c", RENDER, str(package), *missing],
        cwd=package.parent,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_renders_where_maubot_has_no_library_for_it(checkout: Path) -> None:
    html = render(build(checkout), "markdown_it", "mdurl", "linkify_it")
    assert "<tr><th><em>a</em></th></tr>" in html
    assert '<a href="http://x">b</a>' in html


def test_another_version_of_the_library_in_maubot_is_left_alone(
    checkout: Path, tmp_path: Path
) -> None:
    for name in ("markdown_it", "mdurl"):
        (tmp_path / "other" / name).mkdir(parents=True)
        (tmp_path / "other" / name / "__init__.py").write_text("raise SystemExit('not mine')")
    assert "<table>" in render(build(checkout), PYTHONPATH=str(tmp_path / "other"))


NOWHERE: dict[str, Any] = {
    "PIP_INDEX_URL": "http://127.0.0.1:9/",
    "PIP_RETRIES": "0",
    "PIP_CONFIG_FILE": os.devnull,
}


def test_a_build_without_a_network_needs_the_wheels_of_an_earlier_one(checkout: Path) -> None:
    there = build(checkout, **NOWHERE).read_bytes()
    wheels = [path.rename(checkout / path.name) for path in (checkout / WHEELS).glob("*.whl")]

    refused = try_build(checkout, **NOWHERE)

    assert refused.returncode == 1
    assert "could not be downloaded. Without a network, put their wheels" in refused.stderr
    for path in wheels:
        path.rename(checkout / WHEELS / path.name)
    assert build(checkout, **NOWHERE).read_bytes() == there


def test_a_wheel_that_is_not_the_pinned_one_is_not_packed(checkout: Path) -> None:
    for path in (checkout / WHEELS).glob("markdown_it_py-*.whl"):
        path.write_bytes(path.read_bytes() + b"more")
    assert try_build(checkout, **NOWHERE).returncode == 1


def test_an_import_that_cannot_be_made_relative_is_not_packed() -> None:
    names = {"markdown_it", "mdurl"}
    inside = PurePosixPath("markdown_it", "common", "x.py")
    source = b"import mdurl\nif 1:\n    from markdown_it.a import b\nimport mdurlx\n"
    relative = b"from ... import mdurl\nif 1:\n    from ...markdown_it.a import b\nimport mdurlx\n"

    assert localize(source, inside, names) == relative
    for beyond in (b"import mdurl.parse", b"import mdurl as m", b"import re, mdurl"):
        with pytest.raises(VendoringFailure):
            localize(beyond, inside, names)


def test_the_packed_description_differs_in_the_modules_name_alone(checkout: Path) -> None:
    with zipfile.ZipFile(build(checkout)) as package:
        packed = package.read("maubot.yaml").decode()
    source = (checkout / "maubot.yaml").read_text(encoding="utf-8")
    assert packed == source.replace("\n- plugin\n", "\n- chat_spacekeeper\n")
    assert packed != source


@pytest.mark.parametrize("ours_first", [True, False])
def test_a_plugin_with_the_same_module_name_keeps_its_code_and_we_keep_ours(
    checkout: Path, ours_first: bool
) -> None:
    ours, decoy = build(checkout), write_decoy(checkout.parent / "decoy.mbp")
    told = load(ours, decoy) if ours_first else load(decoy, ours)
    module, name, file = told["chat.spacekeeper"]
    assert (module.partition(".")[0], name) == ("chat_spacekeeper", "Spacekeeper")
    assert Path(file).is_relative_to(ours)
    assert told["org.example.decoy"] == ["plugin.bot", "Spacekeeper", f"{decoy}/plugin/bot.py"]


def test_mbc_builds_from_the_checkout(checkout: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "maubot.cli", "build", "-o", str(checkout.parent / "mbc.mbp")],
        cwd=checkout,
        env=os.environ | {"HOME": str(checkout.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    module, name, _ = load(checkout.parent / "mbc.mbp")["chat.spacekeeper"]
    assert (module.partition(".")[0], name) == ("plugin", "Spacekeeper")


def relative_files(module: Path) -> list[str]:
    """The files of a package's source, as paths inside it."""
    files = [path for path in module.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return [path.relative_to(module).as_posix() for path in files]


def write_decoy(target: Path) -> Path:
    """Somebody else's plugin that is called as ours is in the checkout, down to its class."""
    described = "\n".join(
        [
            "maubot: 0.1.0",
            "id: org.example.decoy",
            "version: 1.0.0",
            "license: MIT",
            "modules: [plugin]",
            "main_class: Spacekeeper",
        ]
    )
    with zipfile.ZipFile(target, "w") as package:
        package.writestr("maubot.yaml", described)
        package.writestr("plugin/__init__.py", "from .bot import Spacekeeper\n")
        package.writestr(
            "plugin/bot.py", "from maubot import Plugin\nclass Spacekeeper(Plugin): pass\n"
        )
    return target
