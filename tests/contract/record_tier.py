"""What every implementation of ``RecordTier`` has to do; see tests/services/test_record_tiers.py."""

import threading

SPACE, OTHER = b"space-01", b"space-02"


def key(number: int) -> bytes:
    return number.to_bytes(24, "big")


def records(count: int, *, start: int = 0) -> dict[bytes, bytes]:
    return {key(number): b"record\x00\xff %d" % number for number in range(start, start + count)}


class RecordTierContract:
    """Needs a fixture ``tier``: an empty tier."""

    def test_what_was_put_is_found_and_nothing_else(self, tier):
        tier.put_many(SPACE, records(3))
        assert tier.get_many(SPACE, [key(2), key(9), key(0)]) == [b"record\x00\xff 2", None, b"record\x00\xff 0"]

    def test_nothing_is_asked_for_and_nothing_is_put(self, tier):
        tier.put_many(SPACE, {})
        tier.delete_many(SPACE, [])
        assert tier.get_many(SPACE, []) == []

    def test_the_last_of_two_records_with_a_key_counts(self, tier):
        tier.put_many(SPACE, {key(1): b"old", key(2): b"stays"})
        tier.put_many(SPACE, {key(1): b"new"})
        assert tier.get_many(SPACE, [key(1), key(2)]) == [b"new", b"stays"]

    def test_deleted_records_are_gone(self, tier):
        tier.put_many(SPACE, records(3))
        tier.delete_many(SPACE, [key(0), key(7)])
        assert tier.get_many(SPACE, [key(0), key(1)]) == [None, b"record\x00\xff 1"]

    def test_thousands_in_one_call(self, tier):
        many = records(3000)
        tier.put_many(SPACE, many)
        assert tier.get_many(SPACE, list(many)) == list(many.values())

    def test_scan_yields_everything_once_and_purge_removes_it(self, tier):
        tier.put_many(SPACE, records(1500))
        tier.put_many(OTHER, records(2, start=5000))
        everything = list(tier.scan())
        assert len(everything) == 1502
        assert {entry[1:] for entry in everything if entry[0] == SPACE} == set(records(1500).items())
        assert sorted(tier.scan(OTHER)) == [(OTHER, k, v) for k, v in records(2, start=5000).items()]
        assert tier.purge(b"") == 0
        assert tier.purge(OTHER) == 2
        assert tier.get_many(SPACE, [key(1)]) != [None]
        assert tier.purge() == 1500
        assert list(tier.scan()) == []

    def test_spaces_are_described(self, tier):
        tier.register(SPACE, {"model": "модель", "prompt": ""})
        tier.register(SPACE, {"model": "модель", "prompt": ""})
        tier.register(OTHER, {"model": "b"})
        assert tier.spaces() == {SPACE: {"model": "модель", "prompt": ""}, OTHER: {"model": "b"}}

    def test_threads_share_a_tier(self, tier):
        failures = []

        def work(number: int) -> None:
            mine = records(20, start=100 * number)
            try:
                for _ in range(3):
                    tier.put_many(SPACE, mine)
                    assert tier.get_many(SPACE, list(mine)) == list(mine.values())
            except BaseException as error:  # noqa: BLE001 - shown by the test
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(list(tier.scan())) == 320

    def test_neither_address_nor_repr_shows_the_password(self, tier):
        assert tier.address
        assert "geheim" not in tier.address + repr(tier)
