//! Tree -> values, one key at a time, without stopping at a mistake.
//!
//! In: nodes of [`super::tree`]. Out: values, and a message for every key that is unknown, missing, of the wrong
//! type or not built yet. What the keys are is said in [`super::decode`]; this room only knows how to ask.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::catalogue::Code;
use super::diagnostics::{Diagnostic, Diagnostics, Span, Spanned};
use super::tree::{Key, Kind, Node};
use super::values::Invalid;

/// What every reader needs: a place for messages, and files beside the document.
pub(super) struct Context<'n> {
    pub diagnostics: RefCell<Diagnostics>,
    pub read: &'n dyn Fn(&str) -> io::Result<Vec<u8>>,
}

impl Context<'_> {
    pub fn push(&self, diagnostic: Diagnostic) {
        self.diagnostics.borrow_mut().push(diagnostic);
    }
}

/// The value of one key, or one item of a list.
#[derive(Clone)]
pub(super) struct Field<'n> {
    /// Where it is in the document, as in `nodes[2].mac`.
    pub path: String,
    pub node: &'n Node,
    pub context: &'n Context<'n>,
}

impl<'n> Field<'n> {
    /// Starts a message about this value.
    pub fn error(&self, code: Code, message: impl Display) -> Diagnostic {
        let diagnostic = Diagnostic::error(code, self.node.span, message.to_string());
        with_origin(diagnostic, self.node.origin)
    }

    pub fn push(&self, diagnostic: Diagnostic) {
        self.context.push(diagnostic);
    }

    fn wrong_type(&self, wanted: &str, help: Option<String>) {
        let message = format!("`{}` must be {wanted}, found {}", self.path, self.node.description());
        let diagnostic = self.error(Code::WrongType, message).label(format!("expected {wanted}"));
        let usual = match wanted {
            "a mapping" => "write `key: value` pairs, on lines of their own or as `{key: value}`",
            "a list" => "write `- item` lines, or `[one, two]`",
            "a number" => "write decimal digits without quotes",
            "`true` or `false`" => "YAML's booleans are `true` and `false`, without quotes",
            _ => "write one value on the line of the key",
        };
        self.push(diagnostic.help(help.unwrap_or_else(|| usual.to_owned())));
    }

    /// The text of a scalar, whatever it looks like.
    pub fn text(&self, wanted: &str) -> Option<&'n str> {
        let text = self.node.text();
        if text.is_none() {
            let help = match &self.node.kind {
                Kind::Sequence(items) if items.len() == 1 => Some("write the value without a list".to_owned()),
                _ => None,
            };
            self.wrong_type(wanted, help);
        }
        text
    }

    /// A value read by a function of [`super::values`], with a code of its own for the mistake.
    pub fn checked<T>(&self, code: Code, wanted: &str, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<T> {
        match parse(self.text(wanted)?) {
            Ok(value) => Some(value),
            Err(Invalid { problem, help }) => {
                self.push(self.error(code, format!("`{}`: {problem}", self.path)).help(help));
                None
            }
        }
    }

    /// A value read by a function of [`super::values`].
    pub fn parsed<T>(&self, wanted: &str, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<T> {
        self.checked(Code::InvalidValue, wanted, parse)
    }

    /// A value that is parsed from text.
    pub fn value<T: FromStr<Err = Invalid>>(&self) -> Option<T> {
        self.parsed("text", str::parse)
    }

    /// The same with its place.
    pub fn spanned<T: FromStr<Err = Invalid>>(&self) -> Option<Spanned<T>> {
        self.value().map(|value| self.here(value))
    }

    /// A value at this place.
    pub fn here<T>(&self, value: T) -> Spanned<T> {
        Spanned::new(value, self.node.span)
    }

    /// A decimal number within bounds.
    pub fn integer<T: TryFrom<i64>>(&self, bounds: RangeInclusive<i64>) -> Option<T> {
        let (low, high) = (*bounds.start(), *bounds.end());
        let Kind::Scalar { text, plain } = &self.node.kind else {
            self.wrong_type("a number", None);
            return None;
        };
        let digits = text.strip_prefix('-').unwrap_or(text);
        let decimal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if !decimal || !plain {
            let help = if decimal { Some(format!("remove the quotes: `{text}`")) } else { None };
            self.wrong_type("a number", help);
            return None;
        }
        if digits.len() > 1 && digits.starts_with('0') {
            let message = format!("`{}`: `{text}` has a leading zero", self.path);
            let bare = digits.trim_start_matches('0');
            let bare = if bare.is_empty() { "0" } else { bare };
            self.push(self.error(Code::InvalidValue, message).help(format!("write `{bare}`: numbers are decimal")));
            return None;
        }
        let number = text.parse::<i64>().ok().filter(|number| bounds.contains(number));
        let value = number.and_then(|number| T::try_from(number).ok());
        if value.is_none() {
            let message = format!("`{}`: {text} is out of range", self.path);
            self.push(self.error(Code::OutOfRange, message).help(format!("it is a number from {low} to {high}")));
        }
        value
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        match &self.node.kind {
            Kind::Scalar { text, plain: true } if text == "true" => Some(true),
            Kind::Scalar { text, plain: true } if text == "false" => Some(false),
            Kind::Scalar { text, plain } => {
                let help = match text.to_lowercase().as_str() {
                    "true" | "false" if !plain => Some(format!("remove the quotes: `{}`", text.to_lowercase())),
                    "true" | "yes" | "on" | "y" => Some("write `true`".to_owned()),
                    "false" | "no" | "off" | "n" => Some("write `false`".to_owned()),
                    _ => None,
                };
                self.wrong_type("`true` or `false`", help);
                None
            }
            _ => {
                self.wrong_type("`true` or `false`", None);
                None
            }
        }
    }

    /// One of a few words; those of `later` are planned.
    pub fn choice<T: Copy>(&self, built: &[(&str, T)], later: &[&str]) -> Option<T> {
        let text = self.text("text")?;
        if let Some((_, value)) = built.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<&str> = built.iter().map(|(word, _)| *word).collect();
        if later.contains(&text) {
            self.not_built(&words);
        } else {
            let message = format!("`{}` cannot be `{text}`", self.path);
            let help = match nearest(text, words.iter().chain(later).copied()) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("write {}", alternatives(&words)),
            };
            self.push(self.error(Code::UnknownChoice, message).help(help));
        }
        None
    }

    /// Says that this value is planned; `built` are the values that work.
    fn not_built(&self, built: &[&str]) {
        let what = match self.node.text() {
            Some(text) if text.chars().count() <= 40 && !text.contains('\n') => format!("{}: {text}", self.path),
            _ => self.path.clone(),
        };
        let help = if built.is_empty() {
            "remove it; a later version of hagen will know it".to_owned()
        } else {
            format!("this version of hagen knows {} here", alternatives(built))
        };
        self.push(self.error(Code::NotBuilt, format!("`{what}` is not built yet")).help(help));
    }

    /// Every item of a list.
    pub fn items(&self) -> Option<Vec<Self>> {
        match &self.node.kind {
            Kind::Sequence(items) => Some(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, node)| Field { path: format!("{}[{index}]", self.path), node, context: self.context })
                    .collect(),
            ),
            Kind::Scalar { .. } if self.node.is_null() => Some(Vec::new()),
            Kind::Scalar { text, .. } => {
                self.wrong_type("a list", Some(format!("write `[{text}]`, or `- {text}` on a line of its own")));
                None
            }
            Kind::Mapping(_) => {
                self.wrong_type("a list", None);
                None
            }
        }
    }

    /// What `read` makes of each item of a list; an item that cannot be read is left away.
    pub fn list<T>(&self, read: impl FnMut(&Self) -> Option<T>) -> Option<Vec<T>> {
        Some(self.items()?.iter().filter_map(read).collect())
    }

    /// The same for a list, or for one value that stands for a list of one.
    pub fn one_or_list<T>(&self, mut read: impl FnMut(&Self) -> Option<T>) -> Option<Vec<T>> {
        match &self.node.kind {
            Kind::Sequence(_) => self.list(read),
            _ => read(self).map(|value| vec![value]),
        }
    }

    /// The entries of a mapping whose keys the schema does not fix.
    pub fn entries(&self) -> Option<Vec<(&'n Key, Self)>> {
        match &self.node.kind {
            Kind::Mapping(entries) => Some(
                entries
                    .iter()
                    .map(|(key, node)| {
                        (key, Field { path: format!("{}.{}", self.path, key.text), node, context: self.context })
                    })
                    .collect(),
            ),
            _ if self.node.is_null() => Some(Vec::new()),
            _ => {
                self.wrong_type("a mapping", None);
                None
            }
        }
    }

    /// A mapping of texts under keys that `parse` accepts.
    pub fn map<K: Ord, V>(
        &self,
        parse: impl Fn(&str) -> Result<K, Invalid>,
        read: impl Fn(&Self) -> Option<V>,
    ) -> Option<BTreeMap<K, V>> {
        let mut map = BTreeMap::new();
        for (key, field) in self.entries()? {
            let parsed = match parse(&key.text) {
                Ok(parsed) => Some(parsed),
                Err(Invalid { problem, help }) => {
                    let message = format!("`{}`: {problem}", self.path);
                    let diagnostic = Diagnostic::error(Code::InvalidValue, key.span, message).help(help);
                    self.push(with_origin(diagnostic, key.origin));
                    None
                }
            };
            if let (Some(key), Some(value)) = (parsed, read(&field)) {
                map.insert(key, value);
            }
        }
        Some(map)
    }

    /// A mapping whose keys the schema fixes.
    pub fn fields(&self) -> Option<Fields<'n>> {
        match &self.node.kind {
            Kind::Mapping(entries) => Some(Fields {
                path: self.path.clone(),
                span: self.node.span,
                origin: self.node.origin,
                entries,
                absent: None,
                known: Vec::new(),
                planned: Vec::new(),
                context: self.context,
            }),
            _ => {
                self.wrong_type("a mapping", None);
                None
            }
        }
    }
}

/// A mapping whose keys the schema fixes: each is asked for once, and [`Fields::finish`] names the rest.
pub(super) struct Fields<'n> {
    pub path: String,
    pub span: Span,
    origin: Option<Span>,
    entries: &'n [(Key, Node)],
    /// Its own key, when the document does not have it.
    absent: Option<&'static str>,
    known: Vec<&'static str>,
    /// Those of `known` that are not built yet.
    planned: Vec<&'static str>,
    pub context: &'n Context<'n>,
}

impl<'n> Fields<'n> {
    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn find(&mut self, key: &'static str) -> Option<(&'n Key, Field<'n>)> {
        self.known.push(key);
        let (key, node) = self.entries.iter().find(|(candidate, _)| candidate.text == key)?;
        Some((key, Field { path: self.path_of(&key.text), node, context: self.context }))
    }

    /// A key that may be absent or null.
    pub fn optional<T>(&mut self, key: &'static str, read: impl FnOnce(&Field<'n>) -> Option<T>) -> Option<T> {
        let (_, field) = self.find(key)?;
        if field.node.is_null() { None } else { read(&field) }
    }

    /// A key with a default. The default also stands in for a value that cannot be read, so that the rest can be
    /// checked; the message keeps such a document from leaving [`super::load`].
    pub fn or<T>(&mut self, key: &'static str, default: T, read: impl FnOnce(&Field<'n>) -> Option<T>) -> T {
        self.optional(key, read).unwrap_or(default)
    }

    /// A key without a default; `example` is how it could look.
    pub fn required<T>(
        &mut self,
        key: &'static str,
        example: &str,
        read: impl FnOnce(&Field<'n>) -> Option<T>,
    ) -> Option<T> {
        let found = self.find(key);
        let path = self.path_of(key);
        match found {
            Some((_, field)) if !field.node.is_null() => read(&field),
            Some((key, _)) => {
                let diagnostic = Diagnostic::error(Code::MissingKey, key.span, format!("`{path}` has no value"));
                self.context.push(with_origin(diagnostic.help(format!("write `{example}`")), key.origin));
                None
            }
            None => {
                let diagnostic = Diagnostic::error(Code::MissingKey, self.span, format!("`{path}` is missing"));
                let help = match self.absent {
                    Some(section) => format!("add `{section}: {{{example}}}`"),
                    None => format!("add `{example}`"),
                };
                self.context.push(with_origin(diagnostic.help(help), self.origin));
                None
            }
        }
    }

    /// A mapping in this one; absent or null means an empty one.
    pub fn section(&mut self, key: &'static str) -> Self {
        let empty = Fields {
            path: self.path_of(key),
            span: self.span,
            origin: self.origin,
            entries: &[],
            absent: Some(key),
            known: Vec::new(),
            planned: Vec::new(),
            context: self.context,
        };
        self.optional(key, Field::fields).unwrap_or(empty)
    }

    /// A key that is planned. `accepted` are the values that change nothing, and so are no mistake; nor are null
    /// and an empty list or mapping.
    pub fn later(&mut self, key: &'static str, accepted: &[&str]) {
        let found = self.find(key);
        self.planned.push(key);
        let Some((_, field)) = found else { return };
        let harmless = field.node.is_empty() || field.node.text().is_some_and(|text| accepted.contains(&text));
        if !harmless {
            field.not_built(accepted);
        }
    }

    /// Names every key that nobody asked for.
    pub fn finish(self) {
        for (key, _) in self.entries.iter().filter(|(key, _)| !self.known.contains(&key.text.as_str())) {
            let place = if self.path.is_empty() { "the document".to_owned() } else { format!("`{}`", self.path) };
            let message = format!("unknown key `{}` in {place}", key.text);
            let help = match nearest(&key.text, self.known.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None => match belongs(&key.text) {
                    Some(path) if path != self.path_of(&key.text) => format!("`{path}` is where this is said"),
                    _ => {
                        let built = self.known.iter().filter(|known| !self.planned.contains(known));
                        format!("known here: {}", built.copied().collect::<Vec<_>>().join(", "))
                    }
                },
            };
            let diagnostic = Diagnostic::error(Code::UnknownKey, key.span, message).help(help);
            self.context.push(with_origin(diagnostic, key.origin));
        }
    }
}

/// Inside an alias, also shows where the value itself stands.
fn with_origin(diagnostic: Diagnostic, origin: Option<Span>) -> Diagnostic {
    match origin {
        Some(origin) => diagnostic.also(origin, "which was said here"),
        None => diagnostic,
    }
}

/// Words joined as one would say them: `a`, `b` or `c`.
fn alternatives(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [first @ .., last] => format!("`{}` or `{last}`", first.join("`, `")),
    }
}

/// The word that a misspelt one most likely means.
fn nearest<'w>(wrong: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_'], "");
    let wrong = plain(wrong);
    words
        .map(|word| (strsim::damerau_levenshtein(&wrong, &plain(word)), word))
        .filter(|(distance, word)| *distance <= (wrong.len().min(word.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Where a key belongs that people write elsewhere, or under another tool's name.
fn belongs(key: &str) -> Option<&'static str> {
    Some(match key {
        "vip" | "virtualIP" | "apiServerVip" | "controlPlaneVip" => "endpoint.vip",
        "controlPlaneEndpoint" => "endpoint.name",
        "bindPort" | "port" => "endpoint.port",
        "kubeVip" | "kube-vip" => "endpoint.kubeVip",
        "provider" => "endpoint.provider",
        "clusterName" | "cluster" => "name",
        "version" | "kubernetesVersion" | "k8sVersion" => "kubernetes.version",
        "podSubnet" | "podCIDR" | "podCidr" | "clusterCIDR" | "clusterCidr" => "kubernetes.podSubnet",
        "serviceSubnet" | "serviceCIDR" | "serviceCidr" => "kubernetes.serviceSubnet",
        "dnsDomain" => "kubernetes.dnsDomain",
        "imageRepository" => "kubernetes.imageRepository",
        "proxy" | "kubeProxy" => "kubernetes.proxy",
        "apiServer" => "kubernetes.apiServer",
        "certSANs" | "certSans" => "kubernetes.apiServer.certSANs",
        "kubelet" => "kubernetes.kubelet",
        "timeouts" => "kubernetes.timeouts",
        "gateway" | "gateway4" => "network.gateway",
        "nameservers" | "dns" => "network.nameservers",
        "search" => "network.search",
        "ntp" => "network.ntp",
        "mtu" => "network.mtu",
        "ip" | "ipAddress" | "addresses" => "nodes[].address",
        "masters" | "workers" | "machines" | "hosts" | "controlPlanes" => "nodes",
        "hostname" => "nodes[].name",
        "macAddress" | "hwaddr" => "nodes[].mac",
        "sshAuthorizedKeys" | "ssh_authorized_keys" | "sshKeys" => "users[].sshAuthorizedKeys",
        "window" => "bootstrap.window",
        "certificateValidityPeriod" => "pki.certificateValidityPeriod",
        "caCertificateValidityPeriod" => "pki.caCertificateValidityPeriod",
        _ => return None,
    })
}
