//! Debian packages: the list of them that apt-get reads, `Packages`.

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What processor it is for, as Debian calls it; `all` for any, empty where the list does not say.
    pub architecture: String,
    /// Its file, relative to the list.
    pub file: String,
    /// Bytes of the file.
    pub size: u64,
    /// The digest of the file, in hexadecimal.
    pub sha256: String,
}

/// Reads a list: stanzas of `Field: value`, separated by empty lines (deb822). One that names no file is left out.
#[must_use]
pub fn parse(text: &str) -> Vec<Package> {
    let mut packages = Vec::new();
    let mut package = Package::default();
    for line in text.lines().chain([""]) {
        if line.is_empty() {
            let whole = std::mem::take(&mut package);
            packages.extend((!whole.name.is_empty() && !whole.file.is_empty()).then_some(whole));
        } else if let Some((field, value)) = line.split_once(':').filter(|_| !line.starts_with([' ', '\t'])) {
            let value = value.trim();
            match field {
                "Package" => value.clone_into(&mut package.name),
                "Version" => value.clone_into(&mut package.version),
                "Architecture" => value.clone_into(&mut package.architecture),
                "Filename" => value.trim_start_matches("./").clone_into(&mut package.file),
                "Size" => package.size = value.parse().unwrap_or_default(),
                "SHA256" => value.clone_into(&mut package.sha256),
                _ => {}
            }
        }
    }
    packages
}

impl Package {
    /// The processor as images call it; `None` where any will do.
    #[must_use]
    pub fn processor(&self) -> Option<&str> {
        match self.architecture.as_str() {
            "" | "all" => None,
            "armhf" => Some("arm"),
            "ppc64el" => Some("ppc64le"),
            other => Some(other),
        }
    }

    /// Whether apt-get would take it for `wanted`: a name, or a name and a version that may end with `*`.
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        let (name, version) = wanted.split_once('=').unwrap_or((wanted, "*"));
        self.name == name
            && match version.strip_suffix('*') {
                Some(beginning) => self.version.starts_with(beginning),
                None => self.version == version,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stanzas_become_packages() {
        let text = "Package: kubeadm\nVersion: 1.36.3-1.1\nDescription: joins\n Filename: none\nFilename: ./kubeadm.deb\n\
                    Size: 7\nSHA256: ab\n\n\nPackage: no-file\n\nPackage: curl\nFilename: curl.deb";
        let packages = parse(text);
        let names: Vec<_> = packages.iter().map(|package| (package.name.as_str(), package.file.as_str())).collect();
        assert_eq!(names, [("kubeadm", "kubeadm.deb"), ("curl", "curl.deb")]);
        assert_eq!((packages[0].size, packages[0].sha256.as_str()), (7, "ab"));
        for (wanted, is) in [
            ("kubeadm", true),
            ("kubeadm=1.36.3-*", true),
            ("kubeadm=1.36.3-1.1", true),
            ("kubeadm=1.36.30-*", false),
            ("kubeadm=1.36.3", false),
            ("kube", false),
        ] {
            assert_eq!(packages[0].is(wanted), is, "{wanted}");
        }
    }
}
