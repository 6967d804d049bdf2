"""Which addresses may be reached: the policy, asked with what DNS says at this moment."""

from collections.abc import Sequence

from webhook.adapters.outgoing.resolver import Resolve
from webhook.domain.addresses import Address, Network, Target, check_addresses, target_of
from webhook.errors import Invalid, SentinelError


class Unresolvable(SentinelError):
    """The host of the address could not be looked up now; the message says which."""


class Guard:
    """Answers for every address that is connected to: what it returns was checked, and only that may be used.

    A name is looked up once for each connection. To check a name and then connect *by that name* would ask DNS again,
    which may answer differently the second time (DNS rebinding).
    """

    def __init__(self, resolve: Resolve, allowed: Sequence[Network] = ()) -> None:
        self._resolve = resolve
        self._allowed = tuple(allowed)

    def resolved(self, target: Target, patience: float) -> tuple[Address, ...]:
        """The addresses that may be connected to, in order of preference.

        Raises:
            Invalid: one of them may not be reached.
            Unresolvable: there is no answer within `patience` seconds.
        """
        if target.literal is not None:
            return check_addresses(target, [str(target.literal)], self._allowed)
        try:
            addresses = self._resolve(target.host, target.port, patience)
        except OSError as error:
            raise Unresolvable(f"the name {target.host} can't be looked up: check that it is in public DNS") from error
        return check_addresses(target, addresses, self._allowed)

    def check(self, url: str, patience: float = 5.0) -> None:
        """Checks the address of an endpoint that is being made; raises Invalid naming `url`.

        A name that can't be looked up just now passes if it is to be asked over TLS: it may come into being later, and
        is checked again with each delivery. Without TLS it would have to be in an allowed network, so it does not.
        """
        target = target_of(url)
        try:
            self.resolved(target, patience)
        except Unresolvable as error:
            if not target.secure:
                raise Invalid("url", str(error), "use https://, or a name that can be looked up") from error
