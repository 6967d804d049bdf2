"""What is measured against what, and how each one is started: the table `subjects()`."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from pymongo import MongoClient

from bench.errors import NotAvailable
from bench.messages import CERTIFICATE_HOST, TOPIC_ARN, Mix
from bench.peers import install
from bench.servers import ROOT, Ground, Subject

PEERS = Path(__file__).parent / "peers"
PRODUCT = "sentinel"
SERVER = ("-k", "asgi", "--asgi-loop", "uvloop", "--http-parser", "fast", "--asgi-lifespan", "off")


def certificate_url(ground: Ground) -> str:
    """Where the messages say that their certificate is."""
    return f"{CERTIFICATE_HOST}/{ground.pool.certificate.name}"


def product() -> Subject:
    """This product, started as `script/server` starts it, with its own MongoDB in an empty folder."""
    return Subject(
        name=PRODUCT,
        title="SES Sentinel",
        promise="verified, counted once, committed with majority and journal",
        command=lambda _ground: (sys.executable, "-m", "webhook", "serve"),
        settings=product_settings,
        counts=_mails,
        stores=True,
        ready_path="/readyz",
        folder=ROOT,
    )


def product_settings(ground: Ground) -> dict[str, str]:
    """Defaults, but for the port, the folder, the topic and the certificate; and nothing reaches out to AWS."""
    return {
        "PORT": str(ground.port),
        "DATA_DIR": str(ground.folder / "data"),
        "SNS_TOPIC_ARNS": TOPIC_ARN,
        "SNS_CERT_DIR": str(ground.pool.certificates),
        "AWS_SES_AUTO_REGISTER": "false",
    }


def mongodb_uri(ground: Ground) -> str:
    """Where the product's embedded MongoDB listens."""
    port = json.loads((ground.folder / "data" / "mongod.json").read_text())["port"]
    return f"mongodb://127.0.0.1:{port}/ses_sentinel?directConnection=true"


def _mails(ground: Ground) -> int | None:
    if ground.pool.recipe.mix is not Mix.BOUNCES:  # only there is every message of a mail of its own
        return None
    with MongoClient[dict[str, object]](mongodb_uri(ground)) as client:
        return client.get_default_database()["mails"].count_documents({})


def verify_only() -> Subject:
    """The product's HTTP server with nothing in it but parsing and verification."""
    return Subject(
        name="verify-only",
        title="same server, verify and parse only",
        promise="verified; kept nowhere",
        command=lambda ground: _bare(ground, f"verifying({str(ground.pool.certificate)!r})"),
    )


def no_op() -> Subject:
    """The product's HTTP server answering 200 to everything: the ceiling of server and generator."""
    return Subject(
        name="no-op",
        title="same server, no work at all",
        promise="nothing",
        command=lambda ground: _bare(ground, "silent()"),
        verifies=False,
    )


def _bare(ground: Ground, call: str) -> tuple[str, ...]:
    serving = (*SERVER, *_gunicorn(ground, ground.cores), "--pythonpath", str(ROOT))
    return (sys.executable, "-m", "gunicorn", *serving, f"bench.peers.bare:{call}")


def _gunicorn(ground: Ground, workers: int) -> tuple[str, ...]:
    where = f"127.0.0.1:{ground.port}"
    sizes = ("--workers", str(workers), "--keep-alive", "75", "--backlog", "2048")
    return ("--bind", where, *sizes, "--log-level", "warning", "--no-control-socket")


def reflex() -> Subject:
    """A server that answers without reading: what the generator could do at most."""
    return Subject(
        name="reflex",
        title="the load generator's own ceiling",
        promise="nothing; not even parsed",
        command=lambda ground: (sys.executable, "-m", "bench.reflex", str(ground.port)),
        folder=ROOT,
        verifies=False,
    )


def sns_validator() -> Subject:
    """Amazon's own validator for Node."""
    home = install.node()
    return Subject(
        name="sns-validator",
        title="Node.js, sns-validator 0.3.5",
        promise="verified; kept nowhere",
        command=lambda ground: (
            "node",
            str(_copied(home)),
            str(ground.port),
            str(ground.cores),
            certificate_url(ground),
            str(ground.pool.certificate),
        ),
        folder=home,
    )


def _copied(home: Path) -> Path:
    """The peer's server file beside its node_modules, where Node looks for them."""
    target = home / "sns_validator.js"
    target.write_bytes((PEERS / "sns_validator.js").read_bytes())
    return target


def django_ses(journal: str, synchronous: str, serving: tuple[str, ...]) -> Subject:
    """django-ses with a row per event in SQLite, which is durable with FULL; DELETE is SQLite's own journal mode."""
    python = str(install.python())
    how = " ".join(serving[1:2])
    return Subject(
        name=f"django-ses-{journal}-{synchronous}".lower(),
        title=f"django-ses 4.8.2, SQLite {journal}, synchronous={synchronous} ({how})",
        promise="verified, one row committed" + ("" if synchronous == "FULL" else "; lost in a power cut"),
        command=lambda ground: (
            *(python, "-m", "gunicorn", *serving, *_gunicorn(ground, ground.cores), "--pythonpath", str(PEERS)),
            _site(ground, journal, synchronous),
        ),
        prepare=lambda ground: _make_database(python, ground),
        counts=_rows,
        stores=True,
    )


def _site(ground: Ground, journal: str, synchronous: str) -> str:
    pragmas = f"PRAGMA journal_mode={journal}; PRAGMA synchronous={synchronous}"
    arguments = (_database(ground), pragmas, TOPIC_ARN, certificate_url(ground), str(ground.pool.certificate))
    return f"django_ses_site:application({', '.join(map(repr, arguments))})"


def _database(ground: Ground) -> str:
    return str(ground.folder / "events.sqlite3")


def _make_database(python: str, ground: Ground) -> None:
    subprocess.run([python, str(PEERS / "django_ses_site.py"), _database(ground)], check=True)


def _rows(ground: Ground) -> int:
    with closing(sqlite3.connect(_database(ground))) as connection:
        return int(connection.execute("SELECT count(*) FROM event").fetchone()[0])


SYNC = ("-k", "sync")
GTHREAD = ("-k", "gthread", "--threads", "8")

# Name -> the ways to serve it: where there are several, a short trial finds the fastest.
SUBJECTS: dict[str, tuple[Callable[[], Subject], ...]] = {
    PRODUCT: (product,),
    "django-ses-default": (lambda: django_ses("DELETE", "FULL", SYNC), lambda: django_ses("DELETE", "FULL", GTHREAD)),
    "django-ses-full": (lambda: django_ses("WAL", "FULL", SYNC), lambda: django_ses("WAL", "FULL", GTHREAD)),
    "django-ses-normal": (lambda: django_ses("WAL", "NORMAL", SYNC), lambda: django_ses("WAL", "NORMAL", GTHREAD)),
    "verify-only": (verify_only,),
    "sns-validator": (sns_validator,),
    "no-op": (no_op,),
    "reflex": (reflex,),
}


def candidates(name: str) -> list[Subject]:
    """The ways to serve one subject; raises NotAvailable if its software cannot be had here."""
    if name not in SUBJECTS:
        raise NotAvailable(f"there is no subject named {name!r}: choose from {', '.join(SUBJECTS)}")
    return [make() for make in SUBJECTS[name]]
