//! hagen: one YAML document and one secrets file in, one first-boot bundle per machine out.
//!
//! Data flows one way, and a module imports only from those above it:
//! text -> [`config`] -> [`cluster`] -> [`secrets`] and [`pki`] -> [`kubernetes`] -> [`boot`] -> [`bundle`] ->
//! [`mod@format`]; [`mod@render`] is the whole flow. [`mod@reference`] describes the document for people and editors. [`yaml`], [`os`] and
//! [`kubernetes::versions`] depend on nothing.
//! Nothing here reads the clock, the environment, randomness, the network or a file; the binary does that.

pub mod boot;
pub mod bundle;
pub mod cluster;
pub mod config;
pub mod format;
pub mod kubernetes;
pub mod media;
pub mod os;
pub mod payload;
pub mod pki;
pub mod reference;
pub mod render;
pub mod secrets;
pub mod yaml;
