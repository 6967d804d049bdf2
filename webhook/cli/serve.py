"""`serve`: the whole product on one machine, as `script/server` runs it."""

import argparse
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Self

from webhook import logs
from webhook.adapters.embedded import running
from webhook.adapters.mongo.topology import check_replica_set
from webhook.adapters.sealing import kept_secret_key
from webhook.config import Settings, child_environment
from webhook.errors import Misconfigured
from webhook.supervisor import Program, Supervisor, answers, check_port, free_port

_DEMO_TOPIC = "arn:aws:sns:eu-north-1:000000000000:ses-sentinel-demo"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `serve` to the command line."""
    parser = commands.add_parser("serve", help="run the web server, the worker and, if need be, MongoDB")
    parser.add_argument(
        "--demo", action="store_true", help="feed it four days of made-up mail, in a database of its own"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until a signal; returns the exit status."""
    settings = Settings.from_environment()
    logs.configure(settings.log_level, settings.log_format)
    serve(Plan.demo(settings) if args.demo else Plan.of(settings))
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be run: the settings, what the programs get to see of them beside the environment, extra programs."""

    settings: Settings
    overrides: dict[str, str] = field(default_factory=dict)
    extra: tuple[Program, ...] = ()
    hint: str = "Ctrl-C stops it"
    only_here: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The plan for real mail."""
        return cls(settings=settings)

    @classmethod
    def demo(cls, settings: Settings) -> Self:
        """The plan for made-up mail: other data, another topic, and a feeder that signs with its own key."""
        if settings.sns_topic_arns or settings.mongodb_uri:
            raise Misconfigured("--demo refuses to run with SNS_TOPIC_ARNS or MONGODB_URI set: its mail is made up")
        feeder = free_port()
        overrides = {
            "DATA_DIR": str(settings.data_dir / "demo"),
            # A trial must not touch a real account that this machine may have the credentials of.
            "AWS_SES_AUTO_REGISTER": "false",
            "AWS_SES_ENABLE_SENDING": "false",
            "SNS_TOPIC_ARNS": _DEMO_TOPIC,
            "SNS_TRUSTED_ORIGINS": f"http://127.0.0.1:{feeder}",
        }
        if settings.log_level == "info":
            overrides["LOG_LEVEL"] = "error"  # thousands of requests a minute would hide what there is to read
        if not settings.api_tokens:
            overrides["API_TOKENS"] = "demo:demo"
        url = f"http://127.0.0.1:{settings.port}"
        feed = _python("demo-feed", "--to", url, "--listen-port", str(feeder), "--show")
        return cls(
            settings=Settings.from_environment(child_environment(overrides)),
            overrides=overrides,
            only_here=True,
            extra=(Program(name="demo", command=feed, once=True, when_ready=True),),
            hint="made-up mail is coming in"
            + ("" if settings.api_tokens else "; API token: demo")
            + "; Ctrl-C stops it",
        )


def serve(plan: Plan) -> None:
    """Run everything until a signal, and leave nothing behind; raises Misconfigured."""
    port = plan.settings.port
    check_port(port)
    supervisor = Supervisor(lambda: answers(port), lambda: _say_ready(port, plan.hint))
    supervisor.obey_signals()
    with _database(plan.settings) as uri:
        environment = child_environment(plan.overrides | (_own(plan.settings, uri) if uri else {}))
        if supervisor.run_first(Program(name="indexes", command=_python("indexes")), environment):
            supervisor.keep((*_programs(plan), *plan.extra), environment)


def _say_ready(port: int, hint: str) -> None:
    print(f"SES Sentinel is ready at http://127.0.0.1:{port} ({hint})", flush=True)


def _own(settings: Settings, uri: str) -> dict[str, str]:
    """What the programs must know of the embedded MongoDB: where it is, and the key that belongs to it."""
    key = {} if settings.secret_key else {"SECRET_KEY": kept_secret_key(settings.data_dir)}
    return {"MONGODB_URI": uri, **key}


def _database(settings: Settings) -> AbstractContextManager[str | None]:
    """The embedded MongoDB's URI while it runs; None where the settings name another."""
    if settings.mongodb_uri is None:
        return running(settings.data_dir)
    check_replica_set(settings.mongodb_uri)
    return nullcontext()


def _programs(plan: Plan) -> tuple[Program, ...]:
    where = ("--bind", f"127.0.0.1:{plan.settings.port}") if plan.only_here else ()
    return (
        Program(name="web", command=(sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", *where, "wsgi:app")),
        Program(name="worker", command=_python("worker")),
    )


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "webhook", *arguments)
