"""Certificates are loaded once for all threads, kept for a day, and forgotten soon where loading failed."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from tests.signer import (
    CERTIFICATE_FILE,
    CERTIFICATE_URL,
    CertificateHost,
    Clock,
    certificate_pem,
    rsa_key,
    verdict,
)
from webhook.adapters.sns import Answer, Certificates
from webhook.errors import Unavailable

OTHER_URL = CERTIFICATE_URL.replace("9c64", "0000")


def test_a_certificate_is_fetched_once_a_day():
    host, clock = CertificateHost(), Clock()
    certificates = Certificates(fetch=host, clock=clock)
    first = certificates.get(CERTIFICATE_URL)
    clock.advance(Certificates.KEPT_FOR - 1)
    assert certificates.get(CERTIFICATE_URL) is first
    assert host.asked == [CERTIFICATE_URL]
    clock.advance(1)
    assert certificates.get(CERTIFICATE_URL) is not first
    assert host.asked == [CERTIFICATE_URL] * 2


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [(404, None, (403, "bad_certificate")), (200, Unavailable("no route"), (503, "unavailable"))],
    ids=["rejected", "unavailable"],
)
def test_a_failure_is_remembered_for_seconds_only(status, error, expected):
    host, clock = CertificateHost(status=status, error=error), Clock()
    certificates = Certificates(fetch=host, clock=clock)
    assert [verdict(lambda: certificates.get(CERTIFICATE_URL)) for _ in range(3)] == [expected] * 3
    assert host.asked == [CERTIFICATE_URL]
    assert certificates.knows(CERTIFICATE_URL)
    clock.advance(Certificates.FAILED_FOR)
    assert not certificates.knows(CERTIFICATE_URL)
    host.answer, host.error = Answer(200, certificate_pem(rsa_key())), None
    assert verdict(lambda: certificates.get(CERTIFICATE_URL)) == (200, "verified")
    assert host.asked == [CERTIFICATE_URL] * 2


def test_made_up_addresses_do_not_drive_out_what_is_good():
    host = CertificateHost()
    certificates = Certificates(fetch=host, clock=Clock())
    certificates.get(CERTIFICATE_URL)
    host.answer = Answer(404, b"")
    for number in range(Certificates.KEPT * 3):
        verdict(lambda made_up=f"{CERTIFICATE_URL}?{number}": certificates.get(made_up))
    host.asked.clear()
    certificates.get(CERTIFICATE_URL)
    assert host.asked == []


def test_only_so_many_certificates_are_kept():
    host = CertificateHost()
    certificates = Certificates(fetch=host, clock=Clock())
    addresses = [f"https://sns/{number}.pem" for number in range(Certificates.KEPT + 1)]
    for address in addresses:
        certificates.get(address)
    assert [certificates.knows(address) for address in (addresses[0], addresses[1], addresses[-1])] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("error", [None, Unavailable("no route")], ids=["good", "failing"])
def test_threads_that_want_the_same_certificate_share_one_fetch(error):
    wanting = 8
    host, all_want, fetching, may_answer = CertificateHost(error=error), Barrier(wanting), Event(), Event()

    def answer_when_allowed():
        fetching.set()
        assert may_answer.wait(30)

    host.before_answering = answer_when_allowed
    certificates = Certificates(fetch=host, clock=Clock())

    def want():
        all_want.wait(30)
        return verdict(lambda: certificates.get(CERTIFICATE_URL))

    with ThreadPoolExecutor(wanting) as threads:
        answers = [threads.submit(want) for _ in range(wanting)]
        assert fetching.wait(30)
        may_answer.set()
        expected = (503, "unavailable") if error else (200, "verified")
        assert [answer.result(30) for answer in answers] == [expected] * wanting
    assert host.asked == [CERTIFICATE_URL]


def test_a_slow_fetch_holds_up_nobody_who_wants_another_certificate():
    host, fetching, may_answer = CertificateHost(), Event(), Event()

    def answer_the_first_when_allowed():
        if host.asked == [CERTIFICATE_URL]:
            fetching.set()
            assert may_answer.wait(30)

    host.before_answering = answer_the_first_when_allowed
    certificates = Certificates(fetch=host, clock=Clock())
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(certificates.get, CERTIFICATE_URL)
        assert fetching.wait(30)
        assert certificates.get(OTHER_URL)
        assert not slow.done()
        may_answer.set()
        assert slow.result(30)


def test_only_so_many_are_loaded_at_once_but_what_is_here_is_given_out():
    host, fetching, may_answer = CertificateHost(), Event(), Event()
    certificates = Certificates(fetch=host, clock=Clock())
    certificates.get(OTHER_URL)
    certificates.LOADING = 1

    def answer_when_allowed():
        fetching.set()
        assert may_answer.wait(30)

    host.before_answering = answer_when_allowed
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(certificates.get, CERTIFICATE_URL)
        assert fetching.wait(30)
        assert verdict(lambda: certificates.get(CERTIFICATE_URL + "?")) == (503, "unavailable")
        assert verdict(lambda: certificates.get(OTHER_URL)) == (200, "verified")
        may_answer.set()
        assert slow.result(30)
    assert verdict(lambda: certificates.get(CERTIFICATE_URL + "?")) == (200, "verified")


def test_who_waits_too_long_for_another_threads_fetch_is_told_to_come_again():
    host, fetching, may_answer = CertificateHost(), Event(), Event()

    def answer_when_allowed():
        fetching.set()
        assert may_answer.wait(30)

    host.before_answering = answer_when_allowed
    certificates = Certificates(fetch=host, clock=Clock())
    certificates.LONGEST_WAIT = 0.0
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(certificates.get, CERTIFICATE_URL)
        assert fetching.wait(30)
        assert verdict(lambda: certificates.get(CERTIFICATE_URL)) == (503, "unavailable")
        may_answer.set()
        assert slow.result(30)


def test_an_unforeseen_error_leaves_nobody_waiting():
    host = CertificateHost()

    def break_down():
        raise LookupError("a bug")

    host.before_answering = break_down
    certificates = Certificates(fetch=host, clock=Clock())
    with pytest.raises(LookupError):
        certificates.get(CERTIFICATE_URL)
    assert verdict(lambda: certificates.get(CERTIFICATE_URL)) == (503, "unavailable")


def test_what_is_not_in_the_operators_folder_is_fetched(tmp_path):
    host = CertificateHost()
    Certificates(fetch=host, clock=Clock(), cert_dir=tmp_path).get(CERTIFICATE_URL)
    assert host.asked == [CERTIFICATE_URL]


@pytest.mark.parametrize(
    "content", [b"", b"no certificate", certificate_pem(rsa_key("short", 1024))], ids=["empty", "text", "weak key"]
)
def test_a_bad_file_of_the_operators_is_not_the_senders_fault(tmp_path, content):
    (tmp_path / CERTIFICATE_FILE).write_bytes(content)
    certificates = Certificates(fetch=CertificateHost(), clock=Clock(), cert_dir=tmp_path)
    assert verdict(lambda: certificates.get(CERTIFICATE_URL)) == (503, "unavailable")


def test_a_file_of_the_operators_that_cannot_be_read_is_not_the_senders_fault(tmp_path):
    (tmp_path / CERTIFICATE_FILE).mkdir()
    certificates = Certificates(fetch=CertificateHost(), clock=Clock(), cert_dir=tmp_path)
    assert verdict(lambda: certificates.get(CERTIFICATE_URL)) == (503, "unavailable")
