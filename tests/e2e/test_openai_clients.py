"""The clients that people have, pointed at a real server: openai, LangChain and LlamaIndex, with a real model."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from hybrid_embeddings import EmbeddingService, Settings
from rag_demo import settings as rag_settings
from rag_demo import wiring
from rag_demo.library import Library
from rag_demo.testing import WordEmbedder
from rag_demo.web import server
from tests.unit.rag_demo.dumps import SmallDump
from tests.web_server import running

openai = pytest.importorskip("openai")
KEY = "key-of-a-program"  # these clients send ASCII only
QUESTION = "Что считает Посчитать1_2?"
TEXTS = ["Курс валюты на дату", "Остатки товаров на складе", "the rate of a currency"]


@pytest.fixture(scope="module")
def service(model_cache):
    with EmbeddingService(settings=Settings(offline=True, cache_dir=model_cache)) as service:
        yield service


@pytest.fixture(scope="module")
def url(service, tmp_path_factory):
    folder = tmp_path_factory.mktemp("сервер")
    settings = rag_settings.Settings(
        data_dir=str(folder / "данные"), model="слова", api_keys=f"программа:{KEY}", answer_cache="off"
    )
    with pytest.MonkeyPatch.context() as patched, contextlib.closing(Library(settings)) as library:
        patched.setattr(wiring, "build_embedder", lambda *_: WordEmbedder())
        library.index(SmallDump(folder / "выгрузка").root, "дом", progress=lambda *_: None)
        with running(server.build(library, service, settings)) as address:
            yield f"{address}/v1"


@pytest.fixture(scope="module")
def vectors(service):
    """What the engine itself says."""
    return service.encode(TEXTS)


@pytest.fixture
def client(url):
    with openai.OpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def connection():
    """Adapters keep their connections for ever; these are closed."""
    with openai.DefaultHttpxClient() as made:
        yield made


@pytest.fixture
async def async_connection():
    async with openai.DefaultAsyncHttpxClient() as made:
        yield made


def near(found, expected) -> bool:
    return bool(np.allclose(np.asarray(found, np.float32), expected, atol=1e-3))


class TestOpenAi:
    def test_models(self, client, service):
        assert [model.id for model in client.models.list()] == ["rag-demo", "all-MiniLM-L6-v2"]
        assert client.models.retrieve("rag-demo").id == "rag-demo"
        with pytest.raises(openai.NotFoundError, match="rag-demo, all-MiniLM-L6-v2"):
            client.models.retrieve("gpt-4o")

    def test_embeddings_as_numbers_and_packed(self, client, vectors):
        for asked in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
            answer = client.embeddings.create(model="default", input=TEXTS, **asked)
            rows = [one.embedding for one in answer.data]
            if asked.get("encoding_format") == "base64":  # the client hands over what it asked for
                import base64

                rows = [np.frombuffer(base64.b64decode(row), "<f4") for row in rows]
            assert near(rows, vectors)
            assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0
            assert answer.model == "all-MiniLM-L6-v2"

    def test_fewer_dimensions(self, client, vectors):
        answer = client.embeddings.create(model="all-MiniLM-L6-v2", input=TEXTS[0], dimensions=64)
        cut = vectors[0, :64]
        assert near(answer.data[0].embedding, cut / np.linalg.norm(cut))

    def test_an_answer_with_its_sources_and_usage(self, client):
        answer = client.chat.completions.create(model="rag-demo", messages=[{"role": "user", "content": QUESTION}])
        assert "Посчитать1_2" in answer.choices[0].message.content
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
        assert answer.sources[0]["full_name"] == "CommonModule.Модуль1.Посчитать1_2"

    def test_a_stream_says_the_same(self, client):
        asked = {"model": "rag-demo", "messages": [{"role": "user", "content": QUESTION}]}
        whole = client.chat.completions.create(**asked)
        chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
        said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert said == whole.choices[0].message.content
        assert chunks[-1].usage == whole.usage
        assert [one.sources for one in chunks if getattr(one, "sources", None)] == [whole.sources]

    def test_our_own_field(self, client):
        answer = client.chat.completions.create(
            model="rag-demo",
            messages=[{"role": "user", "content": "Справочник0"}],
            extra_body={"rag": {"spaces": ["дом"], "doc_types": ["metadata_object"], "top_k": 1}},
        )
        assert [one["doc_type"] for one in answer.sources] == ["metadata_object"]

    def test_errors_are_those_of_the_client(self, client, url):
        with pytest.raises(openai.NotFoundError, match="all-MiniLM-L6-v2"):
            client.embeddings.create(model="text-embedding-3-small", input="x")
        with pytest.raises(openai.BadRequestError, match="384"):
            client.embeddings.create(model="default", input="x", dimensions=1000)
        with pytest.raises(openai.BadRequestError, match="question of the user"):
            client.chat.completions.create(model="rag-demo", messages=[{"role": "assistant", "content": "x"}])
        with openai.OpenAI(base_url=url, api_key="x" * 20) as stranger, pytest.raises(openai.AuthenticationError):
            stranger.models.list()

    async def test_the_asynchronous_client(self, url, vectors):
        async with openai.AsyncOpenAI(base_url=url, api_key=KEY) as client:
            answer = await client.embeddings.create(model="default", input=TEXTS)
            assert near([one.embedding for one in answer.data], vectors)
            stream = await client.chat.completions.create(
                model="rag-demo", messages=[{"role": "user", "content": QUESTION}], stream=True
            )
            assert "Посчитать1_2" in "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


class TestLangChain:
    @pytest.fixture
    async def chat(self, url, connection, async_connection):
        return pytest.importorskip("langchain_openai").ChatOpenAI(
            base_url=url,
            api_key=KEY,
            model="rag-demo",
            max_retries=0,
            stream_usage=True,
            http_client=connection,
            http_async_client=async_connection,
        )

    def test_an_answer_with_usage(self, chat):
        answer = chat.invoke(QUESTION)
        assert "Посчитать1_2" in answer.text
        assert answer.usage_metadata["total_tokens"] > answer.usage_metadata["input_tokens"] > 0

    def test_a_conversation(self, chat):
        said = [("system", "Отвечай стихами."), ("human", QUESTION), ("ai", chat.invoke(QUESTION).text)]
        assert "Посчитать1_2" in chat.invoke([*said, ("human", "А какие у неё параметры?")]).text

    def test_a_stream_says_the_same(self, chat):
        chunks = list(chat.stream(QUESTION))
        whole = sum(chunks[1:], chunks[0])
        assert whole.text == chat.invoke(QUESTION).text
        assert whole.usage_metadata["output_tokens"] > 0

    async def test_from_an_event_loop(self, chat):
        assert "".join([chunk.text async for chunk in chat.astream(QUESTION)]) == chat.invoke(QUESTION).text

    def test_vectors(self, url, vectors, connection):
        embeddings = pytest.importorskip("langchain_openai").OpenAIEmbeddings(
            base_url=url, api_key=KEY, model="default", check_embedding_ctx_length=False, http_client=connection
        )
        assert near(embeddings.embed_documents(TEXTS), vectors)
        assert near(embeddings.embed_query(TEXTS[0]), vectors[0])

    def test_token_ids_of_another_model_are_refused_with_the_way_out(self, client):
        # What OpenAIEmbeddings sends by default: ids of OpenAI's tokenizer, which mean other words here.
        with pytest.raises(openai.BadRequestError, match="check_embedding_ctx_length=False"):
            client.embeddings.create(model="default", input=[[9370, 380], [15339]])


class TestLlamaIndex:
    @pytest.fixture
    async def chat(self, url, connection, async_connection):
        base = pytest.importorskip("llama_index.llms.openai").OpenAI
        from llama_index.core.llms import LLMMetadata

        class Ours(base):
            # Their OpenAILike says the same, but is not there for transformers 5; OpenAI itself knows its own names.
            metadata = property(lambda _: LLMMetadata(model_name="rag-demo", is_chat_model=True))

        return Ours(
            model="rag-demo",
            api_base=url,
            api_key=KEY,
            max_retries=0,
            http_client=connection,
            async_http_client=async_connection,
        )

    def test_an_answer_and_its_stream(self, chat):
        from llama_index.core.llms import ChatMessage

        whole = chat.chat([ChatMessage(role="user", content=QUESTION)])
        assert "Посчитать1_2" in whole.message.content
        assert whole.additional_kwargs["total_tokens"] > 0
        *_, last = chat.stream_chat([ChatMessage(role="user", content=QUESTION)])
        assert last.message.content == whole.message.content
        assert "Посчитать1_2" in str(chat.complete(QUESTION))

    async def test_from_an_event_loop(self, chat):
        assert "Посчитать1_2" in (await chat.acomplete(QUESTION)).text

    def test_vectors(self, url, vectors, connection):
        like = pytest.importorskip("llama_index.embeddings.openai_like").OpenAILikeEmbedding
        embeddings = like(
            model_name="all-MiniLM-L6-v2", api_base=url, api_key=KEY, max_retries=0, http_client=connection
        )
        assert near(embeddings.get_text_embedding_batch(TEXTS), vectors)
        assert near(embeddings.get_query_embedding(TEXTS[0]), vectors[0])
