"""Secrets at rest: what one key sealed only that key opens, and the kept key is made once."""

import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.adapters.sealing import KEY_FILE, Sealer, kept_secret_key, new_secret
from webhook.children import ROOT
from webhook.domain.endpoints import Signing
from webhook.domain.signing import hmac_signer
from webhook.errors import Misconfigured

OLD, NEW = "old-" * 10, "new-" * 10
SEALER = Sealer.from_setting(NEW)


@given(st.text())
def test_what_was_sealed_can_be_opened(text):
    sealed = SEALER.seal(text)
    assert SEALER.open(sealed) == text
    assert not SEALER.needs_rotation(sealed)


def test_the_secret_is_not_in_what_is_stored_and_never_looks_the_same():
    secret = new_secret()
    assert secret not in SEALER.seal(secret)
    assert SEALER.seal(secret) != SEALER.seal(secret)


def test_new_secrets_can_sign_and_differ():
    hmac_signer(new_secret())
    assert new_secret() != new_secret()
    assert new_secret(Signing.ED25519) != new_secret(Signing.ED25519)
    assert new_secret(Signing.ED25519).startswith("whsk_")


def test_while_the_key_is_replaced_both_open_and_the_new_one_seals():
    before = Sealer.from_setting(OLD)
    both = Sealer.from_setting(f" {NEW} , {OLD} ")
    stored = before.seal("whsec_x")
    assert both.open(stored) == "whsec_x"
    assert both.needs_rotation(stored)
    resealed = both.renewed(stored)
    assert not both.needs_rotation(resealed)
    assert both.renewed(resealed) is None
    assert SEALER.open(resealed) == "whsec_x"


@pytest.mark.parametrize("change", [lambda text: text[:-4] + "AAA=", lambda _: "", lambda _: "gAAAAA", lambda _: "é"])
def test_another_key_or_another_text_is_told_by_the_settings_name(change):
    sealed = Sealer.from_setting(OLD).seal("whsec_x")
    for broken in (sealed, change(sealed)):
        assert SEALER.needs_rotation(broken)
        for use in (SEALER.open, SEALER.renewed):
            with pytest.raises(Misconfigured, match="SECRET_KEY is not the one") as refused:
                use(broken)
            assert "whsec_x" not in str(refused.value)


@pytest.mark.parametrize("text", ["", " , ", "short", f"{NEW},short"])
def test_a_key_that_is_none_is_refused_with_the_way_to_make_one(text):
    with pytest.raises(Misconfigured, match=r"SECRET_KEY .*: make one with: python -c"):
        Sealer.from_setting(text)


# -- the kept key


def test_the_key_is_made_once_and_for_the_owner_alone(tmp_path):
    folder = tmp_path / "data"
    key = kept_secret_key(folder)
    assert kept_secret_key(folder) == key
    Sealer.from_setting(key)
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert kept_secret_key(tmp_path / "other") != key


def test_processes_that_start_together_have_one_key(tmp_path):
    program = (
        "import sys; from pathlib import Path; from webhook.adapters.sealing import kept_secret_key; "
        "print('ready', flush=True); sys.stdin.readline(); print(kept_secret_key(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    started = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    keys = {process.communicate(timeout=60)[0] for process in started}
    assert len(keys) == 1
    assert keys == {kept_secret_key(tmp_path) + "\n"}


@pytest.mark.parametrize("left", [b"", b"half-a-k"])
def test_a_maker_that_died_before_the_key_was_whole_is_made_good(tmp_path, left):
    (tmp_path / KEY_FILE).write_bytes(left)
    key = kept_secret_key(tmp_path)
    Sealer.from_setting(key)
    assert kept_secret_key(tmp_path) == key


def test_a_folder_that_can_not_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="set SECRET_KEY instead"):
        kept_secret_key(tmp_path / "file")


def test_a_key_that_is_no_text_is_told(tmp_path):
    (tmp_path / KEY_FILE).write_bytes(b"\xff\xfe\n")
    with pytest.raises(Misconfigured, match="it is not text"):
        kept_secret_key(tmp_path)
