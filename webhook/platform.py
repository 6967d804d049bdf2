"""What domains are added, followed, diagnosed, paused and sent through with, put together."""

from dataclasses import dataclass
from datetime import timedelta

from webhook.account import Account
from webhook.adapters.clock import Clock
from webhook.adapters.dns.inquiry import DnsAsker
from webhook.adapters.mongo.accounts import Accounts
from webhook.adapters.mongo.alerts import Alerts
from webhook.adapters.mongo.audit import AuditTrail
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.costs import Spendings
from webhook.adapters.mongo.domains import Domains
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.fanout import FanOut
from webhook.adapters.mongo.histories import Histories
from webhook.adapters.mongo.idempotency import Idempotency
from webhook.adapters.mongo.limiter import Limiter
from webhook.adapters.mongo.pauses import Pauses
from webhook.adapters.mongo.registrations import Registrations
from webhook.adapters.mongo.sendings import Sendings
from webhook.adapters.mongo.store import MongoStore
from webhook.adapters.mongo.suppressions import Suppressions
from webhook.adapters.mongo.sweeps import Sweeps
from webhook.adapters.mongo.tokens import Tokens
from webhook.adapters.mongo.verdicts import Judge
from webhook.adapters.mongo.verifications import Verifications
from webhook.adapters.names import DomainNames
from webhook.adapters.prices import load_prices
from webhook.adapters.ses.client import SesApi
from webhook.alerting import alerting
from webhook.chores import Chore
from webhook.config import Settings
from webhook.costs import Costs
from webhook.dispatching import Dispatcher, Enrolment
from webhook.dispatching.resealing import Resealing
from webhook.doctor import Consultation, DnsDoctor, organisations
from webhook.domain import gate
from webhook.following import Follower
from webhook.oversight import Oversight, oversight
from webhook.pausing import Pauser
from webhook.registration import Registrar, Rules
from webhook.sending import Booking, Means, Sender
from webhook.tokens import Bearers, TokenDesk


@dataclass(frozen=True)
class Platform:
    """Everything that is done for domains, beside counting and judging."""

    registrar: Registrar
    follower: Follower
    doctor: DnsDoctor
    consultation: Consultation
    account: Account
    sender: Sender
    booking: Booking
    suppressions: Suppressions
    pauser: Pauser
    histories: Histories
    audit: AuditTrail
    idempotency: Idempotency
    tokens: Bearers
    token_desk: TokenDesk
    alerts: Alerts
    endpoints: Endpoints
    fanout: FanOut
    enrolment: Enrolment
    resealing: Resealing
    dispatcher: Dispatcher
    ses: SesApi
    oversight: Oversight
    costs: Costs

    def close(self) -> None:
        """Ends what is under way, and lets go of the connections to AWS."""
        self.booking.close()
        self.ses.close()
        self.oversight.close()

    def chores(self) -> dict[str, Chore]:
        """What the worker does of it, a step at a time; the most urgent first."""
        return {
            "pausing": self.pauser.work,
            "registration": self.registrar.work,
            "sending": self.booking.work,
            "following": self.follower.work,
            "account": self.account.work,
            "watching": self.oversight.watch.work,
            "gaps": self.oversight.checker.work,
            "resealing": self.resealing.work,
        }


def platform(db: Db, settings: Settings, clock: Clock, judge: Judge) -> Platform:
    """All of it, for these settings. Nothing is asked of AWS or DNS before it is needed."""
    ses = ses_api(db, settings, clock)
    names = DomainNames()
    doctor = dns_doctor(settings, clock, names)
    account = Account(ses, Accounts(db), clock.now)
    suppressions = Suppressions(db, clock.now)
    ledger = Sendings(db, clock.now)
    booking = Booking(ledger, _store(db, settings, clock), clock.now, clock.sleep)
    means = Means(ledger, suppressions, account, mailer=ses, reserve=Limiter(db, clock.now).reserve, booking=booking)
    tokens = Tokens(db)
    told = alerting(db, settings, clock)
    return Platform(
        registrar=Registrar(
            Registrations(db, clock.now), ses, names, registration_rules(settings), now=clock.now, jitter=clock.jitter
        ),
        follower=Follower(ses, Verifications(db), Sweeps(db), clock.now, doctor.ready),
        doctor=doctor,
        consultation=Consultation(doctor, names.parse, Domains(db, judge, clock.now).get),
        account=account,
        sender=sender(means, settings, clock),
        booking=booking,
        suppressions=suppressions,
        pauser=Pauser(Pauses(db, judge.judge, clock.now), ses, clock.now, common_set=settings.ses_configuration_set),
        histories=Histories(db),
        audit=AuditTrail(db),
        idempotency=Idempotency(db, clock.now),
        tokens=Bearers(settings.api_tokens, tokens, clock.now, clock.monotonic),
        token_desk=TokenDesk(tokens, clock.now, clock.entropy, [name for name, _ in settings.api_tokens]),
        alerts=told.alerts,
        endpoints=told.endpoints,
        fanout=told.fanout,
        enrolment=told.enrolment,
        resealing=told.resealing,
        dispatcher=told.dispatcher(clock),
        ses=ses,
        oversight=oversight(db, settings, clock, account),
        costs=costs(db, settings, clock),
    )


def sender(means: Means, settings: Settings, clock: Clock) -> Sender:
    """Who sends mail for domains."""
    return Sender(
        means,
        rules=gate.Rules(settings.aws_ses_enable_sending, flagged_may=settings.sending_flagged == "allow"),
        configuration_set=settings.ses_configuration_set,
        now=clock.now,
        pause=clock.sleep,
    )


def costs(db: Db, settings: Settings, clock: Clock) -> Costs:
    """Who tells what mail costs; raises Misconfigured if the prices can't be used."""
    file = settings.prices_file
    return Costs(
        Spendings(db),
        load_prices(file),
        clock.now,
        region=settings.aws_sdk_region or "",
        source=str(file) if file else "webhook/prices.toml",
    )


def ses_api(db: Db, settings: Settings, clock: Clock) -> SesApi:
    """SES, at the pace that the whole account may ask it."""
    return SesApi(
        region=settings.aws_sdk_region,
        access_key_id=settings.aws_sdk_access_key_id,
        secret_access_key=settings.aws_sdk_secret_access_key,
        endpoint_url=settings.aws_endpoint_url,
        reserve=Limiter(db, clock.now).reserve,
        pause=clock.sleep,
    )


def dns_doctor(settings: Settings, clock: Clock, names: DomainNames) -> DnsDoctor:
    """Who compares DNS with what it should be."""
    return DnsDoctor(
        DnsAsker(settings.dns_resolvers, clock.monotonic),
        clock.now,
        region=settings.aws_sdk_region,
        dmarc_rua=settings.dmarc_rua,
        organisation=organisations(names.parse),
    )


def registration_rules(settings: Settings) -> Rules:
    """How domains are registered."""
    return Rules(settings.aws_ses_auto_register, settings.ses_configuration_set, settings.ses_tenant_prefix)


def _store(db: Db, settings: Settings, clock: Clock) -> MongoStore:
    return MongoStore(db, timedelta(days=settings.event_retention_days), clock.now)
