//! Tree -> values, one key at a time, without stopping at a mistake.
//!
//! In: nodes of [`super::tree`]. Out: values, and a message for every key that is unknown, missing, of the wrong
//! type or not built yet. Which keys there are is said in [`super::keys`]; this room only knows how to ask.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::str::FromStr;

use super::catalogue::Code;
use super::diagnostics::{Diagnostic, Diagnostics, Span, Spanned};
use super::keys::{self, Presence, Shape};
use super::tree::{Key, Kind, Node};
use super::values::Invalid;

/// What every reader needs: a place for messages, and files beside the document.
pub(super) struct Context<'n> {
    pub diagnostics: RefCell<Diagnostics>,
    /// With the number of the source that names the file.
    pub read: &'n dyn Fn(u32, &str) -> io::Result<Vec<u8>>,
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
    /// What it is to look like.
    pub shape: Shape,
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
        let found = match (&self.node.kind, self.node.description()) {
            // `6443.0` where a number is wanted, `True` where a boolean is.
            (Kind::Scalar { text, .. }, "a number" | "a boolean") if text.len() <= 40 => format!("`{text}`"),
            (_, description) => description.to_owned(),
        };
        let message = format!("`{}` must be {wanted}, found {found}", self.path);
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

    /// A decimal number within the bounds of its shape.
    pub fn integer<T: TryFrom<i64>>(&self) -> Option<T> {
        let (low, high) = match self.shape {
            Shape::Integer(low, high) => (low, high),
            _ => (i64::MIN, i64::MAX),
        };
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
        let number = text.parse::<i64>().ok().filter(|number| (low..=high).contains(number));
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

    /// One of the words of its shape, each with what it means.
    pub fn choice<T: Copy>(&self, meanings: &[(&str, T)]) -> Option<T> {
        let text = self.text("text")?;
        if let Some((_, value)) = meanings.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let (built, planned) = match self.shape {
            Shape::Choice { built, planned } => (built, planned),
            _ => (&[] as &[&str], &[] as &[&str]),
        };
        if planned.contains(&text) {
            self.not_built(built);
        } else {
            let message = format!("`{}` cannot be `{text}`", self.path);
            let help = match nearest(text, built.iter().chain(planned).copied()) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("write {}", alternatives(built)),
            };
            self.push(self.error(Code::UnknownChoice, message).help(help));
        }
        None
    }

    /// One of the words of its shape, which mean nothing but themselves.
    pub fn word(&self) -> Option<&'static str> {
        let built = if let Shape::Choice { built, .. } = self.shape { built } else { &[] };
        self.choice(&built.iter().map(|word| (*word, *word)).collect::<Vec<_>>())
    }

    /// Says that this value is planned; `built` are the values that work.
    pub fn not_built(&self, built: &[&str]) {
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

    /// The shape of what is in it.
    fn inner(&self) -> Shape {
        match self.shape {
            Shape::List(inner) | Shape::OneOrList(inner) | Shape::Map(_, inner) => *inner,
            Shape::Keyed(_, keys) => Shape::Mapping(keys),
            _ => Shape::Object,
        }
    }

    /// Every item of a list.
    pub fn items(&self) -> Option<Vec<Self>> {
        let item = |(index, node)| Field {
            path: format!("{}[{index}]", self.path),
            node,
            shape: self.inner(),
            context: self.context,
        };
        match &self.node.kind {
            Kind::Sequence(items) => Some(items.iter().enumerate().map(item).collect()),
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
            _ => read(&Self { shape: self.inner(), ..self.clone() }).map(|value| vec![value]),
        }
    }

    /// The entries of a mapping whose keys the schema does not fix.
    pub fn entries(&self) -> Option<Vec<(&'n Key, Self)>> {
        let value = |key: &Key, node| Field {
            path: format!("{}.{}", self.path, key.text),
            node,
            shape: self.inner(),
            context: self.context,
        };
        match &self.node.kind {
            Kind::Mapping(entries) => Some(entries.iter().map(|(key, node)| (key, value(key, node))).collect()),
            _ if self.node.is_null() => Some(Vec::new()),
            _ => {
                self.wrong_type("a mapping", None);
                None
            }
        }
    }

    /// The entries of a mapping under keys that `parse` accepts; `None` for a key that it does not.
    pub fn keyed<K>(
        &self,
        parse: impl Fn(&str) -> Result<K, Invalid>,
    ) -> Option<impl Iterator<Item = (Option<Spanned<K>>, Self)>> {
        let keyed = move |(key, field): (&Key, Self)| match parse(&key.text) {
            Ok(parsed) => (Some(Spanned::new(parsed, key.span)), field),
            Err(Invalid { problem, help }) => {
                let message = format!("`{}`: {problem}", self.path);
                let diagnostic = Diagnostic::error(Code::InvalidValue, key.span, message).help(help);
                self.push(with_origin(diagnostic, key.origin));
                (None, field)
            }
        };
        Some(self.entries()?.into_iter().map(keyed))
    }

    /// A mapping of texts under keys that `parse` accepts.
    pub fn map<K: Ord, V>(
        &self,
        parse: impl Fn(&str) -> Result<K, Invalid>,
        read: impl Fn(&Self) -> Option<V>,
    ) -> Option<BTreeMap<K, V>> {
        let mut map = BTreeMap::new();
        for (key, field) in self.keyed(parse)? {
            let value = read(&field);
            if let (Some(key), Some(value)) = (key, value) {
                map.insert(key.value, value);
            }
        }
        Some(map)
    }

    /// A mapping whose keys the schema fixes.
    pub fn fields(&self) -> Option<Fields<'n>> {
        match &self.node.kind {
            Kind::Mapping(entries) => Some(self.fields_of(entries)),
            _ => {
                self.wrong_type("a mapping", None);
                None
            }
        }
    }

    /// The same, where nothing means an empty one.
    pub fn fields_or_none(&self) -> Option<Fields<'n>> {
        if self.node.is_null() { Some(self.fields_of(&[])) } else { self.fields() }
    }

    fn fields_of(&self, entries: &'n [(Key, Node)]) -> Fields<'n> {
        Fields {
            path: self.path.clone(),
            span: self.node.span,
            origin: self.node.origin,
            entries,
            absent: None,
            keys: match self.shape {
                Shape::Mapping(keys) => keys,
                _ => &[],
            },
            context: self.context,
        }
    }
}

/// A mapping whose keys the schema fixes: [`Fields::finish`] names the others.
pub(super) struct Fields<'n> {
    pub path: String,
    pub span: Span,
    origin: Option<Span>,
    entries: &'n [(Key, Node)],
    /// Its own key, when the document does not have it.
    absent: Option<&'static str>,
    keys: &'static [keys::Key],
    pub context: &'n Context<'n>,
}

impl<'n> Fields<'n> {
    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The key's entry in the table, and in the document.
    fn find(&self, key: &'static str) -> (Option<&'static keys::Key>, Option<(&'n Key, Field<'n>)>) {
        let known = self.keys.iter().find(|known| known.name == key);
        debug_assert!(known.is_some(), "`{}` is not in config/keys.rs", self.path_of(key));
        let shape = known.map_or(Shape::Object, |known| known.shape);
        let found = self.entries.iter().find(|(candidate, _)| candidate.text == key);
        let field = |node| Field { path: self.path_of(key), node, shape, context: self.context };
        (known, found.map(|(key, node)| (key, field(node))))
    }

    /// A key that may be absent or null.
    pub fn optional<T>(&self, key: &'static str, read: impl FnOnce(&Field<'n>) -> Option<T>) -> Option<T> {
        let (_, field) = self.find(key).1?;
        if field.node.is_null() { None } else { read(&field) }
    }

    /// A key with a default. The default also stands in for a value that cannot be read, so that the rest can be
    /// checked; the message keeps such a document from leaving [`super::load`].
    pub fn or<T>(&self, key: &'static str, default: T, read: impl FnOnce(&Field<'n>) -> Option<T>) -> T {
        self.optional(key, read).unwrap_or(default)
    }

    /// A key without a default.
    pub fn required<T>(&self, key: &'static str, read: impl FnOnce(&Field<'n>) -> Option<T>) -> Option<T> {
        let (known, found) = self.find(key);
        let path = self.path_of(key);
        let example = match known.map(|known| known.presence) {
            Some(Presence::Required(example)) => example,
            _ => key,
        };
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
                    None if self.entries.is_empty() => format!("write `{example}` in it"),
                    None => format!("add `{example}`"),
                };
                self.context.push(with_origin(diagnostic.help(help), self.origin));
                None
            }
        }
    }

    /// A mapping in this one; absent or null means an empty one.
    pub fn section(&self, key: &'static str) -> Self {
        let keys = match self.find(key).0.map(|known| known.shape) {
            Some(Shape::Mapping(keys)) => keys,
            _ => &[],
        };
        // A key without a value is where its own keys are missing.
        let null = self.entries.iter().find(|(candidate, _)| candidate.text == key).map(|(key, _)| key);
        let empty = Fields {
            path: self.path_of(key),
            span: null.map_or(self.span, |key| key.span),
            origin: null.map_or(self.origin, |key| key.origin),
            entries: &[],
            absent: null.is_none().then_some(key),
            keys,
            context: self.context,
        };
        self.optional(key, Field::fields).unwrap_or(empty)
    }

    /// Names every key that is unknown, and every value that is planned.
    pub fn finish(self) {
        for (key, node) in self.entries {
            match self.keys.iter().find(|known| known.name == key.text) {
                None => self.unknown(key),
                Some(known) => {
                    let Presence::Planned(accepted) = known.presence else { continue };
                    if !node.is_empty() && !node.text().is_some_and(|text| accepted.contains(&text)) {
                        let path = self.path_of(known.name);
                        Field { path, node, shape: known.shape, context: self.context }.not_built(accepted);
                    }
                }
            }
        }
    }

    fn unknown(&self, key: &Key) {
        let place = if self.path.is_empty() { "the document".to_owned() } else { format!("`{}`", self.path) };
        let message = format!("unknown key `{}` in {place}", key.text);
        let glued = key.text.split_once(':').filter(|(name, _)| self.keys.iter().any(|known| known.name == *name));
        let help = match nearest(&key.text, self.keys.iter().map(|known| known.name)) {
            _ if glued.is_some() => {
                let (name, value) = glued.unwrap_or_default();
                format!("put a blank after the colon: `{name}: {value}`")
            }
            Some(known) => format!("did you mean `{known}`?"),
            None => match belongs(&key.text) {
                Some(path) if path != self.path_of(&key.text) => format!("`{path}` is where this is said"),
                _ => {
                    let built: Vec<&str> =
                        self.keys.iter().filter(|known| !known.is_planned()).map(|known| known.name).collect();
                    format!("known here: {}", built.join(", "))
                }
            },
        };
        let diagnostic = Diagnostic::error(Code::UnknownKey, key.span, message).help(help);
        self.context.push(with_origin(diagnostic, key.origin));
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
    let near = |word: &'w str| {
        let plain = plain(word);
        let most = (wrong.len().min(plain.len()) / 3).max(1);
        // A document may have a hundred thousand unknown keys.
        if wrong.len().abs_diff(plain.len()) > most {
            return None;
        }
        let distance = strsim::osa_distance(&wrong, &plain);
        (distance <= most).then_some((distance, word))
    };
    words.filter_map(near).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
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
        "encryption" => "kubernetes.encryption",
        "audit" => "kubernetes.audit",
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
        "macaddress" => "match.macaddress",
        "vmid" => "nodes[].proxmox.vmid",
        "sshAuthorizedKeys" | "ssh_authorized_keys" | "sshKeys" => "users[].sshAuthorizedKeys",
        "window" => "bootstrap.window",
        "certificateValidityPeriod" => "pki.certificateValidityPeriod",
        "caCertificateValidityPeriod" => "pki.caCertificateValidityPeriod",
        _ => return None,
    })
}
