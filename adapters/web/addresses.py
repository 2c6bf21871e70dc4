"""Which addresses of the network may be asked: public ones only, looked up once and then kept to.

A name is resolved here, every address it has is checked, and the connection goes to the very address that was
checked: a second answer of the name server cannot lead inside (DNS rebinding).
"""

import asyncio
import socket
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import httpcore

Address = IPv4Address | IPv6Address
TUNNELS = tuple(
    ip_network(one)
    for one in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "::/96",
        "::ffff:0:0/96",
        "fec0::/10",
    )
)
"""IPv6 ranges that lead inside: site-local, and those that carry an IPv4 address (NAT64, 6to4, Teredo,
compatible, mapped: RFC 6052, 3056, 4380, 4291). Python 3.11 calls some of them global."""


class AddressRefusedError(httpcore.ConnectError):
    """An address inside the network, or of no use."""


def is_public(address: Address) -> bool:
    """Whether an address is out on the internet and not a way back inside."""
    if isinstance(address, IPv6Address) and any(address in net for net in TUNNELS):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only, but for `trusted` hosts, which an operator has named."""

    def __init__(self, trusted: Collection[str] = ()) -> None:
        self._trusted = frozenset(host.lower() for host in trusted)
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the library's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises `AddressRefusedError` for a host that leads inside."""
        address = await self._checked(host, port)
        return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)

    async def _checked(self, host: str, port: int) -> str:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the host {host} is not known") from error
        addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
        if host.lower() not in self._trusted:
            for one in addresses:
                if not is_public(ip_address(one)):
                    raise AddressRefusedError(f"{host} leads to {one}, an address inside the network")
        return addresses[0]
