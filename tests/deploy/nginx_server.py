"""The nginx package over a folder of the tests' own, as an unprivileged process, with the shipped files."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger_sandbox.airflow_api import wait_for

SHIPPED = Path(__file__).parents[2] / "deploy/ingress"
_MODULES = Path("/usr/lib/nginx/modules")


def why_there_is_none() -> str:
    """Why no nginx with Lua can be started here; empty where one can."""
    if not _program():
        return "nginx is not installed"
    return "" if (_MODULES / "ngx_http_lua_module.so").exists() else "libnginx-mod-http-lua is not installed"


@contextmanager
def running_nginx(folder: Path, upstream: str, locations: str = "") -> Iterator[str]:
    """Address of an nginx before `upstream`; its log for Ledger Guard is `folder/ledger_guard.log`.

    The folder must be one that every user may reach.
    """
    folder.chmod(0o777)
    for name in ("fields", "nginx"):
        shutil.copy(SHIPPED / "lua" / f"ledger_guard_{name}.lua", folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    http, server = ((SHIPPED / "nginx" / f"ledger_guard_{part}.conf").read_text() for part in ("http", "server"))
    (folder / "http.conf").write_text(http.replace("/etc/nginx/ledger_guard/", f"{folder}/"))
    (folder / "server.conf").write_text(server.replace("/var/log/nginx/", f"{folder}/"))
    places = "\n".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(f"""
        load_module {_MODULES}/ndk_http_module.so;
        load_module {_MODULES}/ngx_http_lua_module.so;
        daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log info;
        events {{ worker_connections 64; }}
        http {{
            {places}
            include {folder}/http.conf;
            gzip on; gzip_types application/json; gzip_min_length 1; gzip_proxied any;
            client_max_body_size 8m;
            server {{
                listen {address};
                include {folder}/server.conf;
                location / {{ proxy_pass {upstream}; proxy_http_version 1.1; proxy_set_header Connection ""; }}
                location /limited/ {{ return 429; }}
                {locations}
            }}
        }}
    """)
    program = _program()
    assert program, why_there_is_none()
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    server_process = subprocess.Popen([*_unprivileged(), *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_for(lambda: _is_listening(address, server_process), "nginx to be ready", 30, lambda _: None, every_seconds=0.02)
        yield f"http://{address}"
    finally:
        server_process.kill()
        server_process.communicate()


def _unprivileged() -> list[str]:
    """As nobody where the tests run as root; and never longer than they do."""
    if not shutil.which("setpriv"):
        return []
    user = ["--reuid", "nobody", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig", "KILL", *user, "--"]


def _is_listening(address: str, server: subprocess.Popen[bytes]) -> bool:
    if server.poll() is not None:
        assert server.stderr
        raise AssertionError(f"nginx ended: {server.stderr.read().decode()}")
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def _program() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
