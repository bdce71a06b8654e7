"""The page's certificate, tried before anything is served with it."""

import ssl
from pathlib import Path

from host.errors import ConfigError


def check_certificate(certfile: Path | None, keyfile: Path | None) -> None:
    """Raises ConfigError when the PEM files cannot be used together. No certificate is fine: then there is no TLS."""
    if certfile is None:
        return
    try:
        # An empty password: with none at all, an encrypted key would ask for it on the terminal, and wait.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certfile, keyfile, password="")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        problem = f"web.certfile: {certfile} with the key {keyfile} cannot be used ({error})"
        raise ConfigError([f"{problem}; give PEM files that belong together, the key without a password"]) from error
