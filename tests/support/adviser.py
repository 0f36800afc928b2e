"""A server that gives second opinions as the text tells it to: OpenAI's `/moderations`, and a guard model's chat.

    python -m tests.support.adviser        (prints its port, then serves)

    "bad" in the text        flagged for violence           "help" in it     flagged for self-harm
    "hang"  never an answer      "slow"  a byte every 0.2 s      "fail"  500      "garbage"  what is no JSON
    "mojibake"  what is no UTF-8
    "huge"  a body that does not end      "odd"  JSON of another shape      anything else    clean
GET /asked tells the texts it was asked about.
"""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

asked: list[str] = []
LAST_S = 30.0


class Talk(BaseHTTPRequestHandler):
    """One question."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(200, json.dumps(asked).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_chat = self.path.endswith("/chat/completions")
        text = body["messages"][-1]["content"] if is_chat else body["input"]
        asked.append(text)
        if "hang" in text:
            # Asked to hang: longer than anybody waits for it.
            time.sleep(LAST_S)
        elif "slow" in text:
            self._slowly(json.dumps(_opinion(text, is_chat=is_chat)).encode())
        elif "fail" in text:
            self._answer(500, b'{"error": {"message": "scripted"}}')
        elif "garbage" in text:
            self._answer(200, b"<html>It works!</html>")
        elif "mojibake" in text:
            self._answer(200, b'{"results": [{"flagged": "\xff"}]}')
        elif "huge" in text:
            self._answer(200, b'{"results": [' + b" " * 3_000_000)
        elif "odd" in text:
            self._answer(200, b'{"results": [{"flagged": "maybe"}], "choices": []}')
        else:
            self._answer(200, json.dumps(_opinion(text, is_chat=is_chat)).encode())

    def _slowly(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        for at in range(len(data)):
            self.wfile.write(data[at : at + 1])
            self.wfile.flush()
            # Asked to be slow: each byte in time, the whole too late.
            time.sleep(0.2)

    def _answer(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _opinion(text: str, *, is_chat: bool) -> dict[str, object]:
    found = {"violence": "bad" in text, "self-harm/intent": "help" in text}
    flagged = any(found.values())
    if is_chat:
        codes = ",".join(code for code, name in (("S1", "violence"), ("S11", "self-harm/intent")) if found[name])
        said = f"\n\nunsafe\n{codes}" if flagged else "safe"
        return {"choices": [{"message": {"role": "assistant", "content": said}}]}
    return {"id": "modr-1", "model": "scripted", "results": [{"flagged": flagged, "categories": found}]}


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Talk)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
