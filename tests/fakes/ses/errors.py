"""The answers of SES that are refusals."""

from tests.fakes.ses.script import Failure


class Refusal(Exception):
    """SES does not do it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


def already_exists(what: str) -> Refusal:
    return Refusal(Failure("AlreadyExistsException", 400, f"{what} already exist."))


def not_found(what: str) -> Refusal:
    return Refusal(Failure("NotFoundException", 404, f"{what} does not exist."))


def bad_request(why: str) -> Refusal:
    return Refusal(Failure("BadRequestException", 400, why))


def rejected(why: str) -> Refusal:
    return Refusal(Failure("MessageRejected", 400, why))


def paused(why: str) -> Refusal:
    return Refusal(Failure("SendingPausedException", 400, why))


def throttled(why: str = "Too many requests") -> Refusal:
    return Refusal(Failure("TooManyRequestsException", 429, why))


def limit_exceeded(why: str) -> Refusal:
    return Refusal(Failure("LimitExceededException", 400, why))


def unknown(operation: str) -> Refusal:
    return Refusal(Failure("UnknownOperationException", 404, f"{operation} is not played by this fake."))
