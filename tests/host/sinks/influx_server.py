"""A real InfluxDB 1.6 behind nginx, which gives it the write path of version 2 and, if asked, TLS: for the tests."""

from pathlib import Path

import httpx

from tests.servers import Server, free_port, program


class InfluxServer:
    """`url` takes /api/v2/write, `ask` puts an InfluxQL query to the database itself.

    With `tls` the folder must hold `server.pem` and `server.key` (servers.make_certificates).
    """

    def __init__(self, folder: Path, *, tls: bool = False, token: str = "sesame") -> None:
        self._folder, self._tls, self._token = folder, tls, token
        self.database = Server(self._influx)
        self.gateway = Server(self._nginx)

    def _influx(self, port: int) -> list[str]:
        folder = self._folder
        (folder / "influx.conf").write_text(f"""
            reporting-disabled = true
            bind-address = "127.0.0.1:0"
            [meta]
            dir = "{folder}/meta"
            [data]
            dir = "{folder}/data"
            wal-dir = "{folder}/wal"
            [monitor]
            store-enabled = false
            [http]
            bind-address = "127.0.0.1:{port}"
            log-enabled = false
        """)
        return [program("influxd") or "influxd", "-config", str(folder / "influx.conf")]

    def _nginx(self, port: int) -> list[str]:
        folder = self._folder
        tls = f"ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;" if self._tls else ""
        (folder / "nginx.conf").write_text(f"""
            daemon off; pid {folder}/nginx.pid; error_log /dev/null; worker_processes 1;
            events {{}}
            http {{
                access_log off; client_body_buffer_size 16m; client_max_body_size 32m;
                client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
                fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
                server {{
                    listen 127.0.0.1:{port}{" ssl" if tls else ""}; {tls}
                    location = /api/v2/write {{
                        if ($http_authorization != "Token {self._token}") {{ return 401; }}
                        if ($arg_bucket != "hamstream") {{ return 404 "no bucket $arg_bucket"; }}
                        set $args db=$arg_bucket&precision=$arg_precision;
                        proxy_set_header Authorization "";
                        proxy_pass http://127.0.0.1:{self.database.port}/write;
                    }}
                }}
            }}
        """)
        return [program("nginx") or "nginx", "-c", str(folder / "nginx.conf"), "-e", "/dev/null"]

    def __enter__(self) -> "InfluxServer":
        self.database.port = free_port()
        self.database.start()
        httpx.post(f"{self._direct}/query", params={"q": "CREATE DATABASE hamstream"}).raise_for_status()
        self.gateway.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gateway.stop()
        self.database.stop()

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.gateway.port}"

    @property
    def _direct(self) -> str:
        return f"http://127.0.0.1:{self.database.port}"

    def ask(self, query: str) -> list[dict]:
        """Rows of the first series, by column; none where there is no such measurement."""
        answer = httpx.get(f"{self._direct}/query", params={"db": "hamstream", "epoch": "ns", "q": query}).json()
        series = answer["results"][0].get("series", [])
        return [dict(zip(series[0]["columns"], row, strict=True)) for row in series[0]["values"]] if series else []
