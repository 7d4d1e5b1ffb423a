"""The WebSocket server of the Python SDK 1.30: `ws_server.py PORT` serves ws://127.0.0.1:PORT/ws."""

import sys

import uvicorn
from mcp.server.fastmcp import FastMCP
from mcp.server.websocket import websocket_server
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

server = FastMCP("live-ws")


@server.tool()
def shout(words: str) -> str:
    """Says it louder."""
    return words.upper()


async def serve(websocket):
    async with websocket_server(websocket.scope, websocket.receive, websocket.send) as (read, write):
        low = server._mcp_server
        await low.run(read, write, low.create_initialization_options())


uvicorn.run(Starlette(routes=[WebSocketRoute("/ws", serve)]), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
