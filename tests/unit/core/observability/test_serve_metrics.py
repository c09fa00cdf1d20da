"""``hybrid-embeddings serve-metrics`` as a process of its own, with the real model."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request

import pytest


def start(**variables):
    return subprocess.Popen(
        [sys.executable, "-m", "hybrid_embeddings.cli", "serve-metrics", "--port", "0"],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
    )


def get(url):
    with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310 - an address of the test
        return response.read().decode()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
def test_a_canary_proves_that_the_lanes_work_and_is_counted():
    with start() as process:
        try:
            url = process.stdout.readline().strip()
            ready = json.loads(get(url.replace("/metrics", "/health/ready")))
            assert ready["status"] == "healthy"
            assert ready["components"]["cpu"]["status"] == "healthy"
            scraped = get(url)
            assert re.search(r'embedding_requests_total\{device="cpu",kind="text",status="ok"\} 1\.0', scraped)
            assert 'embedding_health_status{component="service"} 1.0' in scraped
        finally:
            process.terminate()
        assert process.wait(timeout=30) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
def test_the_metrics_of_other_processes_are_added_up(tmp_path):
    script = "from hybrid_embeddings.observability.prometheus import PrometheusMetrics as M\n"
    script += "from hybrid_embeddings import events as ev\nM()(ev.BatchFailed('cpu', 'error', 1))"
    folder = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", script], env={**os.environ, **folder}, check=True)
    with start(**folder) as process:
        try:
            scraped = get(process.stdout.readline().strip())
        finally:
            process.terminate()
    assert 'embedding_batch_failures_total{device="cpu",reason="error"} 2.0' in scraped
