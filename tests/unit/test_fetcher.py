"""Getting a certificate from a real server on the loopback: what the server does must not hurt us."""

from threading import Event

import pytest

from tests.loopback import Server, answering
from tests.signer import CertificateHost, Clock, body, certificate_pem, notification, rsa_key, signed, verdict, verifier
from webhook.adapters.sns import Fetcher
from webhook.domain.envelope import Envelope

pytestmark = pytest.mark.enable_socket

PEM = certificate_pem(rsa_key(), "emulator")


def judged(server, fetcher=None):
    clock = Clock()
    judge = verifier(fetcher or Fetcher(clock), clock, trusted_origins=(server.origin,))
    envelope = Envelope.from_bytes(body(signed(notification(SigningCertURL=f"{server.origin}/cert.pem"))))
    return verdict(lambda: judge.verify(envelope))


@pytest.mark.parametrize(
    ("behave", "expected"),
    [
        pytest.param(answering(200, PEM), (200, "verified"), id="certificate"),
        pytest.param(answering(302, PEM, Location="/elsewhere.pem"), (403, "bad_certificate"), id="redirect"),
        pytest.param(answering(404), (403, "bad_certificate"), id="404"),
        pytest.param(answering(500, PEM), (503, "unavailable"), id="500"),
        pytest.param(answering(429), (503, "unavailable"), id="429"),
        pytest.param(answering(200, PEM + b"\n" * 65_536), (403, "bad_certificate"), id="oversize"),
        pytest.param(answering(200, b"x" * 5_000_000), (403, "bad_certificate"), id="huge"),
        pytest.param(answering(200, b"", Content_Type="x"), (403, "bad_certificate"), id="nothing"),
        pytest.param(lambda request: request.wfile.write(b"SSH-2.0-x\r\n\r\n"), (503, "unavailable"), id="no http"),
        pytest.param(lambda request: request.connection.close(), (503, "unavailable"), id="hangs up"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_whatever_the_server_answers_there_is_a_verdict(behave, expected):
    with Server(behave) as server:
        assert judged(server) == expected
        assert [asked.path for asked in server.asked] == ["/cert.pem"]


def test_a_body_shorter_than_announced_is_our_fault_not_the_senders():
    def behave(request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(PEM)))
        request.end_headers()
        request.wfile.write(PEM[:-100])

    with Server(behave) as server:
        assert judged(server) == (503, "unavailable")


def test_a_server_that_never_answers_is_given_up():
    over = Event()
    with Server(lambda _: over.wait(30)) as server:
        assert judged(server, Fetcher(Clock(), read=0.05)) == (503, "unavailable")
        over.set()


def test_a_server_that_drips_is_given_up():
    clock, over = Clock(), Event()

    def drip(request):
        request.send_response(200)
        request.end_headers()
        clock.advance(60)
        request.wfile.write(PEM[:10])
        request.wfile.flush()
        over.wait(30)

    with Server(drip) as server:
        assert judged(server, Fetcher(clock, read=60.0)) == (503, "unavailable")
        over.set()


def test_of_an_endless_body_no_more_is_read_than_is_allowed():
    endless, written, over = 64 * 1024 * 1024, [], Event()

    def pour(request):
        request.send_response(200)
        request.end_headers()
        try:
            while sum(written) < endless:
                written.append(request.wfile.write(b"x" * 1024 * 1024))
        except ConnectionError:
            pass
        over.set()

    with Server(pour) as server:
        assert judged(server) == (403, "bad_certificate")
        assert over.wait(30)
    assert sum(written) < endless


def test_nobody_listening_is_unavailable():
    with Server(answering(200, PEM)) as server:
        pass
    assert judged(server) == (503, "unavailable")


def test_neither_proxies_nor_passwords_of_the_environment_are_used(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    with Server(answering(200, PEM)) as server:
        assert judged(server) == (200, "verified")
        assert not {"Authorization", "Cookie", "Referer"}.intersection(server.asked[0].headers)


def test_an_emulators_certificate_is_taken_from_its_own_origin_only():
    with Server(answering(200, PEM)) as server:
        host = CertificateHost(PEM)
        envelope = Envelope.from_bytes(body(signed(notification(SigningCertURL=f"{server.origin}/cert.pem"))))
        judge = verifier(host, trusted_origins=("http://127.0.0.1:1",))
        assert verdict(lambda: judge.verify(envelope)) == (403, "bad_certificate_url")
        assert (host.asked, server.asked) == ([], [])
