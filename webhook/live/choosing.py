"""Who sends the mails of a trial."""

from webhook.domain.live import Sender
from webhook.domain.ses import State
from webhook.errors import NotFound
from webhook.live.roles import Chain, Records, Ses


def choose(name: str | None, ses: Ses, records: Records, chain: Chain, common_set: str | None) -> Sender:
    """The identity, or the first that may send, with the set and the tenant that its mail goes by.

    Mail goes by the set that was chosen for the domain here, else by SES's default for it, else by `common_set`.

    Raises:
        NotFound: no identity may send.
        AwsError, Limited: SES does not list its identities.
        Unavailable: the database does not answer.
    """
    identity = name or records.verified() or _listed(ses)
    if identity is None:
        told = "no domain is verified, so nobody may send"
        raise NotFound(f"{told}: verify one (python -m webhook domains diagnose DOMAIN), or name another with --domain")
    ours = records.registered(identity)
    seen, known = chain.identity(identity)
    default = seen.default_set if seen else None
    return Sender(
        identity=identity,
        region=ses.region,
        configuration_set=ours.get("configurationSet") or default or common_set,
        tenant=ours.get("tenant"),
        default_set=default,
        known=known and seen is not None,
    )


def _listed(ses: Ses) -> str | None:
    """The first identity that SES says may send."""
    listed = ses.list_identities().items
    able = [one.name for one in listed if one.sending_enabled and one.verification is State.SUCCESS]
    return min(able, default=None)
