#!/usr/bin/env python3
"""Plays systemd for one service: sd_notify(3), a store of descriptors, sd_listen_fds(3).

    service_manager.py NOTIFY_SOCKET WATCHDOG_USEC COMMAND...

Reads orders from stdin (start, term, kill), prints what happens, one line each:
    pid N, READY, STATUS text, WATCHDOG, STARVED, STOPPING, FDSTORE name, FDSTOREREMOVE name, gave name..., exit status
STARVED: no WATCHDOG for its time, once, where systemd would restart the service.
Ends at the end of stdin; the service is ended with it.
"""
import os
import selectors
import signal
import socket
import sys
import time

notify_path, watchdog_usec, command = sys.argv[1], sys.argv[2], sys.argv[3:]
store = []  # (name, descriptor)
child = 0
fed = None  # when the watchdog was fed last; None: it is not running


def say(*words):
    print(*words, flush=True)


def keep_extra():
    """A descriptor of something that the service does not know (any more)."""
    store.append(("nobody", os.dup(0)))


def start():
    global child
    child = os.fork()
    if child:
        say("pid", child)
        if store:
            say("gave", *[name for name, _ in store])
        return
    high = [os.dup2(fd, 100 + i, inheritable=True) for i, (_, fd) in enumerate(store)]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i, inheritable=True)
    os.closerange(3 + len(high), 1024)
    env = dict(os.environ, NOTIFY_SOCKET=notify_path, WATCHDOG_USEC=watchdog_usec)
    if store:
        env |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(store)),
                "LISTEN_FDNAMES": ":".join(name for name, _ in store)}
    os.execvpe(command[0], command, env)


def reap():
    global child, fed
    status = os.waitpid(child, 0)[1]
    child = 0
    fed = None
    say("exit", os.waitstatus_to_exitcode(status))


def tun_of(fd):
    with open(f"/proc/self/fdinfo/{fd}") as info:
        return [line for line in info if line.startswith("iff:")]


def keep(name, fd):
    """As systemd does: what is stored already is not stored twice (there by kcmp(2))."""
    if any(n == name and tun_of(fd) and tun_of(old) == tun_of(fd) for n, old in store):
        os.close(fd)
    else:
        store.append((name, fd))


def forget(name):
    for n, fd in store:
        if n == name:
            os.close(fd)
    store[:] = [(n, fd) for n, fd in store if n != name]


def watch(starts):
    """What is left of the watchdog's time; starts: it is fed now."""
    global fed
    if starts:
        fed = time.monotonic()
    if fed is None:
        return None
    left = fed + int(watchdog_usec) / 1e6 - time.monotonic()
    if left > 0:
        return left
    say("STARVED")
    fed = None
    return None


def on_notify(sock):
    data, fds, _, _ = socket.recv_fds(sock, 4096, 4)
    pairs = dict(line.split("=", 1) for line in data.decode().split("\n"))
    name = pairs.get("FDNAME", "")
    if "FDSTORE" in pairs:
        keep(name, fds[0])
        say("FDSTORE", name)
    elif "FDSTOREREMOVE" in pairs:
        forget(name)
        say("FDSTOREREMOVE", name)
    for key in ("READY", "STOPPING", "WATCHDOG"):
        if key in pairs:
            say(key)
    if "READY" in pairs or "WATCHDOG" in pairs:
        watch(True)
    if "STATUS" in pairs:
        say("STATUS", pairs["STATUS"])


def on_order(order):
    if order == "start":
        start()
    elif order == "extra":
        keep_extra()
    elif order == "term":
        os.kill(child, signal.SIGTERM)
    elif order == "kill":
        os.kill(child, signal.SIGKILL)


def main():
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(notify_path)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, lambda *_: os.write(wake_write, b"c"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    events = selectors.DefaultSelector()
    events.register(sock, selectors.EVENT_READ)
    events.register(wake_read, selectors.EVENT_READ)
    events.register(0, selectors.EVENT_READ)
    pending = b""
    try:
        while True:
            for key, _ in events.select(watch(False)):
                if key.fileobj is sock:
                    on_notify(sock)
                elif key.fd == wake_read:
                    os.read(wake_read, 64)
                    reap()
                else:
                    data = os.read(0, 4096)
                    if not data:
                        return
                    *lines, pending = (pending + data).split(b"\n")
                    for line in lines:
                        on_order(line.decode())
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if child:
            os.kill(child, signal.SIGKILL)


main()
