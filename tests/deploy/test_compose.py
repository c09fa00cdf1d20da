"""The compose file: valid by the specification, no dangling dependency in any profile, only settings that exist."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from hybrid_embeddings.options import read_env_file
from hybrid_embeddings.settings import describe as engine_settings
from rag_demo.planning import environment
from rag_demo.planning.recommend import recommend
from rag_demo.planning.types import Demand
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
    *(
        "VLLM_GPU_MEMORY",
        "PROMETHEUS_PORT",
        "GRAFANA_PORT",
        "GRAFANA_PASSWORD",
        "LLM_CPUS",
        "LLM_MEMORY",
        "APP_WORKERS",
    ),
}
UNTIERED = {"prometheus", "grafana"}
_SPEC = importlib.util.spec_from_file_location("env_files", ROOT / "deploy" / "env_files.py")
env_files = importlib.util.module_from_spec(_SPEC)
sys.modules["env_files"] = env_files  # dataclasses look their module up
_SPEC.loader.exec_module(env_files)
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


SECRETS = {"POSTGRES_PASSWORD": "postgres", "GRAFANA_PASSWORD": "grafana", "QDRANT_API_KEY": "qdrant"}


def test_secrets_have_no_default():
    for name in SECRETS:
        assert re.findall(rf"\$\{{{name}:-(.*?)\}}", TEXT) == [""] * TEXT.count(f"${{{name}")
    for file in ENV_FILES.values():
        assert not any(value for name, value in read_env_file(file).items() if name in SECRETS)


def test_nothing_that_a_profile_does_not_start_can_stop_it():
    # Compose fills in variables before it looks at profiles: one `${X:?}` anywhere would be asked of everybody.
    assert not re.search(r"\$\{\w+:?\?", TEXT)


@pytest.mark.parametrize(("secret", "service"), [("GRAFANA_PASSWORD", "grafana"), ("QDRANT_API_KEY", "qdrant")])
def test_a_service_without_its_secret_says_so_and_does_not_start(secret, service, tmp_path):
    shell, flag, script = SERVICES[service].get("entrypoint") or SERVICES[service]["command"]
    name = next(name for name, value in SERVICES[service]["environment"].items() if secret in str(value))
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho started\n", encoding="utf-8")
    program.chmod(0o755)
    script = re.sub(r"exec \S+", "exec ./program", script.replace("$$", "$"))
    for value, said in (("", f"set {secret} in .env"), ("тайна", "started")):
        done = subprocess.run(
            [shell, flag, script], env={"PATH": os.environ["PATH"], name: value}, cwd=tmp_path,
            capture_output=True, encoding="utf-8", timeout=60, check=False,
        )  # fmt: skip
        assert said in done.stdout + done.stderr
        assert (done.returncode == 0) == bool(value)


def test_every_service_has_limits_of_processor_and_memory():
    for name, service in SERVICES.items():
        if name != "ollama-pull":  # a download
            assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name


@pytest.mark.parametrize(
    ("tier", "cores", "memory_gb"),
    [("cpu", 8, 16), ("tier-a", 16, 64), ("tier-b", 16, 64), ("tier-c", 16, 64), ("tier-d", 32, 128)],
)
def test_the_limits_of_a_tier_fit_its_machine(tier, cores, memory_gb):
    values = read_env_file(ENV_FILES[tier])
    limits = [SERVICES[name]["deploy"]["resources"]["limits"] for name in active(tier) - {"ollama-pull"} - UNTIERED]
    filled = [{name: interpolated(str(value), values) for name, value in limit.items()} for limit in limits]
    assert sum(float(limit["cpus"]) for limit in filled) <= cores
    assert sum(float(limit["memory"].removesuffix("g")) for limit in filled) <= memory_gb


def interpolated(text, values):
    return re.sub(r"\$\{(\w+):-(.*?)\}", lambda found: values.get(found[1]) or found[2], text)


def test_the_files_of_the_tiers_are_what_plan_recommends():
    for name, file in ENV_FILES.items():
        assert file.read_text(encoding="utf-8") == env_files.text_of(name), "run: python deploy/env_files.py"


def test_several_workers_share_vectors_and_answers():
    for name, file in ENV_FILES.items():
        values = read_env_file(file)
        if int(values.get("APP_WORKERS", "1")) > 1:
            assert {"QDRANT_URL", "QDRANT_API_KEY", "RAG_ANSWER_CACHE"} <= values.keys(), name


@pytest.mark.parametrize("tier", sorted(env_files.TIERS))
@pytest.mark.parametrize("monitoring", [False, True])
def test_a_written_plan_starts_its_tier(tier, monitoring, tmp_path):
    example = env_files.TIERS[tier]
    plan = recommend(example.machine, Demand(20_000, example.users))
    assert plan.profile == tier
    values = environment.compose_values(plan, monitoring=monitoring)
    assert set(values) - KNOWN - FOREIGN == set()
    assert set(values) <= environment.MANAGED
    profiles = values["COMPOSE_PROFILES"].split(",")
    here = set().union(*map(active, profiles))
    needed = {secret for secret, service in SECRETS.items() if service in here}
    assert all(len(values[secret]) >= 20 for secret in needed)
    used = set(re.findall(r"\$\{(\w+)", TEXT))
    unread = set(values) - used - {option.name for option in demo_settings()} - {"COMPOSE_PROFILES"}
    assert unread == set(), "nobody reads these"
    (tmp_path / ".env").write_text(environment.text_of(values, heading=tier), encoding="utf-8")
    services = compose_config(tmp_path / ".env")
    assert services is None or services == here


def compose_config(env_file):
    """The services that Docker Compose itself would start; None where it is not installed."""
    command = ["docker", "compose", "--project-directory", ROOT, "--env-file", env_file, "config", "--services"]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    except FileNotFoundError:
        return None
    if "unknown" in done.stderr:  # the command line of Docker without Compose
        return None
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.docker
@pytest.mark.parametrize("tier", sorted(env_files.TIERS))
def test_docker_compose_reads_the_file(tier):
    services = compose_config(ENV_FILES[tier])
    if services is None:
        pytest.skip("Docker Compose is not installed")
    assert services == active(tier)


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
