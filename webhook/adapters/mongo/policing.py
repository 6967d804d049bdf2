"""What the policy does about verdicts, in the judge's transaction."""

from collections.abc import Sequence

from pymongo.client_session import ClientSession

from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.pauses import write_policy_pauses
from webhook.adapters.mongo.verdicts import Act
from webhook.domain.pausing import policy_pause
from webhook.domain.reputation import Verdict


def policy_act(db: Db, action: str) -> Act:
    """Pauses whom the policy wants paused; `action` is REPUTATION_ACTION."""

    def act(verdicts: Sequence[Verdict], session: ClientSession) -> None:
        asked = ((verdict.domain, policy_pause(verdict, action)) for verdict in verdicts)
        write_policy_pauses(db, {domain: pause for domain, pause in asked if pause}, session)

    return act
