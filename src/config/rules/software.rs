//! Where programs and images come from: that the machines can install them, and are not sent to a registry after all.

use std::collections::BTreeSet;

use super::Subject;
use crate::config::catalogue::Code;
use crate::config::diagnostics::Diagnostic;
use crate::config::values::Invalid;
use crate::os::Installs;

/// Reads the name of a Debian package.
pub(in crate::config) fn package(text: &str) -> Result<String, Invalid> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if text.len() < 2 || !starts_well || !text.chars().all(good) {
        return Err(Invalid::new(
            format!("`{}` is not the name of a Debian package", text.escape_debug()),
            "write its name alone, without a version, as in `nfs-common`",
        ));
    }
    Ok(text.to_owned())
}

/// The payload's packages are of one distribution.
fn one_distribution(subject: &Subject<'_>) {
    let mut first = None;
    for (node, place) in subject.nodes() {
        let os = subject.os(node);
        if os.system().installs != Some(Installs::Packages) {
            continue;
        }
        let (other, span) = *first.get_or_insert((os, place.key("name").span));
        if other != os {
            let message = format!("packages of `{}` are for no `{}` machine", other.word(), os.word());
            subject.push(
                Diagnostic::error(Code::SoftwareOfSystem, place.key("name").span, message)
                    .also(span, "is the other")
                    .help("a payload has the packages of one release: put the programs into one system's image"),
            );
            return;
        }
    }
}

pub(super) fn check(subject: &Subject<'_>) {
    let software = &subject.draft.software;
    if software.installs {
        let mut said = BTreeSet::new();
        for (node, _) in subject.nodes() {
            let word = subject.os(node).word();
            if subject.os(node).system().installs.is_none() && said.insert(word) {
                let message = format!("hagen cannot install programs on `{word}` machines");
                subject.push(
                    Diagnostic::error(Code::SoftwareOfSystem, subject.at(&["software", "source"]).span, message)
                        .help("put them into the image and write `source: preinstalled`; `images: payload` works there as well"),
                );
            }
        }
        one_distribution(subject);
    } else if !software.extra_packages.is_empty() {
        let place = subject.at(&["software", "extraPackages"]);
        subject.push(
            Diagnostic::error(Code::UnusedPackages, place.key, "`software.extraPackages` without `source: payload`")
                .help("write `source: payload`, or put these packages into the machines' image"),
        );
    }

    if software.loads_images {
        for (index, manifest) in subject.draft.manifests.iter().enumerate() {
            let place = subject.at(&["manifests"]).item(index);
            for image in manifest.images.iter().filter(|image| image.is_always_pulled) {
                let message =
                    format!("`{}` is pulled from its registry each time, though the payload has it", image.name);
                subject.push(
                    Diagnostic::warning(Code::AlwaysPulled, place.span, message)
                        .also(image.span, "here")
                        .help("give it a tag other than `latest`, and no `imagePullPolicy: Always`"),
                );
            }
        }
    }
}
