"""The documentation, compared with the code."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Blueprint, Flask

import webhook.web
from tests import builders
from tests.memory import MemoryStore
from webhook.checks import Code
from webhook.children import ROOT
from webhook.cli import COMMANDS
from webhook.config import KNOWN_NAMES
from webhook.domain.effects import Outcome
from webhook.domain.live import Link
from webhook.domain.permissions import FEATURES
from webhook.errors import NotUnderstood, Rejected
from webhook.replay import StillNotUnderstood

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")])
SOURCES = sorted([*(ROOT / "webhook").rglob("*.py"), *(ROOT / "handlers").rglob("*.py")])
#: Written by a run of the benchmarks.
MADE_BY_A_RUN = {ROOT / "bench" / "results.md"}
#: Words in capitals that are no settings.
OTHER_CAPITALS = {"PR_SET_PDEATHSIG"}

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def section(name: str, heading: str) -> str:
    """What is below a heading of the second level."""
    return page(name).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def path_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def text_of(file: Path) -> str:
    """A page without its blocks of code."""
    return _FENCED.sub("", file.read_text())


def anchors(file: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    return {re.sub(r"[^\w\- ]", "", found.lower()).replace(" ", "-") for found in _HEADING.findall(text_of(file))}


# -- links and names


@pytest.mark.parametrize("file", PAGES, ids=path_of)
def test_every_link_leads_somewhere(file: Path) -> None:
    broken = []
    for link in _LINK.findall(text_of(file)):
        if link.startswith(("https://", "http://")):
            continue
        target, _, anchor = link.partition("#")
        there = (file.parent / target).resolve() if target else file
        if there in MADE_BY_A_RUN:
            continue
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(link)
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    listed = {(ROOT / "docs" / link.partition("#")[0]).resolve() for link in _LINK.findall(page("README.md"))}
    assert {file for file in PAGES if file.is_relative_to(ROOT / "docs")} - {ROOT / "docs" / "README.md"} <= listed


def test_every_file_that_is_named_exists() -> None:
    found = {
        name
        for file in PAGES
        for name in re.findall(r"`((?:webhook|handlers|bench|tests|docs)/[\w/]+\.\w+)`", file.read_text())
    }
    assert {name for name in found if not (ROOT / name).exists()} - {path_of(made) for made in MADE_BY_A_RUN} == set()


def test_every_test_that_is_named_exists() -> None:
    known = {
        name for file in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", file.read_text())
    }
    named = set(re.findall(r"`(test_\w+)`", page("how-it-works.md")))
    assert named
    assert named <= known


# The page of the settings has a test of its own, and names slips as examples.
@pytest.mark.parametrize("file", [file for file in PAGES if file.name != "configuration.md"], ids=path_of)
def test_every_setting_that_is_named_exists(file: Path) -> None:
    capitals = set(
        re.findall(
            r"`((?:SNS|AWS|REPUTATION|MONGODB|EVENT|MAX|DATA|LOG|API|WEB|PUBLIC|BOUNCE|COMPLAINT|PR)_[A-Z_]+)`",
            text_of(file),
        )
    )
    assert capitals - OTHER_CAPITALS <= KNOWN_NAMES


# -- routes and commands


def routes() -> set[str]:
    """`METHOD /path` of every blueprint, with `{}` for what varies."""
    app = Flask(__name__, static_folder=None)
    for module in pkgutil.iter_modules(webhook.web.__path__, "webhook.web."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Blueprint) and value.name not in app.blueprints:
                app.register_blueprint(value)
    return {
        f"{method} {path}"
        for rule in app.url_map.iter_rules()
        for path in spelled(rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def spelled(rule: str) -> Iterator[str]:
    """A rule's paths; one that offers a choice of words has several."""
    choice = re.search(r"<any\(([^)]*)\):\w+>", rule)
    for word in choice[1].split(", ") if choice else [""]:
        yield re.sub(r"<[^>]+>", "{}", rule.replace(choice[0], word) if choice else rule)


def test_every_route_is_documented() -> None:
    told = re.sub(r"\{[^}]+\}", "{}", page("api.md") + page("how-it-works.md"))
    missing = [route for route in routes() if not re.search(rf"`[^`\n]*{re.escape(route.partition(' ')[2])}[`?]", told)]
    assert missing == []


@pytest.mark.parametrize("file", PAGES, ids=path_of)
def test_every_documented_route_exists(file: Path) -> None:
    told = re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/[\w/{}:.-]*)[^`]*`", file.read_text())
    documented = {f"{method} {re.sub(r'{[^}]+}', '{}', path)}" for method, path in told}
    assert documented <= routes()


def test_every_command_is_documented() -> None:
    told = set(re.findall(r"^\| `([a-z-]+)[^`]*` \|", section("cli.md", "Commands"), re.MULTILINE))
    assert told == set(COMMANDS)
    assert set(COMMANDS) <= set(re.findall(r"`([a-z-]+)`", (ROOT / "CHANGELOG.md").read_text()))


def test_every_finding_of_check_is_documented() -> None:
    assert set(re.findall(r"^\| `([EWN]\d+)` \|", page("cli.md"), re.MULTILINE)) == {code.value for code in Code}


def test_every_link_of_a_live_trial_is_documented() -> None:
    assert re.findall(r"^\| `([a-z]+)` \|", section("cli.md", "What `doctor` finds"), re.MULTILINE) == list(Link)


def test_every_feature_of_the_policy_is_documented() -> None:
    told = {
        name for row in re.findall(r"^\| (`.*?) \|", page("permissions.md"), re.MULTILINE) for name in row.split(", ")
    }
    assert told == {f"`{feature.sid}`" for feature in FEATURES}


# -- codes, reasons and numbers


def words_given_to(*names: str, position: int) -> set[str]:
    """The constant strings that calls of these names get at a position."""
    calls = (node for file in SOURCES for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    arguments = (
        call.args[position]
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in names and len(call.args) > position
    )
    return {given.value for given in arguments if isinstance(given, ast.Constant) and isinstance(given.value, str)}


def test_every_refusal_is_documented() -> None:
    codes = words_given_to(Rejected.__name__, position=1)
    assert {"not_sns", "too_large", "bad_signature"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in page("how-it-works.md")] == []


def test_every_reason_of_the_quarantine_is_documented_and_no_other() -> None:
    reasons = words_given_to(NotUnderstood.__name__, position=0) | words_given_to(
        "quarantine", StillNotUnderstood.__name__, position=1
    )
    lines = section("how-it-works.md", "Quarantine").splitlines()
    rows = [line.split("|")[1] for line in lines if line.startswith("| `")]
    assert {reason for row in rows for reason in re.findall(r"`(\w+)`", row)} == reasons


def test_every_outcome_is_documented() -> None:
    assert [one.value for one in Outcome if f"`{one.value}`" not in page("how-it-works.md")] == []


def test_every_metric_is_documented_and_no_other() -> None:
    source = "".join(file.read_text() for file in SOURCES)
    known = set(re.findall(r'"(sentinel_[a-z_]+)', source))
    told = set(re.findall(r"`(sentinel_[a-z_]+)", page("operating.md")))
    assert [name for name in known if not any(one.startswith(name) for one in told)] == []
    assert [one for one in told if not any(one.startswith(name) for name in known)] == []


def test_every_log_line_that_is_named_is_written() -> None:
    source = "".join(file.read_text() for file in SOURCES)
    logs = page("operating.md").partition("**Logs**")[2].partition("\n\n")[0]
    events = re.findall(r"`([a-z]+_[a-z]+)`", logs)
    assert "domain_flipped" in events
    assert [event for event in events if f'"{event}"' not in source and f"{event}:" not in source] == []


# -- the worked example


COLUMNS = ("sent", "delivered", "bounces", "soft", "held", "complaints")


def worked_example() -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section("counting.md", "A worked example").splitlines()
        if re.match(r"\| m\d", line)
    ]


def told_of(mail: builders.Payload, said: str) -> builders.Payload:
    """The event that a cell speaks of: `Bounce Permanent/General of cy@web.de`."""
    what, _, whom = said.partition(" of ")
    kind, _, rest = what.partition(" ")
    match kind:
        case "Bounce":
            bounce_type, _, subtype = rest.partition("/")
            return builders.bounce(mail, *filter(None, [whom]), kind=bounce_type, subtype=subtype)
        case "Complaint":
            return builders.complaint(mail, f"feedback of {mail['messageId']}", complaintFeedbackType=rest)
        case "Delivery":
            return builders.delivery(mail, *filter(None, [whom]))
    assert said == "Send"
    return builders.send(mail)


@pytest.mark.parametrize("row", worked_example(), ids=lambda row: row[0])
def test_the_worked_example_counts_as_it_says(row: list[str]) -> None:
    name, to, told, *numbers = row
    mail = builders.mail(name, *to.split(", "))
    store = MemoryStore()
    for said in told.split("; "):
        store.commit([builders.effects_of(told_of(mail, said))])
    counted = next(iter(store.counters.values()), {})
    assert [counted.get(column, 0) for column in COLUMNS] == [int(number) for number in numbers]


def test_the_worked_example_adds_up() -> None:
    totals = [sum(int(row[3 + position]) for row in worked_example()) for position in range(len(COLUMNS))]
    summed = dict(re.findall(r"`(\w+)` (\d+)", page("counting.md").partition("\nTogether: ")[2].partition(".")[0]))
    assert {name: int(number) for name, number in summed.items()} == dict(zip(COLUMNS, totals, strict=True))
