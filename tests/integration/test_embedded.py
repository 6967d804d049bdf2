"""The embedded MongoDB, with the real program and real kills."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from pymongo import MongoClient

from webhook import children
from webhook.adapters.embedded import running
from webhook.adapters.embedded.claims import Claims, Instance
from webhook.adapters.embedded.mongod import candidate_ports, installed
from webhook.adapters.embedded.reasons import explain
from webhook.adapters.mongo.topology import check_replica_set
from webhook.errors import Misconfigured

pytestmark = pytest.mark.mongo

USER = """
import sys
from pathlib import Path
from webhook.adapters.embedded import running
with running(Path(sys.argv[1])) as uri:
    print(uri, flush=True)
    sys.stdin.read()
"""
LOADER = "libcurl.so.4: cannot open shared object file: No such file or directory"


@contextmanager
def user(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that uses the instance until its standard input closes; with the URI that it was given."""
    command = [sys.executable, "-c", USER, str(data_dir)]
    with subprocess.Popen(
        command, cwd=children.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            if process.poll() is None:
                process.kill()


def client(uri: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(uri, serverSelectionTimeoutMS=60_000)


def await_that(condition: Callable[[], bool]) -> None:
    """Wait until it holds; the limit only keeps a broken test from hanging."""
    for _ in range(1200):
        if condition():
            return
        Event().wait(0.05)
    pytest.fail("it never came true")


def lives(pid: int) -> bool:
    """Whether that process runs (one that only waits to be taken leave of does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def instance(data_dir: Path) -> Instance:
    return Claims(data_dir).read()


def fake_mongod(folder: Path, script: str) -> Path:
    program = folder / "mongod"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    return program


def test_two_processes_share_one_instance(tmp_path: Path) -> None:
    with running(tmp_path) as uri, client(uri) as ours, user(tmp_path) as (process, theirs):
        assert theirs == uri
        ours.get_default_database().things.insert_one({})
        before = instance(tmp_path)
        process.communicate()
        assert process.returncode == 0
        assert instance(tmp_path) == before
        assert ours.get_default_database().things.count_documents({}) == 1
    assert not lives(before.pid)
    assert not lives(before.guardian)


def test_two_first_users_start_one_guardian(tmp_path: Path) -> None:
    command = [sys.executable, "-c", USER, str(tmp_path)]
    both = [
        subprocess.Popen(command, cwd=children.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    uris = [process.communicate()[0] for process in both]
    assert uris[0] == uris[1] != ""
    assert (tmp_path / "guardian.log").read_text().count("mongod_ready") in {1, 2}  # 2 if the first had left already


def test_transactions_work_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as uri, client(uri) as ours, ours.start_session() as session:
        database = ours.get_default_database()
        with session.start_transaction():
            database.things.insert_one({}, session=session)
        assert database.things.count_documents({}) == 1


def test_a_restart_keeps_the_data_and_the_address(tmp_path: Path) -> None:
    with running(tmp_path) as first, client(first) as ours:
        ours.get_default_database().things.insert_one({})
    with running(tmp_path) as second, client(second) as ours:
        assert second == first
        assert ours.get_default_database().things.count_documents({}) == 1


def test_another_port_is_taken_when_the_old_one_is_gone(tmp_path: Path) -> None:
    with running(tmp_path) as first, client(first) as ours:
        ours.get_default_database().things.insert_one({})
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", instance(tmp_path).port))
        with running(tmp_path) as second, client(second) as ours:
            assert second != first
            ours.get_default_database().things.insert_one({})
            assert ours.get_default_database().things.count_documents({}) == 2


def test_a_user_who_comes_while_it_stops_gets_a_fresh_one(tmp_path: Path) -> None:
    with user(tmp_path) as (process, _):
        process.kill()
        process.wait()
        guardian = instance(tmp_path).guardian
        await_that(lambda: not instance(tmp_path).ready or not Claims(tmp_path).is_used())
        with running(tmp_path) as uri, client(uri) as ours:
            ours.admin.command("ping")
    assert not lives(guardian)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
class TestKilled:
    def test_mongod_comes_back_at_the_same_address_with_its_data(self, tmp_path: Path) -> None:
        with running(tmp_path) as uri, client(uri) as ours:
            ours.get_default_database().things.insert_one({})
            before = instance(tmp_path)
            os.kill(before.pid, signal.SIGKILL)
            await_that(lambda: instance(tmp_path).ready and instance(tmp_path).pid != before.pid)
            assert instance(tmp_path).port == before.port
            assert ours.get_default_database().things.count_documents({}) == 1
        assert "mongod_died" in (tmp_path / "guardian.log").read_text()

    def test_a_user_leaves_nothing_behind(self, tmp_path: Path) -> None:
        with user(tmp_path) as (process, _):
            left = instance(tmp_path)
            process.kill()
        await_that(lambda: not lives(left.pid) and not lives(left.guardian))

    def test_user_and_guardian_leave_nothing_behind(self, tmp_path: Path) -> None:
        with user(tmp_path) as (process, _):
            left = instance(tmp_path)
            process.kill()
            os.kill(left.guardian, signal.SIGKILL)
        await_that(lambda: not lives(left.pid))
        assert not Claims(tmp_path).is_guarded()

    def test_a_guardian_is_replaced_while_there_are_users(self, tmp_path: Path) -> None:
        with running(tmp_path) as uri, client(uri) as ours:
            ours.get_default_database().things.insert_one({})
            before = instance(tmp_path)
            os.kill(before.guardian, signal.SIGKILL)
            await_that(lambda: instance(tmp_path).ready and instance(tmp_path).guardian != before.guardian)
            assert not lives(before.pid)
            assert instance(tmp_path).uri == uri
            assert ours.get_default_database().things.count_documents({}) == 1
            last = instance(tmp_path)
        assert not lives(last.pid)


class TestRefused:
    def test_a_missing_library_is_named_with_the_command_that_installs_it(self, tmp_path: Path) -> None:
        program = fake_mongod(tmp_path, f"echo '$0: error while loading shared libraries: {LOADER}' >&2; exit 127")
        with pytest.raises(Misconfigured, match="mongod needs libssl3 and libcurl4: apt-get install libssl3 libcurl4"):
            running(tmp_path / "data", program).__enter__()

    def test_any_other_failure_names_the_log(self, tmp_path: Path) -> None:
        program = fake_mongod(tmp_path, "exit 3")
        with pytest.raises(Misconfigured, match=r"exit status 3: see .*mongo\.log"):
            running(tmp_path / "data", program).__enter__()

    def test_a_program_for_another_machine(self, tmp_path: Path) -> None:
        with pytest.raises(Misconfigured, match="does not run on this platform: set MONGODB_URI"):
            running(tmp_path / "data", tmp_path / "none").__enter__()

    def test_a_failure_does_not_haunt_the_next_start(self, tmp_path: Path) -> None:
        with pytest.raises(Misconfigured):
            running(tmp_path, fake_mongod(tmp_path, "exit 3")).__enter__()
        with running(tmp_path) as uri, client(uri) as ours:
            ours.admin.command("ping")

    def test_a_data_dir_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(Misconfigured, match=r"DATA_DIR .* cannot be written"):
            running(tmp_path / "file" / "data").__enter__()


@pytest.mark.parametrize(
    ("printed", "status", "words"),
    [
        ("mongod: error while loading shared libraries: liblzma.so.5: cannot open", 127, "library liblzma.so.5"),
        ("/lib/libc.so.6: version `GLIBC_2.34' not found (required by mongod)", 1, "needs GLIBC_2.34"),
        ("WiredTiger error: No space left on device", 14, "the disk of DATA_DIR /d is full"),
        ("boost::filesystem: Permission denied", 100, "may not write below DATA_DIR /d"),
        ("UPGRADE PROBLEM: Found an invalid featureCompatibilityVersion document", 62, "a newer MongoDB"),
        ("", -signal.SIGILL, "AVX"),
        ("", -signal.SIGKILL, "ended by signal 9"),
    ],
)
def test_reasons(printed: str, status: int, words: str) -> None:
    assert words in explain(printed, status, Path("/d"))


class TestReplicaSetCheck:
    def test_a_replica_set_is_fine(self, mongod_uri: str) -> None:
        check_replica_set(mongod_uri)

    def test_a_standalone_is_refused_with_the_command_that_converts_it(self, tmp_path: Path) -> None:
        port = next(candidate_ports(tmp_path, 0))
        (tmp_path / "db").mkdir()
        options = ["--port", str(port), "--dbpath", str(tmp_path / "db"), "--bind_ip", "127.0.0.1", "--nounixsocket"]
        with (tmp_path / "log").open("wb") as log:
            standalone = children.start([installed(), *options], output=log)
        try:
            with pytest.raises(Misconfigured, match=r"standalone server.*--replSet rs0.*rs\.initiate\(\)"):
                check_replica_set(f"mongodb://127.0.0.1:{port}/x", patience=60)
        finally:
            children.stop(standalone, 30)

    def test_nobody_there(self, tmp_path: Path) -> None:
        port = next(candidate_ports(tmp_path, 0))
        with pytest.raises(Misconfigured, match="no server can be reached"):
            check_replica_set(f"mongodb://127.0.0.1:{port}/x", patience=0.1)

    def test_not_a_connection_string(self) -> None:
        with pytest.raises(Misconfigured, match="not a valid"):
            check_replica_set("mongodb://h:port/x")
