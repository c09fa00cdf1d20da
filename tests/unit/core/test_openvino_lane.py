"""The OpenVINO lane: graphs for single short texts, and being closed while threads are at work."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from hybrid_embeddings.errors import LaneError
from hybrid_embeddings.models.collate import collate
from hybrid_embeddings.models.fingerprint import fingerprint
from hybrid_embeddings.models.lane_check import cosine_distances
from hybrid_embeddings.models.openvino_graph import SingleGraphs
from hybrid_embeddings.models.openvino_lane import OpenVinoLane
from hybrid_embeddings.models.prepared import prepare
from hybrid_embeddings.types import Batch, TokenizedText
from tests.models import default_directory

TEXTS = [TokenizedText(np.arange(1000, 1000 + length, dtype=np.int32)) for length in (1, 7, 16, 17, 32, 33, 60)]


@pytest.fixture(scope="module")
def model(model_cache):
    directory = default_directory()
    return prepare(directory, fingerprint(directory), model_cache)


def graph_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("hybrid-embeddings-graph")]


def wait_for_graphs():
    for thread in graph_threads():
        thread.join(60)


@pytest.mark.parametrize(("precision", "tolerance"), [("fast", 1e-4), ("exact", 1e-6)])
def test_single_short_texts_get_graphs_of_their_own_with_the_same_vectors(model, precision, tolerance):
    lane = OpenVinoLane(model, precision=precision, n_threads=1)
    together = lane.run(Batch(tuple(TEXTS)))
    for _ in range(4):
        usual = np.concatenate([lane.run(Batch((text,))) for text in TEXTS])
    wait_for_graphs()
    found = [lane._singles.find(collate(Batch((text,)), model.card, width_multiple=16)) for text in TEXTS]
    assert [graph is not None for graph in found] == [True] * 5 + [False] * 2
    assert len(set(map(id, found[:5]))) == 2  # one for 16 tokens, one for 32
    own = np.concatenate([lane.run(Batch((text,))) for text in TEXTS])
    assert cosine_distances(own, usual).max() <= tolerance
    assert cosine_distances(own, together).max() <= tolerance
    lane.close()
    assert not graph_threads()


class Answers:
    """A graph that gives the same vectors whatever it is asked."""

    def __init__(self, vectors):
        self.vectors = vectors
        self.closed = False

    def infer(self, _):
        return self.vectors

    def close(self):
        self.closed = True


def test_a_graph_that_gives_other_vectors_is_not_used(caplog):
    inputs = {"input_ids": np.ones((1, 16), dtype=np.int64)}
    other = Answers(np.array([[0.0, 1.0]], dtype=np.float32))
    graphs = SingleGraphs(lambda _: other, tolerance=1e-4)
    for _ in range(4):
        assert graphs.find(inputs) is None
        graphs.note(inputs, np.array([[1.0, 0.0]], dtype=np.float32))
    wait_for_graphs()
    assert graphs.find(inputs) is None
    assert other.closed
    assert "1-cos 1.0e+00" in caplog.text


def test_a_graph_that_cannot_be_compiled_costs_nothing_but_speed(caplog):
    def fail(width):
        raise MemoryError(f"no room for {width}")

    inputs = {"input_ids": np.ones((1, 32), dtype=np.int64)}
    graphs = SingleGraphs(fail, tolerance=1e-4)
    for _ in range(9):
        graphs.note(inputs, np.ones((1, 2), dtype=np.float32))
    graphs.close()
    assert graphs.find(inputs) is None
    assert "no room for 32" in caplog.text


def test_closing_waits_for_those_at_work_and_refuses_those_who_come_later(model):
    """Vectors that were computed stay right after the lane is gone: they are copies."""
    lane = OpenVinoLane(model, precision="exact", n_threads=1)
    expected = {len(text.ids): lane.run(Batch((text,))) for text in TEXTS}
    started = threading.Barrier(5)

    def work(number):
        kept = []
        started.wait(60)
        while True:
            text = TEXTS[(number + len(kept)) % len(TEXTS)]
            try:
                kept.append((len(text.ids), lane.run(Batch((text,)))))
            except LaneError as error:
                return kept, str(error)

    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(work, number) for number in range(4)]
        started.wait(60)
        while not any(graph_threads()) and not lane._singles._graphs:
            pass  # close while a graph is being compiled, or just after
        lane.close()
        for call in calls:
            kept, error = call.result(60)
            assert "closed" in error
            assert kept
            assert max(cosine_distances(vector, expected[length]).max() for length, vector in kept) <= 1e-6
    assert not graph_threads()
    for exact in (False, True):
        with pytest.raises(LaneError, match="closed"):
            lane.run(Batch(tuple(TEXTS), exact=exact))


def test_conversion_reports_nothing_to_anybody(tmp_path, model, monkeypatch):
    """OpenVINO's own converter sends usage events unless the user has opted out."""
    telemetry = pytest.importorskip("openvino_telemetry")
    sent = []
    for name in ("send_event", "start_session", "end_session", "send_error"):
        monkeypatch.setattr(telemetry.Telemetry, name, lambda *args, **_: sent.append(args))
    anew = replace(model, folder=tmp_path)
    lane = OpenVinoLane(anew, precision="exact", n_threads=1)
    vectors = lane.run(Batch(tuple(TEXTS)))
    lane.close()
    assert not sent
    usual = OpenVinoLane(model, precision="exact", n_threads=1)
    assert cosine_distances(vectors, usual.run(Batch(tuple(TEXTS)))).max() <= 1e-6
    usual.close()


FORK = """
import os, sys, threading
import numpy as np
from hybrid_embeddings import EmbeddingService

def compiling():
    return any(thread.name.startswith("hybrid-embeddings-graph") for thread in threading.enumerate())

with EmbeddingService(precision="exact") as service:
    expected = [service.encode("stock") for _ in range(4)][0]  # the fourth one starts the compiler
    child = os.fork()
    if child == 0:
        os._exit(0 if np.allclose(service.encode("stock"), expected, atol=1e-4) else 1)
    assert not compiling(), "the fork did not wait"
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_forks_when_no_graph_is_being_compiled():
    """A child that inherits a lock of the compiler would wait for ever."""
    environment = {**os.environ, "EMBEDDING_OFFLINE": "1", "EMBEDDING_CACHE_ENABLED": "0"}
    done = subprocess.run([sys.executable, "-c", FORK], env=environment, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
