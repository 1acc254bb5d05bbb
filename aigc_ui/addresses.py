"""Network addresses: which are valid, and which count as one place."""

import ipaddress


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    return is_address(name) and ipaddress.ip_address(name).is_loopback


def network_of(address: str) -> str:
    """One name for all addresses that one machine can take: IPv6 hands out 2^64 of them."""
    if not is_address(address):
        return address
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network((parsed, 64), strict=False))
        parsed = parsed.ipv4_mapped  # a socket that takes both kinds writes IPv4 so
    return str(parsed)
