"""HTTP to addresses that customers wrote: what is refused never leaves; what leaves is bounded, to one place only."""

import socket
import ssl
import struct
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_network
from threading import Event

import pytest

from tests.authority import Authority
from tests.loopback import Server, answering
from tests.signer import Clock
from webhook import __version__
from webhook.adapters.outgoing import Guard, Outgoing, Resolver
from webhook.adapters.outgoing.connections import tls_context
from webhook.domain.delivery_errors import DeliveryFailed
from webhook.errors import Invalid

HOME = (ip_network("127.0.0.1/32"), ip_network("::1/128"))
NAME = "alerts.example.test"


class Names:
    """A resolver of the tests: answers by the table, each time the next answer, the last one for ever."""

    def __init__(self, **answers):
        self.answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked = []

    def __call__(self, host, _port, _patience):
        self.asked.append(host)
        answers = self.answers.get(host)
        if not answers:
            raise OSError("no such name")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return tuple(answer.split())


MADE = []
PUBLIC_TLS = tls_context()


@pytest.fixture(autouse=True)
def _close():
    yield
    while MADE:
        MADE.pop().close()


def outgoing(names=None, allowed=(), clock=None, **limits):
    limits.setdefault("context", PUBLIC_TLS)
    MADE.append(Outgoing(Guard(names or Names(), allowed), (clock or Clock()).monotonic, **limits))
    return MADE[-1]


def post(client, url, body=b"{}", **headers):
    return client.post(url, {"Content-Type": "application/json", **headers}, body)


def failure(client, url, **headers):
    with pytest.raises(DeliveryFailed) as failed:
        post(client, url, **headers)
    assert not failed.value.permanent
    return failed.value.detail


# -- nothing gets in


@pytest.fixture
def listeners():
    """Sockets that take connections on every address of this machine, at one port; nobody may ever connect."""
    with socket.create_server(("127.0.0.1", 0)) as four:
        port = four.getsockname()[1]
        with socket.create_server(("::1", port), family=socket.AF_INET6) as six:
            yield port, (four, six)


def assert_silence(sockets):
    for listener in sockets:
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


WRITTEN = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1",
    "127.0.1",
    "0",
    "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "127.0.0.1.",
    "①②⑦.0.0.1",
    "127。0。0。1",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[2001:db8::1]",
    "user@127.0.0.1",
    "example.com@127.0.0.1",
    "example.com\\@127.0.0.1",
    "127.0.0.1\\.example.com",
    "localhost",
    "LOCALHOST",
    "localhost.",
]


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("host", WRITTEN, ids=ascii)
def test_no_spelling_of_an_inner_address_is_asked(listeners, scheme, host):
    port, sockets = listeners
    client = outgoing(Resolver())  # the system's own, so that names for this machine are what they are
    url = f"{scheme}://{host}:{port}/"
    assert "this address can't be used" in failure(client, url)
    with pytest.raises(Invalid, match="url"):
        client.check(url)
    assert_silence(sockets)


ANSWERED = [
    "127.0.0.1",
    "::1",
    "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "::",
    "::ffff:127.0.0.1",
    "::ffff:0:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::1",
    "2001:0:7f00:1::1",
    "10.0.0.1",
    "172.31.0.1",
    "192.168.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "168.63.129.16",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "224.0.0.1",
    "8.8.8.8 127.0.0.1",
    "127.0.0.1 8.8.8.8",
    "2606:4700::1111 ::1",
]


@pytest.mark.parametrize("answer", ANSWERED)
def test_no_name_leads_to_an_inner_address(listeners, answer):
    port, sockets = listeners
    client = outgoing(Names(evil_example=[answer]))
    url = f"https://evil.example:{port}/"
    assert "evil.example leads to a" in failure(client, url)
    with pytest.raises(Invalid, match=r"evil\.example leads to a"):
        client.check(url)
    assert_silence(sockets)


def test_a_name_that_was_public_when_the_endpoint_was_made_is_checked_again(listeners):
    port, sockets = listeners
    names = Names(rebinding_example=["8.8.8.8", "127.0.0.1"])
    client = outgoing(names)
    client.check(f"https://rebinding.example:{port}/")
    assert "leads to a loopback address" in failure(client, f"https://rebinding.example:{port}/")
    assert_silence(sockets)


def test_a_name_is_looked_up_once_for_each_delivery_and_never_by_the_connection(listeners):
    port, sockets = listeners
    names = Names(rebinding_example=["::1", "127.0.0.1"])
    client = outgoing(names, allowed=HOME)
    sockets[1].close()
    # Nobody listens at the address that was checked; whoever asked again would find the one where somebody does.
    assert "nobody listens" in failure(client, f"http://rebinding.example:{port}/")
    assert names.asked == ["rebinding.example"]
    assert_silence(sockets[:1])


def test_the_listeners_would_hear(listeners):
    port, (four, _) = listeners
    client = outgoing(allowed=HOME, total=0.05)
    assert "completely within 0.05 s" in failure(client, f"http://127.0.0.1:{port}/")
    connection, _ = four.accept()
    connection.close()


def test_an_allowed_network_does_not_open_its_neighbours(listeners):
    port, sockets = listeners
    client = outgoing(Names(inner_example=["127.0.0.1"]), allowed=[ip_network("127.0.0.2/32")])
    assert "leads to a loopback address" in failure(client, f"http://inner.example:{port}/")
    assert_silence(sockets)


# -- making an endpoint


def test_a_name_may_come_into_being_later_but_not_without_tls():
    client = outgoing(allowed=HOME)
    client.check("https://later.example.com/")
    with pytest.raises(Invalid, match="can't be looked up"):
        client.check("http://later.example.com/")
    assert "can't be looked up: check that it is in public DNS" in failure(client, "https://later.example.com/")


def test_inner_names_are_found_where_they_are_allowed():
    client = outgoing(Names(receiver=["127.0.0.1"]), allowed=HOME)
    client.check("http://receiver:8080/")


# -- TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@contextmanager
def serving(behave, context=None, keep_alive=True):
    """A server that counts its connections."""
    server = Server(behave)
    server.connections = 0
    accept = server.http.get_request

    def counted():
        taken = accept()
        server.connections += 1
        return taken

    server.http.get_request = counted
    server.http.handle_error = lambda *_: None  # that we hang up on it is what most of these tests are about
    server.http.RequestHandlerClass.protocol_version = "HTTP/1.1" if keep_alive else "HTTP/1.0"
    if context:
        server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    with server:
        yield server


def secured(server, host=NAME):
    return f"https://{host}:{server.http.server_port}/hook?a=b"


def trusting(authority, **limits):
    names = Names(alerts_example_test=["127.0.0.1"])
    return outgoing(names, HOME, context=authority.client(), **limits)


def test_the_connection_goes_to_the_address_and_speaks_to_the_name(authority):
    context, told = authority.server(NAME), []
    context.sni_callback = lambda _, name, __: told.append(name)
    with serving(answering(200, b"thanks"), context) as server:
        client = trusting(authority)
        reply = post(client, secured(server), b'{"a": 1}', X_One="1")
    assert (reply.status, reply.body) == (200, b"thanks")
    assert told == [NAME]
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/hook?a=b", b'{"a": 1}')
    assert asked.headers["Host"] == f"{NAME}:{server.http.server_port}"
    assert asked.headers["User-Agent"] == f"SES-Sentinel/{__version__}"
    assert asked.headers["Accept-Encoding"] == "identity"


def test_an_address_in_the_place_of_a_name_must_be_in_the_certificate(authority):
    with serving(answering(200), authority.server("127.0.0.1")) as server:
        client = trusting(authority)
        assert post(client, secured(server, "127.0.0.1")).status == 200
        assert "certificate" in failure(client, secured(server))


BAD_CERTIFICATES = [
    pytest.param({"hosts": ["other.example.test"]}, "not valid for it: Hostname mismatch", id="another name"),
    pytest.param({"hosts": ["127.0.0.1"]}, "not valid for it: Hostname mismatch", id="the address instead of the name"),
    pytest.param({"hosts": [NAME], "lasts": timedelta(days=-1)}, "certificate has expired", id="expired"),
]


@pytest.mark.parametrize(("given", "told"), BAD_CERTIFICATES)
def test_a_certificate_must_be_good(authority, given, told):
    context = authority.server(*given["hosts"], lasts=given.get("lasts", timedelta(days=1)))
    with serving(answering(200), context) as server:
        assert told in failure(trusting(authority), secured(server))
        assert server.asked == []


def test_an_authority_that_nobody_trusts_is_not_trusted(authority, tmp_path):
    with serving(answering(200), Authority(tmp_path).server(NAME)) as server:
        assert "certificate" in failure(trusting(authority), secured(server))
        public = outgoing(Names(alerts_example_test=["127.0.0.1"]), HOME, context=None)
        assert "certificate" in failure(public, secured(server))
        assert server.asked == []


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_not_spoken(authority):
    context = authority.server(NAME)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with serving(answering(200), context) as server:
        assert "does not speak TLS 1.2 or later" in failure(trusting(authority), secured(server))
        assert server.asked == []


def test_plain_http_behind_https_is_told():
    with serving(answering(200)) as server:
        client = outgoing(Names(alerts_example_test=["127.0.0.1"]), HOME)
        assert "does not speak TLS" in failure(client, secured(server))


# -- what servers do


def at(server, path="/"):
    return server.origin + path


def local(**limits):
    return outgoing(allowed=HOME, **limits)


def test_redirects_are_not_followed():
    with serving(answering(302, Location="http://169.254.169.254/latest/")) as server:
        client = local()
        reply = post(client, at(server))
    assert (reply.status, reply.headers["location"]) == (302, "http://169.254.169.254/latest/")
    assert len(server.asked) == 1


@pytest.mark.parametrize("keep_alive", [True, False])
def test_the_answer_is_read_whichever_way_it_ends(keep_alive):
    with serving(answering(418, b"teapot" * 10, Retry_After="5"), keep_alive=keep_alive) as server:
        client = local()
        reply = post(client, at(server))
    assert (reply.status, reply.body, reply.headers["retry_after"]) == (418, b"teapot" * 10, "5")


def test_of_an_endless_answer_16_kib_are_read():
    with serving(answering(200, b"x" * 4_000_000)) as server:
        client = local()
        assert len(post(client, at(server)).body) == 16_384
        assert post(client, at(server)).status == 200
        assert server.connections == 2  # what was not read to its end is not used again


def raw(*parts, before=None):
    """Writes bytes as they are, and then hangs up; `before` is called between the parts."""

    def behave(request):
        for number, part in enumerate(parts):
            if number and before:
                before()
            request.wfile.write(part)
            request.wfile.flush()
        request.close_connection = True

    return behave


HEAD = b"HTTP/1.1 200 OK\r\n"
ODD = [
    pytest.param(raw(b"SSH-2.0-x\r\n\r\n"), "does not answer in HTTP", id="no http"),
    pytest.param(raw(), "it hung up", id="nothing"),
    pytest.param(raw(HEAD + b"Content-Length: 10\r\n\r\nshort"), "does not answer in HTTP", id="cut off"),
    pytest.param(
        raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"), "does not answer in HTTP", id="cut off in a chunk"
    ),
    pytest.param(raw(HEAD + b"X: y\r\n" * 200), "does not answer in HTTP", id="200 headers"),
    pytest.param(raw(HEAD + b"X: " + b"y" * 70_000), "answers with more than is read", id="a header without end"),
    pytest.param(raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000), "answers with more than is read", id="endless 100"),
    pytest.param(
        raw(HEAD + (b"X: " + b"y" * 1000 + b"\r\n") * 90 + b"\r\n"), "answers with more than is read", id="large head"
    ),
]


@pytest.mark.parametrize(("behave", "told"), ODD)
def test_whatever_a_server_does_there_is_a_sentence(behave, told):
    with serving(behave) as server:
        detail = failure(local(), at(server))
    assert told in detail
    assert "127.0.0.1" in detail


def test_a_great_many_tiny_chunks_end_the_reading_not_the_delivery():
    with serving(raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 20_000)) as server:
        assert post(local(), at(server)).status == 200


DRIPPING = [
    pytest.param([b"HTTP/1.1 ", b"200 ", b"OK"], id="its status"),
    pytest.param([HEAD, b"X: y\r\n", b"X: y\r\n"], id="its headers"),
    pytest.param([HEAD + b"Content-Length: 3\r\n\r\n", b"a", b"b"], id="its body"),
    pytest.param([HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n", b"x\r\n"], id="its chunks"),
]


@pytest.mark.parametrize("parts", DRIPPING)
def test_a_server_that_drips_is_given_up_in_time(parts):
    clock, over = Clock(), Event()

    def drip(request):
        for part in parts:
            request.wfile.write(part)
            request.wfile.flush()
            clock.advance(8)
        over.wait(30)

    with serving(drip) as server:
        # Each byte comes well within any time-out that bounds a single wait.
        detail = failure(local(clock=clock), at(server))
        over.set()
    assert detail == f"127.0.0.1:{server.http.server_port} did not answer completely within 15 s (5 s to connect)"


def test_a_server_that_never_answers_is_given_up():
    over = Event()
    with serving(lambda _: over.wait(30)) as server:
        assert "did not answer completely" in failure(local(total=0.05), at(server))
        over.set()


def test_a_server_that_does_not_shake_hands_is_given_up(authority):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"https://{NAME}:{deaf.getsockname()[1]}/"
        assert "did not answer completely" in failure(trusting(authority, connect=0.05), url)


def test_a_server_that_does_not_read_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        client = local(total=0.1)
        with pytest.raises(DeliveryFailed, match="did not answer completely"):
            post(client, f"http://127.0.0.1:{deaf.getsockname()[1]}/", b"x" * 20_000_000)


def test_a_name_server_that_does_not_answer_is_given_up():
    over = Event()

    def lookup(_host, _port):
        over.wait(30)
        return ()

    client = outgoing(Resolver(lookup), connect=0.05)
    assert "can't be looked up" in failure(client, "https://slow.example.com/")
    over.set()


def test_nobody_listening_is_told():
    with serving(answering(200)) as server:
        pass
    assert failure(local(), at(server)) == f"nobody listens at 127.0.0.1:{server.http.server_port}"


def test_the_next_address_is_tried_when_one_does_not_take_the_connection():
    with serving(answering(200)) as server:
        client = outgoing(Names(two_example=["::1 127.0.0.1"]), HOME)
        assert post(client, f"http://two.example:{server.http.server_port}/").status == 200


def test_neither_proxies_nor_passwords_of_the_environment_are_used(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(answering(200, Set_Cookie="a=b")) as server:
        client = local()
        post(client, at(server))
        post(client, at(server))
    for asked in server.asked:
        assert not {"Authorization", "Cookie", "Referer", "Proxy-Authorization"}.intersection(asked.headers)


@pytest.mark.parametrize("value", ["a\r\nHost: evil", "a\nb", "ü€"])
def test_a_header_can_not_become_two(value):
    with serving(answering(200)) as server:
        assert "headers can't be sent" in failure(local(), at(server), X=value)
        assert server.asked == []


# -- connections that are kept


def test_a_connection_is_used_again(authority):
    with serving(answering(200, b"ok"), authority.server(NAME)) as server:
        client = trusting(authority)
        assert [post(client, secured(server)).status for _ in range(5)] == [200] * 5
        assert server.connections == 1
        client.close()
        post(client, secured(server))
        assert server.connections == 2


def test_only_so_many_are_kept():
    with serving(answering(200)) as one, serving(answering(200)) as two:
        client = local(idle=1)
        for server in (one, two, one, two):
            post(client, at(server))
        assert (one.connections, two.connections) == (2, 2)


def test_a_connection_that_was_idle_for_long_is_not_used_again():
    clock = Clock()
    with serving(answering(200)) as server:
        client = local(clock=clock)
        for seconds in (0, 30, 31):
            clock.advance(seconds)
            assert post(client, at(server)).status == 200
        assert server.connections == 2


def test_a_connection_that_the_server_closed_meanwhile_is_replaced():
    def behave(request):
        answering(200)(request)
        request.close_connection = True

    with serving(behave) as server:
        client = local()
        assert [post(client, at(server)).status for _ in range(3)] == [200] * 3
        assert server.connections == 3


def test_a_server_that_hangs_up_on_the_second_request_is_asked_once_more():
    seen = []

    def behave(request):
        seen.append(request.client_address)
        if seen.count(request.client_address) > 1:
            request.close_connection = True
        else:
            answering(200)(request)

    with serving(behave) as server:
        client = local()
        assert [post(client, at(server)).status for _ in range(3)] == [200] * 3
        assert len(server.asked) == 5


@pytest.mark.parametrize(
    "begun",
    [HEAD + b"Content-Length: 10\r\n\r\nshort", HEAD + b"X: y\r\n", b"HTTP/1"],
    ids=["body", "headers", "status"],
)
def test_a_server_that_began_to_answer_is_not_asked_once_more(begun):
    seen = []

    def behave(request):
        seen.append(request.client_address)
        if seen.count(request.client_address) == 1:
            answering(200)(request)
            return
        request.wfile.write(begun)
        # Closing now is a reset, and no end of the answer.
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.close_connection = True
        request.connection.close()

    with serving(behave) as server:
        client = local()
        assert post(client, at(server)).status == 200
        failure(client, at(server))
        assert len(server.asked) == 2


@pytest.mark.parametrize("sign", "/?")
def test_what_may_be_a_secret_in_an_address_is_not_told(sign):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    detail = failure(local(), f"http://127.0.0.1:{port}{sign}token=t0psecret")
    assert detail == f"nobody listens at 127.0.0.1:{port}"


def test_a_kept_connection_is_no_way_around_the_check():
    names = Names(alerts_example_test=["127.0.0.1", "10.0.0.1"])
    with serving(answering(200)) as server:
        client = outgoing(names, HOME)
        url = f"http://{NAME}:{server.http.server_port}/"
        assert post(client, url).status == 200
        assert "leads to a private address" in failure(client, url)
        assert len(server.asked) == 1


def test_a_kept_connection_is_left_when_the_name_moves():
    names = Names(alerts_example_test=["127.0.0.1", "::1"])
    with serving(answering(200)) as server:
        client = outgoing(names, HOME)
        url = f"http://{NAME}:{server.http.server_port}/"
        assert post(client, url).status == 200
        assert f"{NAME}:{server.http.server_port}" in failure(client, url)
        assert len(server.asked) == 1
