"""Near-duplicates exchanged over a real Redis: by parts, then by whole services."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from hybrid_embeddings import EmbeddingService, Settings, SettingsError
from hybrid_embeddings.cache.federation import Federation, MessageFormat
from hybrid_embeddings.cache.near import Learned, NearTier
from hybrid_embeddings.cache.redis_tier import RedisStream
from hybrid_embeddings.cache_wiring import build_cache
from hybrid_embeddings.keys import Space

SPACE = Space("m", "w", "text", "", "p", None, 8, True, "fast")


class Member:
    """One process, so to speak."""

    def __init__(self, url: str, *, secret: bytes = b"", dimension: int = 8) -> None:
        self.near = NearTier(
            mode="active", threshold=0.95, max_entries=500, exact_below=10_000, sample=1e-9, draw=lambda: 0.5
        )
        self.messages = MessageFormat(dimension, secret)
        self.stream = RedisStream(url, name="проба:near", max_messages=500, timeout_s=5.0)
        self.exchange = Federation(self.stream, self.near, {SPACE.digest(secret): SPACE}, self.messages)

    def learn(self, start: int, n: int = 25) -> None:
        for number in range(start, start + n):
            for text in (f"вопрос номер {number} о складе", f"Вопрос Номер {number} о складе"):
                vector = np.full((1, 8), number + 1, dtype=np.float32)
                learned = self.near.learn(SPACE, [text], vector, np.array([[7, 0]], dtype=np.int32))
                self.exchange.publish(SPACE, learned)

    def knows(self, number: int) -> bool:
        return self.near.find(SPACE, [f"ВОПРОС НОМЕР {number} О СКЛАДЕ"]) != [None]

    def waits_for(self, n: int) -> None:
        """Wait until so many entries have been received; eventually they are."""
        ticks = threading.Event()
        for _ in range(2000):
            if self.near.stats()["received"] >= n:
                return
            ticks.wait(0.01)
        raise AssertionError(f"{self.near.stats()['received']} of {n} arrived; {self.exchange.stats()}")


@pytest.fixture
def member(own_redis):
    members = []

    def make(**options):
        members.append(Member(own_redis.url, **options))
        return members[-1]

    yield make
    for one in members:
        one.exchange.close()


def test_what_two_have_learned_both_know_measurements_included(member):
    one, other = member(), member()
    one.learn(0)
    other.learn(100)
    one.waits_for(25)
    other.waits_for(25)
    # 25 pairs were measured by each: only together they are enough to trust the sort.
    assert one.knows(3)
    assert one.knows(103)
    assert other.knows(3)
    assert not other.knows(300)


def test_who_comes_later_learns_what_was_said_before(member):
    one = member()
    one.learn(0, 50)
    late = member()
    late.waits_for(50)
    assert late.knows(3)


@pytest.mark.parametrize("keeps_data", [True, False])
def test_a_restart_of_redis_with_or_without_its_data(own_redis, member, keeps_data):
    one, other = member(), member()
    one.learn(0)
    other.waits_for(25)
    own_redis.kill()
    one.learn(50, 2)  # is lost, and nobody fails
    assert one.exchange.stats()["failures"] >= 1
    if not keeps_data:
        for path in own_redis.folder.rglob("*"):
            if path.is_file():
                path.unlink()
    own_redis.start()
    one.learn(100)
    other.waits_for(50)
    assert other.knows(103)


def test_rubbish_forgeries_and_other_dimensions_are_refused(own_redis, member):
    one, stranger, larger = member(secret=b"s"), member(), member(dimension=16)
    stranger.learn(0, 2)
    larger.near.learn(SPACE, ["x"], np.ones((1, 16), dtype=np.float32), np.array([[1, 0]], dtype=np.int32))
    one.stream.append(b"")
    one.stream.append(b"\x80\x04N.")
    one.stream.append(b"x" * 500)
    ticks = threading.Event()
    for _ in range(1000):
        if one.exchange.stats()["refused"] >= 7:
            break
        ticks.wait(0.01)
    assert one.exchange.stats()["refused"] == 7
    assert one.near.stats()["received"] == 0


def test_the_stream_is_bounded(own_redis):
    import redis

    stream = RedisStream(own_redis.url, name="короткий", max_messages=100, timeout_s=5.0)
    for number in range(320):
        stream.append(b"%d" % number)
    with redis.Redis.from_url(own_redis.url) as client:
        assert 100 <= client.xlen("короткий") <= 220  # trimmed by whole blocks
    assert stream.read(0.1)[-1] != b"319"  # a page at a time
    stream.close()


def test_no_news_is_no_failure_with_a_short_time_to_wait(own_redis):
    stream = RedisStream(own_redis.url, name="тихо", max_messages=10, timeout_s=0.1)
    assert stream.read(block_s=5.0) == []
    stream.append(b"1")
    assert stream.read(block_s=5.0) == [b"1"]
    stream.close()


def test_messages_come_back_as_they_were_sent_and_hold_no_text():
    near = NearTier(mode="shadow", threshold=0.95, max_entries=10, exact_below=10, sample=0.5)
    vectors = np.random.default_rng(0).standard_normal((2, 8)).astype(np.float32)
    learned = near.learn(SPACE, ["geheim eins", ""], vectors, np.array([[7, 0], [2, 0]], dtype=np.int32))
    # As of the text "پ", whose trigrams cancel each other out.
    nothing = replace(learned.entries[1], sketch=np.zeros(256, dtype=np.float32))
    learned = Learned([*learned.entries, nothing], [(("case", 4), 0.5)])
    messages = MessageFormat(8)
    message = messages.encode(b"12345678", SPACE.digest(), learned)
    assert b"geheim" not in message
    sender, space_id, got = messages.decode(message)
    assert (sender, space_id, got.measured) == (b"12345678", SPACE.digest(), learned.measured)
    for sent, arrived in zip(learned.entries, got.entries, strict=True):
        assert arrived.form == sent.form
        assert arrived.n_tokens == sent.n_tokens
        assert np.allclose(arrived.vector, sent.vector, atol=1e-4)
        assert np.allclose(arrived.sketch, sent.sketch, atol=0.01)
    for position in range(len(message)):
        assert messages.decode(message[:position] + bytes([message[position] ^ 1]) + message[position + 1 :]) is None


def test_services_answer_variants_without_computing_them(own_redis):
    """§4.6: on a near-duplicate hit the model does not run; in shadow mode it does, and nothing else is returned."""
    options = {"cache_redis_url": own_redis.url, "semantic_federation": True, "semantic_sample": 1e-9}
    texts = [f"Question number {number} about the stock of the warehouse, please." for number in range(45)]
    loud = [text.upper() for text in texts]
    with (
        EmbeddingService(settings=Settings.load(env_file=None, semantic_mode="shadow", **options)) as teacher,
        EmbeddingService(settings=Settings.load(env_file=None, semantic_mode="active", **options)) as pupil,
    ):
        pupil.load()
        expected = teacher.encode(texts)
        assert teacher.flush_cache(20.0)
        _, receipt = teacher.encode(loud, return_report=True)
        assert receipt.n_computed == 45
        assert teacher.flush_cache(20.0)
        ticks = threading.Event()
        for _ in range(1000):
            if pupil.get_cache_stats()["tiers"]["near"]["received"] >= 45:
                break
            ticks.wait(0.01)
        spaced = [text.replace(" ", "  ").title() for text in texts]
        vectors, receipt = pupil.encode(spaced, return_report=True)
        assert receipt.n_computed == 0
        assert (1 - (vectors * expected).sum(axis=1)).max() < 1e-4
        assert pupil.encode([texts[3].replace("3", "4711")], return_report=True)[1].n_computed == 1
        _, receipt = pupil.encode([spaced[0]], importance="critical", return_report=True)
        assert receipt.n_computed == 1


def test_federation_without_redis_says_what_to_set():
    settings = Settings.load(env_file=None, semantic_mode="active", semantic_federation=True)
    with pytest.raises(SettingsError, match="EMBEDDING_CACHE_REDIS_URL"):
        build_cache(settings, dimension=8)
