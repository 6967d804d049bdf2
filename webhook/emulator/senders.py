"""Customers at work: each writes mails one after the other, and decides what becomes of every recipient."""

from collections import Counter
from datetime import datetime
from random import Random

from webhook.emulator.characters import Character, Fate, Shares
from webhook.emulator.lifecycle import WHOLE_MAIL, life, ses_id
from webhook.emulator.payloads import Account, Happening, Mail
from webhook.emulator.recipients import address, provider

WHOLE = 10_000
_SEVERAL_OF_100 = 6
_SUBJECTS = (
    "Your order has shipped",
    "Reset your password",
    "This week's news",
    "Your invoice",
    "Welcome aboard",
    "A reminder of your appointment",
)


def seeded(*parts: object) -> Random:
    """Dice that fall the same way for the same `parts`."""
    return Random("/".join(str(part) for part in parts))  # noqa: S311 - decides a story, protects nothing


class Sender:
    """One customer's mails, in order; the same seed writes the same mails."""

    def __init__(self, character: Character, seed: int, account: Account) -> None:
        self.character = character
        self._account = account
        self._rng = seeded(seed, character.domain)
        # Half a debt to begin with rounds to the nearest; an exact character pays to the full only.
        self._debts: Counter[Fate] = Counter(dict.fromkeys(Fate, 0 if character.exact else WHOLE // 2))
        self._postponed: Fate | None = None

    def write(self, sent_at: datetime, shares: Shares, at_most: int) -> tuple[int, list[Happening]]:
        """The next mail, to `at_most` recipients: how many it has, and all that befalls it."""
        fates = self._fates(shares, min(at_most, self._how_many()))
        mail = self._mail(sent_at, tuple(self._recipient(fate) for fate in fates))
        return len(fates), life(mail, fates, self._rng)

    def _how_many(self) -> int:
        return self._rng.randint(2, 4) if self._rng.randrange(100) < _SEVERAL_OF_100 else 1

    def _fates(self, shares: Shares, many: int) -> tuple[Fate, ...]:
        fates = [self._next_fate(shares)]
        while len(fates) < many and fates[0] not in WHOLE_MAIL:
            fate = self._next_fate(shares)
            if fate in WHOLE_MAIL:
                self._postponed = fate
                break
            fates.append(fate)
        return tuple(fates)

    def _next_fate(self, shares: Shares) -> Fate:
        """The fate most in arrears, as soon as it owes a whole recipient; else the mail arrives."""
        if self._postponed is not None:
            fate, self._postponed = self._postponed, None
            return fate
        for fate, share in shares.items():
            self._debts[fate] += share
        worst = max(shares, key=self._debts.__getitem__)
        if self._debts[worst] < WHOLE:
            return Fate.DELIVERED
        self._debts[worst] -= WHOLE
        return worst

    def _recipient(self, fate: Fate) -> str:
        if fate is Fate.SIMULATED:
            return "bounce@simulator.amazonses.com"
        recipient = address(self._rng)
        while fate in {Fate.COMPLAINED, Fate.RETRACTED} and provider(recipient) == "gmail.com":
            recipient = address(self._rng)  # Gmail tells SES of no complaint
        return recipient

    def _mail(self, sent_at: datetime, recipients: tuple[str, ...]) -> Mail:
        character, rng = self.character, self._rng
        from_domain = f"{character.subdomain}.{character.domain}" if character.subdomain else character.domain
        mailbox = f"news@{from_domain}"
        return Mail(
            message_id=ses_id(sent_at, rng),
            sent_at=sent_at,
            sender=f'"{character.display_name}" <{mailbox}>' if character.display_name else mailbox,
            from_domain=from_domain,
            identity=character.domain,
            recipients=recipients,
            subject=rng.choice(_SUBJECTS),
            configuration_set=f"cs-{character.domain.partition('.')[0]}",
            account=self._account,
        )
