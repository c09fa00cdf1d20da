"""Settings: every option by argument, environment and .env, in that order; bad values name their origin."""

from dataclasses import fields
from pathlib import Path

import pytest

from hybrid_embeddings import Settings, SettingsError, lane_wiring
from hybrid_embeddings.options import read_env_file
from hybrid_embeddings.settings import TARGETS, describe


def test_defaults_without_any_source():
    settings = Settings.load(environ={}, env_file=None)
    assert settings.model == "sentence-transformers/all-MiniLM-L6-v2"
    assert settings.hybrid_mode is True
    assert settings.operation_timeout_s == 30.0


def test_argument_beats_environment_beats_file(tmp_path):
    file = tmp_path / "настройки.env"
    file.write_text("EMBEDDING_MODEL=из-файла\nEMBEDDING_MAX_TOKENS=10\nEMBEDDING_PRECISION=exact\n", encoding="utf-8")
    environ = {"EMBEDDING_MODEL": "from-environment", "EMBEDDING_MAX_TOKENS": "20"}
    settings = Settings.load(environ=environ, env_file=file, model="argument")
    assert (settings.model, settings.max_tokens, settings.precision) == ("argument", 20, "exact")


# One working value per option, different from its default: a new option must be added here.
_VALUES = {
    "model": ("каталог/модель", "каталог/модель"),
    "hybrid_mode": ("off", False),
    "precision": ("exact", "exact"),
    "normalize": ("yes", True),
    "truncate_dim": ("64", 64),
    "max_tokens": ("128", 128),
    "query_prompt": ("вопрос: ", "вопрос: "),
    "document_prompt": ("текст: ", "текст: "),
    "max_batch_tokens": ("512", 512),
    "memory_aware_batching": ("off", False),
    "max_memory_mb": ("256", 256),
    "adaptive_batch_size": ("no", False),
    "predictive_batch": ("on", True),
    "max_queued_tokens": ("1000", 1000),
    "operation_timeout_s": ("2.5", 2.5),
    "breaker_threshold_cpu": ("2", 2),
    "breaker_timeout_cpu_s": ("7", 7.0),
    "breaker_threshold_gpu": ("3", 3),
    "breaker_timeout_gpu_s": ("8", 8.0),
    "multi_gpu": ("0", False),
    "gpu_memory_pool": ("off", False),
    "gpu_memory_pool_mb": ("64", 64),
    "cpu_backend": ("torch", "torch"),
    "cpu_threads": ("1", 1),
    "offline": ("1", True),
    "cache_dir": ("/кэш", Path("/кэш")),
    "cache_enabled": ("off", False),
    "cache_size": ("5", 5),
    "cache_ttl_s": ("60", 60.0),
    "cache_max_mb": ("8", 8),
    "cache_redis_url": ("redis://:geheim@host/1", "redis://:geheim@host/1"),
    "cache_redis_prefix": ("проект", "проект"),
    "cache_redis_ttl_s": ("61", 61.0),
    "cache_sql_url": ("sqlite", "sqlite"),
    "cache_sql_ttl_s": ("62", 62.0),
    "cache_sql_size": ("77", 77),
    "cache_timeout_s": ("0.5", 0.5),
    "cache_secret": ("тайна", "тайна"),
    "cache_write_queue": ("9", 9),
    "breaker_threshold_cache": ("4", 4),
    "breaker_timeout_cache_s": ("9", 9.0),
    "quantization": ("off", False),
    "quantization_importance": ("background", "background"),
    "quantization_normal": ("float16", "float16"),
    "quantization_background": ("float32", "float32"),
    "quantization_calibration": ("/шкалы.json", Path("/шкалы.json")),
    "semantic_mode": ("shadow", "shadow"),
    "semantic_threshold": ("0.99", 0.99),
    "semantic_size": ("50", 50),
    "semantic_exact_size": ("51", 51),
    "semantic_sample": ("0.5", 0.5),
    "semantic_federation": ("on", True),
    "slo_tracking": ("off", False),
    "slo_latency_p50_ms": ("5", 5.0),
    "slo_latency_p95_ms": ("50", 50.0),
    "slo_latency_p99_ms": ("150", 150.0),
    "slo_error_rate": ("0.01", 0.01),
    "slo_availability": ("0.99", 0.99),
    "slo_cache_hit_rate": ("0.5", 0.5),
    "slo_window_s": ("600", 600.0),
    "slo_availability_window_s": ("3600", 3600.0),
    "targets": ("cache_hit_rate=0.5", tuple({**dict(TARGETS), "cache_hit_rate": 0.5}.items())),
}


@pytest.mark.parametrize("option", fields(Settings), ids=lambda option: option.name)
def test_every_option_is_read_from_the_environment(option):
    raw, expected = _VALUES[option.name]
    settings = Settings.load(environ={option.metadata["env"]: raw}, env_file=None)
    assert getattr(settings, option.name) == expected
    assert expected != option.default


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("EMBEDDING_MAX_TOKENS", "0", "at least 1"),
        ("EMBEDDING_MAX_TOKENS", "-5", "at least 1"),
        ("EMBEDDING_HYBRID_MODE", "maybe", "expected one of"),
        ("EMBEDDING_PRECISION", "half", "fast, exact"),
        ("EMBEDDING_OPERATION_TIMEOUT", "nan", "above 0"),
        ("EMBEDDING_MAX_BATCH_TOKENS", "много", "invalid literal"),
        ("EMBEDDING_TARGETS", "texts_per_s", "to float"),
    ],
)
def test_bad_value_names_variable_and_value(name, value, expected):
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ={name: value}, env_file=None)
    assert name in str(caught.value)
    assert value in str(caught.value)
    assert expected in str(caught.value)


def test_unknown_argument_lists_known_ones():
    with pytest.raises(SettingsError, match="unknown option 'modle'.*model"):
        Settings.load(environ={}, env_file=None, modle="x")


def test_number_where_a_text_is_expected():
    with pytest.raises(SettingsError, match="argument model: 5 cannot be used: expected a text"):
        Settings.load(environ={}, env_file=None, model=5)


def test_env_file_forms(tmp_path):
    file = tmp_path / ".env"
    file.write_text(
        "\ufeff# comment\n\nexport A=1\nB = \"два слова\"\nC='x # y'  # z\nD=значение # comment\nE=a=b\nF=x\t# c\n"
        "G= # nothing\nH=#1\n",
        encoding="utf-8",
    )
    expected = {"A": "1", "B": "два слова", "C": "x # y", "D": "значение", "E": "a=b", "F": "x", "G": "", "H": "#1"}
    assert read_env_file(file) == expected


def test_lines_of_other_programs_are_left_alone(tmp_path):
    file = tmp_path / ".env"
    file.write_text("export PATH\nKEY=-----BEGIN\nabc/def+==\nнепонятно\nEMBEDDING_MODEL=m\n", encoding="utf-8")
    assert Settings.load(environ={}, env_file=file).model == "m"


def test_directory_in_place_of_the_env_file(tmp_path):
    (tmp_path / ".env").mkdir()
    assert Settings.load(environ={}).model.endswith("all-MiniLM-L6-v2")


def test_unknown_home_names_the_variable(monkeypatch):
    with pytest.raises(SettingsError, match="EMBEDDING_MODEL_CACHE_DIR"):
        Settings.load(environ={"EMBEDDING_MODEL_CACHE_DIR": "~no-such-user/x"}, env_file=None)


def test_env_file_in_another_encoding(tmp_path):
    file = tmp_path / ".env"
    file.write_bytes("EMBEDDING_MODEL=модель".encode("cp1251"))
    with pytest.raises(SettingsError, match="save it as UTF-8"):
        read_env_file(file)


@pytest.mark.parametrize("value", [2.5, "two", 0, -3, True, float("inf")])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(SettingsError, match="truncate_dim"):
        Settings.load(environ={}, env_file=None, truncate_dim=value)
    with pytest.raises(SettingsError, match="truncate_dim"):
        Settings(truncate_dim=value)


@pytest.mark.parametrize(
    ("name", "value"), [("cache_dir", "/кэш"), ("cache_ttl_s", "60"), ("targets", "texts_per_s=9")]
)
def test_texts_are_read_by_load_only(name, value):
    """Used as they are, they would fail much later, and with another error."""
    with pytest.raises(SettingsError, match=f"argument {name}: .*load"):
        Settings(**{name: value})
    assert not isinstance(getattr(Settings.load(environ={}, env_file=None, **{name: value}), name), str)


def test_dotenv_of_the_working_directory_is_read(tmp_path):
    (tmp_path / ".env").write_text("EMBEDDING_TRUNCATE_DIM=32\n", encoding="utf-8")
    assert Settings.load(environ={}).truncate_dim == 32


def test_describe_has_every_option_with_a_meaning():
    rows = describe()
    assert [env for env, _, _ in rows] == [option.metadata["env"] for option in fields(Settings)]
    assert all(meaning.endswith(".") for _, _, meaning in rows)
    defaults = {env: default for env, default, _ in rows if default}  # env.example with every line uncommented
    assert Settings.load(environ=defaults, env_file=None) == Settings.load(environ={}, env_file=None)


@pytest.mark.parametrize(("is_on", "expected"), [(True, 64 * 2**20), (False, 0)])
def test_the_pool_of_a_gpu_gets_its_limit(is_on, expected):
    settings = Settings.load(environ={}, env_file=None, gpu_memory_pool=is_on, gpu_memory_pool_mb=64)
    assert lane_wiring._pool_bytes(settings) == expected


def test_secrets_are_shown_neither_by_repr_nor_by_errors():
    environ = {"EMBEDDING_CACHE_SECRET": "geheim", "EMBEDDING_CACHE_REDIS_URL": "redis://:geheim@host"}
    assert "geheim" not in repr(Settings.load(environ=environ, env_file=None))
    with pytest.raises(SettingsError) as raised:
        Settings.load(environ={}, env_file=None, cache_sql_url=True)
    assert "***" in str(raised.value)
