"""The sentence that explains a verdict: numbers with their denominators, the window, the rule, where most of it is."""

from fractions import Fraction

from webhook.domain.reputation import FLAGS, Reason, Status, Verdict, limit, nears, numerator

_VERBS = {"bounce": "bounced", "complaint": "complained"}


def explain(verdict: Verdict) -> str:
    """Why the domain is judged as it is, for a person.

    "21 of 400 recipients bounced in the last 3 days: 5.25 %, over the limit of 5 %. Most: 18 at outlook.com,
    `550 5.7.1`."
    """
    if verdict.reason is Reason.NO_DENOMINATOR:
        return _no_denominator(verdict)
    if verdict.reason is Reason.TOO_FEW:
        period = _period(verdict) if verdict.judged.sent else f"the last {_count(verdict.window.days, 'day')}"
        told = f"{_count(verdict.judged.sent, 'recipient')} in {period}"
        return f"{told}: too few to judge, {verdict.policy.min_sent} are needed."
    flags = verdict.flags or tuple(flag for flag in FLAGS if nears(verdict.judged, flag, verdict.policy))
    if flags:
        return " ".join(_rate_sentence(verdict, flag) for flag in flags)
    return _healthy(verdict)


def _rate_sentence(verdict: Verdict, flag: str) -> str:
    judged = verdict.judged
    allowed = limit(verdict.policy, flag)
    share = Fraction(numerator(judged, flag), judged.sent)
    over = "over" if verdict.status is Status.FLAGGED else "close to"
    said = f"{numerator(judged, flag)} of {_count(judged.sent, 'recipient')} {_VERBS[flag]} in {_period(verdict)}: "
    return f"{said}{percent(share, allowed)} %, {over} the limit of {percent(allowed)} %.{_most(verdict, flag)}"


def _healthy(verdict: Verdict) -> str:
    judged, policy = verdict.judged, verdict.policy
    bounced = percent(Fraction(judged.bounces, judged.sent), policy.bounce_limit)
    complained = percent(Fraction(judged.complaints, judged.sent), policy.complaint_limit)
    return (
        f"Of {_count(judged.sent, 'recipient')} in {_period(verdict)}, {judged.bounces} bounced ({bounced} %, limit "
        f"{percent(policy.bounce_limit)} %) and {judged.complaints} complained ({complained} %, limit "
        f"{percent(policy.complaint_limit)} %)."
    )


def _no_denominator(verdict: Verdict) -> str:
    blind = verdict.blind
    wirings = " and ".join(map(_wiring, verdict.blind_wirings))
    return (
        f"{_count(blind.bounces, 'bounce')} and {_count(blind.complaints, 'complaint')} in {_period(verdict)} came by "
        f"{wirings}, which tells of neither Send nor Delivery, so nothing says how much was sent. "
        "Switch on Delivery there."
    )


def _wiring(wiring: str) -> str:
    source, _, name = wiring.partition(":")
    if source == "identity":
        return f"the notifications of identity {name}"
    return f"configuration set {name}" if name else "event publishing without a configuration set"


def _most(verdict: Verdict, flag: str) -> str:
    """Where the most of them are: provider and, of bounces, the answer given."""
    if flag == "bounce":
        reasons = {name.removeprefix("why/"): n for name, n in verdict.totals.items() if name.startswith("why/")}
        if reasons:
            name, count = _top(reasons)
            provider, _, code = name.partition("/")
            return f" Most: {count} {_at(provider)}, `{code}`."
    ending = "/bounces" if flag == "bounce" else "/complaints"
    places = {
        name[len("at/") : -len(ending)]: n
        for name, n in verdict.totals.items()
        if name.startswith("at/") and name.endswith(ending)
    }
    if not places:
        return ""
    provider, count = _top(places)
    return f" Most: {count} {_at(provider)}."


def _top(counted: dict[str, int]) -> tuple[str, int]:
    return max(counted.items(), key=lambda item: (item[1], item[0]))


def _at(provider: str) -> str:
    return "at other providers" if provider == "other" else f"at {provider}"


def percent(share: Fraction, beside: Fraction | None = None) -> str:
    """A share in per cent, with as many digits as it takes to tell it from the one it stands beside."""
    text = ""
    for digits in range(2, 8):
        text = _rounded(share, digits)
        if beside is None or share == beside or text != _rounded(beside, digits):
            break
    return text


def _rounded(share: Fraction, digits: int) -> str:
    return f"{float(share * 100):.{digits}f}".rstrip("0").rstrip(".")


def _period(verdict: Verdict) -> str:
    return "the last day" if verdict.window.spoken == 1 else f"the last {verdict.window.spoken} days"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
