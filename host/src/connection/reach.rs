//! What kind of address an IP address is, and which of them a connection may lead to.
//!
//! The name of a connection is looked up by somebody else's name server, which may answer with any address: this machine's
//! own, one of the network behind it, or the one that hands out the machine's cloud credentials. So only public addresses
//! are called, unless the connection itself is written otherwise. What an address is, is read from the IANA registries of
//! special addresses (RFC 6890, as of 2026), and from what the clouds document of their metadata services.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kind of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Anybody's.
    Public,
    /// This machine's own.
    Loopback,
    /// Of a network that belongs to somebody: RFC 1918, RFC 6598 (behind a carrier's translation), RFC 4193.
    Private,
    /// Of the cable at hand.
    LinkLocal,
    /// Where a cloud hands out credentials and settings of the machine that asks.
    Metadata,
    /// None at all, which a system takes for itself.
    Unspecified,
    /// Many at once.
    Multicast,
    /// For examples in texts.
    Documentation,
    /// For anything else that is no server's.
    Reserved,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "a public address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "the address of a cloud's metadata service",
            Self::Unspecified => "the unspecified address",
            Self::Multicast => "a multicast address",
            Self::Documentation => "an address for documentation",
            Self::Reserved => "a reserved address",
        })
    }
}

/// Where a name may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// To public addresses.
    Public,
    /// To private addresses too.
    Private,
    /// To this machine alone: its traffic may be in the clear.
    Loopback,
}

impl Reach {
    /// Whether an address of this class is within it.
    pub(super) fn allows(self, class: Class) -> bool {
        match self {
            Self::Public => class == Class::Public,
            Self::Private => matches!(class, Class::Public | Class::Private),
            Self::Loopback => class == Class::Loopback,
        }
    }
}

/// The class of an address. One that holds an IPv4 address on its way (mapped, translated, 6to4) is what that one is.
pub(super) fn class(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

/// Azure's is among the public addresses, Alibaba's among the carriers'.
const METADATA_V4: [Ipv4Addr; 5] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
];

fn v4(address: Ipv4Addr) -> Class {
    match address.octets() {
        _ if METADATA_V4.contains(&address) => Class::Metadata,
        [0, ..] => Class::Unspecified,
        [127, ..] => Class::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Class::Private,
        [169, 254, ..] => Class::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Class::Documentation,
        // Protocol assignments, the relays of 6to4, measurements.
        [192, 0, 0, _] | [192, 88, 99, _] | [198, 18..=19, ..] => Class::Reserved,
        [224..=239, ..] => Class::Multicast,
        [240..=255, ..] => Class::Reserved,
        _ => Class::Public,
    }
}

fn v6(address: Ipv6Addr) -> Class {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Class::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Loopback,
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => v4(embedded(high, low)),
        // The services of AWS (169.254.169.254 and its neighbours) and of Google under IPv6, in the private range.
        [0xfd00, 0xec2, ..] | [0xfd20, 0xce, ..] => Class::Metadata,
        [0xfc00..=0xfdff, ..] => Class::Private,
        [0xfe80..=0xfebf, ..] => Class::LinkLocal,
        [0xff00..=0xffff, ..] => Class::Multicast,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Class::Documentation,
        // Teredo and others of the IETF's own; what is left of 2000::/3 is given out to networks.
        [0x2001, 0..=0x1ff, ..] => Class::Reserved,
        [0x2000..=0x3fff, ..] => Class::Public,
        _ => Class::Reserved,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_of_address_is_told_at_its_borders() {
        for (class, addresses) in [
            (Class::Public, "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255"),
            (Class::Public, "169.255.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255"),
            (Class::Public, "2000:: 2001:200:: 2606:4700:4700::1111 2a00:1450:4001::200e 3ffe:ffff:: 2001:db7:ffff:: 2001:db9::"),
            (Class::Public, "::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1"),
            (Class::Loopback, "127.0.0.1 127.0.0.0 127.255.255.255 ::1 ::ffff:127.0.0.1 64:ff9b::7f00:1 2002:7f00:1::"),
            (Class::Private, "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255 100.64.0.0 100.127.255.255"),
            (Class::Private, "fc00:: fdff:ffff:: fd12:3456::1 ::ffff:10.1.2.3 64:ff9b::c0a8:101 2002:ac10:1::1"),
            (Class::LinkLocal, "169.254.0.0 169.254.255.255 169.254.169.253 fe80:: febf:ffff:: ::ffff:169.254.1.1"),
            (Class::Metadata, "169.254.169.254 169.254.170.2 169.254.170.23 100.100.100.200 168.63.129.16 fd00:ec2::254 fd00:ec2::23"),
            (
                Class::Metadata,
                "fd20:ce::254 ::ffff:169.254.169.254 64:ff9b::169.254.169.254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe:: 2002:a9fe:a9fe::1",
            ),
            (Class::Unspecified, "0.0.0.0 0.255.255.255 :: ::ffff:0.0.0.0 64:ff9b::"),
            (Class::Multicast, "224.0.0.0 239.255.255.255 ff00:: ff02::1 ffff::"),
            (Class::Documentation, "192.0.2.1 198.51.100.255 203.0.113.0 2001:db8:: 2001:db8:ffff:: 3fff:: 3fff:fff::"),
            (Class::Reserved, "192.0.0.0 192.0.0.192 192.88.99.1 198.18.0.0 198.19.255.255 240.0.0.0 255.255.255.255"),
            (
                Class::Reserved,
                "::2 ::127.0.0.1 ::169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b:1::1 64:ff9b:1::a9fe:a9fe 100::1 2001::1 2001:1ff::",
            ),
            (Class::Reserved, "1fff:ffff:: 4000:: 5f00:: fec0::1 feff:: fbff::"),
        ] {
            for address in addresses.split(' ') {
                assert_eq!(super::class(address.parse().unwrap()), class, "{address}");
            }
        }
    }

    #[test]
    fn only_what_is_written_so_is_reached() {
        use Class::{Documentation, LinkLocal, Loopback, Metadata, Multicast, Private, Public, Reserved, Unspecified};
        let all = [Public, Loopback, Private, LinkLocal, Metadata, Unspecified, Multicast, Documentation, Reserved];
        for (reach, within) in
            [(Reach::Public, &[Public][..]), (Reach::Private, &[Public, Private][..]), (Reach::Loopback, &[Loopback][..])]
        {
            for class in all {
                assert_eq!(reach.allows(class), within.contains(&class), "{reach:?} {class}");
            }
        }
    }
}
