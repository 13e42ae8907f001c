"""Runs cells in kernels of a Jupyter server, and prints a line when the output of each has arrived.

Each line of standard input is a JSON object: the "url" of the server with its token, the "kernel" to start by its name, or
the "id" of one that is running, and "within", the number of seconds after which to give up. While nothing answers, it tries again.
"""

import json
import sys
import time
import urllib.error
import urllib.request
import uuid
from typing import Any, Dict
from urllib.parse import parse_qs, urlsplit

import websocket


def kernel_id(base: str, token: str, name: str) -> str:
    request = urllib.request.Request(
        f"http://{base}/api/kernels",
        json.dumps({"name": name}).encode(),
        {"Authorization": f"token {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return str(json.load(response)["id"])


def execute_request() -> Dict[str, Any]:
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "session": uuid.uuid4().hex,
        "username": "",
        "version": "5.3",
    }
    content = {"code": "print('the output')", "silent": False}
    return {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content}


def await_output(base: str, token: str, kernel: str, timeout: float) -> None:
    channels = f"ws://{base}/api/kernels/{kernel}/channels?token={token}"
    connection = websocket.create_connection(channels, timeout=timeout)
    request = execute_request()
    connection.send(json.dumps(request))
    while True:
        message = json.loads(connection.recv())
        is_own = message["parent_header"].get("msg_id") == request["header"]["msg_id"]
        if is_own and message["header"]["msg_type"] == "stream":
            connection.close()
            return


def run(url: str, within: float, kernel: str = "", id: str = "") -> str:
    address = urlsplit(url)
    [token] = parse_qs(address.query)["token"]
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            id = id or kernel_id(address.netloc, token, kernel)
            await_output(address.netloc, token, id, deadline - time.monotonic())
            return id
        except urllib.error.HTTPError:
            return ""  # No kernel starts.
        except (OSError, websocket.WebSocketException):
            time.sleep(0.02)
    return ""


print("ready", flush=True)
for line in sys.stdin:
    print(run(**json.loads(line)), flush=True)
