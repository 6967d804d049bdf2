"""Endpoints as people make, change, try out and replace them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from threading import Event, Semaphore
from typing import Any

import pytest
from pymongo.errors import BulkWriteError

from tests.alerting import START, Plain, Watch, pausing, prepare, write
from tests.loopback import Server, answering
from webhook.adapters.mongo.audit import AuditTrail
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.deliveries import Deliveries
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.fanout import FanOut
from webhook.adapters.sealing import Sealer, new_secret
from webhook.dispatching import Enrolment
from webhook.dispatching.enrolment import Changes, Wanted
from webhook.dispatching.resealing import EVERY, SETTLING, Resealed, Resealing
from webhook.domain.deliveries import Attempt
from webhook.domain.disclosure import shown
from webhook.domain.endpoints import (
    BREAKS_AFTER,
    Endpoint,
    Format,
    Kind,
    Signing,
    State,
    held_until,
    most_at_once,
)
from webhook.domain.key_pairs import public_of
from webhook.errors import Conflict, Contended, Invalid, Limited, NotFound

pytestmark = pytest.mark.mongo


@pytest.fixture
def db(database: Db) -> Db:
    prepare(database)
    return database


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def known(db: Db, watch: Watch) -> Endpoints:
    return Endpoints(db, watch.now)


class Anything:
    """Checks nothing but the one address."""

    def check(self, _kind: Kind, url: str, _headers: Any, _form: Format) -> None:
        if url == "http://10.0.0.1/":
            raise Invalid("url", "it is private", "use another")


@pytest.fixture
def enrolment(known: Endpoints, watch: Watch) -> Enrolment:
    secrets = iter(f"whsec_{number}" for number in range(99))
    return Enrolment(known, Anything(), Plain(), lambda _: next(secrets), lambda text: f"sealed {text}", watch.now)


def test_a_new_endpoint_tells_its_secret_once(enrolment: Enrolment, known: Endpoints) -> None:
    made, secret = enrolment.add(
        Wanted("https://example.net/", types=["domain.*"], domains=["A.Example."]), "acme", who="ann"
    )
    assert secret == "whsec_0"
    assert known.get(made.id, "acme") == made
    assert (made.domains, made.owner, made.secrets[0].sealed) == (("a.example",), "acme", "sealed whsec_0")
    assert "whsec" not in str(shown(made))
    assert shown(made)["state"] == "active"
    with pytest.raises(NotFound):
        known.get(made.id, "other")
    chat, none = enrolment.add(Wanted("https://example.net/", kind="slack"), who="ann")
    assert (none, chat.secrets) == (None, ())


REFUSED = [
    pytest.param(Wanted("https://example.net/", kind="pigeon"), "kind", id="an unknown kind"),
    pytest.param(Wanted("https://example.net/", types=["domain.reputatoin.*"]), "types", id="a type that is none"),
    pytest.param(Wanted("https://example.net/", types=[]), "types", id="no types"),
    pytest.param(Wanted("https://example.net/", domains=["not a domain"]), "domains", id="a domain that is none"),
    pytest.param(Wanted("https://example.net/", rate=0), "rate", id="no rate"),
    pytest.param(Wanted("https://example.net/", rate=float("nan")), "rate", id="not a number"),
    pytest.param(Wanted("https://example.net/", rate=1e-300), "rate", id="one in all of time"),
    pytest.param(Wanted("https://example.net/", rate=1 / 3601), "rate", id="less than one an hour"),
    pytest.param(Wanted("https://example.net/", signing="rsa"), "signing", id="an unknown way to sign"),
    pytest.param(Wanted("https://example.net/", kind="slack", signing="ed25519"), "signing", id="a chat is not signed"),
    pytest.param(Wanted("https://example.net/", format="xml"), "format", id="an unknown format"),
    pytest.param(Wanted("https://example.net/", description="x" * 501), "description", id="a long description"),
    pytest.param(Wanted("http://10.0.0.1/"), "url", id="a private address"),
]


@pytest.mark.parametrize(("wanted", "field"), REFUSED)
def test_what_is_wrong_is_named_and_nothing_is_kept(enrolment: Enrolment, db: Db, wanted: Wanted, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        enrolment.add(wanted, who="ann")
    assert refused.value.field == field
    assert db.endpoints.count_documents({}) == 0


def test_a_change_keeps_the_rest_and_how_the_endpoint_fares(
    enrolment: Enrolment, known: Endpoints, db: Db, watch: Watch
) -> None:
    made, _ = enrolment.add(Wanted("https://example.net/", rate=5.0), who="ann")
    write(db, pausing())
    FanOut(db, watch.now).fan_out()
    deliveries = Deliveries(db, watch.now)
    [claim] = deliveries.claim(made, 1, lambda _: None)
    deliveries.failed(claim, Attempt(1, watch.at, 9, 500, "it answered 500"), watch.at, gone=False)
    changed = enrolment.change(made.id, Changes(types=["domain.*"], rate=None), who="ann")
    stored = known.get(made.id)
    assert (stored.types, stored.rate, stored.url) == (("domain.*",), None, "https://example.net/")
    assert (changed.types, stored.state) == (("domain.*",), State.FAILING)
    with pytest.raises(Invalid):
        enrolment.change(made.id, Changes(url="http://10.0.0.1/"), who="ann")


def test_of_two_who_change_the_same_endpoint_one_is_told(enrolment: Enrolment, known: Endpoints) -> None:
    made, _ = enrolment.add(Wanted("https://example.net/"), who="ann")

    class Late(Anything):
        def check(self, *_: Any) -> None:
            """While this one is being checked, another is faster."""
            enrolment.change(made.id, Changes(description="first"), who="ann")

    with pytest.raises(Conflict):
        Enrolment(known, Late(), Plain(), str, str, lambda: START).change(
            made.id, Changes(description="second"), who="ann"
        )
    assert known.get(made.id).description == "first"


def test_a_replaced_secret_signs_for_a_day_more(enrolment: Enrolment, known: Endpoints, watch: Watch) -> None:
    made, _ = enrolment.add(Wanted("https://example.net/"), who="ann")
    watch.go(hours=1)
    _, second = enrolment.rotate(made.id, who="ann")
    watch.go(hours=1)
    _, third = enrolment.rotate(made.id, who="ann")
    assert (second, third) == ("whsec_1", "whsec_2")
    stored = known.get(made.id)

    def signing() -> list[str]:
        return [secret.sealed.removeprefix("sealed whsec_") for secret in stored.secrets_at(watch.at)]

    assert signing() == ["2", "1", "0"]
    watch.go(hours=23)
    assert signing() == ["2", "1"]
    watch.go(hours=1)
    assert signing() == ["2"]
    chat, _ = enrolment.add(Wanted("https://example.net/", kind="slack"), who="ann")
    with pytest.raises(Invalid):
        enrolment.rotate(chat.id, who="ann")


def test_however_often_it_is_replaced_three_sign(enrolment: Enrolment, known: Endpoints, watch: Watch) -> None:
    made, _ = enrolment.add(Wanted("https://example.net/"), who="ann")
    for _ in range(60):
        watch.go(seconds=1)
        _, newest = enrolment.rotate(made.id, who="ann")
    stored = known.get(made.id)
    assert len(stored.secrets) == 3
    assert newest == "whsec_60"
    assert [one.sealed.removeprefix("sealed whsec_") for one in stored.secrets_at(watch.at)] == ["60", "59", "58"]


def test_a_secret_that_leaked_signs_nothing_more(enrolment: Enrolment, known: Endpoints) -> None:
    made, _ = enrolment.add(Wanted("https://example.net/"), who="ann")
    enrolment.rotate(made.id, who="ann")
    _, newest = enrolment.rotate(made.id, who="ann", overlap="0s")
    [kept] = known.get(made.id).secrets
    assert (kept.sealed, kept.until) == (f"sealed {newest}", None)


def test_how_long_both_sign_may_be_said_and_never_prolongs(enrolment: Enrolment, known: Endpoints) -> None:
    made, _ = enrolment.add(Wanted("https://example.net/"), who="ann")
    enrolment.rotate(made.id, who="ann", overlap="90m")
    enrolment.rotate(made.id, who="ann", overlap="7d")
    untils = [one.until for one in known.get(made.id).secrets]
    assert untils == [None, START + timedelta(days=7), START + timedelta(minutes=90)]
    enrolment.rotate(made.id, who="ann", overlap="1h")
    untils = [one.until for one in known.get(made.id).secrets]
    assert untils == [None, *[START + timedelta(hours=1)] * 2]
    for wrong in ("", "24", "-1h", "8d", "169h", "soon", "1.5h", "٣h"):
        with pytest.raises(Invalid) as refused:
            enrolment.rotate(made.id, who="ann", overlap=wrong)
        assert (refused.value.field, "24h" in refused.value.hint) == ("overlap", True)
    assert len(known.get(made.id).secrets) == 3


def test_of_a_key_pair_nothing_is_told_but_the_public_half(known: Endpoints, watch: Watch, db: Db) -> None:
    enrolment = sealing(known, watch, NEW)
    made, told = enrolment.add(Wanted("https://example.net/", signing="ed25519"), who="ann")
    assert told is None
    first = shown(made)["publicKey"]
    assert first == public_of(NEW.open(made.secrets[0].sealed))
    watch.go(hours=1)
    rotated, told = enrolment.rotate(made.id, who="ann")
    assert told is None
    assert (rotated.signing, shown(rotated)["publicKey"] != first) == (Signing.ED25519, True)
    stored = known.get(made.id)
    assert stored == rotated
    assert [one.public for one in stored.secrets] == [shown(rotated)["publicKey"], first]
    assert "whsk" not in repr([shown(stored), rows(db), list(db.endpoints.find())])


def test_a_rate_that_is_lifted_holds_nothing_back(enrolment: Enrolment, known: Endpoints, db: Db, watch: Watch) -> None:
    made, _ = enrolment.add(Wanted("https://example.net/", rate=0.001), who="ann")
    write(db, pausing("a.example"), pausing("b.example"))
    FanOut(db, watch.now).fan_out()
    deliveries = Deliveries(db, watch.now)
    [claim] = deliveries.claim(made, 1, lambda count: held_until(made, count, watch.at))
    deliveries.delivered(claim, Attempt(1, watch.at, 9, 200))
    assert known.get(made.id).health.not_before == START + timedelta(seconds=1000)
    enrolment.change(made.id, Changes(description="slow"), who="ann")
    assert known.get(made.id).health.not_before == START + timedelta(seconds=1000)
    enrolment.change(made.id, Changes(rate=None), who="ann")
    lifted = known.get(made.id)
    assert lifted.health.not_before is None
    assert most_at_once(lifted, watch.at, timedelta(seconds=1)) is None


def test_another_rate_does_not_hurry_what_is_being_probed(enrolment: Enrolment, known: Endpoints, db: Db) -> None:
    made, _ = enrolment.add(Wanted("https://example.net/", rate=5.0), who="ann")
    probe = START + timedelta(minutes=1)
    broken = {"state": "failing", "failures": BREAKS_AFTER, "failingSince": START, "notBefore": probe}
    db.endpoints.update_one({"_id": made.id}, {"$set": broken})
    enrolment.change(made.id, Changes(rate=None), who="ann")
    assert known.get(made.id).health.not_before == probe


def test_two_are_tried_out_at_a_time(enrolment: Enrolment) -> None:
    asked, over = Semaphore(0), Event()

    def wait(request: BaseHTTPRequestHandler) -> None:
        asked.release()
        over.wait(30)
        answering(204)(request)

    with Server(wait) as slow, ThreadPoolExecutor(2) as pool:
        made, _ = enrolment.add(Wanted(slow.origin), who="ann")
        running = [pool.submit(enrolment.test, made.id) for _ in range(2)]
        for _ in running:
            assert asked.acquire(timeout=10)
        for _ in range(6):
            with pytest.raises(Limited) as limited:
                enrolment.test(made.id)
        over.set()
        for one in running:
            one.result()
        assert limited.value.retry_after > 0
        assert enrolment.test(made.id)["delivered"]
    assert len(slow.asked) == 3


def test_trying_out_tells_what_came_back_and_stores_nothing(enrolment: Enrolment, db: Db, known: Endpoints) -> None:
    with Server(answering(204)) as well, Server(answering(500, b"oh no")) as broken:
        good, _ = enrolment.add(Wanted(well.origin), who="ann")
        bad, _ = enrolment.add(Wanted(broken.origin), who="ann")
        known.disable(good.id, "later")
        assert enrolment.test(good.id)["delivered"]
        said = enrolment.test(bad.id)
    assert (said["delivered"], said["status"], said["error"]) == (False, 500, "it answered 500")
    assert said["body"] == "oh no"
    assert b"endpoint.test" in well.asked[0].body
    assert db.alerts.count_documents({}) == db.deliveries.count_documents({}) == 0
    assert known.get(bad.id).state is State.ACTIVE


# -- who did what


def rows(db: Db) -> list[dict[str, Any]]:
    """The audit trail, from the beginning."""
    return AuditTrail(db).find().items[::-1]


def test_whatever_is_done_to_an_endpoint_stands_in_the_audit_trail(
    enrolment: Enrolment, known: Endpoints, db: Db, watch: Watch
) -> None:
    wanted = Wanted("https://example.net/", headers={"X-Key": "t0psecret"}, description="billing")
    made, _ = enrolment.add(wanted, "acme", who="ann")
    for step in (
        lambda: enrolment.change(made.id, Changes(types=["domain.*"], headers={"X-Key": "an0ther"}), who="bob"),
        lambda: enrolment.rotate(made.id, who="cy"),
        lambda: known.disable(made.id, "no longer needed", who="dee"),
        lambda: known.enable(made.id, "acme", who="eve"),
        lambda: known.remove(made.id, who="fay"),
    ):
        watch.go(minutes=1)
        step()
    told = rows(db)
    assert [(row["action"], row["who"]) for row in told] == [
        ("endpoint.added", "ann"),
        ("endpoint.changed", "bob"),
        ("endpoint.secret_rotated", "cy"),
        ("endpoint.disabled", "dee"),
        ("endpoint.enabled", "eve"),
        ("endpoint.removed", "fay"),
    ]
    named = {"id": made.id, "kind": "webhook", "url": "https://example.net/", "description": "billing"}
    assert [row["endpoint"] for row in told] == [named] * 6
    assert {row["owner"] for row in told} == {"acme"}
    assert told[1]["changes"] == {
        "types": {"from": ["*"], "to": ["domain.*"]},
        "headers": {"from": {"X-Key": "…"}, "to": {"X-Key": "…"}},
    }
    assert told[3]["why"] == "no longer needed"
    assert not any(word in repr(told) for word in ("t0psecret", "an0ther", "whsec"))


def test_what_changes_nothing_leaves_no_row(enrolment: Enrolment, known: Endpoints, db: Db) -> None:
    made, _ = enrolment.add(Wanted("https://example.net/"), who="ann")
    enrolment.change(made.id, Changes(types=["*"]), who="ann")
    known.enable(made.id)
    known.disable(made.id, "first")
    assert known.disable(made.id, "second").health.why == "first"
    for act in (known.remove, known.enable, lambda one, owner: known.disable(one, "x", owner)):
        with pytest.raises(NotFound):
            act(made.id, "another owner")
    assert [row["action"] for row in rows(db)] == ["endpoint.added", "endpoint.disabled"]


def test_what_fails_halfway_leaves_neither_the_change_nor_its_row(enrolment: Enrolment, db: Db) -> None:
    db.command("collMod", "audit", validator={"never": {"$exists": True}})
    try:
        with pytest.raises(BulkWriteError):
            enrolment.add(Wanted("https://example.net/"), who="ann")
    finally:
        db.command("collMod", "audit", validator={})
    assert db.endpoints.count_documents({}) == db.audit.count_documents({}) == 0


def test_one_that_disabled_itself_stands_there_too(enrolment: Enrolment, db: Db, watch: Watch) -> None:
    made, _ = enrolment.add(Wanted("https://example.net/"), who="ann")
    write(db, pausing())
    FanOut(db, watch.now).fan_out()
    deliveries = Deliveries(db, watch.now)
    [claim] = deliveries.claim(made, 1, lambda _: None)
    watch.go(minutes=1)
    deliveries.failed(claim, Attempt(1, watch.at, 9, 410, "it answered 410"), watch.at, gone=True)
    row = rows(db)[-1]
    assert (row["action"], row["who"], row["endpoint"]["id"]) == ("endpoint.disabled", "dispatcher", made.id)
    assert "410" in row["why"]


# -- what is hidden


SECRET = "https://hooks.example.com/services/T000/B000/verysecret9xQ"


def test_the_address_of_a_chat_is_hidden_but_used(enrolment: Enrolment, known: Endpoints, db: Db) -> None:
    made, _ = enrolment.add(Wanted(SECRET, kind="slack"), who="ann")
    other = SECRET.replace("9xQ", "8wP")
    changed = enrolment.change(made.id, Changes(url=other), who="ann")
    assert shown(changed)["url"] == "https://hooks.example.com/…8wP"
    assert known.get(made.id).url == other
    assert rows(db)[-1]["changes"]["url"] == {
        "from": "https://hooks.example.com/…9xQ",
        "to": "https://hooks.example.com/…8wP",
    }
    assert "verysecret" not in repr((rows(db), known.find().items))


def test_what_was_read_can_not_be_sent_back_as_the_address(enrolment: Enrolment, known: Endpoints) -> None:
    made, _ = enrolment.add(Wanted(SECRET, kind="teams"), who="ann")
    with pytest.raises(Invalid) as refused:
        enrolment.change(made.id, Changes(url=shown(made)["url"]), who="ann")
    assert refused.value.field == "url"
    assert known.get(made.id).url == SECRET


def test_the_values_of_headers_do_not_follow_to_another_server(enrolment: Enrolment, known: Endpoints) -> None:
    given = {"Authorization": "Bearer t0psecret"}
    made, _ = enrolment.add(Wanted("https://example.net/", headers=given), who="ann")
    for url in ("https://thief.example/", "https://example.net:444/", "http://example.net/"):
        with pytest.raises(Invalid) as refused:
            enrolment.change(made.id, Changes(url=url), who="mallory")
        assert refused.value.field == "headers"
    enrolment.change(made.id, Changes(url="https://Example.net/elsewhere"), who="ann")
    kept = known.get(made.id)
    assert (kept.headers, kept.headers_sealed) == ({"Authorization": "sealed Bearer t0psecret"}, True)
    enrolment.change(made.id, Changes(url="https://new.example/", headers={}), who="ann")
    assert (known.get(made.id).url, known.get(made.id).headers) == ("https://new.example/", {})


# -- a new SECRET_KEY


OLD, BOTH, NEW = (Sealer(keys) for keys in (["o" * 32], ["n" * 32, "o" * 32], ["n" * 32]))


def sealing(known: Endpoints, watch: Watch, sealer: Sealer) -> Enrolment:
    return Enrolment(known, Anything(), Plain(), new_secret, sealer.seal, watch.now)


def test_the_values_of_headers_are_sealed_in_the_database(known: Endpoints, watch: Watch, db: Db) -> None:
    enrolment, given = sealing(known, watch, NEW), {"Authorization": "Bearer t0psecret", "$odd.name": "x"}
    made, _ = enrolment.add(Wanted("https://one.example/", headers=given), who="ann")
    enrolment.change(made.id, Changes(description="d"), who="ann")
    assert opened_headers(known, made.id, NEW) == given
    enrolment.change(made.id, Changes(headers={"Authorization": "Bearer an0ther"}), who="ann")
    assert opened_headers(known, made.id, NEW) == {"Authorization": "Bearer an0ther"}
    assert not any(word in repr([list(db.endpoints.find()), rows(db)]) for word in ("t0psecret", "an0ther"))


def test_headers_are_sealed_anew_with_the_secrets_and_those_of_old_for_the_first_time(
    known: Endpoints, watch: Watch, db: Db
) -> None:
    given = {"Authorization": "Bearer x"}
    one, _ = sealing(known, watch, OLD).add(Wanted("https://one.example/", headers=given), who="ann")
    two, _ = sealing(known, watch, NEW).add(Wanted("https://two.example/"), who="ann")
    db.endpoints.update_one({"_id": two.id}, {"$set": {"headers": given}})  # as they were stored once
    assert (known.get(two.id).headers, known.get(two.id).headers_sealed) == (given, False)
    assert Resealing(known, BOTH, watch.now).run() == Resealed(renewed=3, kept=1)
    assert Resealing(known, NEW, watch.now).run() == Resealed(kept=4)
    for made in (one, two):
        assert opened_headers(known, made.id, NEW) == given
    lost, _ = sealing(known, watch, Sealer(["x" * 32])).add(Wanted("https://x.example/", headers=given), who="ann")
    assert Resealing(known, NEW, watch.now).run().unreadable == (lost.id,)


def opened_headers(known: Endpoints, identity: str, sealer: Sealer) -> dict[str, str]:
    endpoint = known.get(identity)
    assert endpoint.headers_sealed
    return {name: sealer.open(sealed) for name, sealed in endpoint.headers.items()}


def secrets_of(known: Endpoints, identity: str, sealer: Sealer, watch: Watch) -> list[str]:
    return [sealer.open(secret.sealed) for secret in known.get(identity).secrets_at(watch.at)]


def test_after_a_change_of_the_key_all_is_sealed_with_the_new_one(known: Endpoints, db: Db, watch: Watch) -> None:
    before, after = sealing(known, watch, OLD), sealing(known, watch, BOTH)
    one, first = before.add(Wanted("https://one.example/"), who="ann")
    _, second = before.rotate(one.id, who="ann")
    two, _ = before.add(Wanted("https://two.example/"), who="ann")
    known.disable(two.id, "for now")
    after.add(Wanted("https://three.example/"), who="ann")
    before.add(Wanted("https://chat.example/", kind="slack"), who="ann")
    told = len(rows(db))
    resealing = Resealing(known, BOTH, watch.now)
    assert resealing.run() == Resealed(renewed=3, kept=1)
    assert resealing.run() == Resealed(kept=4)
    assert Resealing(known, NEW, watch.now).run() == Resealed(kept=4)
    assert sorted(secrets_of(known, one.id, NEW, watch)) == sorted([first, second])
    assert len(secrets_of(known, two.id, NEW, watch)) == 1
    assert known.get(two.id).state is State.DISABLED
    assert len(rows(db)) == told


def test_what_no_longer_signs_is_forgotten_with_the_key(known: Endpoints, watch: Watch) -> None:
    made, _ = sealing(known, watch, OLD).add(Wanted("https://one.example/"), who="ann")
    sealing(known, watch, NEW).rotate(made.id, who="ann")
    assert Resealing(known, NEW, watch.now).run().unreadable == (made.id,)
    watch.go(hours=24)
    assert Resealing(known, NEW, watch.now).run() == Resealed(kept=1)
    assert len(known.get(made.id).secrets) == 1


def test_what_no_key_opens_is_named_and_the_others_are_done(known: Endpoints, watch: Watch) -> None:
    lost, _ = sealing(known, watch, Sealer(["x" * 32])).add(Wanted("https://one.example/"), who="ann")
    good, _ = sealing(known, watch, OLD).add(Wanted("https://two.example/"), who="ann")
    assert Resealing(known, BOTH, watch.now).run() == Resealed(renewed=1, unreadable=(lost.id,))
    assert len(secrets_of(known, good.id, NEW, watch)) == 1


class Busy(Endpoints):
    """Somebody rotates the secret between reading and writing, so many times."""

    def __init__(self, db: Db, watch: Watch, times: int) -> None:
        super().__init__(db, watch.now)
        self.times = times
        self.rival = sealing(Endpoints(db, watch.now), watch, OLD)

    def reseal(self, before: Endpoint, after: Endpoint) -> bool:
        if self.times:
            self.times -= 1
            self.rival.rotate(before.id, who="rival")
        return super().reseal(before, after)


def test_a_secret_that_is_replaced_meanwhile_is_not_lost(db: Db, known: Endpoints, watch: Watch) -> None:
    made, first = sealing(known, watch, OLD).add(Wanted("https://one.example/"), who="ann")
    assert Resealing(Busy(db, watch, 1), BOTH, watch.now).run() == Resealed(renewed=2)
    kept = secrets_of(known, made.id, NEW, watch)
    assert len(kept) == 2
    assert first in kept


def test_of_endless_changes_it_does_not_say_that_all_is_well(db: Db, known: Endpoints, watch: Watch) -> None:
    sealing(known, watch, OLD).add(Wanted("https://one.example/"), who="ann")
    with pytest.raises(Contended):
        Resealing(Busy(db, watch, 99), BOTH, watch.now).run()


def test_a_worker_does_it_when_every_process_may_know_the_key_and_then_now_and_then(
    known: Endpoints, watch: Watch
) -> None:
    made, _ = sealing(known, watch, OLD).add(Wanted("https://one.example/"), who="ann")
    resealing = Resealing(known, BOTH, watch.now)

    def done() -> bool:
        assert not resealing.work()
        return not any(BOTH.needs_rotation(secret.sealed) for secret in known.get(made.id).secrets)

    assert not done()
    watch.at += SETTLING
    assert done()
    sealing(known, watch, OLD).rotate(made.id, who="a process that knows the old key only")
    assert not done()
    watch.at += EVERY
    assert done()
