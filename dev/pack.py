"""Packs the plugin into dist/<id>-v<version>.mbp: the same files give the same bytes, anywhere.

maubot loads every plugin into one process, where two modules called `plugin` would be one. So
the module gets a name made from the plugin's id here, and a library that maubot lacks a place
inside of it. Must import nothing but the standard library: it runs on a bare Python, before any
environment exists.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from pathlib import Path

from .vendored import VendoringFailure, vendored_files

MODULE = "plugin"


class PackFailure(Exception):
    """The tree cannot be packed; the message says what is wrong with it."""


def pack(root: Path) -> Path:
    """Write the package of the checkout at `root` into its dist/, alone there; give its path.

    Raises PackFailure, VendoringFailure.
    """
    described = (root / "maubot.yaml").read_text(encoding="utf-8")
    plugin_id, version = _value(described, "id"), _value(described, "version")
    dist = root / "dist"
    dist.mkdir(exist_ok=True)
    target = dist / f"{plugin_id}-v{version}.mbp"
    unfinished = dist / f".{target.name}.{os.getpid()}"
    unfinished.write_bytes(package(root))
    unfinished.replace(target)
    for older in dist.glob(f"{plugin_id}-v*.mbp"):
        if older != target:
            older.unlink()
    return target


def package(root: Path) -> bytes:
    """The bytes of the package of the checkout at `root`.

    Raises PackFailure, VendoringFailure.
    """
    described = (root / "maubot.yaml").read_text(encoding="utf-8")
    name = re.sub(r"[.-]", "_", _value(described, "id"))
    contents = {"maubot.yaml": _rename_module(described, name).encode()}
    for path in _module_files(root / MODULE):
        contents[f"{name}/{path.relative_to(root / MODULE).as_posix()}"] = path.read_bytes()
    for where, data in vendored_files(root).items():
        contents[f"{name}/vendored/{where}"] = data
    for path in _extra_files(root, described):
        contents[path.relative_to(root).as_posix()] = path.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for where, data in sorted(contents.items()):
            archive.writestr(_entry(where), data)
    return packed.getvalue()


def _entry(where: str) -> zipfile.ZipInfo:
    # Whatever may differ from machine to machine is fixed: the time, the permissions, the
    # system, and no compression, since zlib's output changes from one release to the next.
    entry = zipfile.ZipInfo(where, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_STORED
    entry.create_system = 3
    entry.external_attr = 0o100644 << 16
    return entry


def _module_files(module: Path) -> list[Path]:
    if not (module / "__init__.py").is_file():
        raise PackFailure(f"{module} is no Python package.")
    return [
        path
        for path in module.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not path.name.startswith(".")
    ]


def _extra_files(root: Path, described: str) -> list[Path]:
    found: list[Path] = []
    for pattern in _items(described, "extra_files"):
        matches = [path for path in root.glob(pattern) if path.is_file()]
        if not matches:
            raise PackFailure(f"maubot.yaml lists the extra file {pattern}, which is not there.")
        found += matches
    return found


def _rename_module(described: str, name: str) -> str:
    if _items(described, "modules") != [MODULE]:
        raise PackFailure(f"maubot.yaml must list exactly one module, {MODULE}.")
    return re.sub(rf"^(\s*- ){MODULE}$", rf"\g<1>{name}", described, count=1, flags=re.MULTILINE)


def _value(described: str, key: str) -> str:
    found = re.search(rf"^{key}: *['\"]?([\w.+-]+)['\"]? *$", described, re.MULTILINE)
    if found is None:
        raise PackFailure(f"maubot.yaml has no line for {key}.")
    return found.group(1)


def _items(described: str, key: str) -> list[str]:
    found = re.search(rf"^{key}:\n((?:\s*- .+\n?)*)", described, re.MULTILINE)
    if found is None:
        return []
    return [line.strip()[2:].strip("'\"") for line in found.group(1).splitlines()]


if __name__ == "__main__":
    import sys

    try:
        print(pack(Path(__file__).resolve().parent.parent))
    except (PackFailure, VendoringFailure) as failure:
        sys.exit(f"build.sh: {failure}")
