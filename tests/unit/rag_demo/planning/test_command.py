"""``rag-demo plan`` as it is typed."""
# ruff: noqa: N802 - the fake of NVML has its names

import json

import pytest

from rag_demo import cli
from rag_demo.chat import context, generate
from rag_demo.configurations import bundled
from rag_demo.planning import arithmetic, nvml
from rag_demo.planning.catalogue import gpu, measured_gpu
from rag_demo.planning.machine import named_gpu, read_machine, size
from rag_demo.planning.words import LANGUAGES
from rag_demo.settings import read_settings

SERVER = ["--ram", "64GB", "--disk", "400GB", "--cores", "16"]


def run(capsys, *arguments):
    status = cli.main(["plan", *arguments])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def as_json(capsys, *arguments):
    status, out, err = run(capsys, "--json", *SERVER, *arguments)
    assert status == 0, err
    return json.loads(out)


@pytest.mark.parametrize(
    ("cards", "profile", "model", "longest_s"),
    [
        (["L4"] * 1, "tier-a", "gpt-oss:20b", 25),
        (["A10G"] * 1, "tier-a", "gpt-oss:20b", 25),
        (["A100-40"] * 1, "tier-b", "Qwen/Qwen2.5-32B-Instruct-AWQ", 14),
        (["L40S"] * 1, "tier-b", "openai/gpt-oss-20b", 14),
        (["A100-80"] * 1, "tier-c", "Qwen/Qwen2.5-72B-Instruct-AWQ", 20),
        (["H100-SXM"] * 2, "tier-d", "openai/gpt-oss-120b", 25),
        (["A100-80"] * 4, "tier-d", "openai/gpt-oss-120b", 25),
    ],
)
def test_the_cards_of_the_tiers_get_their_tier(capsys, cards, profile, model, longest_s):
    count = len(cards)
    plan = as_json(capsys, "--gpu", cards[0], "--gpus", str(count))
    assert (plan["profile"], plan["serving"]["llm"]["name"]) == (profile, model)
    assert plan["serving"]["alone"]["decode_s"] <= longest_s
    assert len(plan["serving"]["gpus"]) == count
    assert plan["env"]["GPU_COUNT"] == str(count)


def test_without_a_card_answers_are_extractive(capsys):
    plan = as_json(capsys, "--gpu", "none")
    assert (plan["profile"], plan["serving"], plan["env"]["LLM_MODE"]) == ("cpu", None, "extractive")


def test_too_small_a_window_is_refused_with_the_sum(capsys):
    status, _, err = run(capsys, *SERVER, "--gpu", "L4", "--window", "4096")
    assert status == 2
    assert "would cut" in err
    assert "4,612 of the prompt + 512 of the answer + 64 of margin = 5,188" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--gpu", "L4", "--model", "gpt-oss-120b"], "does not fit on 1 × L4: weights 65.3 GB"),
        (["--gpu", "L4", "--concurrency", "900"], "does not fit"),
        (["--gpu", "L4", "--answer", "200000"], "would cut"),
        (["--gpu", "L4", "--model", "нет-такой"], "No figures of 'нет-такой'"),
        (["--gpu", "none", "--model", "gpt-oss:20b"], "needs a card"),
        (["--gpu", "L4", "--ram", "4GB"], "too little memory"),
        (["--gpu", "L4", "--disk", "9GB"], "too little disk"),
        (["--gpu", "Карта"], "give its memory"),
        (["--gpus", "2"], "needs --gpu"),
    ],
)
def test_what_cannot_work_is_refused(capsys, arguments, said):
    status, _, err = run(capsys, *SERVER, *arguments)
    assert (status, said in err) == (2, True), err


def test_both_languages_tell_the_same_figures(capsys):
    texts = [run(capsys, *SERVER, "--gpu", "L4", "--language", language)[1] for language in ("en", "ru")]
    assert "Recommended: tier-a, gpt-oss:20b" in texts[0]
    assert "Рекомендация: tier-a, gpt-oss:20b" in texts[1]
    for formula in ("needed window = prompt", "KV cache = 2 × 24 layers × 8 heads", "tokens/s = 1 /", "prefill = 2 ×"):
        assert all(formula in text for text in texts)
    assert texts[0].count("\n") == texts[1].count("\n")
    assert LANGUAGES["en"].keys() == LANGUAGES["ru"].keys()


def test_written_for_containers_and_kept_when_written_again(capsys, tmp_path):
    file = tmp_path / "мой файл.env"
    assert run(capsys, *SERVER, "--gpu", "L40S", "--write", str(file))[0] == 0
    first = read_settings({}, env_file=file)
    assert first.llm_base_url == "http://llm:8000/v1"
    status, _, err = run(capsys, *SERVER, "--gpu", "L4", "--write", str(file))
    assert (status, "--force" in err) == (2, True)
    password = next(line for line in file.read_text(encoding="utf-8").splitlines() if "POSTGRES_PASSWORD" in line)
    file.write_text(file.read_text(encoding="utf-8") + "RAG_API_KEYS=Аня:ключ\n", encoding="utf-8")
    status, out, _ = run(capsys, *SERVER, "--gpu", "A100-80", "--monitoring", "--write", str(file), "--force")
    assert status == 0
    lines = file.read_text(encoding="utf-8").splitlines()
    assert password in lines
    assert password.partition("=")[2] not in out
    assert "RAG_API_KEYS=Аня:ключ" in lines
    assert "COMPOSE_PROFILES=tier-c,monitoring" in lines
    assert any(line.startswith("GRAFANA_PASSWORD=") and len(line) > 40 for line in lines)


def test_written_for_this_machine(capsys, tmp_path):
    file = tmp_path / ".env"
    assert run(capsys, *SERVER, "--gpu", "L4", "--without-docker", "--write", str(file))[0] == 0
    read = read_settings({}, env_file=file)
    assert (read.llm_mode, read.llm_base_url, read.llm_num_ctx) == ("ollama", "http://127.0.0.1:11434", 8192)
    assert "COMPOSE" not in file.read_text(encoding="utf-8")


def test_a_dump_is_counted(capsys):
    plan = as_json(capsys, "--gpu", "none", "--dump", str(bundled()))
    assert 500 < plan["demand"]["documents"] < 2_000


def test_the_sums_use_the_margins_of_the_chat():
    assert (arithmetic.FENCE_TOKENS, arithmetic.MARGIN_TOKENS) == (context._FENCE_TOKENS, generate._MARGIN_TOKENS)


def test_cards_are_known_by_the_names_of_the_driver():
    assert gpu("A100-80").memory_bytes == 80e9
    assert measured_gpu("NVIDIA A100-SXM4-80GB", 85_899_345_920).bandwidth_bytes_per_s == 1935e9
    assert measured_gpu("NVIDIA A100-PCIE-40GB", 42_949_672_960).bandwidth_bytes_per_s == 1555e9
    assert measured_gpu("NVIDIA H100 80GB HBM3", 85_520_809_984).bandwidth_bytes_per_s == 3350e9
    assert measured_gpu("NVIDIA L4", 24_152_899_584).memory_bytes == 24_152_899_584
    assert not measured_gpu("Карта X", 8_000_000_000).known
    assert gpu("Карта X") is None


@pytest.mark.parametrize(("text", "expected"), [("24", 24e9), ("24GB", 24e9), ("1.5GiB", 1.5 * 2**30)])
def test_sizes(text, expected):
    assert size(text) == expected
    assert named_gpu(f"моя карта:{text}").memory_bytes == expected


class Library:
    """NVML as its documentation describes it, with one card."""

    class NVMLError(Exception):
        pass

    NVML_CLOCK_MEM = 2

    def __init__(self, card="NVIDIA Неизвестная", *, has_clock=True):
        self.card, self.has_clock, self.open = card, has_clock, 0

    def nvmlInit(self):
        self.open += 1

    def nvmlShutdown(self):
        self.open -= 1

    def nvmlDeviceGetCount(self):
        return 1

    def nvmlDeviceGetHandleByIndex(self, number):
        return number

    def nvmlDeviceGetName(self, handle):
        return self.card

    def nvmlDeviceGetMemoryInfo(self, handle):
        return type("Memory", (), {"total": 16 * 2**30})

    def nvmlDeviceGetMaxClockInfo(self, handle, clock):
        if not self.has_clock:
            raise self.NVMLError("Not Supported")
        return 9_501

    def nvmlDeviceGetMemoryBusWidth(self, handle):
        return 256


def test_the_speed_of_an_unknown_card_is_that_of_its_memory():
    library = Library()
    [card] = nvml.read_gpus(library)
    assert (card.memory_bytes, card.bandwidth_bytes_per_s) == (16 * 2**30, 2 * 9_501e6 * 256 / 8)
    assert library.open == 0
    [card] = nvml.read_gpus(Library(has_clock=False))
    assert card.bandwidth_bytes_per_s == 300e9


def test_this_machine_is_read(tmp_path):
    machine = read_machine(tmp_path / "not there yet")
    assert machine.ram_bytes > 1e9
    assert machine.disk_bytes > 0
    assert machine.cores >= 1
    assert bool(machine.gpus) != bool(machine.notes)  # either cards, or the reason why none is told
