"""Where a server can be reached from."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach a server that listens on `host`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
