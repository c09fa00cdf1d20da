"""Tools for agents by the Model Context Protocol. The only file that imports ``mcp``."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from starlette.types import ASGIApp

from hybrid_embeddings import HybridEmbeddingsError
from rag_demo.chat.checking.citations import amended, doubts
from rag_demo.chat.language import is_russian
from rag_demo.chat.stream import Done
from rag_demo.errors import RagDemoError
from rag_demo.index.ports import Where
from rag_demo.web.failures import said_of
from rag_demo.web.site import NOTHING, Site, Usage

_MOST_RESULTS = 10
_MOST_LETTERS = 4_000  # of one passage: an agent's window is dear
_MOST_OF = {"members": 100, "methods": 60, "used_as_type_by": 30, "movers": 60, "movements": 60, "subsystems": 30}
_INSTRUCTIONS = (
    "Knows one or several 1C:Enterprise configurations: metadata objects, their attributes with types, methods of "
    "modules with comments and code, forms, help. Names are Russian; ask in Russian or English. Every result names "
    "its file and lines. Search first, then read the object or method."
)
SpacesOf = Callable[[], Sequence[str]]
Tool = TypeVar("Tool", bound=Callable[..., Awaitable[Any]])


def build_tools(site: Site, spaces_of: SpacesOf, *, version: str) -> MCPServer:
    """Return a server with the tools.

    Args:
        site: searches and answers.
        spaces_of: the spaces that the caller of this moment may see.
        version: of the package.
    """
    server = MCPServer("rag-demo", instructions=_INSTRUCTIONS, version=version, log_level="WARNING")
    spaces = _some(spaces_of)

    @server.tool()
    @_told
    async def search_configuration(question: str, limit: int = 5) -> list[dict[str, Any]]:
        """Find methods, objects, forms and help pages for a question or a few words. Best first, with citations."""
        where = Where(tuple(spaces()))
        found = await site.search(question, where=where, limit=max(1, min(limit, _MOST_RESULTS)))
        return [
            {
                "name": hit.document.full_name,
                "what": hit.document.header,
                "citation": _citation(hit.document.path, hit.document.line_start, hit.document.line_end),
                "text": _shortened(hit.document.doc or hit.document.text, 600),
            }
            for hit in found.hits
        ]

    @server.tool()
    @_told
    async def get_object(name: str) -> dict[str, Any]:
        """Everything about a metadata object: attributes with types, tabular sections, movements, methods.

        ``name`` in any form: «Справочник.Валюты», «Catalog.Валюты», «Валюты».
        """
        found = await site.describe(name, spaces())
        if found is None:
            return {"error": f"There is no object {name!r}. Use search_configuration to find its name."}
        return _brief(found.model_dump(exclude_defaults=True))

    @server.tool()
    @_told
    async def get_method(name: str) -> list[dict[str, Any]]:
        """Signature, comment and code of a method: «РаботаСКурсамиВалют.ПолучитьКурсВалюты», or its last part."""
        found = await site.methods(name, spaces())
        if not found:
            return [{"error": f"There is no method {name!r}. Use search_configuration to find its name."}]
        return [
            {
                "name": fact.full_name,
                "signature": fact.signature,
                "export": fact.export,
                "description": fact.doc.description,
                "citation": _citation(fact.origin.path, fact.origin.line_start, fact.origin.line_end),
                "code": _shortened(document.text, _MOST_LETTERS) if document is not None else "",
            }
            for fact, document in found[:_MOST_RESULTS]
        ]

    @server.tool()
    @_told
    async def find_usages(name: str, limit: int = 20) -> list[dict[str, Any]]:
        """Lines of code that mention a method, an object or an attribute, but for its own declaration."""
        found = await site.usages(name, spaces(), limit=max(1, min(limit, 50)))
        return [_usage(usage) for usage in found] or [{"note": f"No line of code mentions {name!r}."}]

    @server.tool()
    @_told
    async def ask(question: str) -> dict[str, Any]:
        """Answer a question about the configuration, with numbered sources.

        ``doubts`` are the sentences that their source does not bear out: do not rely on them.
        """
        async with site.chat(question, where=Where(tuple(spaces())), top_k=5) as events:
            async for event in events:
                if isinstance(event, Done):
                    answer = event.answer
                    return {
                        "answer": amended(answer.text, answer.marks),
                        "doubts": doubts(answer.text, answer.marks, russian=is_russian(question)).splitlines(),
                        "refused": answer.refused,
                        "sources": [
                            f"[{one.n}] {one.hit.document.full_name} · "
                            + _citation(one.hit.document.path, one.hit.document.line_start, one.hit.document.line_end)
                            for one in answer.sources
                        ],
                    }
        return {"error": "The answer ended before it was complete. Ask again."}

    return server


def _told(tool: Tool) -> Tool:
    """The same tool; what it raises on purpose is told to the agent in its words."""

    @functools.wraps(tool)
    async def telling(*arguments: Any, **named: Any) -> Any:
        try:
            return await tool(*arguments, **named)
        except (RagDemoError, HybridEmbeddingsError) as error:
            raise ToolError(said_of(error)) from error

    return telling  # type: ignore[return-value]  # it takes and gives what the tool does


def _some(spaces_of: SpacesOf) -> SpacesOf:
    """The same, told in words where there is none."""

    def spaces() -> Sequence[str]:
        if found := spaces_of():
            return found
        raise ToolError(NOTHING)

    return spaces


def http_app(server: MCPServer) -> tuple[ASGIApp, Callable[[], contextlib.AbstractAsyncContextManager[None]]]:
    """Return the streamable HTTP application, to be mounted, and what must run while it is used.

    Host, origin and keys are checked by the guard of the application that it is mounted in.
    """
    from mcp.server.transport_security import TransportSecuritySettings

    open_to_guard = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = server.streamable_http_app(
        streamable_http_path="/", stateless_http=True, json_response=True, transport_security=open_to_guard
    )

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with app.router.lifespan_context(app):
            yield

    return app, running


def _brief(found: dict[str, Any]) -> dict[str, Any]:
    """The same with short lists; what is left out is counted."""
    left_out = {name: len(value) - most for name, most in _MOST_OF.items() if len(value := found[name]) > most}
    shown = {name: value[: _MOST_OF[name]] if name in _MOST_OF else value for name, value in found.items()}
    shown["methods"] = [
        {"name": one["full_name"], "signature": one["signature"], "line": one["line_start"]} for one in shown["methods"]
    ]
    return {**shown, "left_out": left_out} if left_out else shown


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "in": usage.document.full_name,
        "citation": _citation(usage.document.path, usage.line, usage.line),
        "line": _shortened(usage.text, 300),
    }


def _citation(path: str, first: int, last: int) -> str:
    return f"{path}:{first}" if first == last else f"{path}:{first}-{last}"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} …"
