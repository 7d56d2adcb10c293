//! The machine's network as the programs read it that set it up: netplan (and so cloud-init), systemd-networkd and
//! NetworkManager.
//!
//! A [`Network`](crate::bundle::Network) comes in. All three say the same of it; where a program's own default would
//! differ from that of the others, it is written out.

pub mod netplan;
pub mod network_manager;
pub mod networkd;

use std::fmt::{Display, Write as _};

/// The metric of routes from DHCP, and from routers beside it: NetworkManager's for NICs, netplan's for all devices.
const DHCP_METRIC: u32 = 100;

/// Text of sections with keys and values, as both systemd and GLib read it.
#[derive(Default)]
struct Ini(String);

impl Ini {
    /// Begins a section.
    fn section(&mut self, name: &str) -> &mut Self {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{gap}[{name}]");
        self
    }

    /// Adds a key to the section.
    fn set(&mut self, key: &str, value: impl Display) -> &mut Self {
        let _ = writeln!(self.0, "{key}={value}");
        self
    }

    /// Adds a key if there is a value.
    fn set_some(&mut self, key: &str, value: Option<impl Display>) -> &mut Self {
        if let Some(value) = value {
            self.set(key, value);
        }
        self
    }
}
