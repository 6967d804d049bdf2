"""Settings: what is read, what is refused and in which words, and that the papers agree with the code."""

import re
from fractions import Fraction
from ipaddress import ip_network
from pathlib import Path

import pytest

from webhook.config import SETTINGS, Setting, Settings
from webhook.errors import Misconfigured
from webhook.parsing import one_letter_off

ROOT = Path(__file__).resolve().parents[2]
TOPIC = "arn:aws:sns:eu-north-1:123456789012:ses-events"
CHINA = "arn:aws-cn:sns:cn-north-1:123456789012:*"
GOVERNMENT = "arn:aws-us-gov:sns:us-gov-west-1:123456789012:a.fifo"
COMPUTED = {"MONGODB_URI", "DATA_DIR", "WEB_CONCURRENCY", "LOG_FORMAT", "PRICES_FILE", "SECRET_KEY"}
KEY = "k" * 32


def read(**environ: str) -> Settings:
    return Settings.from_environment(environ, dotenv=None)


def refusal(**environ: str) -> str:
    with pytest.raises(Misconfigured) as caught:
        read(**environ)
    return str(caught.value)


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = read()
    assert (settings.port, settings.mongodb_uri, settings.sns_topic_arns, settings.api_tokens) == (8000, None, (), ())
    assert settings.data_dir == Path("data").absolute()
    assert settings.web_concurrency >= 1


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_the_written_default_is_the_real_one(setting: Setting) -> None:
    real = getattr(read(), setting.attribute)
    if setting.default in {"none", "boto3's own chain"}:
        assert not real or real == setting.default
    elif setting.name not in COMPUTED:
        assert real == setting.parse(setting.default)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("MONGODB_URI", "mongodb://h1,h2/db?replicaSet=r", "mongodb://h1,h2/db?replicaSet=r"),
        ("MONGODB_URI", "mongodb+srv://h/db", "mongodb+srv://h/db"),
        ("DATA_DIR", "/srv/x", Path("/srv/x")),
        ("PORT", " 80 ", 80),
        ("PORT", "", 8000),
        ("LOG_LEVEL", "DEBUG", "debug"),
        ("LOG_FORMAT", "text", "text"),
        ("SNS_TOPIC_ARNS", f" {TOPIC}, {TOPIC},,{CHINA} ", (TOPIC, CHINA)),
        ("SNS_TOPIC_ARNS", GOVERNMENT, (GOVERNMENT,)),
        ("SNS_TRUSTED_ORIGINS", "http://127.0.0.1:4566,https://Local/", ("http://127.0.0.1:4566", "https://local")),
        ("BOUNCE_RATE_LIMIT", "0.05", Fraction(1, 20)),
        ("SECRET_KEY", f"{KEY}, {KEY}2", (KEY, f"{KEY}2")),
        ("ALERT_ALLOW_NETWORKS", "10.0.0.0/8, fd00::/8", (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))),
        ("ALERT_EMAIL_FROM", "alerts@example.com", "alerts@example.com"),
        ("ALERT_SMTP_URL", "smtp://u:p@mail.example.com:587", "smtp://u:p@mail.example.com:587"),
        ("COMPLAINT_RATE_LIMIT", ".001", Fraction(1, 1000)),
        ("REPUTATION_WARN_AT", "1", Fraction(1)),
        ("API_TOKENS", "a:x,b:y:z", (("a", "x"), ("b", "y:z"))),
        ("AWS_SDK_REGION", "ap-southeast-2", "ap-southeast-2"),
        ("PUBLIC_URL", "https://ses.example.com/", "https://ses.example.com"),
    ],
)  # fmt: skip
def test_a_good_value_is_read(name: str, text: str, value: object) -> None:
    assert getattr(read(**{name: text}), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("MONGODB_URI", "postgres://h/db", "must begin with mongodb://"),
        ("PORT", "0", "whole number from 1 to 65535, not '0'"),
        ("PORT", "65536", "whole number"),
        ("PORT", "8000.0", "whole number"),
        ("PORT", "٣", "whole number"),
        ("WEB_CONCURRENCY", "0", "whole number"),
        ("LOG_LEVEL", "loud", "one of debug, info, warning, error, not 'loud'"),
        ("LOG_FORMAT", "xml", "one of json, text"),
        ("SNS_TOPIC_ARNS", "arn:aws:sns:eu-north-1:123456789012", "topic ARNs"),
        ("SNS_TOPIC_ARNS", "arn:aws:sns:eu-north-1:*", "topic ARNs"),
        ("SNS_TOPIC_ARNS", "arn:aws:sns:eu-north-1:123456789012:ses-*", "topic ARNs"),
        ("SNS_TOPIC_ARNS", "*", "topic ARNs"),
        ("SNS_TOPIC_ARNS", f"{TOPIC} {TOPIC}", "topic ARNs"),
        ("SNS_CERT_DIR", "/does/not/exist", "folder that exists"),
        ("SNS_TRUSTED_ORIGINS", "127.0.0.1:4566", "origins like"),
        ("SNS_TRUSTED_ORIGINS", "http://127.0.0.1:4566/path", "origins like"),
        ("SNS_TRUSTED_ORIGINS", "http://a:b@127.0.0.1", "origins like"),
        ("SNS_TRUSTED_ORIGINS", "http://127.0.0.1:99999", "origins like"),
        ("SNS_TRUSTED_ORIGINS", "ftp://127.0.0.1", "origins like"),
        ("SNS_MAX_AGE_SECONDS", "2592001", "must not exceed EVENT_RETENTION_DAYS"),
        ("SECRET_KEY", "short", "SECRET_KEY must be a random text of at least 32 characters"),
        ("SECRET_KEY", f"{KEY},short", "at least 32 characters"),
        ("SECRET_KEY", ",", "at least 32 characters"),
        ("ALERT_ALLOW_NETWORKS", "10.0.0.1/8", "must list networks like 10.0.0.0/8"),
        ("ALERT_ALLOW_NETWORKS", "internal", "must list networks"),
        ("ALERT_EMAIL_FROM", "Alerts", "mail address"),
        ("ALERT_SMTP_URL", "mail.example.com:587", "must be like smtp://"),
        ("ALERT_SMTP_URL", "smtp://mail.example.com/path", "must be like smtp://"),
        ("ALERT_SMTP_URL", "smtp://u:%C3%BC@mail.example.com", "must be like smtp://"),
        ("ALERT_SMTP_URL", "smtp://mail.example.com:99999", "must be like smtp://"),
        ("BOUNCE_RATE_LIMIT", "5", "between 0 and 1"),
        ("BOUNCE_RATE_LIMIT", "5%", "between 0 and 1"),
        ("BOUNCE_RATE_LIMIT", "0", "between 0 and 1"),
        ("BOUNCE_RATE_LIMIT", "1", "between 0 and 1"),
        ("COMPLAINT_RATE_LIMIT", "-0.1", "between 0 and 1"),
        ("COMPLAINT_RATE_LIMIT", "nan", "between 0 and 1"),
        ("COMPLAINT_RATE_LIMIT", "1/1000", "between 0 and 1"),
        ("REPUTATION_WARN_AT", "1.1", "between 0 and 1"),
        ("REPUTATION_MIN_SENT", "0", "whole number"),
        ("REPUTATION_MIN_DAYS", "91", "REPUTATION_MIN_DAYS must not exceed REPUTATION_MAX_DAYS"),
        ("REPUTATION_MAX_DAYS", "401", "whole number"),
        ("EVENT_RETENTION_DAYS", "0", "whole number"),
        ("MAX_PENDING", "many", "whole number"),
        ("AWS_SDK_REGION", "Stockholm", "AWS region"),
        ("AWS_SDK_ACCESS_KEY_ID", "AKIA", "must be given together"),
        ("AWS_ENDPOINT_URL", "localhost:4566", "http:// or https://"),
        ("API_TOKENS", "token", "name:token"),
        ("API_TOKENS", "a:x,a:y", "each name once"),
        ("API_TOKENS", "a:", "name:token"),
        ("PUBLIC_URL", "ses.example.com", "http:// or https://"),
    ],
)
def test_a_wrong_value_is_named_with_its_fix(name: str, text: str, words: str) -> None:
    message = refusal(**{name: text})
    assert name in message
    assert words in message
    assert "\n" not in message


def test_all_problems_are_told_at_once() -> None:
    assert refusal(PORT="x", LOG_LEVEL="y", SNS_TOPIC="z").count(";") == 2


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS if setting.secret])
def test_a_secret_never_shows(name: str) -> None:
    secrets = {"AWS_SDK_ACCESS_KEY_ID": "s3cret", "AWS_SDK_SECRET_ACCESS_KEY": "s3cret", "API_TOKENS": "a:s3cret"}
    secrets |= {"SECRET_KEY": f"s3cret{KEY}", "ALERT_SMTP_URL": "smtps://u:s3cret@mail.example.com"}
    settings = read(MONGODB_URI="mongodb://u:s3cret@h/", **secrets)
    assert "s3cret" not in repr(settings)
    if not name.startswith("AWS_"):
        assert "s3cret" not in refusal(**{name: "s3cret"})


def test_a_shorter_retention_shortens_the_age_limit() -> None:
    assert read(EVENT_RETENTION_DAYS="7").sns_max_age_seconds == 7 * 86_400
    assert read(EVENT_RETENTION_DAYS="60").sns_max_age_seconds == 1_209_600


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        ("SNS_TOPIC_ARN", "SNS_TOPIC_ARNS"),
        ("REPUTATION_MIN_SEND", "REPUTATION_MIN_SENT"),
        ("BOUNCE_RATE_LIMT", "BOUNCE_RATE_LIMIT"),
        ("MONOGDB_URI", "MONGODB_URI"),
        ("MONGODB_URL", "MONGODB_URI"),
        ("API_TOKEN", "API_TOKENS"),
    ],
)
def test_a_misspelt_name_in_the_environment_is_refused(name: str, likely: str) -> None:
    assert f"{name} is not a setting: did you mean {likely}?" in refusal(**{name: "x"})


@pytest.mark.parametrize("name", ["PATH", "POST", "AWS_SECRET_ACCESS_KEY", "SNS_SERVICE_HOST", "SNS_PORT_80_TCP_ADDR"])
def test_other_programs_names_are_left_alone(name: str) -> None:
    assert read(**{name: "x"}) == read()


class TestDotenv:
    def test_it_fills_what_the_environment_leaves_open(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text(f"PORT=81\nMAX_PENDING=7 # small\nSNS_TOPIC_ARNS='{TOPIC}'\nLOG_LEVEL=\n")
        settings = Settings.from_environment({"PORT": "82"}, tmp_path / ".env")
        assert (settings.port, settings.max_pending, settings.sns_topic_arns) == (82, 7, (TOPIC,))

    def test_a_dollar_sign_is_a_dollar_sign(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("API_TOKENS=a:${HOME}$x\n")
        assert Settings.from_environment({}, tmp_path / ".env").api_tokens == (("a", "${HOME}$x"),)

    def test_an_unknown_name_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("COLOUR=red\n")
        with pytest.raises(Misconfigured, match="COLOUR is not a setting: remove it"):
            Settings.from_environment({}, tmp_path / ".env")

    def test_the_environment_wins_over_its_secret_file(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("API_TOKENS_FILE=/nowhere\n")
        assert Settings.from_environment({"API_TOKENS": "a:b"}, tmp_path / ".env").api_tokens == (("a", "b"),)

    def test_the_example_is_a_valid_file(self) -> None:
        assert Settings.from_environment({}, ROOT / ".env.example") == read()

    def test_the_example_is_valid_with_every_line_taken_in(self, tmp_path: Path) -> None:
        example = re.sub(r"(?m)^#(?=[A-Z_]+=)", "", (ROOT / ".env.example").read_text())
        (tmp_path / ".env").write_text(example)
        assert Settings.from_environment({}, tmp_path / ".env").sns_topic_arns == (TOPIC,)


class TestSecretFiles:
    def test_the_contents_are_the_value(self, tmp_path: Path) -> None:
        (tmp_path / "uri").write_text("mongodb://h/db\n")
        assert read(MONGODB_URI_FILE=str(tmp_path / "uri")).mongodb_uri == "mongodb://h/db"

    def test_both_forms_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "uri").write_text("mongodb://h/db\n")
        assert "keep one" in refusal(MONGODB_URI_FILE=str(tmp_path / "uri"), MONGODB_URI="mongodb://h/db")

    def test_a_missing_file_is_named(self) -> None:
        assert (
            refusal(API_TOKENS_FILE="/nowhere")
            == "API_TOKENS_FILE cannot be read (No such file or directory): /nowhere"
        )


def test_warnings_tell_what_is_not_wrong_but_odd() -> None:
    assert any("SNS_TOPIC_ARNS" in warning for warning in read().warnings())
    odd = read(SNS_TOPIC_ARNS=TOPIC, SNS_TRUSTED_ORIGINS="http://127.0.0.1:1")
    assert [warning.split()[0] for warning in odd.warnings()] == ["SNS_TRUSTED_ORIGINS"]
    bare = read(SNS_TOPIC_ARNS=TOPIC, MONGODB_URI="mongodb://h/")
    assert [warning.split()[0] for warning in bare.warnings()] == ["SECRET_KEY"]
    assert [*read(SNS_TOPIC_ARNS=TOPIC, MONGODB_URI="mongodb://h/", SECRET_KEY=KEY).warnings()] == []


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_documented_with_its_default(setting: Setting) -> None:
    row = re.search(rf"(?m)^\| `{setting.name}` \| (.+?) \| .+\|$", (ROOT / "docs/configuration.md").read_text())
    assert row is not None
    assert row[1].strip("`") == setting.default
    assert re.search(rf"(?m)^#{setting.name}=", (ROOT / ".env.example").read_text())


def test_the_documentation_names_no_other_setting() -> None:
    rows = re.findall(r"(?m)^\| `([A-Z_]+)` \|", (ROOT / "docs/configuration.md").read_text())
    assert sorted(rows) == sorted(setting.name for setting in SETTINGS)


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("ABCD", "ABCDE", True),
        ("ABCDEF", "ABCDE", True),
        ("ABXDE", "ABCDE", True),
        ("ACBDE", "ABCDE", True),
        ("XABCDE", "ABCDE", True),
        ("AB", "ABCD", False),
        ("AXCYE", "ABCDE", False),
        ("EDCBA", "ABCDE", False),
    ],
)
def test_one_letter_off(name: str, known: str, expected: bool) -> None:
    assert one_letter_off(name, known) is expected
