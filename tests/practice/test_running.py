import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import practice
from practice.__main__ import main
from practice.control import NotRunningError, ask
from practice.network import NetworkError, claim

from .conftest import Visitor, until

pytestmark = pytest.mark.slow

SMALL = {"one.test": "exemplary", "two.test": "open-relay"}
ROOT = Path(practice.__file__).parent.parent


@contextlib.contextmanager
def serving(state: Path, *more: str):
    """`python -m practice serve` as a process of its own, after its ready line."""
    command = [sys.executable, "-m", "practice", "serve", "--state", str(state), *more]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        process.ready = process.stdout.readline()
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=10)


def reading(state: Path) -> dict:
    return json.loads((state / "range.json").read_text("utf-8"))


def test_serve_announces_itself_and_stops_cleanly(tmp_path):
    began = time.monotonic()
    with serving(tmp_path) as process:
        assert time.monotonic() - began < 4  # about 0.6 s alone; the machine may be busy
        assert re.fullmatch(
            r"practice range ready: net=127\.77\.\d+\.0/24 resolver=127\.77\.\d+\.2:\d+"
            r" domains=\d+ state=.*\n",
            process.ready,
        )
        said = reading(tmp_path)
        assert {"net", "resolver", "port_map", "port_map_file", "ca_file", "domains"} <= set(said)
        assert json.loads(Path(said["port_map_file"]).read_text()) == said["port_map"]
        assert Path(said["ca_file"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
        assert oct((tmp_path / "ca-key.pem").stat().st_mode)[-3:] == "600"
        assert oct((tmp_path / "control.sock").stat().st_mode)[-3:] == "600"
        jia = next(entry for entry in said["domains"] if entry["domain"] == "jia.gov.test")
        assert (jia["posture"], jia["title"]) == ("weak-start", "甲单位")
        assert jia["services"]["imaps"] == "imap.jia.gov.test"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")
    assert not (tmp_path / "range.json").exists()
    assert not (tmp_path / "control.sock").exists()


def test_sigterm_while_a_tarpit_holds_a_visitor(tmp_path):
    with serving(tmp_path) as process:
        said = reading(tmp_path)
        entry = next(one for one in said["domains"] if one["domain"] == "tarpit.test")
        spot = (entry["hosts"]["mx.tarpit.test"], said["port_map"]["25"])
        with socket.create_connection(spot, 3):
            time.sleep(0.1)
            process.terminate()
            _, err = process.communicate(timeout=5)
        assert (process.returncode, err) == (0, "")


def test_one_command_repairs_a_domain(tmp_path, capsys):
    with serving(tmp_path):
        state = ["--state", str(tmp_path)]
        assert main(["set", "jia.gov.test", "exemplary", *state]) == 0
        assert "jia.gov.test → exemplary：样板" in capsys.readouterr().out
        jia = next(one for one in reading(tmp_path)["domains"] if one["domain"] == "jia.gov.test")
        assert jia["posture"] == "exemplary"
        assert main(["set", "邮件示例.test", "no-spf", *state]) == 0
        assert main(["list", *state]) == 0
        assert re.search(r"邮件示例\.test +no-spf", capsys.readouterr().out)
        assert main(["stats", *state]) == 0
        assert json.loads(capsys.readouterr().out)["totals"]["data"] == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["set", "one.test", "no-such"], "no posture 'no-such'"),
        (["set", "three.test", "exemplary"], "no domain 'three.test'"),
        (["set", "a..b.test", "exemplary"], "not a domain name"),
    ],
)
def test_a_wrong_change_is_refused_and_changes_nothing(tmp_path, capsys, arguments, complaint):
    with practice.start_range(tmp_path, cast=SMALL) as grounds:
        before = grounds.describe()
        assert main([*arguments, "--state", str(tmp_path)]) == 1
        assert complaint in capsys.readouterr().err
        assert grounds.describe() == before


def test_commands_without_a_range(tmp_path, capsys):
    for command in (["stats"], ["set", "one.test", "exemplary"]):
        assert main([*command, "--state", str(tmp_path)]) == 1
        assert "no practice range runs in" in capsys.readouterr().err
    assert main(["list", "--state", str(tmp_path)]) == 0
    assert "weak-start" in capsys.readouterr().out
    assert main(["list", "--postures"]) == 0
    assert re.search(r"^tarpit +25 端口延迟应答", capsys.readouterr().out, re.MULTILINE)


def test_a_second_range_in_the_same_state_is_refused(tmp_path):
    with practice.start_range(tmp_path, cast=SMALL) as grounds:
        with pytest.raises(practice.TableError, match=f"already runs .*pid {os.getpid()}"):
            practice.start_range(tmp_path, cast=SMALL)
        assert grounds.describe()["net"] == reading(tmp_path)["net"]


def test_ranges_side_by_side_take_different_networks(tmp_path):
    made, threads = [], []
    for number in range(4):
        state = tmp_path / str(number)
        threads.append(
            threading.Thread(
                target=lambda s=state: made.append(practice.start_range(s, cast=SMALL))
            )
        )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len({one.net for one in made}) == 4
        assert len({one.canaries[0] for one in made}) == 4
        for one in made:
            assert Visitor(one).texts("one.test") == ["v=spf1 mx -all"]
    finally:
        for one in made:
            one.stop()


def test_a_server_of_the_machine_moves_all_ports(tmp_path, monkeypatch):
    monkeypatch.setattr("practice.network.OFFSETS", (23_000, 24_000))
    with contextlib.closing(socket.socket()) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("0.0.0.0", 23_143))
        other.listen()
        with practice.start_range(tmp_path, cast=SMALL) as grounds:
            assert {real - port for port, real in grounds.port_map.items()} == {24_000}
            assert grounds.resolver.endswith(":24053")
            assert "220 " in Visitor(grounds).dialogue("mx.one.test", 25)


def test_a_network_is_given_back_and_can_be_asked_for(tmp_path):
    with practice.start_range(tmp_path, cast=SMALL) as first:
        net = first.net
        with pytest.raises(NetworkError):
            claim(net)
    with practice.start_range(tmp_path, net=net, cast=SMALL) as again:
        assert again.net == net


@pytest.mark.parametrize("net", ["10.0.0.0/24", "127.77.0.0/16", "127.78.3.0/24", "nonsense"])
def test_only_its_own_networks(tmp_path, net):
    with pytest.raises(ValueError, match=r"127\.77\.N\.0/24|Expected|Octet|not"):
        practice.start_range(tmp_path, net=net, cast=SMALL)
    assert not (tmp_path / "range.json").exists()


def test_trust_and_keys_survive_a_restart(tmp_path):
    with practice.start_range(tmp_path, cast=SMALL) as grounds:
        authority = grounds.ca_file.read_bytes()
        (key,) = Visitor(grounds).texts("s1._domainkey.one.test")
    with practice.start_range(tmp_path, cast=SMALL) as grounds:
        assert grounds.ca_file.read_bytes() == authority
        assert Visitor(grounds).texts("s1._domainkey.one.test") == [key]
        with Visitor(grounds).tls("imap.one.test", 993) as tls:
            assert tls.version() == "TLSv1.3"


def test_a_killed_range_leaves_nothing_in_the_way(tmp_path):
    with serving(tmp_path) as process:
        process.kill()
        process.wait(5)
        assert (tmp_path / "control.sock").exists()
        with pytest.raises(NotRunningError):
            ask(tmp_path, {"do": "stats"})
    with practice.start_range(tmp_path, cast=SMALL) as grounds:
        assert ask(tmp_path, {"do": "describe"})["net"] == grounds.net


def test_a_deep_state_directory(tmp_path):
    deep = tmp_path.joinpath(*["a-directory-with-a-long-name"] * 6)
    assert len(str(deep)) > 108  # the kernel's limit for the path of a Unix socket
    with practice.start_range(deep, cast=SMALL):
        assert ask(deep, {"do": "describe"})["domains"][0]["domain"] == "one.test"


def test_a_posture_changes_under_open_connections(tmp_path):
    with practice.start_range(tmp_path, cast=SMALL) as grounds:
        visitor = Visitor(grounds)
        held = visitor.connect("mx.one.test", 25)
        assert held.recv(100).startswith(b"220 ")
        for posture in ("refused", "weak-start", "no-spf", "exemplary", "weak-start"):
            grounds.set_posture("one.test", posture)
        with contextlib.closing(held), contextlib.suppress(ConnectionResetError):
            assert held.recv(100) == b""
        assert visitor.texts("one.test") == ["v=spf1 mx ~all"]
        assert visitor.rcode("_dmarc.one.test", "TXT") == "NXDOMAIN"
        assert "250-AUTH" in visitor.dialogue("smtp.one.test", 587, "EHLO x")
        grounds.set_posture("one.test", "exemplary")
        assert "250-AUTH" not in visitor.dialogue("smtp.one.test", 587, "EHLO x")
        assert visitor.texts("_dmarc.one.test")[0].startswith("v=DMARC1; p=reject")
        assert visitor.texts("two.test") == ["v=spf1 mx -all"]


def test_weak_start_is_weak_exactly_where_it_says(grounds):
    visitor = Visitor(grounds)
    name = "jia.gov.test"
    assert visitor.texts(name) == ["v=spf1 mx ~all"]
    assert visitor.rcode(f"s1._domainkey.{name}", "TXT") == "NXDOMAIN"
    assert "250-STARTTLS" in visitor.dialogue(f"mx.{name}", 25, "EHLO x")
    assert "250-AUTH" in visitor.dialogue(f"smtp.{name}", 587, "EHLO x")
    with visitor.connect(f"imap.{name}", 143) as sock:
        assert b"LOGINDISABLED" not in sock.recv(200)
    with pytest.raises(Exception, match="certificate has expired"):
        visitor.tls(f"imap.{name}", 993)
    with visitor.tls(f"pop.{name}", 995) as tls:
        assert tls.version()


def test_canaries_count_who_touches_them(tmp_path):
    with practice.start_range(tmp_path, cast={"trap.test": "mx-canary"}) as grounds:
        assert grounds.stats()["totals"]["canary_connections"] == 0
        trap = grounds.canaries[0]
        for port in (25, 443):
            with socket.create_connection((trap, grounds.port_map[port]), 3) as sock:
                assert sock.recv(10) == b""
        assert grounds.stats()["canaries"][trap] == 2
        assert grounds.stats()["totals"]["connections"] == 0
        grounds.reset_stats()
        assert grounds.stats()["totals"]["canary_connections"] == 0


def test_accounts_tell_crowding_and_haste(tmp_path):
    with practice.start_range(tmp_path, cast=SMALL) as grounds:
        visitor = Visitor(grounds)
        with visitor.connect("mx.one.test", 25), visitor.connect("mx.one.test", 587):
            assert until(lambda: visitor.account("mx.one.test").get("open") == 2)
        assert until(lambda: visitor.account("mx.one.test")["open"] == 0)
        time.sleep(0.2)
        visitor.dialogue("mx.one.test", 25, "EHLO x", "QUIT")
        account = visitor.account("mx.one.test")
        assert account["peak_open"] == 2
        assert account["shortest_gap_s"] < 0.2
        assert account["ports"] == {"25": 2, "587": 1}
        assert account["commands"] == {"EHLO": 1, "QUIT": 1}


def test_a_scanner_that_takes_turns_is_never_seen_crowding(tmp_path):
    with practice.start_range(tmp_path, cast=SMALL) as grounds:
        visitor = Visitor(grounds)
        for turn in range(60):
            visitor.connect("mx.one.test", (25, 110, 143)[turn % 3]).close()
        assert until(lambda: visitor.account("mx.one.test")["connections"] == 60)
        assert visitor.account("mx.one.test")["peak_open"] <= 1


def test_exposed_ports_are_open_and_others_closed(grounds):
    visitor = Visitor(grounds)
    for port in (22, 3306, 6379):
        visitor.connect("mx.exposed-ports.test", port).close()
        with pytest.raises(ConnectionRefusedError):
            visitor.connect("mx.exemplary.test", port)


def test_latency_holds_answers_back(tmp_path):
    with practice.start_range(tmp_path, cast=SMALL, latency=0.3) as grounds:
        visitor = Visitor(grounds)
        for work in (
            lambda: visitor.texts("one.test"),
            lambda: visitor.dialogue("mx.one.test", 25),
        ):
            began = time.monotonic()
            work()
            assert 0.3 <= time.monotonic() - began < 2


def test_an_unreadable_request_is_answered(tmp_path):
    with practice.start_range(tmp_path, cast=SMALL):
        for request in ({"do": "dance"}, {"do": "set"}, {}):
            with pytest.raises(practice.TableError):
                ask(tmp_path, request)


def test_stop_may_be_called_twice_and_frees_the_ports(tmp_path):
    grounds = practice.start_range(tmp_path, cast=SMALL)
    spot = (grounds.address("mx.one.test"), grounds.port_map[25])
    grounds.stop()
    grounds.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(spot, 1)
