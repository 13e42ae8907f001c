"""The host's end of a tunnel that resumes: it keeps the connections to a server while the link to the user's machine is away.

    relay.py start RECORD SOCKET    listens on SOCKET, in the background, for the server whose record is in folder RECORD;
                                    does nothing if a relay listens there already. Ends 60 s after its server, or earlier where nobody uses it
    relay.py join SOCKET            gives its standard input and output to that relay, as a carrier

A carrier is any stream of bytes to the other end, the keeper: see src/session/frames.ts for the frames. A session outlives
its carriers: both ends count the bytes of numbered frames, keep what is not acknowledged, and write it again on the next
carrier. Needs Python 3.8 or later, and nothing else.
"""
import array
import collections
import errno
import fcntl
import json
import os
import resource
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from typing import Any, Callable, Deque, Dict, List, Optional, Set, Tuple, Union

VERSION = 1
HELLO, ACK, PING, OPEN, DATA, EOF, RESET, WINDOW, BYE = range(1, 10)
NEW, RESUMES, GONE = range(3)
HEAD = struct.Struct('>BII')
CRC = struct.Struct('>I')
HEADER = HEAD.size + CRC.size
GREETING = struct.Struct('>BB16sQQ')  # of HELLO: version, state, session, received, start
PIECE, TEXT = 64 << 10, 255
LENGTHS = {HELLO: (34, 34), ACK: (8, 8), PING: (8, 8), OPEN: (0, TEXT), DATA: (1, PIECE), EOF: (0, 0), RESET: (0, TEXT),
           WINDOW: (4, 4), BYE: (0, TEXT)}

FIRST, MOST, WINDOWS = 128 << 10, 4 << 20, 32 << 20  # a stream's window at first and at most; all of a session
NEAR, QUEUED = 256 << 10, 16 << 20  # read ahead of a stream while a carrier is there; of a session
KEPT, KEPT_FRAMES = 8 << 20, 16 << 10  # not acknowledged: more is not sent
WIRE, ACK_EVERY = 256 << 10, 256 << 10  # waits for a carrier; acknowledge after so many bytes, or a second
STREAMS, SESSIONS, LOOKUPS = 256, 16, 16
FILES, SPARE_FILES = 4096, 48  # descriptors; of these for carriers and files
SILENT_S, STEADY_S, ABSENT_S, IDLE_S, ENDED_S, LOCK_S = 60, 5, 24 * 3600, 3600, 60, 15 * 60
NOISE = 3  # consecutive carriers with noise that a session survives, less one
LOG = 256 << 10

Address = Union[str, Tuple[str, int]]
now = time.monotonic


class Noise(Exception):
    """Something else wrote into the carrier, which ends; its session does not."""


class Broken(Exception):
    """The other end breaks the protocol: the session ends."""


def log(*words: object) -> None:
    try:
        if os.fstat(2).st_size > LOG:
            os.ftruncate(2, 0)
        print(time.strftime('%Y-%m-%d %H:%M:%S'), *words, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        pass  # The disk is full.


def framed(kind: int, stream: int, payload: bytes = b'') -> bytes:
    head = HEAD.pack(kind, stream, len(payload))
    return head + CRC.pack(zlib.crc32(payload, zlib.crc32(head))) + payload


class Wire:
    """One or two descriptors that never block, and the bytes that wait to be written."""

    def __init__(self, poll: selectors.BaseSelector) -> None:
        self.poll = poll
        self.fds: Tuple[int, int] = (-1, -1)
        self.wanted = [False, False]
        self.out = bytearray()
        self.closed = False

    def use(self, reads: int, writes: int) -> None:
        self.fds = (reads, writes)
        for fd in self.fds:
            os.set_blocking(fd, False)

    def want(self, reading: Optional[bool] = None, writing: Optional[bool] = None) -> None:
        wanted = [self.wanted[0] if reading is None else reading, self.wanted[1] if writing is None else writing]
        if wanted == self.wanted or self.closed or self.fds[0] < 0:
            return
        before, after = self.masks(self.wanted), self.masks(wanted)
        self.wanted = wanted
        for fd in set(self.fds):
            if after[fd] == before[fd]:
                continue
            if not before[fd]:
                self.poll.register(fd, after[fd], self)
            elif after[fd]:
                self.poll.modify(fd, after[fd], self)
            else:
                self.poll.unregister(fd)

    def masks(self, wanted: List[bool]) -> Dict[int, int]:
        masks = dict.fromkeys(self.fds, 0)
        masks[self.fds[0]] |= selectors.EVENT_READ * wanted[0]
        masks[self.fds[1]] |= selectors.EVENT_WRITE * wanted[1]
        return masks

    def event(self, mask: int) -> None:
        if mask & selectors.EVENT_READ and self.wanted[0]:
            self.readable()
        if mask & selectors.EVENT_WRITE and self.wanted[1] and not self.closed:
            self.writable()

    def readable(self) -> None:
        raise NotImplementedError

    def writable(self) -> None:
        self.drain()

    def lost(self, why: str) -> None:
        raise NotImplementedError

    def put(self, data: bytes) -> None:
        self.out += data
        if not self.wanted[1]:
            self.drain()

    def drain(self) -> None:
        try:
            while self.out:
                with memoryview(self.out) as all_of_it, all_of_it[:WIRE] as first:
                    size = os.write(self.fds[1], first)
                del self.out[:size]
        except BlockingIOError:
            pass
        except OSError as error:
            return self.lost(error.strerror or 'lost')
        self.want(writing=bool(self.out))

    def close(self) -> None:
        if self.closed:
            return
        self.want(False, False)
        self.closed = True
        for fd in set(self.fds) - {-1}:
            os.close(fd)


class Stream(Wire):
    """One connection to the server, or to another target on the host."""

    def __init__(self, session: 'Session', number: int) -> None:
        super().__init__(session.relay.poll)
        self.session, self.number = session, number
        # Towards the keeper.
        self.credit, self.queue = FIRST, bytearray()
        self.end_frame: Optional[Tuple[int, bytes]] = None
        self.end_sent = False
        # From the keeper: the window, how much of it may still arrive, and how much has arrived without new credit.
        self.window, self.due, self.unreturned = FIRST, FIRST, 0
        self.eof = self.shut = self.connecting = False
        self.addresses: List[Address] = []
        self.verify: Callable[[], Optional[str]] = lambda: None
        session.windows += FIRST

    def connect(self, addresses: List[Address], why: str = 'the name is unknown') -> None:
        """Connects to the first address that accepts."""
        for index, address in enumerate(addresses):
            unix = isinstance(address, str)
            family = socket.AF_UNIX if unix else socket.AF_INET6 if ':' in address[0] else socket.AF_INET
            sock = None
            try:
                sock = socket.socket(family)
                sock.setblocking(False)
                if not unix:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                code = sock.connect_ex(address)
            except OSError as error:
                code = error.errno or errno.EINVAL
            except (ValueError, OverflowError):
                code = errno.EINVAL
            if not sock or code not in (0, errno.EINPROGRESS):
                why = os.strerror(code)
                if sock:
                    sock.close()
                continue
            self.addresses, self.connecting, self.sock = addresses[index + 1:], True, sock
            self.use(sock.fileno(), sock.fileno())
            sock.detach()
            return self.want(writing=True)
        self.lost(why)

    def connected(self) -> bool:
        code = borrowed(self.fds[1], lambda sock: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        why = os.strerror(code) if code else self.verify()
        if why is None:
            self.connecting = False
            self.breathe()
            return True
        self.want(False, False)
        os.close(self.fds[0])
        self.fds = (-1, -1)
        self.connect(self.addresses, why)
        return False

    def put(self, data: bytes) -> None:
        if self.connecting or self.fds[1] < 0:
            self.out += data
        else:
            super().put(data)

    def writable(self) -> None:
        if self.connecting and not self.connected():
            return
        self.drain()
        self.give()
        self.session.pump()

    def give(self) -> None:
        """Gives credit for what the target has taken. A stream that takes all of it gets a window four times as large."""
        if self.closed or self.connecting or self.fds[1] < 0:
            return
        taken = self.unreturned - len(self.out)
        if taken >= self.window // 4 and not self.eof:
            more = max(0, min(3 * taken, MOST - self.window, (WINDOWS - self.session.windows) // 2))
            self.session.windows += more
            self.window += more
            self.unreturned -= taken
            self.due += taken + more
            self.session.send(WINDOW, self.number, CRC.pack(taken + more))
        if self.eof and not self.out and not self.shut:
            self.shut = True
            try:
                borrowed(self.fds[1], lambda sock: sock.shutdown(socket.SHUT_WR))
            except OSError:
                pass
            self.over()

    def readable(self) -> None:
        try:
            data = os.read(self.fds[0], PIECE)
        except BlockingIOError:
            return
        except OSError as error:
            return self.lost(error.strerror or 'lost')
        if data:
            self.queue += data
            self.session.queued += len(data)
        else:
            self.end_frame = (EOF, b'')
        self.breathe()
        self.session.ready(self)

    def lost(self, why: str) -> None:
        """The target is gone. What it wrote before is sent first."""
        if self.end_sent:
            self.session.send(RESET, self.number, reason(why))
            self.end()
            return self.session.pump()
        if not self.end_frame:
            self.read_rest()
        self.end_frame = (RESET, reason(why))
        self.want(False, False)
        self.out.clear()
        self.session.ready(self)

    def read_rest(self) -> None:
        """Takes what has arrived from a target that takes no more: a write may fail before that is read."""
        try:
            while self.session.queued < QUEUED:
                data = os.read(self.fds[0], PIECE)
                if not data:
                    return
                self.queue += data
                self.session.queued += len(data)
        except OSError:
            pass  # That is all.

    def breathe(self) -> None:
        """Reads ahead more while no carrier is there. A stream may have half of what is left, and always one piece."""
        left = (QUEUED - self.session.queued) // 2
        room = max(PIECE, min(NEAR, left) if self.session.carrier else left)
        self.want(reading=not (len(self.queue) >= room or self.end_frame or self.connecting))

    def able(self) -> bool:
        return not self.end_sent and (self.credit > 0 if self.queue else self.end_frame is not None)

    def frame(self) -> bytes:
        """The next one to be sent."""
        if self.queue:
            size = min(PIECE, self.credit, len(self.queue))
            data = bytes(self.queue[:size])
            del self.queue[:size]
            self.credit -= size
            self.session.queued -= size
            self.breathe()
            return framed(DATA, self.number, data)
        self.end_sent = True
        kind, payload = self.end_frame or (EOF, b'')
        return framed(kind, self.number, payload)

    def take(self, data: bytes) -> None:
        self.due -= len(data)
        if self.due < 0 or self.eof:
            raise Broken('more data than the window')
        if self.end_frame and self.end_frame[0] == RESET:
            return
        self.unreturned += len(data)
        self.put(data)
        self.give()

    def over(self) -> None:
        if self.end_sent and (self.shut or self.end_frame and self.end_frame[0] == RESET):
            self.end()

    def end(self) -> None:
        if self.session.streams.pop(self.number, None):
            self.session.queued -= len(self.queue)
            self.session.windows -= self.window
        self.queue, self.end_sent = bytearray(), True
        self.close()


def borrowed(fd: int, use: Callable[[socket.socket], Any]) -> Any:
    """What `use` returns for the socket of a descriptor, which stays open. Takes no other descriptor: none may be left."""
    sock = socket.socket(fileno=fd)
    try:
        return use(sock)
    finally:
        sock.detach()


def reason(why: str) -> bytes:
    return why.encode('utf-8', 'replace')[:TEXT]


class Session:
    """What outlives a carrier."""

    def __init__(self, relay: 'Relay', name: bytes) -> None:
        self.relay, self.name = relay, name
        self.carrier: Optional[Carrier] = None
        self.absent_since = now()
        self.streams: Dict[int, Stream] = {}
        self.turn: Deque[Stream] = collections.deque()
        self.newest = self.windows = self.queued = self.noise = 0
        # kept: written, and not acknowledged. todo: not yet written, or to be written again.
        self.kept: Deque[bytes] = collections.deque()
        self.todo: Deque[bytes] = collections.deque()
        self.sent = self.highest = self.acked = self.received = self.told = 0

    def log(self, *words: object) -> None:
        log(self.name.hex()[:8], *words)

    def send(self, kind: int, stream: int, payload: bytes = b'') -> None:
        if len(self.kept) + len(self.todo) > 4 * KEPT_FRAMES:
            raise Broken('acknowledges nothing')
        self.todo.append(framed(kind, stream, payload))

    def ready(self, stream: Stream) -> None:
        if stream.able() and stream not in self.turn:
            self.turn.append(stream)
        self.pump()

    def pump(self) -> None:
        """Writes what the carrier takes: control frames and what is written again first, then of each stream in turn."""
        while self.carrier and len(self.carrier.out) < WIRE:
            if self.todo:
                frame = self.todo.popleft()
            elif self.turn and self.sent - self.acked < KEPT and len(self.kept) < KEPT_FRAMES:
                stream = self.turn.popleft()
                if not stream.able():
                    continue
                frame = stream.frame()
                if stream.able():
                    self.turn.append(stream)
                stream.over()
            else:
                break
            self.kept.append(frame)
            self.sent += len(frame)
            self.highest = max(self.highest, self.sent)
            self.carrier.put(frame)

    def acknowledged(self, number: int) -> None:
        if not self.acked <= number <= self.sent:
            raise Broken('acknowledges %d of %d to %d' % (number, self.acked, self.sent))
        while self.kept and self.acked + len(self.kept[0]) <= number:
            self.acked += len(self.kept.popleft())
        if self.acked != number:
            raise Broken('acknowledges a part of a frame')

    def attach(self, carrier: 'Carrier', number: int) -> None:
        """Continues on another carrier, from the bytes that the other end has received. The old one ends first.

        By the old one it may have acknowledged more than that meanwhile, or received more than was sent again.
        """
        if number > self.highest:
            raise Broken('received %d of %d' % (number, self.highest))
        self.todo.extendleft(reversed(self.kept))
        self.kept.clear()
        while self.todo and self.acked + len(self.todo[0]) <= number:
            self.acked += len(self.todo.popleft())
        if self.acked < number:
            raise Broken('received a part of a frame')
        old, self.carrier = self.carrier, None
        if old:
            old.session = None
            old.lost('taken over')
        self.log('carrier, writes', self.highest - self.acked, 'bytes again')
        self.sent, self.told, self.carrier = self.acked, self.received, carrier

    def detach(self) -> None:
        self.carrier, self.absent_since = None, now()
        for stream in self.streams.values():
            stream.breathe()

    def take(self, kind: int, number: int, payload: bytes) -> None:
        self.received += HEADER + len(payload)
        stream = self.streams.get(number)
        if kind == OPEN:
            self.open(number, payload)
        elif number > self.newest:
            raise Broken('stream %d was not opened' % number)
        elif not stream:
            pass  # It has ended here, which the other end did not know yet.
        elif kind == DATA:
            stream.take(payload)
        elif kind == EOF:
            stream.eof = True
            stream.give()
        elif kind == RESET:
            stream.end()
        elif kind == WINDOW:
            stream.credit += CRC.unpack(payload)[0]
            if stream.credit > 2 * MOST:
                raise Broken('the window is too large')
            self.ready(stream)

    def open(self, number: int, target: bytes) -> None:
        if number <= self.newest:
            raise Broken('opens stream %d again' % number)
        self.newest = number
        if len(self.streams) >= STREAMS or self.relay.is_full():
            return self.send(RESET, number, b'too many connections')
        stream = self.streams[number] = Stream(self, number)
        try:
            self.relay.reach(stream, target.decode())
        except (OSError, ValueError) as error:
            stream.lost(str(error))

    def end(self, why: str) -> None:
        self.log('ends:', why)
        self.relay.sessions.pop(self.name, None)
        carrier, self.carrier = self.carrier, None
        for stream in list(self.streams.values()):
            stream.end()
        if carrier and not carrier.closed:
            carrier.session = None
            carrier.put(framed(BYE, 0, reason(why)))
            carrier.lost(why)


class Carrier(Wire):
    """A connection to the keeper: an accepted one, or the two descriptors that `join` passes over it."""

    def __init__(self, relay: 'Relay', sock: socket.socket) -> None:
        super().__init__(relay.poll)
        self.relay, self.first = relay, True
        self.buffer = bytearray()
        self.session: Optional[Session] = None
        self.guard: Optional[Guard] = None
        self.since = self.heard = self.answered = now()
        self.owes = self.is_refused = False
        self.use(sock.fileno(), sock.fileno())
        sock.detach()
        relay.carriers.add(self)
        self.want(reading=True)

    def readable(self) -> None:
        try:
            data = self.read_first() if self.first else os.read(self.fds[0], 256 << 10)
        except BlockingIOError:
            return
        except OSError as error:
            return self.lost(error.strerror or 'lost')
        if data is None:
            return
        if not data:
            return self.lost('closed')
        self.heard = now()
        self.buffer += data
        self.parse()

    def read_first(self) -> Optional[bytes]:
        """The bytes, or None after two descriptors came instead: the carrier is these from now on."""
        self.first = False
        data, passed, _, _ = borrowed(self.fds[0], lambda sock: sock.recvmsg(PIECE, socket.CMSG_SPACE(8)))
        if passed:
            fds = array.array('i', passed[0][2])
            if len(fds) != 2:
                for fd in fds:
                    os.close(fd)
                raise OSError(errno.EPROTO, 'not two descriptors')
            self.want(False, False)
            self.guard = Guard(self, self.fds[0])
            self.use(fds[0], fds[1])
            self.want(reading=True)
        if data:
            # What a login shell has printed is before this line.
            self.put(b'\n@relay %d\n' % VERSION)
        return None if passed else data

    def parse(self) -> None:
        buffer, at = self.buffer, 0
        try:
            while len(buffer) - at >= HEADER and not self.closed:
                kind, number, length = HEAD.unpack_from(buffer, at)
                least, most = LENGTHS.get(kind, (1, 0))
                if not least <= length <= most:
                    raise Noise('kind %d with length %d' % (kind, length))
                if len(buffer) - at < HEADER + length:
                    break
                payload = bytes(buffer[at + HEADER:at + HEADER + length])
                if CRC.unpack_from(buffer, at + HEAD.size)[0] != zlib.crc32(payload, zlib.crc32(buffer[at:at + HEAD.size])):
                    raise Noise('checksum')
                at += HEADER + length
                self.take(kind, number, payload)
        except Noise as error:
            return self.noise(str(error))
        except Exception as error:  # Broken, or a fault of ours: no other session suffers.
            why = str(error) if isinstance(error, Broken) else repr(error)
            if self.session:
                self.session.end(why)
            return self.lost(why)
        del buffer[:at]
        if self.session:
            self.session.pump()

    def noise(self, why: str) -> None:
        session = self.session
        if session:
            session.noise = 1 if now() - self.since > STEADY_S else session.noise + 1
            if session.noise >= NOISE:
                return session.end('noise: %s' % why)
        self.lost('noise: %s' % why)

    def take(self, kind: int, number: int, payload: bytes) -> None:
        if kind == HELLO and not self.session:
            self.greet(*GREETING.unpack(payload))
        elif kind == HELLO or not self.session:
            raise Broken('frame %d at the wrong time' % kind)
        elif kind in (ACK, PING):
            self.session.acknowledged(struct.unpack('>Q', payload)[0])
            if kind == PING:
                self.acknowledge()
        elif kind == BYE:
            self.session.end('the other end has finished')
        else:
            session = self.session
            session.take(kind, number, payload)
            if session.received - session.told >= ACK_EVERY:
                self.acknowledge()

    def greet(self, version: int, state: int, name: bytes, received: int, _start: int) -> None:
        if version != VERSION or state not in (NEW, RESUMES):
            raise Broken('version %d, state %d' % (version, state))
        session = self.relay.sessions.get(name) or (self.relay.admit(name) if state == NEW else None)
        if not session:
            if self.is_refused:
                raise Broken('greets again and again')
            self.is_refused = True
            return self.put(framed(HELLO, 0, GREETING.pack(VERSION, GONE, name, 0, 0)))
        self.session, self.since = session, now()
        session.attach(self, received)
        self.put(framed(HELLO, 0, GREETING.pack(VERSION, state, name, session.received, session.acked)))

    def acknowledge(self) -> None:
        # One that asks and never reads gets one answer, later.
        self.owes = len(self.out) > 2 * WIRE
        if self.session and not self.owes:
            self.answered = now()
            self.session.told = self.session.received
            self.put(framed(ACK, 0, struct.pack('>Q', self.session.received)))

    def is_due(self) -> bool:
        """Whether to acknowledge within a second. Over a slow link, a frame takes longer: a part of it is a sign of life, too."""
        if self.session is None:
            return False
        is_amid = len(self.buffer) > 0 and self.heard > self.answered
        return self.owes or is_amid or self.session.received != self.session.told

    def writable(self) -> None:
        self.drain()
        if self.session:
            self.session.pump()

    def lost(self, why: str) -> None:
        if self.closed:
            return
        self.relay.carriers.discard(self)
        self.close()
        if self.guard:
            self.guard.close()
        if self.session:
            self.session.log('carrier lost:', why)
            self.session.detach()


class Guard(Wire):
    """The connection over which `join` passed its descriptors: its end is the end of the carrier."""

    def __init__(self, carrier: Carrier, fd: int) -> None:
        super().__init__(carrier.poll)
        self.carrier = carrier
        self.use(fd, fd)
        self.want(reading=True)

    def readable(self) -> None:
        self.lost('ssh has ended')

    def lost(self, why: str) -> None:
        self.carrier.lost(why)


class Server:
    """The server of a record, as it is now: it may have been restarted, or be gone."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.record: Dict[str, str] = {}

    def read(self) -> Dict[str, str]:
        """The lines of the record: the last with a key applies. Those of before if it cannot be read now, as on a network's disk."""
        try:
            with open(os.path.join(self.folder, 'record'), encoding='utf-8', errors='replace') as lines:
                self.record = dict(line.rstrip('\n').partition(' ')[::2] for line in lines)
        except (FileNotFoundError, NotADirectoryError):
            self.record = {}
        except OSError as error:
            log('cannot read the record:', error)
        return self.record

    def lives(self) -> bool:
        record = self.read()
        pid = record.get('pid', '')
        try:
            return pid.isdigit() and start_time(int(pid)) == record.get('start_time')
        except OSError as error:
            log('cannot look for the server:', error)
            return True

    def is_awaited(self) -> bool:
        """Whether a launch is in progress, which holds the lock of the record."""
        try:
            return time.time() - os.lstat(os.path.join(self.folder, 'lock')).st_mtime < LOCK_S
        except OSError:
            return False

    def address(self) -> Address:
        """Where it listens. Raises OSError or ValueError if its runtime file does not tell."""
        with open(os.path.join(self.folder, 'server.json'), encoding='utf-8') as file:
            info = json.load(file)
        if info.get('sock'):
            return str(info['sock'])
        ip = str(info.get('hostname') or '')
        host = '127.0.0.1' if ip in ('', '*', '0.0.0.0', 'localhost') else '::1' if ip == '::' else ip
        return (host, int(info['port']))

    def verify(self, address: Address) -> Optional[str]:
        """Why a connection to its port may lead to somebody else, if so. Nobody else can listen on its socket."""
        if isinstance(address, str):
            return None
        if not self.lives():
            return 'the server has ended'
        try:
            return 'another user has its port' if listeners(address) - {os.getuid()} else None
        except OSError as error:
            return 'cannot verify who has its port: %s' % error


def start_time(pid: int) -> Optional[str]:
    """When a process started, as in process.sh: field 22 of /proc/PID/stat, or the output of ps. None if it is gone.

    Raises OSError if it cannot be found out now.
    """
    try:
        with open('/proc/%d/stat' % pid, encoding='utf-8', errors='replace') as file:
            fields = file.read().rpartition(')')[2].split()
            return None if fields[0] == 'Z' else fields[19]
    except (FileNotFoundError, ProcessLookupError):
        if os.path.exists('/proc/self/stat'):
            return None
    ps = subprocess.run(['ps', '-o', 'stat=,lstart=', '-p', str(pid)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                        stderr=subprocess.DEVNULL, env=dict(os.environ, LC_ALL='C', TZ='UTC0'))
    state, _, started = ps.stdout.decode('utf-8', 'replace').strip().partition(' ')
    return started.strip() or None if not state.startswith('Z') else None


def listeners(address: Tuple[str, int]) -> Set[int]:
    """The users who listen on an address, from /proc/net/tcp (proc(5)); empty where that does not exist. Raises OSError."""
    host, port = address
    try:
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        packed = socket.inet_pton(family, host)
    except OSError:
        return set()
    words = [packed] if family == socket.AF_INET else [packed[at:at + 4] for at in range(0, 16, 4)]
    own = ''.join('%08X' % struct.unpack('=I', word)[0] for word in words)
    mapped = '0' * 16 + '%08X' % socket.htonl(0xffff) + own
    places = {'%s:%04X' % (place, port) for place in (own, mapped, '0' * 8, '0' * 32)}
    found: Set[int] = set()
    for name in ('tcp', 'tcp6'):
        try:
            with open('/proc/net/' + name, encoding='ascii') as rows:
                for row in rows:
                    fields = row.split()
                    if fields[3] == '0A' and fields[1] in places:
                        found.add(int(fields[7]))
        except FileNotFoundError:
            pass
    return found


def parse_target(text: str) -> Tuple[str, int]:
    host, _, port = text.rpartition(':')
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError('invalid target')
    return host.strip('[]'), int(port)


def is_numeric(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
            return True
        except OSError:
            pass
    return False


class Relay:
    def __init__(self, record: str, path: str, listener: socket.socket) -> None:
        self.server, self.path, self.listener = Server(record), path, listener
        self.poll = selectors.DefaultSelector()
        self.sessions: Dict[bytes, Session] = {}
        self.carriers: Set[Carrier] = set()
        self.found: Deque[Tuple[Stream, List[Address], str]] = collections.deque()
        self.lookups = 0
        self.files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.wake_reads, self.wake_writes = os.pipe()
        for fd in (self.wake_reads, self.wake_writes):
            os.set_blocking(fd, False)
        self.ended_since: Optional[float] = None
        self.poll.register(self.listener, selectors.EVENT_READ, self.accept)
        self.poll.register(self.wake_reads, selectors.EVENT_READ, self.looked_up)

    def reach(self, stream: Stream, target: str) -> None:
        """Connects a stream: '' is the server, /PATH a socket, HOST:PORT another program, by name or by number."""
        if target == '':
            address = self.server.address()
            stream.verify = lambda: self.server.verify(address)
            if isinstance(address, str) or is_numeric(address[0]):
                return stream.connect([address])
            host, port = address
        elif target.startswith('/'):
            return stream.connect([target])
        else:
            host, port = parse_target(target)
        if is_numeric(host):
            stream.connect([(host, port)])
        elif host == 'localhost':
            stream.connect([('127.0.0.1', port), ('::1', port)])
        elif self.lookups >= LOOKUPS:
            raise ValueError('too many names are looked up')
        else:
            self.lookups += 1
            threading.Thread(target=self.look_up, args=(stream, host, port), daemon=True).start()

    def look_up(self, stream: Stream, host: str, port: int) -> None:
        """Runs in a thread of its own: a name server may be slow."""
        addresses: List[Address] = []
        why = ''
        try:
            for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                addresses.append((str(info[4][0]), port))
        except (OSError, UnicodeError) as error:
            why = getattr(error, 'strerror', None) or 'the name is invalid'
        self.found.append((stream, addresses, why))
        os.write(self.wake_writes, b'.')

    def looked_up(self) -> None:
        os.read(self.wake_reads, 1024)
        while self.found:
            stream, addresses, why = self.found.popleft()
            self.lookups -= 1
            if not stream.closed:
                stream.connect(addresses, why or 'the name has no address')

    @property
    def program(self) -> str:
        """The copy of this file, by which `join` runs."""
        return os.path.splitext(self.path)[0] + '.py'

    def files_beside(self) -> List[str]:
        beside = [self.path + '.lock', self.path + '.log', self.program, os.path.dirname(self.path)]
        return [path for path in beside if os.path.exists(path)]

    def is_full(self) -> bool:
        """Whether the last descriptors are left, by which sessions continue that are here."""
        return sum(len(session.streams) for session in self.sessions.values()) > self.files - SPARE_FILES

    def admit(self, name: bytes) -> Optional[Session]:
        """Makes a session. If there are too many, the one that has been without a carrier for longest ends."""
        if len(self.sessions) >= SESSIONS:
            absent = [session for session in self.sessions.values() if not session.carrier]
            if not absent:
                return None
            min(absent, key=lambda session: session.absent_since).end('another session needs its place')
        session = self.sessions[name] = Session(self, name)
        return session

    def accept(self) -> None:
        try:
            sock, _ = self.listener.accept()
        except BlockingIOError:
            return
        except OSError as error:  # No descriptor is left: try again at the next look, not at once and forever.
            log('cannot accept:', error)
            self.poll.unregister(self.listener)
            return
        waiting = sum(1 for carrier in self.carriers if not carrier.session)
        if waiting >= SESSIONS or not is_own(sock):
            return sock.close()
        Carrier(self, sock)

    def run(self) -> None:
        looked = told = now()
        while True:
            owing = [carrier for carrier in self.carriers if carrier.is_due()]
            for key, mask in self.poll.select(max(0.01, told + 1 - now()) if owing else 5):
                self.handle(key.data, mask)
            if owing and now() >= told + 1:
                told = now()
                for carrier in owing:
                    if carrier.is_due() and not carrier.closed:
                        carrier.acknowledge()
            if now() - looked >= 5:
                looked = now()
                if self.is_over(looked):
                    return

    def handle(self, handler: Any, mask: int) -> None:
        try:
            if not isinstance(handler, Wire):
                handler()
            elif not handler.closed:
                handler.event(mask)
        except Exception as error:
            session = getattr(handler, 'session', None)
            if isinstance(session, Session):
                session.end(str(error) if isinstance(error, Broken) else repr(error))
            else:
                log('failed:', repr(error))

    def is_over(self, at: float) -> bool:
        """Ends what is of no use any more. Whether that is the relay itself."""
        if self.listener.fileno() not in self.poll.get_map():
            self.poll.register(self.listener, selectors.EVENT_READ, self.accept)
        for carrier in [carrier for carrier in self.carriers if at - carrier.heard > SILENT_S]:
            carrier.lost('silent')
        for session in [session for session in self.sessions.values() if not session.carrier]:
            if at - session.absent_since > (ABSENT_S if session.streams else IDLE_S):
                session.end('nobody came back')
        try:
            for path in (self.path, *self.files_beside()):  # For programs that remove old files from /tmp.
                os.utime(path)
        except FileNotFoundError:
            if not os.path.lexists(self.path):
                log('ends: its socket was removed')
                return True
        except OSError:
            pass
        if self.server.lives() or self.server.is_awaited():
            self.ended_since = None
        elif self.ended_since is None:
            self.ended_since = at
        elif not self.sessions or at - self.ended_since >= ENDED_S:
            log('ends: the server has ended')
            remove(self.program)
            return True
        return False


def is_own(sock: socket.socket) -> bool:
    """Whether this user is at the other end. Where the system cannot tell, the folder alone protects the socket."""
    sock.setblocking(False)
    if not hasattr(socket, 'SO_PEERCRED'):
        return True
    uid = struct.unpack('iii', sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
    return uid in (0, os.getuid())


def join(path: str) -> None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
    except OSError:
        os.write(1, b'\n@relay gone\n')
        sys.exit(3)
    connection.sendmsg([b'j'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0, 1]))])
    os.dup2(connection.fileno(), 0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    # Waits for the end of the relay's connection, in less memory than Python needs.
    os.execvp('cat', ['cat'])


def take_lock(path: str) -> Optional[int]:
    """The descriptor of the lock, or None if another relay has it. One that ends removes the file."""
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock), os.stat(path)):
                return lock
        except BlockingIOError:
            os.close(lock)
            return None
        except FileNotFoundError:
            pass
        os.close(lock)


def start(record: str, path: str) -> None:
    os.umask(0o077)
    folder = os.path.dirname(path)
    entry = os.lstat(folder)
    if entry.st_uid != os.getuid() or entry.st_mode & 0o077:
        sys.exit('%s is open to other users' % folder)
    lock = take_lock(path + '.lock')
    if lock is None:
        return
    if os.path.lexists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)
    listener.setblocking(False)
    # It removes its files also if a signal comes before it can.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    pid = os.fork()
    if pid:
        # Whoever started it can end it from now on.
        os.write(lock, ('%d %s\n' % (pid, start_time(pid))).encode())
        return
    os.setsid()
    os.chdir('/')
    written = os.open(path + '.log', os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    for fd, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, written), (2, written)):
        os.dup2(source, fd)
    kept = (lock, listener.fileno())
    os.closerange(3, min(kept))
    os.closerange(max(kept) + 1, 64)
    serve(record, path, listener)


def serve(record: str, path: str, listener: socket.socket) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES if hard == resource.RLIM_INFINITY else min(hard, FILES), hard))
    relay = Relay(record, path, listener)
    log('listens')
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        relay.run()
    finally:
        for name in (path, path + '.lock', path + '.log'):
            remove(name)
        try:
            os.rmdir(os.path.dirname(path))
        except OSError:
            pass  # The program is there, with which it can be started again.


def remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


if __name__ == '__main__':
    arguments = sys.argv[1:]
    if len(arguments) == 3 and arguments[0] == 'start':
        start(arguments[1], arguments[2])
    elif len(arguments) == 2 and arguments[0] == 'join':
        join(arguments[1])
    else:
        sys.exit('usage: relay.py start RECORD SOCKET | relay.py join SOCKET')
