"""One process holds the indexes: how others find it, talk to it, and tell a dead one from a living one."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import rag_demo
from rag_demo.errors import IndexBusy, InputError, NoRoom, RagDemoError
from rag_demo.owner import Endpoint, find_owner
from rag_demo.owner.client import Owner
from rag_demo.owner.record import claimed, read_record

OWN = """
import sys
from pathlib import Path
from rag_demo.owner import Endpoint
with Endpoint({}, command="rag-demo watch", version="1").serving(Path(sys.argv[1])):
    print("owning", flush=True)
    sys.stdin.read()
"""


def echo(given, send):
    for number in range(3):
        send({"progress": ["слова", number, 3]})
    return {"given": dict(given)}


def fail(given, _send):
    raise {"input": InputError, "room": NoRoom, "other": KeyError}[given["how"]]("что-то не так")


@pytest.fixture
def data(tmp_path):
    return tmp_path / "данные"


@pytest.fixture
def owner(data):
    with Endpoint({"echo": echo, "fail": fail}, command="rag-demo watch", version="1.2").serving(data):
        yield find_owner(data)


@pytest.fixture
def another_process(data):
    environment = os.environ | {"PYTHONPATH": str(Path(rag_demo.__file__).parents[1]), "PYTHONUTF8": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", OWN, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout.readline().strip() == b"owning"
    yield process
    process.kill()
    process.communicate()


def post(record, path="/echo", body=b"{}", **headers):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", record.port, timeout=10)) as connection:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()


def test_a_call_brings_progress_and_a_result(owner):
    told = []
    assert owner.call("echo", {"вопрос": "где?"}, on_message=told.append) == {"given": {"вопрос": "где?"}}
    assert [message["progress"][1] for message in told] == [0, 1, 2]


@pytest.mark.parametrize(("how", "kind"), [("input", InputError), ("room", NoRoom), ("other", RagDemoError)])
def test_errors_are_raised_again(owner, how, kind):
    with pytest.raises(kind, match="что-то не так"):
        owner.call("fail", {"how": how})


def test_without_an_owner(data):
    assert find_owner(data) is None


def test_after_the_owner_has_ended(data, owner):
    with pytest.raises(IndexBusy, match="another process|Another process"), claimed(data, read_record(data)):
        pass
    assert "rag-demo watch" in repr(owner)


def test_the_token_is_private_and_shown_nowhere(data, owner):
    record = read_record(data)
    assert record.token not in repr(record)
    assert record.token not in repr(owner)
    if sys.platform != "win32":
        assert stat.S_IMODE((data / "owner.json").stat().st_mode) == 0o600


def test_who_does_not_know_the_token_is_refused(data, owner):
    record = read_record(data)
    assert post(record)[0] == 401
    assert post(record, Authorization="Bearer ")[0] == 401
    assert post(record, Authorization=f"Bearer {record.token[:-1]}")[0] == 401
    assert post(record, Authorization=f"Bearer {record.token}")[0] == 200


def test_odd_requests(data, owner):
    record = read_record(data)
    known = {"Authorization": f"Bearer {record.token}"}
    assert post(record, "/unknown", **known)[0] == 404
    assert post(record, **known | {"Content-Length": "99999999"})[0] == 413
    status, body = post(record, body=b"[1, 2]", **known)
    assert status == 200
    assert json.loads(body)["error"]["type"] == "RagDemoError"


def test_a_dead_owner_is_told_from_a_living_one(data, another_process):
    assert find_owner(data) is not None
    with (
        pytest.raises(IndexBusy, match=f"rag-demo watch, process {another_process.pid}"),
        Endpoint({}, command="", version="").serving(data),
    ):
        pass
    another_process.kill()
    another_process.wait()
    assert (data / "owner.json").exists()
    assert find_owner(data) is None
    assert not (data / "owner.json").exists()
    with Endpoint({}, command="rag-demo chat", version="").serving(data):
        assert "chat" in repr(find_owner(data))


def test_an_owner_that_ends_before_it_answers(data, another_process):
    found = find_owner(data)
    another_process.kill()
    another_process.wait()
    with pytest.raises(IndexBusy, match="does not answer"):
        found.call("echo", {})


def test_an_owner_of_another_version(data, owner):
    record = dataclasses.replace(read_record(data), protocol=99, version="7.0")
    with pytest.raises(IndexBusy, match=r"of version 7\.0 holds the indexes"):
        Owner(record).call("echo", {})


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_owner_file(data, owner, content):
    (data / "owner.json").write_text(content, encoding="utf-8")
    assert find_owner(data) is None


def test_calls_that_have_begun_are_finished_before_the_end(data):
    begun, go = threading.Event(), threading.Event()
    results = []

    def slow(_given, _send):
        begun.set()
        go.wait()
        return {"done": True}

    with Endpoint({"slow": slow}, command="", version="").serving(data):
        found = find_owner(data)
        calling = threading.Thread(target=lambda: results.append(found.call("slow", {})))
        calling.start()
        begun.wait()
        threading.Timer(0.1, go.set).start()
    calling.join()
    assert results == [{"done": True}]
