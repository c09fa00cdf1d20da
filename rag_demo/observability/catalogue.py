"""Every metric of the chat once, in the form of those of the engine; the reference page shows both as one table."""

from __future__ import annotations

from hybrid_embeddings.observability.catalogue import LABELS as ENGINE_LABELS
from hybrid_embeddings.observability.catalogue import Metric, counter, gauge, histogram

_OF_NEAR = ENGINE_LABELS["outcome"]
LABELS: dict[str, str] = {
    **ENGINE_LABELS,
    "outcome": f"of a question: answered, refused, cached, failed, cancelled; of near-duplicates: {_OF_NEAR}",
    "stage": (
        "stand_alone, cache, retrieve (of which lexical, dense, exact, fusion, rerank, fetch), pack, generate, check, "
        "answer"
    ),
    "error": "names of the error classes of the package",
    "result": (
        "of a search: evidence, none; of the answer cache: exact, similar, miss; "
        "of a cross-encoder: done, timeout, failed; of an index: built, updated, unchanged, failed"
    ),
    "leg": "parts of a search that can be missing: dense, lexical, rerank",
    "backend": "ollama, vllm, tgi; none: no server answered",
    "timings": "server, client: whose clock measured",
    "finish": "stop, length, other, failed",
    "problem": "what a marked sentence bears: the problems of the check of citations",
    "change": "added, changed, removed",
    "doc_type": "the sorts of documents",
    "route": "templates of the routes of the server, other",
    "code": "status codes of HTTP",
}

# From what an answer out of a cache takes to LLM_TIMEOUT.
_ANSWER_S = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 240.0)
_STAGE_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0)
_UPDATE_S = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)
_TOKENS = (128, 256, 512, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 16384, 32768)
_SPEEDS = (1, 2, 5, 10, 15, 20, 25, 30, 40, 60, 80, 120, 200)
_EVIDENCE = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5)
_FEW = (0, 1, 2, 3, 4, 5, 6, 8, 10, 20)
_AGES_S = (60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)

QUESTIONS = (
    counter("rag_questions_total", "questions", "Questions, by how they ended.", "outcome"),
    counter("rag_errors_total", "questions", "Questions that failed, by the class of the error.", "error"),
    histogram("rag_question_seconds", "seconds", "From question to end of answer.", "outcome", buckets=_ANSWER_S),
    histogram("rag_first_word_seconds", "seconds", "From question to the first word of a model.", buckets=_ANSWER_S),
    histogram("rag_stage_seconds", "seconds", "Parts of a question.", "stage", buckets=_STAGE_S),
    counter("rag_http_requests_total", "requests", "Requests over HTTP.", "route", "code"),
    histogram("rag_http_seconds", "seconds", "From request to the last byte.", "route", buckets=_ANSWER_S),
)
RETRIEVAL = (
    counter("rag_retrieval_total", "searches", "Searches for a question, by whether they found evidence.", "result"),
    histogram("rag_retrieval_hits", "documents", "Documents that a search found.", buckets=_FEW),
    histogram("rag_retrieval_evidence", "strength", "Evidence of the best hit; 1 is enough.", buckets=_EVIDENCE),
    counter("rag_rerank_total", "searches", "Searches that a cross-encoder was asked to put in order.", "result"),
    histogram("rag_rerank_seconds", "seconds", "Time of the cross-encoder.", buckets=_STAGE_S),
    counter("rag_retrieval_degraded_total", "searches", "Searches without one of their parts.", "leg"),
    histogram("rag_context_tokens", "tokens", "Rules, conversation, question and sources.", buckets=_TOKENS),
    histogram("rag_context_sources", "sources", "Sources in a context.", buckets=_FEW),
    counter("rag_context_compressed_total", "sources", "Sources that were shortened to fit."),
    counter("rag_context_suspicious_lines_total", "lines", "Lines of sources that give orders."),
    counter("rag_checked_sentences_total", "sentences", "Sentences of models that were checked."),
    counter("rag_marked_sentences_total", "sentences", "Sentences that their sources do not bear out."),
    counter("rag_claim_problems_total", "sentences", "The same by what is wrong.", "problem"),
    counter("rag_answer_cache_lookups_total", "questions", "Looks into the answer cache.", "result"),
    histogram("rag_answer_cache_age_seconds", "seconds", "Age of answers that were given again.", buckets=_AGES_S),
)
LLM = (
    counter("rag_llm_answers_total", "answers", "Answers of language models.", "backend", "finish"),
    counter("rag_llm_failures_total", "answers", "Servers that gave no answer.", "backend", "error"),
    counter("rag_llm_retries_total", "attempts", "Attempts that failed before one that answered.", "backend"),
    gauge("rag_llm_breaker_state", "state", "0 closed, 1 half open, 2 open.", "backend"),
    histogram("rag_llm_prefill_seconds", "seconds", "Reading the prompt.", "backend", "timings", buckets=_ANSWER_S),
    histogram("rag_llm_decode_seconds", "seconds", "Writing the answer.", "backend", "timings", buckets=_ANSWER_S),
    histogram("rag_llm_first_token_seconds", "seconds", "Request to first token.", "backend", buckets=_ANSWER_S),
    histogram("rag_llm_slot_wait_seconds", "seconds", "Wait for LLM_MAX_CONCURRENCY.", "backend", buckets=_STAGE_S),
    histogram("rag_llm_queue_seconds", "seconds", "Wait in the server.", "backend", buckets=_STAGE_S),
    histogram("rag_llm_load_seconds", "seconds", "Loading the model in the server.", "backend", buckets=_STAGE_S),
    histogram("rag_llm_tokens_per_second", "tokens / s", "Speed of decoding.", "backend", "timings", buckets=_SPEEDS),
    counter("rag_llm_prompt_tokens_total", "tokens", "Tokens of prompts.", "backend"),
    counter("rag_llm_cached_prompt_tokens_total", "tokens", "Those that the server had read before.", "backend"),
    counter("rag_llm_completion_tokens_total", "tokens", "Tokens of answers.", "backend"),
)
INDEX = (
    gauge("rag_index_spaces", "spaces", "Spaces that can be asked."),
    gauge("rag_index_documents", "documents", "Documents of all spaces.", "doc_type"),
    gauge("rag_index_unread_files", "files", "Files that could not be read."),
    gauge("rag_index_bytes", "bytes", "All indexes on disk."),
    gauge("rag_index_generations", "folders", "Generations on disk; one for each space is in use."),
    gauge("rag_index_age_seconds", "seconds", "Since the space that was not updated for longest was updated."),
    counter("rag_index_updates_total", "updates", "Updates of an index, by result.", "result"),
    counter("rag_index_changes_total", "documents", "Documents that updates added, changed or removed.", "change"),
    histogram("rag_index_update_seconds", "seconds", "Time of an update.", "result", buckets=_UPDATE_S),
    histogram("rag_index_lag_seconds", "seconds", "From the last change of a file to its answer.", buckets=_UPDATE_S),
)
METRICS: tuple[Metric, ...] = (*QUESTIONS, *RETRIEVAL, *LLM, *INDEX)
