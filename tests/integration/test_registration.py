"""Registration against SES's stand-in over HTTP and a real MongoDB: also where either dies in the middle."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.ses import ACCESS_DENIED, INTERNAL, THROTTLED, Failure, FakeSes
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.registrations import LEASE, Registrations
from webhook.adapters.names import DomainNames
from webhook.adapters.ses import SesApi
from webhook.errors import Invalid, Limited, NotFound, Refused, Unavailable
from webhook.registration import NewDomain, Registrar, Rules

NAMES = DomainNames()
EXAMPLE = NewDomain("example.com")


def free(_bucket: str, _rate: float, **_: float) -> float:
    """Every slot is free."""
    return 0.0


@pytest.fixture
def ses() -> Iterator[FakeSes]:
    with FakeSes(throttle=False) as fake:
        yield fake


@pytest.fixture
def api(ses: FakeSes) -> Iterator[SesApi]:
    api = api_of(ses)
    yield api
    api.close()


def api_of(ses: FakeSes, reserve: Callable[..., float] = free) -> SesApi:
    return SesApi(
        region="eu-north-1",
        access_key_id="AKIAEXAMPLE",
        secret_access_key="secret",
        endpoint_url=ses.origin,
        reserve=reserve,
        pause=ses.simulated.sleep,
    )


@pytest.fixture
def store(database: Db, ses: FakeSes) -> Registrations:
    ensure_indexes(database)
    return Registrations(database, ses.simulated.now)


@pytest.fixture
def registrar(store: Registrations, api: SesApi, ses: FakeSes) -> Registrar:
    return registrar_of(store, api, ses)


def registrar_of(store: Any, api: SesApi, ses: FakeSes, rules: Rules | None = None) -> Registrar:
    return Registrar(store, api, NAMES, rules or Rules(), now=ses.simulated.now, jitter=lambda: 0.5)


class Dying:
    """A store whose process dies at the named step, the first or a later time: nothing of it is written."""

    def __init__(self, store: Registrations, step: str) -> None:
        self._store = store
        self._step, _, time = step.partition(" ")
        self._times = int(time or 1)

    def __getattr__(self, name: str) -> Any:
        self._times -= name == self._step
        if name == self._step and self._times == 0:
            return self._die
        return getattr(self._store, name)

    def _die(self, *_: object, **__: object) -> None:
        raise Unavailable("the process died here")


def stored(database: Db, domain: str = "example.com") -> dict[str, Any]:
    found = database.emaildomains.find_one({"domain": domain}, {"_id": 0})
    assert found is not None
    return found


def work_through(registrar: Registrar, ses: FakeSes, seconds: float = 3600) -> None:
    """Lets time pass, and everything that is due by then be done."""
    ses.simulated.advance(seconds)
    for _ in range(20):
        if not registrar.work():
            return
    pytest.fail("it never comes to an end")


def test_a_new_domain_is_stored_registered_and_told_with_its_records(
    database: Db, registrar: Registrar, ses: FakeSes
) -> None:
    document, created = registrar.add(NewDomain("Example.COM.", max_accounts=50, owner="acme"), "ops", None)
    assert created
    assert (document["domain"], document["maxAccounts"], document["owner"]) == ("example.com", 50, "acme")
    assert document["createdAt"] == ses.clock.now()
    aws = document["awsSes"]
    assert (aws["registered"], aws["verificationStatus"], aws["dkimStatus"]) == (True, "pending", "pending")
    assert (aws["verifiedForSending"], aws["region"], aws["error"], aws["intent"]) == (False, "eu-north-1", None, None)
    tokens = ses.identities["example.com"].tokens
    assert aws["dkimTokens"] == [f"{token}._domainkey.example.com" for token in tokens]
    assert aws["dkimRecords"][0] == {
        "type": "CNAME",
        "name": f"{tokens[0]}._domainkey.example.com",
        "value": f"{tokens[0]}.dkim.amazonses.com",
    }
    assert aws["nextCheck"] == ses.clock.now() + timedelta(seconds=30)
    assert document == stored(database)
    history = list(database.verifications.find({}, {"_id": 0, "aspect": 1, "from": 1, "to": 1, "cause.kind": 1}))
    assert {"aspect": "identity", "from": "not_started", "to": "pending", "cause": {"kind": "registered"}} in history
    audit = database.audit.find_one({"action": "domain.added"})
    assert audit is not None
    assert (audit["who"], audit["owner"]) == ("ops", "acme")
    created_with = ses.asked("CreateEmailIdentity")[0]
    assert created_with["Tags"] == [
        {"Key": "ses-sentinel", "Value": "managed"},
        {"Key": "ses-sentinel-owner", "Value": "acme"},
    ]


def test_adding_it_again_gives_the_same_and_asks_nobody(registrar: Registrar, ses: FakeSes) -> None:
    first, _ = registrar.add(NewDomain("example.com", max_accounts=50), "ops", None)
    again, created = registrar.add(NewDomain("example.com", max_accounts=7), "ops", None)
    assert not created
    assert again == first
    assert len(ses.calls) == 1


def test_what_the_platform_wrote_or_mail_told_of_is_adopted(database: Db, registrar: Registrar, ses: FakeSes) -> None:
    ses.create_outside("theirs.example", verified=True)
    theirs = {"domain": "theirs.example", "maxAccounts": 9, "plan": {"tier": "gold"}, "awsSes": {"registered": True}}
    heard = {"domain": "heard.example", "reputation": {"status": "healthy"}}
    database.emaildomains.insert_many([dict(theirs), dict(heard)])
    document, created = registrar.add(NewDomain("theirs.example", max_accounts=50), "ops", None)
    assert created
    assert (document["maxAccounts"], document["plan"]) == (9, {"tier": "gold"})
    assert (document["awsSes"]["verificationStatus"], document["awsSes"]["verifiedForSending"]) == ("success", True)
    document, created = registrar.add(NewDomain("heard.example", owner="acme"), "ops", "acme")
    assert created
    assert document["reputation"] == {"status": "healthy"}
    assert document["awsSes"]["registered"] is True
    assert ses.asked("CreateEmailIdentity")[-1]["EmailIdentity"] == "heard.example"


def test_without_auto_register_a_domain_is_stored_and_says_so(store: Registrations, api: SesApi, ses: FakeSes) -> None:
    registrar = registrar_of(store, api, ses, Rules(auto_register=False))
    document, created = registrar.add(EXAMPLE, "ops", None)
    asked_of_nothing = {"registered": False, "verificationStatus": "not_started", "verifiedForSending": False}
    assert (created, document["awsSes"]) == (True, asked_of_nothing)
    assert not registrar.work()
    assert registrar.remove("example.com", keep_identity=False, who="ops", owner=None)
    assert ses.calls == []
    registrar.add(EXAMPLE, "ops", None)
    document, created = registrar_of(store, api, ses).add(EXAMPLE, "ops", None)
    assert (created, document["awsSes"]["registered"]) == (False, True)


def test_mail_from_configuration_set_and_tenant_belong_to_it(store: Registrations, api: SesApi, ses: FakeSes) -> None:
    ses.add_configuration_set("main")
    registrar = registrar_of(store, api, ses, Rules(configuration_set="main", tenant_prefix="shop-"))
    document, _ = registrar.add(NewDomain("example.com", mail_from_domain="bounce.example.com"), "ops", None)
    aws = document["awsSes"]
    assert aws["mailFrom"] == {
        "domain": "bounce.example.com",
        "status": "pending",
        "behavior": "USE_DEFAULT_VALUE",
    }
    assert (aws["configurationSet"], aws["tenant"], aws["intent"]) == ("main", "shop-example_com", None)
    tenant = ses.tenants["shop-example_com"]
    assert aws["tenantArn"] == tenant.arn
    assert tenant.resources == {f"{ses.arn}:identity/example.com", f"{ses.arn}:configuration-set/main"}
    assert registrar.remove("example.com", keep_identity=False, who="ops", owner=None)
    assert (ses.identities, ses.tenants) == ({}, {})


# -- what goes wrong


@pytest.mark.parametrize(
    ("failure", "code", "seconds"),
    [
        pytest.param(ACCESS_DENIED, "aws_access_denied", 3600, id="a missing permission waits for a person"),
        pytest.param(THROTTLED, "aws_throttled", 3, id="throttled comes again soon"),
        pytest.param(INTERNAL, "aws_internal", 45, id="an internal error comes again"),
        pytest.param(Failure("LimitExceededException", 400, "too many"), "aws_limit_exceeded", 3600, id="a limit"),
    ],
)
def test_a_failure_keeps_the_domain_with_its_error_and_is_tried_again(
    registrar: Registrar, ses: FakeSes, database: Db, failure: Failure, code: str, seconds: float
) -> None:
    ses.fail_next("CreateEmailIdentity", failure)
    document, created = registrar.add(EXAMPLE, "ops", None)
    aws = document["awsSes"]
    assert (created, aws["registered"], aws["error"]["code"]) == (True, False, code)
    assert aws["error"]["hint"]
    assert aws["retryAt"] == ses.clock.now() + timedelta(seconds=seconds)
    assert not registrar.work()
    work_through(registrar, ses, seconds)
    aws = stored(database)["awsSes"]
    assert (aws["registered"], aws["error"], aws["intent"], aws["retryAt"]) == (True, None, None, None)


def test_failures_in_a_row_wait_ever_longer(registrar: Registrar, ses: FakeSes, database: Db) -> None:
    ses.fail_next("CreateEmailIdentity", THROTTLED, times=4)
    registrar.add(EXAMPLE, "ops", None)
    waits = []
    for _ in range(3):
        due = stored(database)["awsSes"]["retryAt"]
        waits.append((due - ses.clock.now()).total_seconds())
        ses.simulated.advance(waits[-1])
        assert registrar.work()
    assert waits == [3, 6, 12]


def test_who_adds_again_after_mending_the_fault_need_not_wait(registrar: Registrar, ses: FakeSes) -> None:
    ses.fail_next("CreateEmailIdentity", ACCESS_DENIED)
    registrar.add(EXAMPLE, "ops", None)
    document, created = registrar.add(EXAMPLE, "ops", None)
    assert (created, document["awsSes"]["registered"]) == (False, True)


def test_where_no_slot_is_free_the_worker_does_it(store: Registrations, ses: FakeSes, database: Db) -> None:
    free_from = ses.clock.now() + timedelta(seconds=20)

    def reserve(_bucket: str, _rate: float, *, patience: float, **_: float) -> float:
        wait = (free_from - ses.clock.now()).total_seconds()
        if wait > patience:
            raise Limited("all slots are taken", retry_after=wait)
        return max(0.0, wait)

    api = api_of(ses, reserve)
    registrar = registrar_of(store, api, ses)
    document, _ = registrar.add(EXAMPLE, "ops", None)
    assert document["awsSes"]["registered"] is False
    assert document["awsSes"]["error"]["code"] == "aws_throttled"
    assert document["awsSes"]["retryAt"] == ses.clock.now() + timedelta(seconds=25)
    work_through(registrar, ses, 25)
    assert stored(database)["awsSes"]["registered"] is True
    api.close()


@pytest.mark.parametrize("accident", ["reset", "lost"])
def test_an_answer_that_never_came_converges_to_one_identity(
    registrar: Registrar, ses: FakeSes, database: Db, accident: str
) -> None:
    if accident == "reset":
        ses.reset_next("CreateEmailIdentity")
    else:
        ses.lose_next_answer("CreateEmailIdentity")
    document, _ = registrar.add(EXAMPLE, "ops", None)
    assert document["awsSes"]["error"]["code"] == "aws_unreachable"
    work_through(registrar, ses)
    aws = stored(database)["awsSes"]
    assert (aws["registered"], aws["verificationStatus"], aws["error"]) == (True, "pending", None)
    assert list(ses.identities) == ["example.com"]


@pytest.mark.parametrize("step", ["asking", "recorded", "recorded 2", "failed"])
@pytest.mark.parametrize("rules", [Rules(), Rules(configuration_set="main", tenant_prefix="t-")], ids=["bare", "whole"])
def test_a_process_that_dies_anywhere_while_adding_leaves_it_to_the_next(
    store: Registrations, api: SesApi, ses: FakeSes, database: Db, step: str, rules: Rules
) -> None:
    ses.add_configuration_set("main")
    if step == "failed":
        ses.fail_next("CreateEmailIdentity", INTERNAL)
    dying = registrar_of(Dying(store, step), api, ses, rules)
    with pytest.raises(Unavailable):
        dying.add(NewDomain("example.com", mail_from_domain="m.example.com"), "ops", None)
    heir = registrar_of(store, api, ses, rules)
    assert not heir.work(), "whoever seems to be at it is left alone for a lease"
    work_through(heir, ses, LEASE.total_seconds())
    aws = stored(database)["awsSes"]
    assert (aws["registered"], aws["intent"], aws["mailFrom"]["domain"]) == (True, None, "m.example.com")
    assert list(ses.identities) == ["example.com"]
    assert list(ses.tenants) == (["t-example_com"] if rules.tenant_prefix else [])


@pytest.mark.parametrize("step", ["gone", "failed"])
def test_a_process_that_dies_while_removing_leaves_it_to_the_next(
    store: Registrations, api: SesApi, ses: FakeSes, database: Db, step: str
) -> None:
    rules = Rules(tenant_prefix="t-")
    registrar_of(store, api, ses, rules).add(EXAMPLE, "ops", None)
    if step == "failed":
        ses.fail_next("DeleteEmailIdentity", INTERNAL)
    with pytest.raises(Unavailable):
        registrar_of(Dying(store, step), api, ses, rules).remove(
            "example.com", keep_identity=False, who="ops", owner=None
        )
    assert stored(database)["awsSes"]["verifiedForSending"] is False
    work_through(registrar_of(store, api, ses, rules), ses)
    assert database.emaildomains.count_documents({}) == 0
    assert (ses.identities, ses.tenants) == ({}, {})


def test_two_who_add_at_once_make_one_identity_and_one_of_them_created_it(database: Db, ses: FakeSes) -> None:
    results = at_once(database, ses, [(EXAMPLE, None)] * 4)
    assert sorted(result[1] for result in results) == [False, False, False, True]
    assert len(ses.asked("CreateEmailIdentity")) == 1
    assert stored(database)["awsSes"]["registered"] is True


def test_of_two_owners_who_add_at_once_one_gets_it(database: Db, ses: FakeSes) -> None:
    wanted = [(NewDomain("example.com", owner=owner), owner) for owner in ("a", "b", "c", "d")]
    results = at_once(database, ses, wanted)
    assert sum(not isinstance(result, Refused) for result in results) == 1
    assert database.audit.count_documents({"action": "domain.added"}) == 1


def test_of_parent_and_child_added_by_two_owners_at_once_one_gets_in(database: Db, ses: FakeSes) -> None:
    for number in range(5):
        parent = f"example{number}.com"
        results = at_once(database, ses, [(NewDomain(parent), "a"), (NewDomain(f"mail.{parent}"), "b")])
        assert sum(not isinstance(result, Refused) for result in results) == 1


def at_once(database: Db, ses: FakeSes, wanted: list[tuple[NewDomain, str | None]]) -> list[Any]:
    """What each of these adds gives, all begun at the same time, each by a registrar of its own."""
    ensure_indexes(database)
    results: list[Any] = [None] * len(wanted)
    barrier = threading.Barrier(len(wanted))

    def add(place: int, new: NewDomain, owner: str | None) -> None:
        api = api_of(ses)
        registrar = registrar_of(Registrations(database, ses.simulated.now), api, ses)
        barrier.wait()
        try:
            results[place] = registrar.add(new, "ops", owner)
        except Refused as refused:
            results[place] = refused
        finally:
            api.close()

    threads = [threading.Thread(target=add, args=(place, *one)) for place, one in enumerate(wanted)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_workers_at_once_carry_out_an_intent_once(database: Db, store: Registrations, ses: FakeSes) -> None:
    api = api_of(ses)
    registrar = registrar_of(store, api, ses)
    ses.fail_next("CreateEmailIdentity", THROTTLED)
    registrar.add(EXAMPLE, "ops", None)
    ses.simulated.advance(3)
    held = ses.hold_next("CreateEmailIdentity")
    first = threading.Thread(target=registrar.work)
    first.start()
    assert held.arrived.wait(10)
    assert not registrar.work()
    held.release()
    first.join()
    assert stored(database)["awsSes"]["registered"] is True
    assert len(ses.asked("CreateEmailIdentity")) == 2
    api.close()


# -- whose it is


TAKEN = [
    pytest.param("example.com", "acme", "example.com", "other", id="the same"),
    pytest.param("example.com", "acme", "mail.example.com", "other", id="below another owner's"),
    pytest.param("mail.example.com", "acme", "example.com", "other", id="above another owner's"),
    pytest.param("a.b.c.example.com", "acme", "b.c.example.com", "other", id="deep above"),
    pytest.param("example.com", None, "shop.example.com", "other", id="an owner below the platform's own"),
    pytest.param("example.com", None, "example.com", "other", id="an owner takes the platform's own"),
]


@pytest.mark.parametrize(("first", "first_owner", "second", "second_owner"), TAKEN)
def test_a_domain_of_another_owner_and_its_relatives_are_refused(
    registrar: Registrar, ses: FakeSes, first: str, first_owner: str | None, second: str, second_owner: str
) -> None:
    registrar.add(NewDomain(first), "ops", first_owner)
    with pytest.raises(Refused) as refused:
        registrar.add(NewDomain(second), "ops", second_owner)
    assert (refused.value.code, refused.value.status) == ("domain_taken", 409)
    assert "acme" not in refused.value.detail
    assert len(ses.asked("CreateEmailIdentity")) == 1


ALLOWED = [
    pytest.param("example.com", "a", "mail.example.com", "a", id="the same owner's"),
    pytest.param("example.com", "a", "myexample.com", "b", id="a name that only ends alike"),
    pytest.param("a.co.uk", "a", "b.co.uk", "b", id="neighbours under a public suffix"),
    pytest.param("a.github.io", "a", "b.github.io", "b", id="neighbours under a company's suffix"),
    pytest.param("a.example.com", "a", "b.example.com", "b", id="sisters"),
]


@pytest.mark.parametrize(("first", "first_owner", "second", "second_owner"), ALLOWED)
def test_other_domains_are_not(
    registrar: Registrar, first: str, first_owner: str, second: str, second_owner: str
) -> None:
    registrar.add(NewDomain(first), "ops", first_owner)
    assert registrar.add(NewDomain(second), "ops", second_owner)[1]


def test_the_platform_gives_sub_domains_of_its_own_domain_to_owners(registrar: Registrar) -> None:
    registrar.add(NewDomain("platform.example"), "ops", None)
    document, created = registrar.add(NewDomain("shop.platform.example", owner="shop"), "ops", None)
    assert (created, document["owner"]) == (True, "shop")
    with pytest.raises(Refused):
        registrar.add(NewDomain("a.shop.platform.example", owner="other"), "ops", None)


def test_an_owner_may_not_take_over_an_identity_that_somebody_else_set_up(registrar: Registrar, ses: FakeSes) -> None:
    ses.create_outside("example.com", verified=True)
    document, created = registrar.add(EXAMPLE, "acme-token", "acme")
    assert created
    assert (document["awsSes"]["registered"], document["awsSes"]["error"]["code"]) == (False, "aws_already_exists")
    assert registrar.remove("example.com", keep_identity=False, who="acme-token", owner="acme")
    assert ses.status("example.com") == "SUCCESS", "what was never his is not deleted for him"
    document, _ = registrar.add(NewDomain("example.com", owner="acme"), "ops", None)
    assert (document["awsSes"]["registered"], document["awsSes"]["verifiedForSending"]) == (True, True)


def test_a_lost_answer_and_a_removal_do_not_delete_what_was_there_before(
    registrar: Registrar, ses: FakeSes, database: Db
) -> None:
    ses.create_outside("example.com", verified=True)
    ses.reset_next("CreateEmailIdentity")
    registrar.add(EXAMPLE, "acme-token", "acme")
    registrar.remove("example.com", keep_identity=False, who="acme-token", owner="acme")
    work_through(registrar, ses)
    assert database.emaildomains.count_documents({}) == 0
    assert "example.com" in ses.identities


def test_an_owner_adopts_again_what_he_kept(registrar: Registrar, ses: FakeSes) -> None:
    registrar.add(EXAMPLE, "acme-token", "acme")
    ses.dns_appears("example.com")
    assert registrar.remove("example.com", keep_identity=True, who="acme-token", owner="acme")
    document, created = registrar.add(EXAMPLE, "acme-token", "acme")
    assert (created, document["awsSes"]["verifiedForSending"]) == (True, True)
    registrar.remove("example.com", keep_identity=True, who="acme-token", owner="acme")
    document, _ = registrar.add(EXAMPLE, "other-token", "other")
    assert document["awsSes"]["registered"] is False


# -- changing


def test_changes_are_written_audited_and_told_to_ses(registrar: Registrar, ses: FakeSes, database: Db) -> None:
    registrar.add(NewDomain("example.com", max_accounts=5), "ops", None)
    document = registrar.change(
        "example.com", {"maxAccounts": 9, "mailFromDomain": "m.example.com", "dkimSigning": False}, "ops", None
    )
    assert (document["maxAccounts"], document["mailFromDomain"]) == (9, "m.example.com")
    assert document["awsSes"]["mailFrom"]["domain"] == "m.example.com"
    assert document["awsSes"]["dkimSigningEnabled"] is False
    identity = ses.identities["example.com"]
    assert (identity.mail_from, identity.signing) == ("m.example.com", False)
    audit = database.audit.find_one({"action": "domain.changed"})
    assert audit is not None
    assert audit["changes"]["maxAccounts"] == [5, 9]
    document = registrar.change("example.com", {"mailFromDomain": None}, "ops", None)
    assert (document["awsSes"]["mailFrom"], identity.mail_from) == (None, None)


def test_a_change_that_ses_does_not_take_now_is_told_later(registrar: Registrar, ses: FakeSes, database: Db) -> None:
    registrar.add(EXAMPLE, "ops", None)
    ses.fail_next("PutEmailIdentityMailFromAttributes", INTERNAL)
    document = registrar.change("example.com", {"mailFromDomain": "m.example.com"}, "ops", None)
    assert (document["awsSes"]["error"]["code"], document["awsSes"]["registered"]) == ("aws_internal", True)
    work_through(registrar, ses)
    assert stored(database)["awsSes"]["mailFrom"]["domain"] == "m.example.com"


WRONG = [
    pytest.param({"maxAccounts": 0}, "maxAccounts", id="no accounts"),
    pytest.param({"maxAccounts": None}, "maxAccounts", id="accounts of null"),
    pytest.param({"maxAccounts": True}, "maxAccounts", id="accounts of true"),
    pytest.param({"owner": "a b"}, "owner", id="an owner with a blank"),
    pytest.param({"mailFromDomain": "example.org"}, "mailFromDomain", id="a foreign MAIL FROM"),
    pytest.param({"mailFromDomain": "example.com"}, "mailFromDomain", id="the domain itself as MAIL FROM"),
    pytest.param({"dkimSigning": "yes"}, "dkimSigning", id="signing of yes"),
    pytest.param({"plan": "gold"}, "plan", id="a field of the platform's"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG)
def test_a_wrong_change_is_refused_by_its_name(registrar: Registrar, changes: dict[str, Any], field: str) -> None:
    registrar.add(EXAMPLE, "ops", None)
    with pytest.raises(Invalid) as invalid:
        registrar.change("example.com", changes, "ops", None)
    assert invalid.value.field == field
    assert invalid.value.hint


def test_a_foreign_domain_is_as_unknown_as_any(registrar: Registrar) -> None:
    registrar.add(EXAMPLE, "ops", "a")
    for domain in ("example.com", "example.org"):
        with pytest.raises(NotFound):
            registrar.change(domain, {"maxAccounts": 2}, "ops", "b")
        with pytest.raises(NotFound):
            registrar.remove(domain, keep_identity=False, who="ops", owner="b")


def test_a_check_that_fails_leaves_all_as_it_was(registrar: Registrar, database: Db) -> None:
    before, _ = registrar.add(EXAMPLE, "ops", None)

    def refuse(document: dict[str, Any]) -> None:
        assert document == before
        raise Refused("precondition_failed", "it was changed", "read it again", 412)

    with pytest.raises(Refused):
        registrar.change("example.com", {"maxAccounts": 2}, "ops", None, refuse)
    with pytest.raises(Refused):
        registrar.remove("example.com", keep_identity=False, who="ops", owner=None, check=refuse)
    assert stored(database) == before


def test_a_change_during_a_registration_is_not_lost(registrar: Registrar, ses: FakeSes, database: Db) -> None:
    held = ses.hold_next("CreateEmailIdentity")
    adding = threading.Thread(target=registrar.add, args=(EXAMPLE, "ops", None))
    adding.start()
    assert held.arrived.wait(10)
    registrar.change("example.com", {"mailFromDomain": "m.example.com"}, "ops", None)
    held.release()
    adding.join()
    work_through(registrar, ses, LEASE.total_seconds())
    aws = stored(database)["awsSes"]
    assert (aws["registered"], aws["mailFrom"]["domain"], aws["intent"]) == (True, "m.example.com", None)


# -- removing and setting up afresh


def test_removing_deletes_the_identity_or_keeps_it(registrar: Registrar, ses: FakeSes, database: Db) -> None:
    registrar.add(EXAMPLE, "ops", None)
    registrar.add(NewDomain("kept.example"), "ops", None)
    assert registrar.remove("example.com", keep_identity=False, who="ops", owner=None)
    assert registrar.remove("kept.example", keep_identity=True, who="ops", owner=None)
    assert list(ses.identities) == ["kept.example"]
    assert database.emaildomains.count_documents({}) == 0
    assert database.audit.count_documents({"action": "domain.removed"}) == 2


def test_a_removal_that_ses_does_not_take_now_is_accepted_and_done_later(
    registrar: Registrar, ses: FakeSes, database: Db
) -> None:
    registrar.add(EXAMPLE, "ops", None)
    ses.dns_appears("example.com")
    ses.fail_next("DeleteEmailIdentity", ACCESS_DENIED)
    assert not registrar.remove("example.com", keep_identity=False, who="ops", owner=None)
    assert stored(database)["awsSes"]["verifiedForSending"] is False
    work_through(registrar, ses)
    assert database.emaildomains.count_documents({}) == 0
    assert ses.identities == {}


def test_a_removal_during_a_registration_leaves_no_orphan(registrar: Registrar, ses: FakeSes, database: Db) -> None:
    held = ses.hold_next("CreateEmailIdentity")
    adding = threading.Thread(target=registrar.add, args=(EXAMPLE, "ops", None))
    adding.start()
    assert held.arrived.wait(10)
    assert not registrar.remove("example.com", keep_identity=False, who="ops", owner=None)
    held.release()
    adding.join()
    work_through(registrar, ses, LEASE.total_seconds())
    assert database.emaildomains.count_documents({}) == 0
    assert ses.identities == {}


def test_an_identity_deleted_behind_our_back_is_removed_all_the_same(registrar: Registrar, ses: FakeSes) -> None:
    registrar.add(EXAMPLE, "ops", None)
    ses.delete_outside("example.com")
    assert registrar.remove("example.com", keep_identity=False, who="ops", owner=None)


def test_without_credentials_a_domain_can_be_added_and_removed(store: Registrations, ses: FakeSes) -> None:
    api = SesApi(region="eu-north-1", endpoint_url=ses.origin, reserve=free, pause=lambda _: None)
    registrar = registrar_of(store, api, ses)
    document, _ = registrar.add(EXAMPLE, "ops", None)
    assert document["awsSes"]["error"]["code"] == "aws_no_credentials"
    assert registrar.remove("example.com", keep_identity=False, who="ops", owner=None)
    api.close()


def test_added_again_while_being_removed_it_is_set_up_afresh(registrar: Registrar, ses: FakeSes, database: Db) -> None:
    registrar.add(NewDomain("example.com", max_accounts=5), "ops", None)
    ses.fail_next("DeleteEmailIdentity", INTERNAL)
    registrar.remove("example.com", keep_identity=False, who="ops", owner=None)
    document, created = registrar.add(NewDomain("example.com", max_accounts=8), "ops", None)
    assert (created, document["maxAccounts"]) == (True, 8)
    assert (document["awsSes"]["registered"], document["awsSes"]["intent"]) == (True, None)
    work_through(registrar, ses)
    assert stored(database)["awsSes"]["verificationStatus"] == "pending"


def want_restart(database: Db, ses: FakeSes) -> None:
    """As following does."""
    now = ses.clock.now()
    intent = {"intent": "restart", "intentAt": now, "attempts": 0, "retryAt": now, "restartedAt": now}
    update = {"$set": {f"awsSes.{name}": value for name, value in intent.items()}}
    database.emaildomains.update_one({"domain": "example.com"}, update)


@pytest.mark.parametrize("dies_at", [None, "asking", "recorded", "recorded 2"])
def test_a_restart_makes_the_identity_anew_with_all_that_belongs_to_it(
    store: Registrations, api: SesApi, ses: FakeSes, database: Db, dies_at: str | None
) -> None:
    ses.add_configuration_set("main")
    rules = Rules(configuration_set="main", tenant_prefix="t-")
    registrar = registrar_of(store, api, ses, rules)
    registrar.add(NewDomain("example.com", mail_from_domain="m.example.com"), "ops", None)
    ses.simulated.advance(hours=73)
    assert ses.status("example.com") == "FAILED"
    want_restart(database, ses)
    if dies_at:
        with pytest.raises(Unavailable):
            registrar_of(Dying(store, dies_at), api, ses, rules).work()
    work_through(registrar, ses, LEASE.total_seconds())
    assert ses.status("example.com") == "PENDING"
    identity = ses.identities["example.com"]
    assert (identity.mail_from, identity.configuration_set) == ("m.example.com", "main")
    assert ses.tenants["t-example_com"].resources == {
        f"{ses.arn}:identity/example.com",
        f"{ses.arn}:configuration-set/main",
    }
    aws = stored(database)["awsSes"]
    assert (aws["verificationStatus"], aws["intent"], aws["error"]) == ("pending", None, None)


def test_an_identity_that_ses_had_before_is_used_but_not_deleted(
    store: Registrations, api: SesApi, ses: FakeSes
) -> None:
    ses.create_outside("example.com", verified=True)
    registrar = registrar_of(store, api, ses)
    document, _ = registrar.add(EXAMPLE, "ops", None)
    assert document["awsSes"]["verifiedForSending"] is True
    assert registrar.remove("example.com", keep_identity=False, who="ops", owner=None)
    assert list(ses.identities) == ["example.com"]
