"""Where the emulator posts, and where it refuses to."""

import pytest

from webhook.emulator.target import Target
from webhook.errors import Misconfigured


@pytest.mark.parametrize(
    "url",
    [
        "https://sns.eu-north-1.amazonaws.com",
        "https://SNS.EU-NORTH-1.AMAZONAWS.COM./",
        "https://email.eu-north-1.amazonaws.com/webhooks/sns",
        "https://sns.cn-north-1.amazonaws.com.cn",
        "https://sns.eu-north-1.api.aws",
        "https://abc.lambda-url.eu-north-1.on.aws/",
        "http://my-balancer.eu-north-1.elb.amazonaws.com",
    ],
)
@pytest.mark.parametrize("allow_remote", [False, True])
def test_hosts_of_amazons_are_never_posted_to(url: str, allow_remote: bool) -> None:
    with pytest.raises(Misconfigured, match="never sent to AWS"):
        Target.from_url(url, allow_remote=allow_remote)


@pytest.mark.parametrize(
    "url", ["https://staging.example.com", "http://10.0.0.7:8000", "http://0.0.0.0:8000", "http://localhost.example"]
)
def test_another_machine_needs_a_word(url: str) -> None:
    with pytest.raises(Misconfigured, match="--allow-remote"):
        Target.from_url(url)
    assert Target.from_url(url, allow_remote=True).host


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:port",
        "http://user:pass@127.0.0.1/",
        "http://127.0.0.1/?a=b",
        "http://[::1",
    ],
)
def test_what_is_no_endpoint_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(Misconfigured, match="--to"):
        Target.from_url(url)


@pytest.mark.parametrize(
    ("url", "canonical", "path"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "/webhooks/sns/bounces"),
        ("http://localhost/", "http://localhost:80", "/webhooks/sns/bounces"),
        ("https://[::1]:8443/hook/", "https://[::1]:8443/hook", "/hook"),
    ],
)
def test_a_path_of_its_own_takes_everything(url: str, canonical: str, path: str) -> None:
    target = Target.from_url(url)
    assert target.url == canonical
    assert target.path_of("/webhooks/sns/bounces") == path
