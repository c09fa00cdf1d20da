"""What is installed, against what is supported. The only file that imports ``packaging``."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterator

from hybrid_embeddings.diagnosis.findings import Finding
from hybrid_embeddings.settings import Settings

_DISTRIBUTION = "hybrid-embeddings"


def python_and_versions(settings: Settings) -> Iterator[Finding]:
    """Say what runs, and which installed library is outside of the range that was tried."""
    del settings
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    try:
        required = importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        yield Finding("versions", "hint", f"{_DISTRIBUTION} runs from a folder, not from an installation")
        return
    outside = list(_outside(required))
    for found, wanted in outside:
        yield Finding("versions", "warning", f"{found} is installed, {wanted} is supported", f'pip install "{wanted}"')
    if not outside:
        version = importlib.metadata.version(_DISTRIBUTION)
        yield Finding("versions", "ok", f"{_DISTRIBUTION} {version}; all libraries are in the supported ranges")


def _outside(required: list[str]) -> Iterator[tuple[str, str]]:
    from packaging.requirements import Requirement

    for line in required:
        requirement = Requirement(line)
        if requirement.marker and "sys_platform" in str(requirement.marker) and not requirement.marker.evaluate():
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            continue  # an extra that nobody asked for
        if not requirement.specifier.contains(version, prereleases=True):
            yield f"{requirement.name} {version}", f"{requirement.name}{requirement.specifier}"
