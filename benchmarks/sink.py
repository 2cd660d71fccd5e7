"""The far side of the benchmarks: takes uploads as fast as it can and keeps nothing of them.

A plain body is dropped inside the kernel (`MSG_TRUNC`, tcp(7)), so that one system call takes up to
a megabyte and no byte is copied: the sink costs a sender's machine less than any real server would.
Over TLS the bytes must be decrypted, which costs about what the sender pays to encrypt them.

Run as a process of its own: `python sink.py [--tls CERTIFICATE] [--rate BYTES_PER_SECOND]` prints
its port and serves until it is ended. `GET /counts` says what came.

With `--rate` it takes the bytes at that rate. The pace is set at the receiver because that is the
one place where it is the same for every sender: the window closes, as behind a slow line, and the
sender fills its own socket buffer as it would there. Two settings make the loopback look like an
Ethernet line to the sender's kernel: the segment size, and a receive buffer of ordinary size.
"""

from __future__ import annotations

import argparse
import json
import socket
import ssl
import threading
import time

_BUFFER = 1 << 20
_HEAD = 64 << 10
_ETHERNET_SEGMENT = 1448  # bytes of data in a full frame
_PACED_BUFFER = 256 << 10
_PACED_READ = 64 << 10  # a read every half millisecond at 1 Gbit/s
_MOST_CREDIT = 0.005  # seconds that a late reader may catch up
_ENVELOPE = b'{"code":"0000","msg":"success","data":%s,"success":true,"failed":false}'
_VIDEO = b'{"videoNo":"VI%018d","videoName":"clip","videoStatus":"UNPARSE","uploadTime":"%d"}'


class Counts:
    """What has come so far."""

    def __init__(self):
        self._lock = threading.Lock()
        self.uploads = 0
        self.body_bytes = 0

    def add(self, size: int) -> int:
        """Count one upload and return its number."""
        with self._lock:
            self.uploads += 1
            self.body_bytes += size
            return self.uploads


class Bucket:
    """Says how long a reader must wait so that it takes `rate` bytes a second."""

    def __init__(self, rate: float):
        self._rate = rate
        self._free_at = 0.0

    def take(self, size: int) -> None:
        """Wait until `size` more bytes were due."""
        now = time.monotonic()
        self._free_at = max(self._free_at, now - _MOST_CREDIT) + size / self._rate
        if self._free_at > now:
            time.sleep(self._free_at - now)


class Line:
    """One connection: requests one after the other until the sender leaves."""

    def __init__(self, sock: socket.socket, counts: Counts, rate: float | None):
        self._sock = sock
        self._counts = counts
        self._bucket = Bucket(rate) if rate else None
        self._flags = 0 if isinstance(sock, ssl.SSLSocket) else socket.MSG_TRUNC
        self._most = _PACED_READ if rate else _BUFFER
        self._scrap = bytearray(_BUFFER)
        self._ahead = b""  # came with what was read before it

    def serve(self) -> None:
        """Answer until the sender leaves."""
        while head := self._head():
            first, *lines = head.decode("latin-1").split("\r\n")
            pairs = (line.partition(":") for line in lines)
            headers = {name.lower(): value.strip().lower() for name, _, value in pairs}
            if headers.get("expect") == "100-continue":
                self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            size = self._body(headers)
            self._answer(first, size)
            if headers.get("connection") == "close":
                return

    def _head(self) -> bytes:
        while b"\r\n\r\n" not in self._ahead:
            self._more()
        head, _, self._ahead = self._ahead.partition(b"\r\n\r\n")
        return head

    def _body(self, headers: dict[str, str]) -> int:
        if headers.get("transfer-encoding") != "chunked":
            return self._drop(int(headers.get("content-length", "0")))
        total = 0
        while size := int(self._text_line().partition(b";")[0], 16):
            total += self._drop(size)
            self._text_line()
        while self._text_line():
            pass
        return total

    def _answer(self, first: str, size: int) -> None:
        if first.startswith("GET"):
            counts = {"uploads": self._counts.uploads, "body_bytes": self._counts.body_bytes}
            body = _ENVELOPE % json.dumps(counts).encode()
        else:
            body = _ENVELOPE % (_VIDEO % (self._counts.add(size), time.time() * 1000))
        self._sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )

    def _text_line(self) -> bytes:
        while b"\r\n" not in self._ahead:
            self._more()
        line, _, self._ahead = self._ahead.partition(b"\r\n")
        return line

    def _more(self) -> None:
        data = self._sock.recv(_HEAD)
        if not data:
            raise ConnectionError
        self._ahead += data

    def _drop(self, size: int) -> int:
        """Take in and forget so many bytes."""
        left = size - len(self._ahead[:size])
        self._ahead = self._ahead[size:]
        while left:
            wanted = min(left, self._most)
            if self._flags:
                count = self._sock.recv_into(self._scrap, wanted, self._flags)
            else:
                count = self._sock.recv_into(self._scrap, wanted)
            if not count:
                raise ConnectionError
            if self._bucket:
                self._bucket.take(count)
            left -= count
        return size


def _serve(sock: socket.socket, context: ssl.SSLContext | None, counts: Counts, rate) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        if context:
            sock = context.wrap_socket(sock, server_side=True)
        with sock:
            Line(sock, counts, rate).serve()
    except OSError:
        pass  # the sender left


def _listener(rate: float | None) -> socket.socket:
    listener = socket.socket()
    if rate:  # accepted connections inherit both
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _ETHERNET_SEGMENT)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _PACED_BUFFER)
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    return listener


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tls", metavar="PEM", help="certificate chain and key")
    parser.add_argument("--rate", type=float, help="bytes per second and connection")
    options = parser.parse_args()
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.tls)
    listener, counts = _listener(options.rate), Counts()
    print(listener.getsockname()[1], flush=True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(
            target=_serve, args=(sock, context, counts, options.rate), daemon=True
        ).start()


if __name__ == "__main__":
    main()
