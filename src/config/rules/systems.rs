//! Operating systems: that each machine reads the format that it is given, and keeps the files.

use std::collections::BTreeSet;

use super::{Subject, files::below};
use crate::config::catalogue::Code;
use crate::config::decode::NodeDraft;
use crate::config::diagnostics::Diagnostic;
use crate::os::{Format, HOME, OperatingSystem};

impl Subject<'_> {
    /// What a node runs.
    pub(super) fn os(&self, node: &NodeDraft) -> OperatingSystem {
        node.os.unwrap_or(self.draft.os)
    }

    /// How its bundle comes to a node.
    pub(super) fn format(&self, node: &NodeDraft) -> Format {
        node.format.or(self.draft.format).unwrap_or(self.os(node).system().format)
    }

    /// Whether every machine has what Debian's base-passwd makes.
    pub(super) fn all_debian(&self) -> bool {
        self.nodes().all(|(node, _)| self.os(node).system().format == Format::CloudInit)
    }
}

pub(super) fn check(subject: &Subject<'_>) {
    formats(subject);
    hidden_files(subject);
}

fn hidden_files(subject: &Subject<'_>) {
    let mut said = BTreeSet::new();
    for (node, _) in subject.nodes() {
        let os = subject.os(node);
        for file in subject.draft.files.iter().chain(&node.files) {
            let hidden = os.system().mounted_late.iter().find(|folder| below(&file.path.value, folder));
            let Some(folder) = hidden.filter(|folder| **folder != HOME || subject.draft.users.is_empty()) else {
                continue;
            };
            if said.insert((file.path.span.source, file.path.span.start)) {
                let message = format!("`{}`: `{}` machines mount {folder} after it was written", file.path, os.word());
                subject.push(
                    Diagnostic::error(Code::HiddenPath, file.path.span, message).help("put it below /etc or /var"),
                );
            }
        }
    }
}

fn formats(subject: &Subject<'_>) {
    let mut said = BTreeSet::new();
    for (node, place) in subject.nodes() {
        let os = subject.os(node);
        let native = os.system().format;
        let Some(format) = node.format.or(subject.draft.format).filter(|format| *format != native) else { continue };
        // What stands nearer to the machine is what is wrong.
        let places = [
            (node.format.is_some(), place.key("format")),
            (node.os.is_some(), place.key("os")),
            (subject.draft.format.is_some(), subject.at(&["format"])),
        ];
        let Some((_, place)) = places.into_iter().find(|(there, _)| *there) else { continue };
        if !said.insert((place.span.source, place.span.start)) {
            continue;
        }
        let system = os.word();
        subject.push(match format {
            Format::CloudInit => {
                let message = format!("`{system}` machines have no cloud-init, and read Ignition's config alone");
                Diagnostic::error(Code::FormatOfSystem, place.span, message)
                    .help("leave `format` away, or write `format: ignition` for these machines")
            }
            Format::Ignition => {
                let message = format!("stock images of `{system}` do not read Ignition's config");
                Diagnostic::warning(Code::FormatOfSystem, place.span, message)
                    .help("this is for images that you built with Ignition; otherwise leave `format` away")
            }
        });
    }
}
