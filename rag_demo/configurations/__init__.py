"""The bundled demo configuration: a small trading company written in 1C:Enterprise.

Three places are of interest to a caller; everything else is built from
``trade/description`` and ``trade/modules`` by ``python -m rag_demo.configurations.build``.
"""

from pathlib import Path

_TRADE = Path(__file__).resolve().parent / "trade"


def bundled() -> Path:
    """Directory of the Designer XML dump of the trading company."""
    return _TRADE / "designer"


def bundled_extension() -> Path:
    """Directory of the Designer XML dump of its extension."""
    return _TRADE / "extension"


def golden_path() -> Path:
    """The file of questions with their known answers."""
    return _TRADE / "golden.yaml"
