"""Look after the stored vectors: Redis and SQL, as the settings name them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from hybrid_embeddings.errors import CacheTierError, InputError, SettingsError
from hybrid_embeddings.inputs import check_count
from hybrid_embeddings.keys import SPACE_BYTES
from hybrid_embeddings.settings import Settings

if TYPE_CHECKING:
    from hybrid_embeddings.cache.inventory import Reader
    from hybrid_embeddings.ports import RecordTier
    from hybrid_embeddings.types import Vectors

HELP = "count, check, remove and export stored vectors; calibrate and measure int8"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See :mod:`hybrid_embeddings.cli`."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    stats = actions.add_parser("stats", help="what each store holds, by model and kind")
    stats.set_defaults(action=_stats)

    verify = actions.add_parser("verify", help="read every record; exit status 1 if some cannot be read")
    verify.add_argument("--delete", action="store_true", help="remove those that cannot be read")
    verify.set_defaults(action=_verify)

    purge = actions.add_parser("purge", help="remove records")
    what = purge.add_mutually_exclusive_group(required=True)
    what.add_argument("--space", metavar="ID", help="those of one space; `stats` lists the ids")
    what.add_argument("--all", action="store_true", help="all")
    purge.set_defaults(action=_purge)

    export = actions.add_parser("export", help="write readable records as JSON lines")
    export.add_argument("file", metavar="FILE", help="where to; - is standard output")
    export.add_argument("--space", metavar="ID", help="of one space only")
    export.set_defaults(action=_export)

    calibrate = actions.add_parser("calibrate", help="measure the scales of int8-calibrated and store them")
    calibrate.add_argument("file", metavar="FILE", type=Path, help="for EMBEDDING_QUANTIZATION_CALIBRATION")
    calibrate.add_argument("--percentile", type=float, default=99.9, help="of absolute values; default 99.9")
    _add_sample(calibrate)
    calibrate.set_defaults(action=_calibrate)

    accuracy = actions.add_parser("accuracy", help="what each codec costs on your own vectors")
    _add_sample(accuracy)
    accuracy.set_defaults(action=_accuracy)


def run(options: argparse.Namespace) -> int:
    """See :mod:`hybrid_embeddings.cli`."""
    check_count("--most", getattr(options, "most", 1))
    settings = Settings.load()
    try:
        status: int = options.action(options, settings)
    except CacheTierError as error:
        print(f"hybrid-embeddings: {error}", file=sys.stderr)
        return 1
    return status


def _add_sample(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--space", metavar="ID", help="take the vectors from the first store that has this space")
    source.add_argument("--texts", metavar="FILE", type=Path, help="embed the lines of this file")
    parser.add_argument("--most", metavar="N", type=int, default=5000, help="vectors; default 5000")


def _stats(options: argparse.Namespace, settings: Settings) -> int:
    del options
    from hybrid_embeddings.cache.inventory import counted

    with _stores(settings) as stores:
        for store in stores:
            print(f"{store.name}  {store.address}")
            described = store.spaces()
            found = counted(store)
            for space, count in sorted(found.items()):
                facts = described.get(space, {})
                known = " ".join(
                    f"{name}={facts[name]}" for name in ("model", "kind", "numeric_class") if name in facts
                )
                used = ", ".join(f"{number:,} {codec}" for codec, number in sorted(count.codecs.items()))
                print(f"  {space.hex()}  {count.n_records:>9,} records  {count.n_bytes:>13,} bytes  {used}  {known}")
            total = sum(count.n_records for count in found.values())
            print(f"  {total:,} records, {sum(count.n_bytes for count in found.values()):,} bytes")
    return 0


def _verify(options: argparse.Namespace, settings: Settings) -> int:
    n_left = 0
    reader = _reader(settings)
    with _stores(settings) as stores:
        for store in stores:
            damaged: dict[bytes, list[bytes]] = defaultdict(list)
            for space, key in reader.damaged(store):
                damaged[space].append(key)
            n_damaged = sum(map(len, damaged.values()))
            print(f"{store.name}  {store.address}: {n_damaged:,} records cannot be read")
            if options.delete:
                for space, keys in damaged.items():
                    store.delete_many(space, keys)
                print(f"  {n_damaged:,} removed")
            else:
                n_left += n_damaged
    return 1 if n_left else 0


def _purge(options: argparse.Namespace, settings: Settings) -> int:
    space = None if options.all else _space(options.space)
    with _stores(settings) as stores:
        for store in stores:
            print(f"{store.name}  {store.address}: {store.purge(space):,} records removed")
    return 0


def _export(options: argparse.Namespace, settings: Settings) -> int:
    space = _space(options.space) if options.space else None
    n_written = 0
    with _stores(settings) as stores, _output(options.file) as out:
        for store in stores:
            for entry in _reader(settings).entries(store, space):
                line = {
                    "store": store.name,
                    "space": entry.space.hex(),
                    "key": entry.key.hex(),
                    "codec": entry.codec,
                    "tokens": entry.n_tokens,
                    "cut_off": entry.n_lost,
                    "vector": entry.vector.tolist(),
                }
                out.write(json.dumps(line) + "\n")
                n_written += 1
    print(f"{n_written:,} records written", file=sys.stderr)
    return 0


@contextmanager
def _output(file: str) -> Iterator[TextIO]:
    """Open what is exported to: a file gets its name when all is in it, and until then an older one stays."""
    if file == "-":
        yield sys.stdout
        return
    path = Path(file)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        with draft.open("w", encoding="utf-8") as out:
            yield out
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _calibrate(options: argparse.Namespace, settings: Settings) -> int:
    from hybrid_embeddings.cache import calibrations, codecs

    vectors = _sample(options, settings)
    try:
        calibration = codecs.calibrate(vectors, options.percentile)
    except ValueError as error:
        raise InputError(str(error)) from error
    facts = {"dimension": vectors.shape[1], "percentile": options.percentile, "n_vectors": len(vectors)}
    calibrations.append(options.file, calibration, facts)
    print(f"calibration {calibration.number:08x} of {len(vectors):,} vectors written to {options.file}")
    return 0


def _accuracy(options: argparse.Namespace, settings: Settings) -> int:
    from hybrid_embeddings.cache import accuracy, codecs

    vectors = _sample(options, settings)
    print(f"{len(vectors):,} vectors of {vectors.shape[1]} dimensions")
    print(f"{'codec':16} {'worst 1-cos':>12} {'mean 1-cos':>12} {'recall@10 lost':>15}")
    try:
        for codec in (codecs.FLOAT16, codecs.INT16, codecs.INT8, codecs.INT8_CALIBRATED):
            if codec is codecs.INT8_CALIBRATED and len(vectors) < codecs.FEWEST_FOR_CALIBRATION:
                continue
            calibration = codecs.calibrate(vectors) if codec is codecs.INT8_CALIBRATED else None
            found = accuracy.measure(codec, vectors, calibration)
            print(f"{codec.name:16} {found.worst_error:12.1e} {found.mean_error:12.1e} {found.recall_loss_at_10:15.2%}")
    except ValueError as error:
        raise InputError(str(error)) from error
    return 0


def _sample(options: argparse.Namespace, settings: Settings) -> Vectors:
    if options.texts is not None:
        from dataclasses import replace

        from hybrid_embeddings.service import EmbeddingService

        lines = [line for line in _text_of(options.texts).splitlines() if line.strip()]
        with EmbeddingService(settings=replace(settings, cache_enabled=False)) as service:
            return service.encode(lines[: options.most])
    with _stores(settings) as stores:
        for store in stores:
            vectors = _reader(settings).sample(store, _space(options.space), options.most)
            if len(vectors):
                return vectors
    raise InputError(f"no store has readable records of the space {options.space}; `cache stats` lists the spaces")


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: {error}; save the file as UTF-8") from error


def _space(text: str) -> bytes:
    try:
        space = bytes.fromhex(text)
    except ValueError:
        space = b""
    if len(space) != SPACE_BYTES:  # an empty one, say of a variable that is not set, must not stand for all
        raise InputError(f"{text!r} is no id of a space; `cache stats` lists them")
    return space


def _reader(settings: Settings) -> Reader:
    from hybrid_embeddings.cache import calibrations
    from hybrid_embeddings.cache.inventory import Reader
    from hybrid_embeddings.cache_wiring import secret_of

    file = settings.quantization_calibration
    known = calibrations.read(file) if file is not None and file.exists() else []
    return Reader(secret_of(settings), {one.number: one for one in known})


@contextmanager
def _stores(settings: Settings) -> Iterator[list[RecordTier]]:
    from hybrid_embeddings.cache_wiring import build_stores

    stores = build_stores(settings)
    if not stores:
        raise SettingsError("there is no store: set EMBEDDING_CACHE_REDIS_URL or EMBEDDING_CACHE_SQL_URL")
    try:
        yield stores
    finally:
        for store in stores:
            store.close()
