#!/usr/bin/env python3
"""Stops one thread of a process, as nothing but a debugger can: SIGSTOP, even by tgkill(2), stops all of them.

    stop_thread.py TID

Prints STOPPED when it stands still; it goes on at the end of stdin, or of this process.
"""
import ctypes
import os
import sys

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000  # __WALL: a thread is waited for like a child

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, tid):
    if libc.ptrace(request, tid, None, None) < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace: {os.strerror(error)}")


tid = int(sys.argv[1])
ptrace(PTRACE_SEIZE, tid)
ptrace(PTRACE_INTERRUPT, tid)
os.waitpid(tid, WALL)
print("STOPPED", flush=True)
sys.stdin.read()
ptrace(PTRACE_DETACH, tid)
