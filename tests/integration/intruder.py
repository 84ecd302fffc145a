"""What a workload tries that wants more than its own: run by workload_boundary.py inside a VM, as an ordinary deployment.

Its one argument is JSON: [[KIND, NAME, SUBJECT]…]. Each attempt prints `KIND NAME allowed` or `KIND NAME refused`. Every kind
is tried on something of its own first, under the name `own`, where it must be allowed: otherwise a refusal would say nothing.
Needs nothing but Python's standard library: its text is the deployment's command line."""

import ctypes
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE, SYS_PIDFD_OPEN, SYS_PIDFD_GETFD, CAPABILITY_FD = 0x4206, 434, 438, 3


def system_call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def memory(pid):
    open(f"/proc/{pid}/mem", "rb").close()


def environment(pid):
    assert open(f"/proc/{pid}/environ", "rb").read()


def descriptors(pid):
    assert os.listdir(f"/proc/{pid}/fd")


def work_folder(pid):
    os.listdir(f"/proc/{pid}/cwd")


def trace(pid):
    system_call(libc.ptrace(PTRACE_SEIZE, int(pid), None, None))


def capability(pid):
    """A copy of any of the descriptors that the other process may have inherited, as pidfd_getfd(2) hands it out."""
    handle = system_call(libc.syscall(SYS_PIDFD_OPEN, int(pid), 0))
    for descriptor in range(CAPABILITY_FD + 20, CAPABILITY_FD, -1):
        if libc.syscall(SYS_PIDFD_GETFD, handle, descriptor, 0) >= 0:
            return
    system_call(libc.syscall(SYS_PIDFD_GETFD, handle, CAPABILITY_FD, 0))


def signal(pid):
    os.kill(int(pid), 0)


def read(path):
    open(path, "rb").close()


def write(path):
    open(path, "r+b").close()


def create(folder):
    open(os.path.join(folder, "planted"), "xb").close()


def listing(folder):
    os.listdir(folder)


def connect(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)


def attempt(kind, name, subject):
    try:
        globals()[kind](subject)
        print(kind, name, "allowed", flush=True)
    except (OSError, AssertionError) as why:
        print(kind, name, "refused", getattr(why, "strerror", why), flush=True)


def own_things():
    """One subject of each kind that belongs to this workload: a child of its own, files and a socket in its folder."""
    here = os.getcwd()
    with open("mine", "wb"):
        pass
    # Before anything else takes that number.
    os.dup2(os.open(os.devnull, os.O_RDONLY), CAPABILITY_FD)
    child = subprocess.Popen([shutil.which("sleep"), "1000"], pass_fds=[CAPABILITY_FD]).pid
    # Popen returns as soon as exec closes its pipe; the kernel puts the environment in place a moment later.
    while not pathlib.Path(f"/proc/{child}/environ").read_bytes():
        time.sleep(0.001)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("mine.sock")
    listener.listen()
    processes = {kind: child for kind in ("memory", "environment", "descriptors", "work_folder", "signal", "capability", "trace")}
    files = {"read": here + "/mine", "write": here + "/mine", "create": here, "listing": here, "connect": here + "/mine.sock"}
    return {**processes, **files}, listener


own, listener = own_things()
for kind, subject in own.items():
    attempt(kind, "own", subject)
for kind, name, subject in json.loads(sys.argv[1]):
    attempt(kind, name, subject)
print("variables", *sorted(os.environ), flush=True)
print("done", flush=True)
