"""Questions, their stages, search, language models, indexes."""

from __future__ import annotations

from boards.panel import Panel, quantile, quantiles, rate, share


def _mean(histogram: str, by: str = "") -> str:
    return f"{rate(f'{histogram}_sum', by)} / {rate(f'{histogram}_count', by)}"


PANELS = (
    Panel("Questions per second", ((rate("rag_questions_total", "outcome"), "{{outcome}}"),), "ops"),
    Panel("Time of an answer", quantiles("rag_question_seconds", '{outcome=~"answered|refused"}'), "s"),
    Panel("Time to the first word", quantiles("rag_first_word_seconds"), "s"),
    Panel("Stages, p95", ((quantile(0.95, "rag_stage_seconds", "stage"), "{{stage}}"),), "s"),
    Panel("Errors per second", ((rate("rag_errors_total", "error"), "{{error}}"),), "ops"),
    Panel(
        "Share of questions refused",
        ((share("rag_questions_total", "rag_questions_total", part_where='{outcome="refused"}'), "refused"),),
        "percentunit",
        meaning="Refused: nothing that was found speaks of the question.",
    ),
    Panel(
        "Retrieval hit rate",
        ((share("rag_retrieval_total", "rag_retrieval_total", part_where='{result="evidence"}'), "with evidence"),),
        "percentunit",
        meaning="Share of searches that found evidence for an answer.",
    ),
    Panel("Evidence of the best hit", quantiles("rag_retrieval_evidence"), meaning="1 is enough for an answer."),
    Panel("Documents found, p50", ((quantile(0.5, "rag_retrieval_hits"), "documents"),)),
    Panel(
        "Search, what was missing",
        (
            (rate("rag_retrieval_degraded_total", "leg"), "{{leg}} missing"),
            (rate("rag_rerank_total", "result"), "rerank {{result}}"),
        ),
        "ops",
    ),
    Panel("Cross-encoder", quantiles("rag_rerank_seconds"), "s"),
    Panel("Context, tokens", quantiles("rag_context_tokens")),
    Panel("Sources in a context, p50", ((quantile(0.5, "rag_context_sources"), "sources"),)),
    Panel(
        "Sources shortened, lines with orders",
        (
            (rate("rag_context_compressed_total"), "sources shortened"),
            (rate("rag_context_suspicious_lines_total"), "lines with orders"),
        ),
        "ops",
    ),
    Panel(
        "Share of sentences marked",
        ((share("rag_marked_sentences_total", "rag_checked_sentences_total"), "marked"),),
        "percentunit",
        meaning="Sentences of a language model that their sources do not bear out.",
    ),
    Panel("What is wrong with them", ((rate("rag_claim_problems_total", "problem"), "{{problem}}"),), "ops"),
    Panel(
        "Answer cache, share of hits",
        (
            (
                share(
                    "rag_answer_cache_lookups_total",
                    "rag_answer_cache_lookups_total",
                    part_where='{result=~"exact|similar"}',
                ),
                "hits",
            ),
        ),
        "percentunit",
    ),
    Panel("Age of answers given again", quantiles("rag_answer_cache_age_seconds"), "s"),
    Panel("Prefill, p95", ((quantile(0.95, "rag_llm_prefill_seconds", "backend"), "{{backend}}"),), "s"),
    Panel("Decode, p95", ((quantile(0.95, "rag_llm_decode_seconds", "backend"), "{{backend}}"),), "s"),
    Panel("Tokens per second", ((_mean("rag_llm_tokens_per_second", "backend"), "{{backend}}"),)),
    Panel("First token, p95", ((quantile(0.95, "rag_llm_first_token_seconds", "backend"), "{{backend}}"),), "s"),
    Panel(
        "Waiting, p95",
        (
            (quantile(0.95, "rag_llm_slot_wait_seconds", "backend"), "{{backend}} for a slot"),
            (quantile(0.95, "rag_llm_queue_seconds", "backend"), "{{backend}} in the server"),
            (quantile(0.95, "rag_llm_load_seconds", "backend"), "{{backend}} for the model to load"),
        ),
        "s",
    ),
    Panel(
        "Tokens of language models",
        (
            (rate("rag_llm_prompt_tokens_total", "backend"), "{{backend}} prompt"),
            (rate("rag_llm_cached_prompt_tokens_total", "backend"), "{{backend}} prompt, known before"),
            (rate("rag_llm_completion_tokens_total", "backend"), "{{backend}} answer"),
        ),
        "ops",
    ),
    Panel("Answers of models", ((rate("rag_llm_answers_total", "backend, finish"), "{{backend}} {{finish}}"),), "ops"),
    Panel(
        "Failures of models",
        (
            (rate("rag_llm_failures_total", "backend, error"), "{{backend}} {{error}}"),
            (rate("rag_llm_retries_total", "backend"), "{{backend}} tried again"),
        ),
        "ops",
    ),
    Panel(
        "Breakers of models",
        (("max by (backend) (rag_llm_breaker_state)", "{{backend}}"),),
        meaning="0 closed, 1 half open, 2 open.",
    ),
    Panel("Documents in the indexes", (("max by (doc_type) (rag_index_documents)", "{{doc_type}}"),)),
    Panel("Indexes on disk", (("max (rag_index_bytes)", "bytes"),), "bytes"),
    Panel(
        "Spaces and generations",
        (
            ("max (rag_index_spaces)", "spaces"),
            ("max (rag_index_generations)", "generations"),
            ("max (rag_index_unread_files)", "files that could not be read"),
        ),
    ),
    Panel("Updates", ((rate("rag_index_updates_total", "result"), "{{result}}"),), "ops"),
    Panel("Documents changed", ((rate("rag_index_changes_total", "change"), "{{change}}"),), "ops"),
    Panel("Time of an update, p95", ((quantile(0.95, "rag_index_update_seconds", "result"), "{{result}}"),), "s"),
    Panel(
        "Delay of changes",
        (*quantiles("rag_index_lag_seconds"), ("max (rag_index_age_seconds)", "since the last update")),
        "s",
        meaning="From the last change of a file to the answers that show it.",
    ),
    Panel("HTTP requests per second", ((rate("rag_http_requests_total", "route, code"), "{{route}} {{code}}"),), "ops"),
    Panel("HTTP, p95", ((quantile(0.95, "rag_http_seconds", "route"), "{{route}}"),), "s"),
)
