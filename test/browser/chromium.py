#!/usr/bin/python3
"""Runs the browser that CHROMIUM names so that it notices no change of this machine's network.

    CHROMIUM=PROGRAM chromium.py [ARGUMENT...]

Other tests make and remove network interfaces at any time. At each, Chromium gives up the requests that wait for a free
connection (net::ERR_NETWORK_CHANGED), and a page shows an error. Without netlink(7) it learns of none: a filter of
seccomp(2) refuses such sockets.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

AF_NETLINK = 16
SOCKET = {"x86_64": 41, "aarch64": 198}
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
PR_SET_NO_NEW_PRIVS = 38
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EAFNOSUPPORT


def refuse_netlink(socket):
    """Makes socket(AF_NETLINK, ...) fail, in this process and in those that it starts."""
    program = b"".join(
        struct.pack("HBBI", *instruction)
        for instruction in [
            (LOAD, 0, 0, 0),  # the number of the system call
            (JUMP_IF_EQUAL, 0, 3, socket),
            (LOAD, 0, 0, 16),  # its first argument
            (JUMP_IF_EQUAL, 0, 1, AF_NETLINK),
            (RETURN, 0, 0, REFUSE),
            (RETURN, 0, 0, ALLOW),
        ]
    )
    kept = ctypes.create_string_buffer(program)
    filter_ = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(kept))
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(filter_), 0, 0)


if platform.machine() in SOCKET:
    refuse_netlink(SOCKET[platform.machine()])
program = os.environ["CHROMIUM"]
os.execv(program, [program, *sys.argv[1:]])
