"""sentence-transformers itself: the reference for every number. The only file that imports it.

It is loaded when a model is seen for the first time, and by lanes that run on torch. A prepared model that
runs on OpenVINO needs neither this file nor torch.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_embeddings.errors import ModelCorrupted, ModelUnsupported
from hybrid_embeddings.types import Kind, ModelCard, Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_TRANSFORMER_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_DAMAGE = {"SafetensorError", "JSONDecodeError", "FileNotFoundError", "UnicodeDecodeError", "EOFError"}
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")


def load(directory: Path, device: str = "cpu") -> SentenceTransformer:
    """Load a model in float32. Code from the model's directory is never run, pickles are never read.

    Raises:
        ModelUnsupported: sentence-transformers cannot load it under these rules; says why.
    """
    from sentence_transformers import SentenceTransformer

    try:
        _refuse_own_code(directory)
        with quiet_loading():
            model = SentenceTransformer(
                str(directory),
                device=device,
                trust_remote_code=False,
                local_files_only=True,
                # Half-precision checkpoints would load in half precision, which no CPU is fast with.
                model_kwargs={"use_safetensors": True, "dtype": "float32"},
            )
    except Exception as error:
        if type(error).__name__ in _DAMAGE:
            raise ModelCorrupted(f"{directory}: a file is damaged or missing: {error}; get the model again") from error
        raise ModelUnsupported(
            f"{directory}: sentence-transformers cannot load this model without running its own code "
            f"or reading pickles: {type(error).__name__}: {error}"
        ) from error
    _check_vocabulary(directory, model)
    return model.eval()


def _refuse_own_code(directory: Path) -> None:
    """Refuse modules whose code lies in the folder, or in another one on the hub: sentence-transformers 5 runs it."""
    file = directory / "modules.json"
    for module in json.loads(file.read_text(encoding="utf-8")) if file.is_file() else ():
        package = module["type"].partition(".")[0]
        if "--" in module["type"] or (directory / package).exists() or (directory / f"{package}.py").exists():
            raise ValueError(f"the module {module['type']} of modules.json is code that comes with the model")


def _check_vocabulary(directory: Path, model: SentenceTransformer) -> None:
    """Refuse a model whose tokenizer is missing: transformers would make an empty one without a word."""
    embeddings = getattr(getattr(model[0], "auto_model", None), "get_input_embeddings", lambda: None)()
    tokenizer = getattr(model[0], "tokenizer", None)
    if embeddings is None or tokenizer is None:
        return
    n_rows, n_words = int(embeddings.weight.shape[0]), len(tokenizer)
    if 2 * n_words < n_rows:
        raise ModelCorrupted(
            f"{directory}: the tokenizer has {n_words} tokens, the model {n_rows}; "
            "tokenizer.json or the vocabulary is missing or damaged"
        )


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Hide progress bars, hints and self-deprecations of both libraries; afterwards all is as it was."""
    from transformers.utils import logging as transformers_logging

    logger = logging.getLogger("sentence_transformers")
    level = logger.level
    logger.setLevel(logging.ERROR)  # tracing looks at every attribute of a model, deprecated ones, too
    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", category=FutureWarning)
            warnings.simplefilter("ignore", category=DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()


def is_static(model: SentenceTransformer) -> bool:
    """Tell whether the model is a bag of token vectors."""
    return type(model[0]).__name__ == "StaticEmbedding"


def tokenizer_definition(model: SentenceTransformer) -> str:
    """Return the JSON text of the model's fast tokenizer.

    Raises:
        ModelUnsupported: the model has no such tokenizer (images, word lists, slow tokenizers).
    """
    tokenizer = getattr(model[0], "tokenizer", None)
    backend: Any = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not hasattr(backend, "to_str"):
        raise ModelUnsupported(
            f"the first module of the model is {type(model[0]).__name__} without a fast tokenizer; "
            "models with a Transformer or StaticEmbedding module are supported"
        )
    return str(backend.to_str())


def read_card(model: SentenceTransformer) -> ModelCard:
    """Collect what the engine has to know, by asking the loaded model rather than its files."""
    static = is_static(model)
    tokenizer = model[0].tokenizer
    prompts = _prompts(model)
    # A static model has no limit but the one its tokenizer may bring along.
    limit = (tokenizer.truncation or {}).get("max_length") if static else model.get_max_seq_length()
    pools_prompt = all(getattr(module, "include_prompt", True) for module in model)
    return ModelCard(
        dimension=int(reference_vectors(model, ["dimension"]).shape[1]),
        max_tokens=int(limit) if limit is not None and limit < 1 << 20 else None,
        normalizes=any(type(module).__name__ == "Normalize" for module in model),
        prompts=prompts,
        pad_id=0 if static else int(tokenizer.pad_token_id or 0),
        padding_side="right" if static else tokenizer.padding_side,
        input_names=() if static else _input_names(model),
        is_static=static,
        pools_prompt=pools_prompt,
        prompt_tokens={kind: 0 if pools_prompt else _prompt_tokens(model, text) for kind, text in prompts.items()},
        lowercases=bool(getattr(model[0], "do_lower_case", False)),
    )


def _prompts(model: SentenceTransformer) -> dict[Kind, str]:
    own: dict[str, str] = dict(model.prompts or {})
    default = own.get(model.default_prompt_name or "", "")
    document = next((own[name] for name in _DOCUMENT_PROMPTS if name in own), default)
    return {"text": default, "query": own.get("query", default), "document": document}


def _prompt_tokens(model: SentenceTransformer, prompt: str) -> int:
    """Count the tokens that pooling must leave out: the prompt with its leading but no closing special token."""
    if not prompt:
        return 0
    ids = list(model[0].tokenizer(prompt)["input_ids"])
    closing = {model[0].tokenizer.eos_token_id, model[0].tokenizer.sep_token_id}
    return len(ids) - (ids[-1] in closing)


def _input_names(model: SentenceTransformer) -> tuple[str, ...]:
    features = _features(model, ["text"])
    return tuple(name for name in _TRANSFORMER_INPUTS if name in features)


def _features(model: SentenceTransformer, texts: list[str]) -> dict[str, Any]:
    prepare = getattr(model, "preprocess", None) or model.tokenize  # sentence-transformers 6 and 5
    return dict(prepare(texts))


def reference_vectors(model: SentenceTransformer, texts: Sequence[str]) -> Vectors:
    """Embed texts without a prompt, as sentence-transformers does. float32, (n, dim)."""
    vectors = model.encode(list(texts), prompt="", batch_size=16, show_progress_bar=False)
    return np.ascontiguousarray(vectors, dtype=np.float32)


def static_weights(model: SentenceTransformer) -> Vectors:
    """Return the token vectors of a static model, shape (vocabulary, dim).

    Raises:
        ModelUnsupported: modules other than Normalize follow the token vectors.
    """
    extra = [type(module).__name__ for module in list(model)[1:] if type(module).__name__ != "Normalize"]
    if extra:
        raise ModelUnsupported(f"static models with {', '.join(extra)} after StaticEmbedding are not supported")
    return np.ascontiguousarray(model[0].embedding.weight.detach().float().cpu().numpy())


# Keywords of attention without padding: transformers hands them through to the attention function.
_FLAT_KEYWORDS = {"cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k", "seq_idx"}


def vocabulary_size(model: SentenceTransformer) -> int:
    """Return the number of token ids that the model knows."""
    return int(model[0].auto_model.get_input_embeddings().num_embeddings)


def attention(model: SentenceTransformer) -> str:
    """Return the name of the attention function in transformers' registry."""
    return str(model[0].auto_model.config._attn_implementation)  # noqa: SLF001 - there is no public name for it


def use_attention(model: SentenceTransformer, name: str) -> None:
    """Switch to another attention function of the registry."""
    with quiet_loading():
        model[0].auto_model.set_attn_implementation(name)


def use_flat_attention(model: SentenceTransformer, name: str, function: Callable[..., Any]) -> int:
    """Switch to an attention function for texts that lie one behind the other.

    The function joins transformers' registry under ``name``, which changes nothing for models that do not ask for
    it. Raises whatever transformers or sentence-transformers raise where they do not support this.

    Returns:
        The position id of the first token of a text: 0, or what the family of the model counts from.
    """
    from transformers import AttentionInterface

    AttentionInterface.register(name, function)
    use_attention(model, name)
    transformer = model[0]
    if transformer.model_forward_params is not None:
        transformer.model_forward_params |= _FLAT_KEYWORDS
    return _first_position(transformer.auto_model)


def _first_position(model: Any) -> int:
    """Return 0, or the position after the padding id for the RoBERTa family, which counts from there."""
    for module in model.modules():
        has_table = hasattr(getattr(module, "position_embeddings", None), "num_embeddings")
        if has_table and isinstance(getattr(module, "padding_idx", None), int):
            return int(module.padding_idx) + 1
    return 0
