//! Text for machines: the templates, and the one environment that fills them in. A name that is not there is an error,
//! never an empty string.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;

/// A template that cannot be filled in: a bug.
#[derive(Debug, thiserror::Error)]
#[error("template {name}: {cause}")]
pub struct TemplateError {
    name: &'static str,
    cause: minijinja::Error,
}

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../templates/", $name)))),+]
    };
}

const TEMPLATES: [(&str, &str); 23] = templates![
    "cloud-init/bootcmd",
    "etc/chrony.conf",
    "etc/chrony/sources.d/hagen.sources",
    "etc/hagen/node.env",
    "etc/hosts",
    "etc/modules-load.d/hagen.conf",
    "etc/sudoers.d/90-hagen",
    "etc/sysctl.d/90-hagen.conf",
    "etc/systemd/system/containerd.conf",
    "etc/systemd/system/held.conf",
    "etc/systemd/timesyncd.conf.d/10-hagen.conf",
    "libvirt/domain.xml",
    "libvirt/machines",
    "libvirt/network.xml",
    "mirror.sh",
    "proxmox/machines",
    "pxe/boot.ipxe",
    "pxe/default.ipxe",
    "pxe/dnsmasq.conf",
    "pxe/hagen-guard.service",
    "pxe/hagen-install.service",
    "pxe/machine.ipxe",
    "pxe/serve.env",
];

/// Fills in one of the templates; `name` is its path below `templates/`.
///
/// # Errors
/// [`TemplateError`] when there is no such template, or it names a value that is not there.
pub fn render(name: &'static str, values: &impl Serialize) -> Result<String, TemplateError> {
    let fail = |cause| TemplateError { name, cause };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // No value has a character that XML would mind.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build().map_err(fail)?);
    environment.add_filter("shell", shell);
    let source = TEMPLATES.iter().find(|(other, _)| *other == name).map_or("", |(_, source)| source);
    environment.add_template(name, source).map_err(fail)?;
    environment.get_template(name).and_then(|template| template.render(Value::from(Serde(values)))).map_err(fail)
}

/// A value as one word of a POSIX shell.
fn shell(value: Value) -> String {
    let text = value.to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_words_survive_the_shell() {
        for text in ["", "plain", "two words", "it's", "$(reboot)", "`x`", "a\"b", "\\", "ümlaut"] {
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", shell(Value::from(text)))])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }
}
