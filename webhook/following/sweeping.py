"""The sweep: the list of identities, a thousand in one call, compared with what is known.

It shows within minutes whose verification changed, and who is not there any more. Neither is believed: both are hints,
after which the identity is read.
"""

from collections.abc import Callable
from datetime import datetime

from webhook.domain.cadence import next_sweep
from webhook.domain.following import Sweep
from webhook.domain.verification import State, differs, listing
from webhook.errors import AwsError
from webhook.following.roles import Identities, Sweeps
from webhook.logs import get_logger

#: What a hint says of a domain that is not in the list.
NOT_LISTED = "not listed"
#: If more than these are missing, and more than half, then not they are to blame but the account or the region.
DOUBTED = 20

log = get_logger(__name__)


def sweep(ses: Identities, sweeps: Sweeps, now: Callable[[], datetime]) -> bool:
    """Reads the next page if it is time; False if there is nothing to do. Raises AwsError, Limited, Unavailable."""
    current = sweeps.claim(now())
    if current is None:
        return False
    if not current.pages and not sweeps.needed():
        # Whoever uses no SES, or has no domain yet, is not to hear of missing credentials.
        sweeps.finish(current, {}, next_sweep(current.started, 0, now()), now(), doubtful=False)
        return False
    try:
        page = ses.list_identities(current.token or None)
    except AwsError as error:
        if error.code != "aws_bad_request" or not current.token:
            raise
        # Tokens don't last: a sweep that was left lying begins from the first page.
        sweeps.begin_again(current)
        return True
    listed = {item.name: listing(State(item.verification), sending=item.sending_enabled) for item in page.items}
    names = list(listed)
    news = {name: listed[name] for name, known in sweeps.known(names).items() if differs(known, listed[name])}
    if page.next_token:
        sweeps.go_on(current, names, news, page.next_token, now())
    else:
        _finish(sweeps, current, names, news, now())
    return True


def _finish(sweeps: Sweeps, current: Sweep, names: list[str], news: dict[str, str], now: datetime) -> None:
    missing, followed = sweeps.unlisted(current, names)
    doubtful = len(missing) > max(DOUBTED, followed / 2)
    if doubtful and not current.doubtful:
        hint = "check AWS_SDK_REGION and whose credentials these are; until then nothing is taken for deleted"
        log.error("[AWS SES] most_identities_missing", missing=len(missing), followed=followed, hint=hint)
    if not doubtful:
        news |= dict.fromkeys(missing, NOT_LISTED)
    sweeps.finish(current, news, next_sweep(current.started, current.pages + 1, now), now, doubtful=doubtful)
