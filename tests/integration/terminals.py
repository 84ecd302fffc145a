#!/usr/bin/env python3
"""Commands and terminals in running workloads: ddctl exec, ddctl shell in a real terminal, the WebSocket as wire-level clients use it, and
many at once. Usage: terminals.py TOOLS_FOLDER"""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from fleet import Fleet, command_line, descendants, main, wait_for
from web_socket import BINARY, CLOSE, TEXT, Refused, WebSocket

MANY = 100

tools = Path(sys.argv[1]).resolve()
fleet = Fleet(tools)
fleet.ctl("deploy", "-", text=json.dumps({"app_name": "home", "cmd": ["sleep", "3600"], "env": ["COLOUR=blue"]}))


def run(*arguments):
    return subprocess.run([tools / "ddctl", *arguments], env=fleet.environment, capture_output=True, text=True, timeout=90)


def uid_of(app):
    return next(row["uid"] for row in fleet.ctl_json("ps") if row["app_name"] == app)


def exec_passes_streams_and_status():
    done = run("exec", "--app", "home", "--", "sh", "-c", "echo $COLOUR; id -u; echo err >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, f"blue\n{uid_of('home')}\n", "err\n"), done
    assert run("exec", "--", "sh", "-c", "kill -9 $$").returncode == 137
    done = run("exec", "--", "sh", "-c", "id -u; pwd; ls -A")
    uid, folder = done.stdout.split()
    assert int(uid) not in (0, uid_of("home")) and folder.startswith(str(fleet.home)), done


def exec_says_what_it_could_not_do():
    done = run("exec", "--timeout", "1", "--", "sleep", "60")
    assert done.returncode == 125 and "1s" in done.stderr, done
    wait_for("the command is gone", lambda: not fleet.processes("sleep 60"))
    for arguments in (["--app", "nobody", "--", "true"], ["--app", "dd-agent", "--", "true"], ["--", "no-such-program"]):
        done = run("exec", *arguments)
        assert done.returncode == 125 and done.stderr.startswith("ddctl: cannot"), done


def exec_ends_with_its_caller():
    for app, arguments in (("home", ["--app", "home"]), ("", [])):
        process = subprocess.Popen([tools / "ddctl", "exec", "--timeout", "3600", *arguments, "--", "sleep", "4711"], env=fleet.environment)
        wait_for("the command runs", lambda: fleet.processes("sleep 4711"))
        listed = fleet.ctl_json("ps", "--commands")
        assert [(row["type"], row["app_name"], row["cmd"], row["privileged"]) for row in listed] == [("exec", app, ["sleep", "4711"], False)], listed
        assert "sleep 4711" in fleet.ctl("ps", "--commands", "--agent", "vm-1")
        process.kill()
        process.wait()
        wait_for("the command is gone", lambda: not fleet.processes("sleep 4711"))
        wait_for("it is listed no more", lambda: not fleet.ctl_json("ps", "--commands"))


class Shell:
    """`ddctl shell` in a terminal of its own."""

    def __init__(self, app):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.mode = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen([tools / "ddctl", "shell", app], env=fleet.environment, stdin=self.slave, stdout=self.slave,
                                        stderr=self.slave, start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def read_until(self, wanted):
        said = ""
        while wanted not in said:
            said += os.read(self.master, 65536).decode(errors="replace")
        return said

    def resize(self, rows, cols):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def end(self):
        """The exit status, once the terminal is seen to be as it was."""
        status = self.process.wait(60)
        assert termios.tcgetattr(self.slave) == self.mode, "the terminal's mode is another"
        assert not fcntl.fcntl(self.slave, fcntl.F_GETFL) & os.O_NONBLOCK, "the terminal is non-blocking"
        os.close(self.master)
        os.close(self.slave)
        return status


def shell_is_a_terminal():
    shell = Shell("home")
    shell.type("stty size; echo $((6*7)) $COLOUR\r")
    said = shell.read_until("42 blue")
    assert "30 100" in said, said
    shell.resize(50, 132)
    shell.type("while [ \"$(stty size)\" != '50 132' ]; do sleep 0.05; done; echo resi''zed\r")
    shell.read_until("resized")
    shell.type("sleep 1000; echo sta''tus $?\r")
    wait_for("the command runs", lambda: fleet.processes("sleep 1000"))
    shell.type("\x03")
    shell.read_until("^C")
    shell.type("exit 7\r")
    assert shell.end() == 7


def shell_gives_the_terminal_back():
    shell = Shell("home")
    shell.type("echo rea''dy\r")
    shell.read_until("ready")
    shell.process.send_signal(signal.SIGTERM)
    assert shell.end() == 128 + signal.SIGTERM
    wait_for("the remote shell is gone", lambda: not shells())
    assert Shell("nobody").end() == 125


def shell_reads_a_pipe():
    done = subprocess.run([tools / "ddctl", "shell", "home"], env=fleet.environment, input="echo $COLOUR-$((1+1)); exit 5\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 5 and "blue-2" in done.stdout, done
    done = subprocess.run([tools / "ddctl", "shell", "home"], env=fleet.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done


def shells():
    return [pid for pid in descendants(fleet.runtime_of("vm-1")) if command_line(pid).strip() in ("/bin/sh", "sh")]


def terminal(app="home", query="", headers=None):
    """As a client without libdd opens it."""
    headers = {"Authorization": f"Bearer {fleet.credential}"} if headers is None else headers
    return WebSocket(fleet.about["edge_url"], f"{fleet.agent_url()}/ws/session/{app}{query}", headers)


def ticket(app="home"):
    status, answer = fleet.as_owner("POST", f"{fleet.agent_url()}/session/{app}/ticket", "")
    assert status == 200 and answer["expires_in"] == 30, answer
    return answer["ticket"]


def messages_are_those_of_the_page():
    socket = terminal(query="?cols=91&rows=17")
    banner = socket.message()
    assert banner == {"type": "banner", "vm_name": "vm-1", "attestation": "tdx-simulated"}, banner
    socket.type("stty size\r")
    socket.read_until("17 91")
    socket.send(TEXT, b'{"type":"resize","cols":70,"rows":20}')
    socket.send(TEXT, b'{"type":"of a later version"}')
    socket.type("stty size\r")
    socket.read_until("20 70")
    socket.type("exit 9\r")
    last = []
    while not last or last[-1][0] != CLOSE:
        last.append(socket.receive())
    assert json.loads(next(payload for opcode, payload in last if opcode == TEXT)) == {"type": "exit", "exit_code": 9}, last
    assert last[-1][1][:2] == struct.pack(">H", 1000), last
    absent = terminal("nobody")
    assert absent.message()["type"] == "banner"
    assert absent.message()["type"] == "error"
    assert absent.receive()[0] == CLOSE


def refused(status, *arguments, **named):
    try:
        terminal(*arguments, **named).close()
    except Refused as answer:
        assert answer.args == (status,), (answer, arguments, named)
        return
    raise AssertionError(f"a terminal opened: {arguments} {named}")


def tickets_are_for_one_terminal():
    once = ticket()
    socket = terminal(query="?ticket=" + once, headers={})
    assert socket.message()["type"] == "banner"
    refused(401, query="?ticket=" + once, headers={})
    refused(401, query="?ticket=" + ticket("other"), headers={})
    refused(401, query="?ticket=wrong")  # a good credential does not mend it
    refused(401, headers={})
    refused(403, headers={"Authorization": f"Bearer {fleet.credential}", "Origin": "https://evil.example"})
    socket.close()


def resident(tool):
    """KiB of a tool of vm-1."""
    root = fleet.runtime_of("vm-1")
    pid = root if tool == "dd-enclave" else next(p for p in descendants(root) if Path(command_line(p).split(" ")[0]).name == tool)
    return next(int(line.split()[1]) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))


def written(pid):
    return next(int(line.split()[1]) for line in Path(f"/proc/{pid}/io").read_text().splitlines() if line.startswith("wchar:"))


def stalls(pid):
    """Waits until the process writes no more, for its reader stands still."""
    seen = [-1]
    def same():
        before, seen[0] = seen[0], written(pid)
        time.sleep(0.3)
        return before == seen[0] and before > 0
    wait_for("a writer that waits", same)
    return seen[0]


def many_at_once():
    before = {tool: resident(tool) for tool in ("dd-agent", "dd-enclave")}
    sockets = [terminal() for _ in range(MANY)]
    for socket in sockets:
        assert socket.message()["type"] == "banner"
    for number, socket in enumerate(sockets):
        socket.type(f"echo $(({number}+1000))\r")
    for number, socket in enumerate(sockets):
        socket.read_until(str(number + 1000) + "\r\n")
    opened = {tool: resident(tool) for tool in before}
    sockets[0].type("yes $((999999*999999))\r")
    flood = wait_for("the flood", lambda: [p for p in fleet.processes("yes 999998000001")])[0]
    amount = stalls(flood)
    for number, socket in list(enumerate(sockets))[1:]:
        socket.type(f"echo $(({number}+2000))\r")
        socket.read_until(str(number + 2000) + "\r\n")
    assert written(flood) == amount, "the stalled one was read"
    stalled = {tool: resident(tool) for tool in before}
    print(f"# KiB before, with {MANY} terminals, with one stalled at {amount} bytes: " +
          ", ".join(f"{tool} {before[tool]} {opened[tool]} {stalled[tool]}" for tool in before), flush=True)
    for socket in sockets:
        socket.close()
    wait_for("all shells are gone", lambda: not shells() and not fleet.processes("yes 999998000001"))
    if "ASAN_OPTIONS" in os.environ:
        return  # a sanitizer keeps what is freed
    for tool in before:
        assert opened[tool] - before[tool] < MANY * 128, (tool, before, opened)
        assert stalled[tool] - opened[tool] < 4096, (tool, opened, stalled)


try:
    main([
        ("ddctl exec passes streams and status, as the workload's user", exec_passes_streams_and_status),
        ("ddctl exec says what it could not do, with 125", exec_says_what_it_could_not_do),
        ("a command ends with its caller, and is listed until then", exec_ends_with_its_caller),
        ("ddctl shell is a terminal: keys, size, interrupt, status", shell_is_a_terminal),
        ("ddctl shell gives the terminal back when it is killed or refused", shell_gives_the_terminal_back),
        ("ddctl shell reads a pipe to its end", shell_reads_a_pipe),
        ("the messages of a terminal are those of the protocol", messages_are_those_of_the_page),
        ("a ticket opens one terminal of one workload", tickets_are_for_one_terminal),
        ("100 terminals at once, one of them stalled, cost bounded memory", many_at_once),
    ])
finally:
    fleet.stop()
