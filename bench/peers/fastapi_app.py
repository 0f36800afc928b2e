"""The FastAPI peer: accept, start, relay each token at once. `PEER_CLIENT`: httpx or the openai SDK for the upstream.

Written as its documentation teaches and with the usual care: uvloop, httptools, orjson, one client for all streams,
each frame encoded once for all viewers. It has no accounts, no storage and no resume; it is the fastest honest form.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

UPSTREAM = os.environ["LLM_BASE_URL"]
MODEL = "bench"

app = FastAPI()
rooms: dict[str, set[WebSocket]] = defaultdict(set)
tasks: set[asyncio.Task[None]] = set()

Json = dict[str, Any]


def stream_with_httpx() -> Any:
    """A function from question to text deltas, over one pooled httpx client."""
    client = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None), trust_env=False)

    async def stream(question: str) -> AsyncIterator[str]:
        body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": question}]}
        async with client.stream("POST", f"{UPSTREAM}/chat/completions", json=body) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if not line.startswith("data: ") or line == "data: [DONE]":
                    continue
                text = orjson.loads(line[6:])["choices"][0]["delta"].get("content")
                if text:
                    yield text

    return stream


def stream_with_openai() -> Any:
    """The same over the openai SDK."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=UPSTREAM, api_key="none")

    async def stream(question: str) -> AsyncIterator[str]:
        messages: Any = [{"role": "user", "content": question}]
        async for chunk in await client.chat.completions.create(model=MODEL, messages=messages, stream=True):
            text = chunk.choices[0].delta.content
            if text:
                yield text

    return stream


stream = stream_with_openai() if os.environ.get("PEER_CLIENT") == "openai" else stream_with_httpx()


@app.websocket("/ws")
async def ws(socket: WebSocket) -> None:
    """One connection: hello, session.open, message.send, as far as the measurements need them."""
    await socket.accept()
    opened: set[str] = set()
    try:
        while True:
            command = orjson.loads(await socket.receive_text())
            result = handle(command, socket, opened)
            await socket.send_text(dump({"type": "ok", "id": command["id"], "result": result}))
    except WebSocketDisconnect:
        pass
    finally:
        for session_id in opened:
            rooms[session_id].discard(socket)


def handle(command: Json, socket: WebSocket, opened: set[str]) -> Json:
    """Does one command and returns its result."""
    if command["type"] == "hello":
        return {"protocol": 1}
    session_id = command.get("session_id") or str(uuid.uuid4())
    rooms[session_id].add(socket)
    opened.add(session_id)
    if command["type"] == "message.send":
        task = asyncio.create_task(relay(session_id, command["text"]))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    return {"session_id": session_id}


async def relay(session_id: str, question: str) -> None:
    """Streams one answer to everybody in the room."""
    run_id, message_id, at = str(uuid.uuid4()), str(uuid.uuid4()), 0
    async for text in stream(question):
        end = at + len(text.encode())
        delta = {
            "type": "run.delta",
            "session_id": session_id,
            "run_id": run_id,
            "message_id": message_id,
            "part": "text",
            "epoch": 1,
            "at": at,
            "end": end,
            "text": text,
        }
        at = end
        await publish(session_id, delta)
    await publish(session_id, {"type": "run.completed", "run_id": run_id, "ends": {"text": at}})


async def publish(session_id: str, event: Json) -> None:
    """Encodes once and sends to each viewer; one that is gone leaves the room."""
    frame = dump(event)
    for socket in tuple(rooms[session_id]):
        try:
            await socket.send_text(frame)
        except (WebSocketDisconnect, RuntimeError):
            rooms[session_id].discard(socket)


def dump(value: Json) -> str:
    """JSON text."""
    return orjson.dumps(value).decode()
