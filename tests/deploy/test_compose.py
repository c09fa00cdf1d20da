"""The compose file: valid by the specification, no dangling dependency in any profile, only settings that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from hybrid_embeddings.settings import describe as engine_settings
from hybrid_embeddings.settings import read_env_file
from rag_demo.settings import describe as demo_settings
from tests.published import PUBLISHED_SCHEMAS, needs_published_schemas

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
PROFILES = sorted({profile for service in SERVICES.values() for profile in service.get("profiles", [])})
TIERS = ["cpu", "tier-a", "tier-b", "tier-c", "tier-d"]
ENV_FILES = {file.stem: file for file in (ROOT / "deploy" / "env").glob("*.env")}
OWN = re.compile(r"^(EMBEDDING|RAG|LLM|QDRANT|LEXICAL)_")
# Variables of the compose file itself, or of the images; none of our programs reads them.
FOREIGN = {
    *("COMPOSE_PROFILES", "APP_TARGET", "APP_CPUS", "APP_MEMORY", "APP_PORT", "PIP_OPTIONS", "DUMP_DIR", "GPU_COUNT"),
    *("QDRANT_MEMORY", "REDIS_MAXMEMORY", "REDIS_MEMORY", "POSTGRES_PASSWORD", "POSTGRES_MEMORY", "HF_TOKEN"),
    *("OLLAMA_NUM_PARALLEL", "OLLAMA_KV_CACHE_TYPE", "VLLM_PIPELINE_PARALLEL", "VLLM_MAX_MODEL_LEN"),
    *("VLLM_GPU_MEMORY", "PROMETHEUS_PORT", "GRAFANA_PORT", "GRAFANA_PASSWORD"),
}
KNOWN = {name for name, _, _ in engine_settings()} | {option.name for option in demo_settings()}


def active(profile):
    return {name for name, service in SERVICES.items() if not service.get("profiles") or profile in service["profiles"]}


def test_the_profiles_are_those_of_the_documentation():
    assert set(PROFILES) == {*TIERS, "monitoring", "qdrant", "tgi"}
    assert set(ENV_FILES) == set(TIERS)


@needs_published_schemas
def test_valid_by_the_compose_specification():
    schema = json.loads((PUBLISHED_SCHEMAS / "compose-spec.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(COMPOSE)


@pytest.mark.parametrize("profile", [*PROFILES, ""])
def test_no_service_depends_on_one_that_is_not_there(profile):
    here = active(profile)
    for name in here:
        for needed, how in SERVICES[name].get("depends_on", {}).items():
            assert needed in SERVICES
            assert needed in here or how.get("required") is False, f"{name} needs {needed} in profile {profile!r}"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[needed], f"{name} waits for the health of {needed}, which has none"


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_has_at_most_one_language_model_under_the_alias(tier):
    models = [
        name
        for name in active(tier)
        if "llm" in SERVICES[name].get("networks", {}).get("default", {}).get("aliases", [])
    ]
    assert len(models) == (0 if tier == "cpu" else 1)


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_names_settings_that_exist_and_servers_that_run(tier):
    values = read_env_file(ENV_FILES[tier])
    assert values["COMPOSE_PROFILES"] == tier
    assert set(values) - KNOWN - FOREIGN == set()
    here = active(tier)
    for name, value in values.items():
        for host in re.findall(r"://(?:[^@/]*@)?([a-z][\w-]*):", value):
            aliases = {
                alias
                for service in here
                for alias in SERVICES[service].get("networks", {}).get("default", {}).get("aliases", [])
            }
            assert host in here | aliases, f"{name} of {tier} asks {host}, which does not run there"


def test_every_variable_is_a_setting_or_known_to_compose():
    used = set(re.findall(r"\$\{(\w+)", TEXT)) | set(SERVICES["app"]["environment"])
    assert used - KNOWN - FOREIGN == set()
    assert {name for name in used if OWN.match(name)} - KNOWN <= FOREIGN


def test_images_are_pinned():
    for name, service in SERVICES.items():
        if "build" in service:
            continue  # ours
        tag = service["image"].rpartition(":")[2]
        assert re.search(r"\d+\.\d+|\d+-alpine", tag), f"{name}: {service['image']}"


def test_ports_are_published_on_this_machine_only():
    published = {}
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name}: {port}"
            number = port.rpartition(":")[2]
            assert number not in published, f"{name} and {published[number]}"
            published[number] = name
    assert set(published.values()) == {"app", "prometheus", "grafana"}


def test_every_volume_is_declared_and_used_and_every_bound_file_exists():
    used = set()
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", volume).split(":")[0]
            if source == "./dump":
                continue  # the user's own
            if source.startswith("./"):
                assert (ROOT / source).exists(), source
            else:
                used.add(source)
    assert used == set(COMPOSE["volumes"])


def test_gpu_services_reserve_them_with_their_capability():
    for name in ("ollama", "vllm", "tgi"):
        [device] = SERVICES[name]["deploy"]["resources"]["reservations"]["devices"]
        assert device["driver"] == "nvidia"
        assert device["capabilities"] == ["gpu"]


def test_secrets_have_no_default():
    for name in ("POSTGRES_PASSWORD", "GRAFANA_PASSWORD"):
        assert re.search(rf"\$\{{{name}:\?", TEXT), name
    for file in ENV_FILES.values():
        assert not read_env_file(file).get("POSTGRES_PASSWORD")


def test_the_prometheus_of_the_compose_file_scrapes_the_app():
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    [job] = scraped["scrape_configs"]
    [target] = job["static_configs"][0]["targets"]
    host, port = target.split(":")
    assert host in SERVICES
    assert SERVICES[host]["ports"][0].endswith(f":{port}")
    assert f"EXPOSE {port}" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_targets_of_the_dockerfile_are_those_of_the_tiers():
    targets = set(re.findall(r"^FROM \S+ AS (\w+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {read_env_file(file)["APP_TARGET"] for file in ENV_FILES.values()} <= targets
    assert {"cpu", "cuda"} <= targets


def test_the_image_copies_what_the_package_is_built_from():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for source in re.findall(
        r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    ):
        for name in source.split():
            assert (ROOT / name).exists(), name
            assert f"!{name}" in ignored, name
