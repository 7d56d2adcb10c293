//! YAML that is written, in one place: every scalar that YAML 1.1 would read as something else (`NO`, `1.30`, a MAC)
//! is quoted, and text of several lines stays readable as a literal block.
//!
//! A typed value comes in, text goes out. PyYAML (cloud-init) and sigs.k8s.io/yaml (kubeadm) read the same back.

use serde::Serialize;

/// A value that cannot be written as YAML: a bug, for all values that hagen writes are its own.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {what} as YAML: {cause}")]
pub struct YamlError {
    what: &'static str,
    cause: String,
}

/// One document, ending in a line break. `what` names it in an error.
///
/// # Errors
/// [`YamlError`] when the value holds something that YAML has no form for.
pub fn to_string(what: &'static str, value: &impl Serialize) -> Result<String, YamlError> {
    let mut options = serde_yaml::SerializerOptions::default();
    // Never fold: a long line is one line.
    options.folded_wrap_chars = usize::MAX;
    let mut text = String::new();
    serde_yaml::to_fmt_writer_with_options(&mut text, value, options)
        .map_err(|cause| YamlError { what, cause: cause.to_string() })?;
    Ok(text)
}

/// Several documents, separated by `---`.
#[must_use]
pub fn documents(texts: &[String]) -> String {
    texts.join("---\n")
}
