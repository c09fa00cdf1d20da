"""EmbeddingService as its callers see it, on the real default model."""

import asyncio
import os
import pickle
import subprocess
import sys
import threading
from functools import partial

import numpy as np
import pytest

from hybrid_embeddings import EmbeddingService, InputError, Settings, SettingsError
from hybrid_embeddings.errors import DeadlineExceeded, ModelUnsupported, NoLaneAvailable, ServiceClosed
from hybrid_embeddings.wiring import build_engine


@pytest.fixture(scope="module")
def service(model_cache):
    with EmbeddingService(settings=Settings(offline=True, cache_dir=model_cache)) as made:
        yield made


def test_one_text_many_texts_no_texts(service):
    assert service.encode("текст").shape == (384,)
    assert service.encode(["текст", "text"]).shape == (2, 384)
    assert service.encode([]).shape == (0, 384)
    assert service.encode([]).dtype == np.float32


def test_order_and_duplicates(service):
    texts = [f"text {number % 7} " + "word " * (number * 13 % 50) for number in range(100)]
    vectors = service.encode(texts + texts[::-1])
    np.testing.assert_array_equal(vectors[:100], vectors[100:][::-1])
    singles = service.encode(texts[:3])
    np.testing.assert_allclose(vectors[:3] @ singles.T, service.encode(texts[:3]) @ singles.T, atol=1e-3)


def test_batch_size_bounds_pieces_and_keeps_order(service):
    texts = [f"текст {number}" for number in range(25)]
    vectors, report = service.encode(texts, batch_size=4, return_report=True)
    assert vectors.shape == (25, 384)
    assert (report.n_texts, report.n_computed) == (25, 25)
    np.testing.assert_allclose(vectors, service.encode(texts), atol=2e-2)


def test_report_names_truncated_rows_and_counts_equal_texts_once(service):
    long = "слово " * 2000
    _, report = service.encode(["short", long, "short", long], return_report=True)
    assert (report.n_texts, report.n_computed) == (4, 2)
    assert set(report.truncated) == {1, 3}
    assert report.truncated[1] == report.truncated[3] > 1000
    assert report.lanes == {"cpu": 2}
    assert set(report.as_dict()) >= {"n_texts", "truncated", "lanes"}


@pytest.mark.parametrize(
    ("texts", "index", "message"),
    [
        (["a", None], 1, "text 1 is NoneType"),
        ([1], 0, "text 0 is int"),
        (["a", b"b"], 1, "text 1 is bytes"),
        (["fine", "fine", "bad \ud800"], 2, r"text 2 has a lone surrogate \(U\+D800 at character 4\)"),
    ],
)
def test_bad_text_is_named_by_index(service, texts, index, message):
    with pytest.raises(InputError, match=message) as caught:
        service.encode(texts)
    assert caught.value.index == index
    assert "bad" not in str(caught.value)  # messages never contain the text


def test_bad_text_in_a_stream_is_named_by_its_place_in_the_stream(service):
    with pytest.raises(InputError, match="text 5 is int") as caught:
        list(service.embed_iter(["a"] * 5 + [5], window=4))
    assert caught.value.index == 5


def test_encode_documents_refuses_a_single_string(service):
    with pytest.raises(InputError, match="list of texts"):
        service.encode_documents("one text")


def test_unknown_device_lists_the_known_ones(service):
    with pytest.raises(InputError, match="use_device is 'cuda:7', but the devices at work are cpu"):
        service.encode("a", use_device="cuda:7")


def test_device_by_name(service):
    assert service.encode("a", use_device="cpu").shape == (384,)


def test_embed_iter_is_lazy_and_in_order(service):
    read = []

    def source():
        for number in range(50):
            read.append(number)
            yield f"text {number}"

    stream = service.embed_iter(source(), window=10)
    first = next(stream)
    assert len(read) <= 20
    vectors = np.stack([first, *stream])
    np.testing.assert_allclose(vectors, service.encode([f"text {number}" for number in range(50)]), atol=2e-2)
    assert list(service.embed_iter([])) == []


async def test_async_equals_sync(service):
    texts = [f"вопрос {number}" for number in range(40)]
    vectors = await service.aencode(texts)
    np.testing.assert_allclose(vectors, service.encode(texts), atol=2e-2)
    one = await service.aencode_query("вопрос 3")
    assert one.shape == (384,)
    many = await asyncio.gather(*(service.aencode_query(text) for text in texts))
    np.testing.assert_allclose(np.stack(many), vectors, atol=2e-2)
    assert (await service.aencode_documents([])).shape == (0, 384)


async def test_small_calls_of_coroutines_need_no_helper_thread(model_cache):
    import threading

    def helpers():
        return [thread.name for thread in threading.enumerate() if "-query" in thread.name or "-bulk" in thread.name]

    settings = Settings(offline=True, cache_dir=model_cache)
    with EmbeddingService(settings=settings).load() as service:
        before = helpers()
        vectors = await asyncio.gather(*(service.aencode_query(f"вопрос {number}") for number in range(20)))
        assert np.stack(vectors).shape == (20, 384)
        assert helpers() == before
        assert (await service.aencode(["слово " * 3000])).shape == (1, 384)
        assert len(helpers()) == len(before) + 1  # a long text is tokenised elsewhere


async def test_event_loop_keeps_running_while_vectors_are_computed(service):
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticker = asyncio.create_task(tick())
    await service.aencode(["слово " * 200 + str(number) for number in range(40)])
    ticker.cancel()
    assert ticks > 20


async def test_cancelled_task_frees_the_queue(service):
    dispatcher = service.load()._runtime.engine().pipeline.dispatcher
    before = service.explain()["lanes"]["cpu"]["texts"]
    task = asyncio.create_task(service.aencode(["слово " * 200 + str(number) for number in range(4000)]))
    while not dispatcher.queued_tokens:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async def queue_is_empty():  # the piece that is being tokenised right now may still arrive
        while dispatcher.queued_tokens:
            await asyncio.sleep(0)

    await asyncio.wait_for(queue_is_empty(), 10)
    assert service.explain()["lanes"]["cpu"]["texts"] - before < 1000
    assert (await service.aencode("after")).shape == (384,)


def test_deadline(service):
    with pytest.raises(DeadlineExceeded, match="the time of the call is over"):
        service.encode(["слово " * 200 + str(number) for number in range(300)], timeout_s=0.001)
    assert service.encode("after").shape == (384,)


def test_a_call_larger_than_the_queue_waits_for_itself(model_cache):
    texts = [f"text {number}" for number in range(2100)]
    settings = Settings(offline=True, cache_dir=model_cache, cache_enabled=False, max_queued_tokens=500)
    with EmbeddingService(settings=settings) as service:
        assert service.encode(texts).shape == (2100, 384)
        with pytest.raises(DeadlineExceeded):
            service.encode(["слово " * 200 + text for text in texts], timeout_s=0.5)
        assert service.encode("after").shape == (384,)


def test_long_texts_can_be_an_error(service):
    with pytest.raises(InputError, match="text 2 has about 1[0-9]{3} tokens, the limit is 256") as caught:
        service.encode(["short", "short", "word " * 1000], on_truncate="error")
    assert caught.value.index == 2
    assert service.encode(["short"], on_truncate="error").shape == (1, 384)


def test_long_texts_can_be_a_warning(service, caplog):
    service.encode(["short", "word " * 1000], on_truncate="warn")
    assert "1 of 2 texts were cut to 256 tokens" in caplog.text
    assert "word word" not in caplog.text


@pytest.mark.parametrize("texts", [None, 5, b"bytes", bytearray(b"bytes"), {"a": 1}, np.array("text")])
def test_neither_text_nor_list(service, texts):
    with pytest.raises(InputError, match="expected a string or a list of strings"):
        service.encode(texts)
    with pytest.raises(InputError, match="expected strings"):
        service.embed_iter(texts)


def test_statistics_count_what_was_done(model_cache):
    with EmbeddingService(settings=Settings(offline=True, cache_dir=model_cache)) as service:
        service.encode(["a", "b", "a", "word " * 1000])
        service.encode_query("c")
        stats = service.get_device_stats()
        assert (stats["cpu_requests"], stats["gpu_requests"], stats["hybrid_requests"]) == (2, 0, 0)
        assert (stats["total_texts_processed"], stats["duplicate_texts"], stats["truncated_texts"]) == (5, 1, 1)
        assert stats["total_tokens_processed"] == 3 + 3 + 256 + 3
        performance = service.get_performance_stats()["cpu"]
        assert performance["request_count"] >= 2
        assert performance["avg_time"] > 0
        assert service.health_check() == {
            "status": "healthy",
            "components": {"cpu": {"status": "healthy", "detail": ""}},
        }


def test_code_and_functions_of_1c(service):
    assert service.encode_code("Возврат Истина;").shape == (384,)
    vector = service.encode_function(
        {
            "name": "ПолучитьКурсВалюты",
            "description": "Курс на дату.",
            "parameters": ["Валюта", "Дата"],
            "region": "API",
        }
    )
    text = "Получить Курс Валюты (ПолучитьКурсВалюты). Курс на дату. Валюта, Дата. API"
    np.testing.assert_allclose(vector, service.encode(text, kind="document"), atol=2e-2)
    with pytest.raises(InputError, match="needs a name"):
        service.encode_function({"description": "x"})
    with pytest.raises(InputError, match="unknown fields nmae"):
        service.encode_function({"nmae": "x"})


async def test_deadline_async(service):
    with pytest.raises(DeadlineExceeded):
        await service.aencode(["слово " * 200 + str(number) for number in range(300)], timeout_s=0.001)


async def test_deadline_async_while_other_calls_keep_the_threads_busy(service):
    texts, go_on = [f"занято {number}" for number in range(100)], threading.Event()
    others = [service._runtime._on_helper(partial(go_on.wait, 20), for_queries=False) for _ in range(2)]
    try:
        with pytest.raises(DeadlineExceeded):
            await asyncio.wait_for(service.aencode(texts, timeout_s=0.05), 10)
    finally:
        go_on.set()
    await asyncio.gather(*others)
    while service._runtime.engine().pipeline.dispatcher.queued_tokens:
        await asyncio.sleep(0.01)


def test_an_engine_that_cannot_start_leaves_nothing_behind(model_cache, tmp_path):
    options = {"cache_redis_url": f"unix://{tmp_path}/no.sock", "semantic_mode": "shadow", "semantic_federation": True}
    model = EmbeddingService(settings=Settings(offline=True, cache_dir=model_cache))._runtime.prepared()

    def refuse(attempt):
        raise ModelUnsupported(attempt)

    before = set(threading.enumerate())
    with pytest.raises(NoLaneAvailable):
        build_engine(Settings(**options), model, factories={"cpu": refuse})
    assert set(threading.enumerate()) <= before


def test_pickled_copy_gives_the_same_vectors(service):
    with pickle.loads(pickle.dumps(service)) as copy:
        np.testing.assert_allclose(copy.encode("a"), service.encode("a"), atol=1e-6)


def test_explain_and_facts(service):
    service.encode("a")
    explained = service.explain()
    assert explained["origin"] == "installed package"
    assert explained["lanes"]["cpu"]["share"] == 1.0
    assert 0 <= explained["lanes"]["cpu"]["padding"] < 1
    assert (service.dimension, service.max_tokens) == (384, 256)
    assert len(service.fingerprint) == 32
    assert not service.is_hybrid_mode()
    assert "all-MiniLM-L6-v2" in repr(service)


def test_closed_service_says_so(model_cache):
    service = EmbeddingService(settings=Settings(offline=True, cache_dir=model_cache))
    service.encode("a")
    service.close()
    service.close()
    with pytest.raises(ServiceClosed):
        service.encode("a")


async def test_closed_service_makes_no_threads(model_cache):
    service = EmbeddingService(settings=Settings(offline=True, cache_dir=model_cache))
    service.close()
    before = set(threading.enumerate())
    with pytest.raises(ServiceClosed):
        await service.aencode("a")
    assert set(threading.enumerate()) <= before


async def test_event_loop_runs_on_while_the_model_is_loaded_for_several_callers(model_cache):
    """A thread stands for the one that loads: it holds the lock until the loop, which two calls wait on, says so."""
    held, loop_ran, found = threading.Event(), threading.Event(), []
    with EmbeddingService(settings=Settings(offline=True, cache_dir=model_cache)) as service:

        def load():
            with service._runtime._lock:
                held.set()
                found.append(loop_ran.wait(20))

        loading = threading.Thread(target=load)
        loading.start()
        held.wait()
        calls = [asyncio.create_task(service.aencode_query("a")) for _ in range(3)]
        for _ in range(3):
            await asyncio.sleep(0)
        loop_ran.set()
        await asyncio.gather(*calls)
        loading.join()
    assert found == [True]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"truncate_dim": 999}, "model has 384 dimensions"),
        ({"max_tokens": 1000}, "at most 256 tokens"),
        ({"max_tokens": 2}, "at least 3"),
    ],
)
def test_settings_that_the_model_cannot_follow(model_cache, options, message):
    service = EmbeddingService(settings=Settings(offline=True, cache_dir=model_cache, **options))
    with pytest.raises(SettingsError, match=message):
        service.encode("a")


def test_arguments_beat_given_settings(model_cache):
    settings = Settings(offline=True, cache_dir=model_cache, precision="fast")
    assert EmbeddingService(precision="exact", settings=settings).settings.precision == "exact"
    with pytest.raises(SettingsError, match="argument truncate_dim"):
        EmbeddingService(truncate_dim=-1, settings=settings)


@pytest.mark.parametrize("module", ["own_code.Transformer", "somebody/code--own_code.Transformer"])
def test_model_with_code_of_its_own_is_refused(tmp_path, model_cache, module):
    """Before sentence-transformers sees it: its version 5 would run such code, whatever it was told."""
    import json
    import shutil

    from hybrid_embeddings.models.resolve import resolve

    directory = tmp_path / "model"
    shutil.copytree(resolve("all-MiniLM-L6-v2", offline=True).directory, directory)
    modules = json.loads((directory / "modules.json").read_text(encoding="utf-8"))
    modules[0]["type"] = module
    (directory / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    (directory / "own_code.py").write_text("raise SystemExit('own code was run')\n", encoding="utf-8")
    service = EmbeddingService(settings=Settings(model=str(directory), cache_dir=model_cache))
    with pytest.raises(ModelUnsupported, match="without running its own code.*comes with the model"):
        service.encode("a")


def test_cache_folder_that_cannot_be_written(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    service = EmbeddingService(settings=Settings(offline=True, cache_dir=blocked))
    with pytest.raises(SettingsError, match="EMBEDDING_MODEL_CACHE_DIR"):
        service.encode("a")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": "3"}, "batch_size is '3'"),
        ({"batch_size": True}, "batch_size is True"),
        ({"kind": "nope"}, "kind is 'nope', expected one of text, query, document"),
        ({"on_truncate": "nope"}, "expected one of ignore, warn, error"),
        ({"timeout_s": -1}, "timeout_s is -1"),
        ({"timeout_s": float("inf")}, "timeout_s is inf"),
        ({"timeout_s": "5"}, "timeout_s is '5'"),
    ],
)
def test_bad_options_are_named(service, options, message):
    with pytest.raises(InputError, match=message):
        service.encode(["a"], **options)


def test_more_bad_options(service):
    assert service.encode([], batch_size=32).shape == (0, 384)
    with pytest.raises(InputError, match="window is 0"):
        service.embed_iter(["a"], window=0)
    with pytest.raises(InputError, match="embed_iter takes many texts"):
        service.embed_iter("a stream of one string")


async def test_single_string_is_no_list_of_documents(service):
    with pytest.raises(InputError, match="aencode_documents takes a list"):
        await service.aencode_documents("abc")


def test_huge_text_is_not_read_to_the_end(service):
    vectors, report = service.encode(["слово код " * 1_000_000, "слово код " * 1000], timeout_s=5, return_report=True)
    np.testing.assert_allclose(vectors[0], vectors[1], atol=2e-2)
    assert report.truncated[0] > 1_000_000
    assert service.encode("a" * 300_000).shape == (384,)  # one endless word


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("card.json", "cut"),
        ("tokenizer.json", "delete"),
        ("canaries.npy", "zero"),
        ("openvino/model.bin", "delete"),
    ],
)
def test_damaged_prepared_model_is_made_again(tmp_path, service, caplog, name, damage):
    import shutil

    folder = service.load()._runtime.prepared().folder
    shutil.copytree(folder, tmp_path / "models" / folder.name)
    path = tmp_path / "models" / folder.name / name
    content = path.read_bytes()
    path.unlink()
    if damage != "delete":
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else bytes(len(content)))
    with EmbeddingService(settings=Settings(offline=True, cache_dir=tmp_path)) as again:
        np.testing.assert_allclose(again.encode("a"), service.encode("a"), atol=1e-6)
    assert not [record for record in caplog.records if record.name.startswith("sentence_transformers")]


def test_prepared_model_can_be_read_by_other_users(service):
    folder = service.load()._runtime.prepared().folder
    umask = os.umask(0)
    os.umask(umask)
    assert folder.stat().st_mode & 0o777 == 0o777 & ~umask


def test_missing_tokenizer_is_noticed(tmp_path, model_cache):
    import shutil

    from hybrid_embeddings.errors import ModelCorrupted
    from hybrid_embeddings.models.resolve import resolve

    shutil.copytree(resolve("all-MiniLM-L6-v2", offline=True).directory, tmp_path / "model")
    for name in ("tokenizer.json", "vocab.txt"):
        (tmp_path / "model" / name).unlink()
    with pytest.raises(ModelCorrupted, match="vocabulary is missing or damaged"):
        EmbeddingService(settings=Settings(model=str(tmp_path / "model"), cache_dir=model_cache)).encode("a")


def test_damaged_weights_are_called_damaged(tmp_path, model_cache):
    import shutil

    from hybrid_embeddings.errors import ModelCorrupted
    from hybrid_embeddings.models.resolve import resolve

    shutil.copytree(resolve("all-MiniLM-L6-v2", offline=True).directory, tmp_path / "model")
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1_000_000])
    with pytest.raises(ModelCorrupted, match="damaged or missing"):
        EmbeddingService(settings=Settings(model=str(tmp_path / "model"), cache_dir=model_cache)).encode("a")


def test_dropped_service_gives_its_threads_back(model_cache):
    import gc
    import threading
    import time

    before = threading.active_count()
    service = EmbeddingService(settings=Settings(offline=True, cache_dir=model_cache))
    service.encode("a")
    assert threading.active_count() > before
    del service
    gc.collect()
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert threading.active_count() <= before


def test_exit_while_bulk_work_runs_is_orderly(service):
    service.encode("the model is prepared now")
    code = """
import threading, time
from hybrid_embeddings import EmbeddingService
service = EmbeddingService().load()
texts = [f"text {number} " * 40 for number in range(3000)]
threading.Thread(target=service.encode, args=(texts,), daemon=True).start()
while not service.get_performance_stats() or not service._runtime.engine().pipeline.dispatcher.queued_tokens:
    time.sleep(0.01)
"""
    assert run_python(code).returncode == 0


def run_python(code, **environ):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_import_loads_no_heavy_library():
    code = (
        "import sys, hybrid_embeddings; print(sorted({'torch', 'numpy', 'sentence_transformers'} & set(sys.modules)))"
    )
    assert run_python(code).stdout.strip() == "[]"


def test_prepared_model_answers_without_torch(service):
    pytest.importorskip("openvino")
    service.encode("the model is prepared now")
    code = (
        "import sys; from hybrid_embeddings import EmbeddingService; s = EmbeddingService();"
        "s.encode_query('a'); s.close(); print('torch' in sys.modules)"
    )
    done = run_python(code)
    assert done.stdout.strip() == "False", done.stderr


def test_forked_child_makes_lanes_of_its_own(service):
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    code = """
import os, signal, sys
import numpy as np
from hybrid_embeddings import EmbeddingService
service = EmbeddingService()
before = service.encode("text")
held = service._runtime.slo._lock  # as if a thread were in it, which the child does not have
held.acquire()
pid = os.fork()
if pid == 0:
    signal.alarm(60)
    after = service.encode("text")
    os._exit(0 if np.allclose(before, after, atol=1e-3) else 1)
held.release()
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
assert np.allclose(service.encode("text"), before)
service.close()
sys.exit(status)
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def test_public_names_are_few_and_all_there():
    import hybrid_embeddings

    assert len(hybrid_embeddings.__all__) <= 15
    assert hybrid_embeddings.__all__ == sorted(hybrid_embeddings.__all__)
    for name in hybrid_embeddings.__all__:
        assert getattr(hybrid_embeddings, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = hybrid_embeddings.nothing
