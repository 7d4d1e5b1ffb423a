"""A server on fastmcp 4: `fastmcp_server.py stdio | http PORT | sse PORT`."""

import sys

from fastmcp import Context, FastMCP

server = FastMCP("live-fastmcp", instructions="Adds and counts.")


@server.tool(annotations={"readOnlyHint": True})
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool(annotations={"readOnlyHint": True})
async def count(ctx: Context, upto: int) -> str:
    """Counts, and tells each step."""
    for step in range(1, upto + 1):
        await ctx.report_progress(progress=step, total=upto)
    return f"counted to {upto}"


@server.tool(annotations={"readOnlyHint": True})
def fall() -> str:
    """Fails."""
    raise ValueError("the floor was wet")


@server.resource("live://greeting")
def greeting() -> str:
    """A greeting."""
    return "hello from fastmcp"


@server.prompt
def haiku(topic: str) -> str:
    """Asks for a haiku."""
    return f"Write a haiku about {topic}."


match sys.argv[1:]:
    case ["stdio"]:
        server.run(transport="stdio", show_banner=False)
    case ["http" | "sse" as transport, port]:
        server.run(transport=transport, host="127.0.0.1", port=int(port), show_banner=False)
    case _:
        sys.exit(__doc__)
