"""The libraries that are packed into the plugin: downloaded once, checked always, made its own.

dev/vendored.txt pins them by version and hash; pip downloads their wheels into .venv/wheels, and
no build after that needs a network. Must import nothing but the standard library: it runs on a
bare Python, before any environment exists.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

PINS = Path("dev", "vendored.txt")
WHEELS = Path(".venv", "wheels")
_PIN = re.compile(r"^([\w.-]+)==(\S+) --hash=sha256:([0-9a-f]{64})$", re.MULTILINE)
# Of a library's files, its code and its licence; its own command line is of no use in a plugin.
_LICENCE = re.compile(r"[^/]+\.dist-info/(?:licenses/)?(LICEN[CS]E[^/]*)")
_LEFT_OUT = re.compile(r"markdown_it/cli/")


class VendoringFailure(Exception):
    """A library cannot be packed; the message says which one, why, and what helps."""


def vendored_files(root: Path) -> dict[str, bytes]:
    """The files of all libraries by their paths in plugin/vendored/, for the checkout at `root`.

    Raises VendoringFailure.
    """
    wheels = [zipfile.ZipFile(io.BytesIO(wheel)) for wheel in fetch_wheels(root)]
    modules = {name.partition("/")[0] for wheel in wheels for name in wheel.namelist()}
    names = {module for module in modules if module.isidentifier()}
    files: dict[str, bytes] = {}
    for wheel in wheels:
        (home,) = {name.partition("/")[0] for name in wheel.namelist()} & names
        for name in wheel.namelist():
            if licence := _LICENCE.fullmatch(name):
                files[f"{home}/{licence[1]}"] = wheel.read(name)
            elif name.endswith(".py") and not _LEFT_OUT.match(name):
                files[name] = localize(wheel.read(name), PurePosixPath(name), names)
    own = root / "plugin" / "vendored" / "__init__.py"
    files["__init__.py"] = localize(own.read_bytes(), PurePosixPath("__init__.py"), names)
    return files


def localize(source: bytes, path: PurePosixPath, names: set[str]) -> bytes:
    """A module of `plugin/vendored` with its imports of the libraries made relative.

    Args:
        source: the module.
        path: where it stands in that folder.
        names: what the libraries are called.

    Raises VendoringFailure for an import that stays absolute.
    """
    text = source.decode()
    dots, known = "." * len(path.parts), "|".join(sorted(names))
    text = re.sub(rf"^(\s*from )({known})(?=[ .])", rf"\g<1>{dots}\2", text, flags=re.MULTILINE)
    text = re.sub(rf"^(\s*)(import (?:{known}))$", rf"\1from {dots} \2", text, flags=re.MULTILINE)
    for node in ast.walk(ast.parse(text)):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found = [node.module or ""]
        if any(one.partition(".")[0] in names for one in found):
            raise VendoringFailure(f"{path} has an import that is not made relative: {found}.")
    return text.encode()


def fetch_wheels(root: Path) -> list[bytes]:
    """The wheels of all libraries, downloaded where they are not there yet.

    Raises VendoringFailure.
    """
    pins = _PIN.findall((root / PINS).read_text(encoding="utf-8"))
    found = [_find_wheel(root / WHEELS, *pin) for pin in pins]
    if None in found:
        _download(root)
        found = [_find_wheel(root / WHEELS, *pin) for pin in pins]
    for (name, version, _), wheel in zip(pins, found, strict=True):
        if wheel is None:
            raise VendoringFailure(f"{WHEELS} has no wheel of {name} {version} with its hash.")
    return [wheel for wheel in found if wheel is not None]


def _find_wheel(home: Path, name: str, version: str, sha256: str) -> bytes | None:
    for path in sorted(home.glob(f"{name.replace('-', '_')}-{version}-*.whl")):
        wheel = path.read_bytes()
        if hashlib.sha256(wheel).hexdigest() == sha256:
            return wheel
    return None


def _download(root: Path) -> None:
    home = root / WHEELS
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as unfinished:
        arguments = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--quiet"]
        command = [*_pip(root), "download", *arguments, "-d", unfinished, "-r", str(root / PINS)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = "\n".join(done.stderr.strip().splitlines()[-5:])
            raise VendoringFailure(
                f"{said}\nthe libraries in {PINS} could not be downloaded. Without a network, "
                f"put their wheels into {WHEELS}: `pip download --no-deps -r {PINS}` gets them "
                "on a machine that has one."
            )
        for wheel in Path(unfinished).glob("*.whl"):
            wheel.replace(home / wheel.name)


def _pip(root: Path) -> list[str]:
    """A command that is pip: this Python's, or else one made for that."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    home = root / ".venv" / "pip"
    python = home / "bin" / "python"
    if not python.exists():
        command = [sys.executable, "-m", "venv", "--clear", str(home)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise VendoringFailure("Python has neither pip nor venv (apt install python3-venv).")
    return [str(python), "-m", "pip"]
