"""Which proxy gRPC sends a call through, by the rules of gRPC itself.

gRPC takes the first of `grpc_proxy`, `https_proxy` and `http_proxy`, whatever
the scheme, unless `no_grpc_proxy` or `no_proxy` names the host; loopback
addresses are no exception to it.

Reference: doc/environment_variables.md of gRPC.
"""

import ipaddress
import os
import urllib.parse

_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
_EXCEPTIONS = ("no_grpc_proxy", "no_proxy")


def is_loopback(target: str) -> bool:
    """Whether `host:port`, or a gRPC name, leads to this machine."""
    if target.startswith(("unix:", "unix-abstract:", "vsock:")):
        return True
    host = _host(target)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def proxy_of(target: str) -> str:
    """What stands between here and `target`, for people; "" if nothing does.

    Returns:
        The variable and its value, without the password that may be in it.
    """
    name = next((name for name in _PROXIES if os.environ.get(name)), None)
    if name is None or is_loopback(target) or _is_exempt(_host(target)):
        return ""
    parts = urllib.parse.urlsplit(os.environ[name])
    address = parts.netloc.rpartition("@")[2]
    return f"{name}={parts.scheme}://{address}"


def _host(target: str) -> str:
    """The host of `host:port`, `dns:///host:port` or `ipv6:[::1]:8500`."""
    scheme, colon, rest = target.partition(":")
    if colon and (scheme in ("ipv4", "ipv6") or rest.startswith("//")):
        target = rest.rpartition("/")[2]
    if target.startswith("["):
        return target[1:].partition("]")[0]
    host = target.rpartition(":")[0]
    # An address of IPv6 without brackets has no port.
    return (host if host and ":" not in host else target).lower()


def _is_exempt(host: str) -> bool:
    name = next((n for n in _EXCEPTIONS if os.environ.get(n)), None)
    entries = os.environ[name].split(",") if name else []
    return any(
        host.endswith(entry.strip().lower()) for entry in entries if entry
    )
