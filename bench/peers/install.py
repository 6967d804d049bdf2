"""Installs the peers' own dependencies, once, into a folder that git ignores."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

from bench.errors import NotAvailable

HERE = Path(__file__).parent
CACHE = HERE.parent / ".peers"


def python() -> Path:
    """The interpreter of django-ses' virtual environment; raises NotAvailable if it cannot be made."""
    home, wanted = CACHE / "python", HERE / "requirements.txt"
    stamp, interpreter = home / "requirements.txt", home / "bin" / "python"
    if not _same(stamp, wanted):
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, with_pip=True)
        _install([str(interpreter), "-m", "pip", "install", "--quiet", "-r", str(wanted)], CACHE, "django-ses")
        shutil.copy(wanted, stamp)
    return interpreter


def node() -> Path:
    """The folder whose node_modules holds sns-validator; raises NotAvailable without node, npm or the package."""
    home, wanted = CACHE / "node", HERE / "package.json"
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NotAvailable("Node.js is not installed")
    if not _same(home / "installed.json", wanted):
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(wanted, home / "package.json")
        _install([npm, "install", "--silent", "--no-audit", "--no-fund"], home, "sns-validator")
        shutil.copy(wanted, home / "installed.json")
    return home


def versions_of_node() -> dict[str, str]:
    """Name and version of what `node()` runs."""
    found = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)  # noqa: S607
    return {"Node.js": found.stdout.strip().removeprefix("v")}


def _same(stamp: Path, wanted: Path) -> bool:
    return stamp.exists() and stamp.read_bytes() == wanted.read_bytes()


def _install(command: list[str], folder: Path, name: str) -> None:
    sys.stderr.write(f"installing {name} …\n")
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as exc:
        raise NotAvailable(f"{name} could not be installed") from exc
