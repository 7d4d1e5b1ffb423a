"""An MCP server over standard input and output whose tools misbehave on request. Answers the old handshake only."""
import json
import os
import signal
import subprocess
import sys
import time

SLEEPER = "import signal,time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\ntime.sleep(600)"


# Calls that are answered only when the next one comes, whatever was cancelled.
LATE = []


def write(raw):
    sys.stdout.buffer.write(raw)
    sys.stdout.buffer.flush()


def send(message):
    write(json.dumps(message).encode() + b"\n")


def reply(ident, text):
    send({"jsonrpc": "2.0", "id": ident, "result": {"content": [{"type": "text", "text": text}]}})


def brood(how):
    """Starts a process that ignores TERM, at a distance, and says its id."""
    if how == "child":
        return [subprocess.Popen([sys.executable, "-c", SLEEPER]).pid]
    if how == "quiet child":
        nothing = subprocess.DEVNULL
        return [subprocess.Popen([sys.executable, "-c", SLEEPER], stdin=nothing, stdout=nothing, stderr=nothing).pid]
    if how == "setsid":
        return [subprocess.Popen([sys.executable, "-c", SLEEPER], start_new_session=True).pid]
    # A daemon: its parent ends at once, so that it belongs to whoever adopts orphans.
    starter = "import subprocess,sys\nn = subprocess.DEVNULL\np = subprocess.Popen([sys.executable, '-c', %r], stdin=n, stdout=n, stderr=n, start_new_session=True)\nprint(p.pid)" % SLEEPER
    return [int(subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True, check=True).stdout)]


def call(ident, name, args):
    if name == "echo":
        while LATE:
            reply(LATE.pop(), "far too late")
        reply(ident, args.get("text", ""))
    elif name == "env":
        reply(ident, json.dumps(dict(os.environ)))
    elif name == "cwd":
        reply(ident, os.getcwd())
    elif name == "exit":
        sys.stderr.write("these are my last words\n")
        sys.stderr.flush()
        if args["how"] == "mid-message":
            write(b'{"jsonrpc":"2.0","id":%d,"resu' % ident)
            os._exit(0)
        if args["how"] == "after-reply":
            reply(ident, "bye")
            os._exit(3)
        if args["how"] == "segv":
            os.kill(os.getpid(), signal.SIGSEGV)
        os._exit(int(args["how"]))
    elif name == "noise":
        for nth in range(args["lines"]):
            write(b"npm warn \x1b[31mnumber %d\x1b[0m\n" % nth)
        write(b"\n\r\n\xef\xbb\xbf")
        write(json.dumps({"jsonrpc": "2.0", "id": ident, "result": {"content": [{"type": "text", "text": "still here"}]}}).encode() + b"\r\n")
    elif name == "stderr":
        piece = (b"x" * 65535 + b"\n") if args.get("lines") else b"\x1b[31mx" * 10922
        left = args["bytes"]
        while left > 0:
            left -= os.write(2, piece)
        os.write(2, b"the end of stderr\n")
        reply(ident, "said")
    elif name == "raw":
        write(args["text"].encode("latin-1").replace(b"@ID@", str(ident).encode()))
    elif name == "long":
        write(b'{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"' % ident)
        for _ in range(args["mib"]):
            write(b"x" * (1 << 20))
        write(b'"}]}}\n')
    elif name == "deaf":
        reply(ident, "I am not listening any more")
        time.sleep(600)
    elif name == "brood":
        reply(ident, json.dumps(brood(args["how"])))
    elif name == "forks":
        for _ in range(args["number"]):
            if os.fork() == 0:
                os.setsid()
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                time.sleep(600)
                os._exit(0)
        reply(ident, "forked")
    elif name == "bomb":
        # Every process forks, as fast as it can; each gives up after a while, in case nobody stops it.
        end = time.time() + 60
        while time.time() < end:
            try:
                os.fork()
            except OSError:
                time.sleep(0.01)
        os._exit(0)
    elif name == "allocate":
        try:
            block = bytearray(args["mib"] << 20)
            for at in range(0, len(block), 4096):
                block[at] = 1
            reply(ident, "allocated %d" % len(block))
            time.sleep(600)
        except MemoryError:
            reply(ident, "no memory")
    elif name == "files":
        files = []
        try:
            for _ in range(args["number"]):
                files.append(open("/dev/null", "rb"))
            reply(ident, "all open")
        except OSError as fault:
            reply(ident, "%d: %s" % (len(files), fault.strerror))
    elif name == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
        reply(ident, "went on")
    elif name == "close-output":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.close(1)
        time.sleep(600)
    elif name == "hang":
        pass
    elif name == "get-name":
        schema = {"type": "object", "properties": {"name": {"type": "string", "title": "Your name"}}, "required": ["name"]}
        send({"jsonrpc": "2.0", "id": "asked", "method": "elicitation/create", "params": {"message": "Who are you?", "requestedSchema": schema}})
        while True:
            answer = json.loads(sys.stdin.buffer.readline())
            if answer.get("id") == "asked":
                return reply(ident, json.dumps(answer["result"], sort_keys=True))
    elif name == "late":
        LATE.append(ident)
    else:
        send({"jsonrpc": "2.0", "id": ident, "error": {"code": -32602, "message": "Unknown tool: " + name}})


def main():
    stubborn = "stubborn" in sys.argv
    if stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "dead" in sys.argv:
        sys.stderr.write("cannot find the database\n")
        sys.exit(7)
    while True:
        line = sys.stdin.buffer.readline()
        if not line:
            if stubborn:
                time.sleep(600)
            return
        message = json.loads(line)
        ident = message.get("id")
        method = message.get("method")
        if method == "initialize":
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "misbehave", "version": "1"}}
            send({"jsonrpc": "2.0", "id": ident, "result": result})
        elif method == "ping":
            send({"jsonrpc": "2.0", "id": ident, "result": {}})
        elif method == "tools/list":
            send({"jsonrpc": "2.0", "id": ident, "result": {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in ("echo", "late", "get-name")]}})
        elif method == "tools/call":
            call(ident, message["params"]["name"], message["params"].get("arguments") or {})
        elif ident is not None:
            send({"jsonrpc": "2.0", "id": ident, "error": {"code": -32601, "message": "no such method"}})


main()
