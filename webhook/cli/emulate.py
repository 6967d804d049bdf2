"""`emulate` and `demo-feed`: the SNS emulator on the command line."""

import argparse
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from webhook.cli.domains import show_all
from webhook.domain.topics import TopicArn
from webhook.emulator import stand as stands
from webhook.emulator.courier import Courier, Delivery, RetryPolicy
from webhook.emulator.posts import Post
from webhook.emulator.report import Report
from webhook.emulator.target import Target
from webhook.emulator.traffic import PATHS, live, stories

_HANDSHAKE = RetryPolicy(retries=5, delay=1.0, timeout=15.0)
_DEMO_POLICY = RetryPolicy(retries=60, delay=1.0)
_DEMO_PATIENCE = 180.0
_DEMO_SEED = 7
_DEMO_DOMAINS = 10
_LIVE_RATE = 2.0
_LINE_EVERY = 2.0
# Seconds after which the service has judged what it was told.
_JUDGING = 3.0


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands `emulate` and `demo-feed`."""
    _register_emulate(commands.add_parser("emulate", help="post signed, made-up SES traffic as Amazon SNS would"))
    _register_demo(commands.add_parser("demo-feed", help="show a service ten made-up domains, then go on quietly"))


def _register_emulate(parser: argparse.ArgumentParser) -> None:
    _add_endpoint(parser)
    parser.add_argument("--domains", type=_positive, default=10, help="how many customer domains (10)")
    parser.add_argument("--messages", type=_positive, default=1000, help="how many messages (1000)")
    parser.add_argument("--rate", type=_positive_real, help="new messages a second (as fast as possible)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed tells the same story (1)")
    parser.add_argument("--retries", type=_natural, default=3, help="attempts after a failed one (3, as SNS)")
    parser.add_argument("--retry-delay", type=_delay, default=20.0, help="seconds between attempts (20, as SNS)")
    parser.add_argument("--connections", type=_positive, default=16, help="connections kept open (16)")
    parser.add_argument("--signature-version", choices=("1", "2"), default="2", help="1 is SHA1, 2 is SHA256 (2)")
    parser.add_argument("--data-dir", type=Path, help="keep the key and certificate here between runs")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON, and nothing else")
    parser.set_defaults(run=emulate)


def _register_demo(parser: argparse.ArgumentParser) -> None:
    _add_endpoint(parser)
    parser.add_argument("--messages", type=_positive, default=12_000, help="messages in the first burst (12000)")
    parser.add_argument("--show", action="store_true", help="then show the domains of the service's database")
    parser.set_defaults(run=demo_feed)


def _add_endpoint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", required=True, help="the service (http://127.0.0.1:8000), or one endpoint of it")
    parser.add_argument("--listen-port", type=_port, default=0, help="where the emulator serves its certificate (any)")
    parser.add_argument("--topic", type=_topic, default=stands.TOPIC_ARN, help=f"the topic's ARN ({stands.TOPIC_ARN})")
    parser.add_argument("--allow-remote", action="store_true", help="post to another machine than this one")


def emulate(arguments: argparse.Namespace) -> int:
    """Subscribe, post a story, and sum up; 0 only if every message was acknowledged."""
    target = Target.from_url(arguments.to, allow_remote=arguments.allow_remote)
    console = Console(stderr=arguments.json, highlight=False, soft_wrap=True, markup=False)
    policy = RetryPolicy(arguments.retries, arguments.retry_delay)
    posts = stories(arguments.seed, arguments.domains, arguments.messages, datetime.now(UTC), topic_arn=arguments.topic)
    standing = stands.standing(
        arguments.topic,
        port=arguments.listen_port,
        key_dir=arguments.data_dir,
        signature_version=arguments.signature_version,
    )
    with standing as stand, _leaving() as leave:
        for name, value in stand.settings.items():
            console.print(f"{name}={value}")
        stand.subscribe(target, PATHS, _HANDSHAKE)
        console.print(f"{target.url} is subscribed")
        report, begun = Report(keep_keys=False), time.monotonic()
        with _progress(console, report, arguments.messages) as observe:
            courier = Courier(
                target, stand.topic, policy, observe, connections=arguments.connections, rate=arguments.rate
            )
            leave.deliver(courier, posts)
    _sum_up(console, report, time.monotonic() - begun, as_json=arguments.json)
    return 0 if report.total == arguments.messages and not report.lost else 1


def demo_feed(arguments: argparse.Namespace) -> int:
    """Wait for the service, show it a few days of ten domains, then go on quietly; 0 when told to stop."""
    target = Target.from_url(arguments.to, allow_remote=arguments.allow_remote)
    console = Console(highlight=False, soft_wrap=True, markup=False, no_color=True)
    now = datetime.now(UTC)
    # Until the full hour: a service that is started again within it gets the same story, which tells it nothing new.
    story = stories(
        _DEMO_SEED,
        _DEMO_DOMAINS,
        arguments.messages,
        now.replace(minute=0, second=0, microsecond=0),
        topic_arn=arguments.topic,
    )
    with stands.standing(arguments.topic, port=arguments.listen_port) as stand, _leaving() as leave:
        stands.wait_until_ready(target, _DEMO_PATIENCE)
        stand.subscribe(target, PATHS, _HANDSHAKE)
        report, begun = Report(keep_keys=False), time.monotonic()
        with _plain_progress(console, report, arguments.messages) as observe:
            leave.deliver(Courier(target, stand.topic, _DEMO_POLICY, observe), story)
        if not leave.asked:
            console.print(_sentence(report, time.monotonic() - begun))
            if arguments.show:
                _show_domains(console)
            fresh = live(int(now.timestamp()), _DEMO_DOMAINS, lambda: datetime.now(UTC), topic_arn=arguments.topic)
            leave.deliver(Courier(target, stand.topic, _DEMO_POLICY, report.add, connections=2, rate=_LIVE_RATE), fresh)
    return 0


def _show_domains(console: Console) -> None:
    """What the service makes of it, once it has judged the last of it."""
    time.sleep(_JUDGING)
    console.print()
    data_dir = show_all()
    console.print(f"\nOne of them in full: DATA_DIR={data_dir} .venv/bin/python -m webhook domains DOMAIN")


class _Leave:
    """Answers SIGINT and SIGTERM: a courier at work is stopped in good order, anything else is left at once."""

    def __init__(self) -> None:
        self.asked = False
        self._courier: Courier | None = None

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        if self._courier is None:
            raise SystemExit(0)
        self._courier.stop()

    def deliver(self, courier: Courier, posts: Iterator[Post]) -> None:
        """Deliver, unless and until asked to leave."""
        self._courier = courier
        try:
            courier.deliver(posts)
        finally:
            self._courier = None


@contextmanager
def _leaving() -> Iterator[_Leave]:
    leave = _Leave()
    former = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield leave
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


_Observer = Callable[[Delivery], None]


def _progress(console: Console, report: Report, messages: int) -> AbstractContextManager[_Observer]:
    shown = _bar if console.is_terminal else _plain_progress
    return shown(console, report, messages)


@contextmanager
def _bar(console: Console, report: Report, messages: int) -> Iterator[_Observer]:
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[said]}"), TimeElapsedColumn())
    begun = time.monotonic()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=messages, said="")

        def observe(delivery: Delivery) -> None:
            report.add(delivery)
            speed = report.total / max(time.monotonic() - begun, 0.001)
            progress.update(task, completed=report.total, said=f"{speed:,.0f}/s  {_counts(report)}")

        yield observe


@contextmanager
def _plain_progress(console: Console, report: Report, messages: int) -> Iterator[_Observer]:
    """A line every few seconds."""
    begun = time.monotonic()
    due = begun + _LINE_EVERY

    def observe(delivery: Delivery) -> None:
        nonlocal due
        report.add(delivery)
        if (now := time.monotonic()) >= due and report.total < messages:
            due = now + _LINE_EVERY
            speed = report.total / (now - begun)
            console.print(f"{report.total:,} of {messages:,} messages, {speed:,.0f} a second")

    yield observe


def _counts(report: Report) -> str:
    return ", ".join(f"{many:,} {outcome}" for outcome, many in report.outcomes.items())


def _sentence(report: Report, seconds: float) -> str:
    return (
        f"{report.total:,} messages about {_DEMO_DOMAINS} made-up domains in {seconds:.0f} s ({_counts(report)}); "
        f"from here on {_LIVE_RATE:.0f} a second"
    )


def _sum_up(console: Console, report: Report, seconds: float, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.summary() | {"seconds": round(seconds, 3), "examples": report.examples}))
        return
    table = Table("outcome", "messages")
    table.columns[1].justify = "right"
    for name, many in report.summary().items():
        if many or name == "total":
            table.add_row(name, f"{many:,}")
    console.print(table)
    console.print(f"{report.total / max(seconds, 0.001):,.0f} messages a second, {seconds:.1f} s")
    for example in report.examples:
        console.print(f"lost: {example}")


def _topic(text: str) -> str:
    try:
        TopicArn.from_text(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 65536:
        raise argparse.ArgumentTypeError("must be between 0 and 65535")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number


def _delay(text: str) -> float:
    return 0.0 if float(text) == 0 else _positive_real(text)


def _positive_real(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("must be above 0")
    return number
