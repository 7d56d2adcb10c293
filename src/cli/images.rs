//! `hagen images`: what the machines need that hagen does not write, for people, for programs, and as a script that
//! fetches it.

use std::io::{self, IsTerminal as _, Write as _};

use hagen::boot;
use hagen::cluster::Cluster;
use hagen::config::Options;
use hagen::kubernetes::images::{self, Image};
use hagen::payload::{Programs, Thing, things};
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Failure, ImagesArguments, columns, document, print};

/// Runs the verb.
pub fn run(arguments: &ImagesArguments) -> Result<(), Failure> {
    let options = Options { allow_untested: arguments.allow_untested, ..Options::default() };
    let colour = io::stderr().is_terminal();
    let document = match document::read(&arguments.documents, &options)?.result {
        Ok((document, warnings)) => {
            let _ = write!(io::stderr(), "{}", warnings.render(colour));
            document
        }
        Err(errors) => return Err(Failure::Input(errors.render(colour))),
    };
    // What is needed does not depend on when the secrets were made.
    let cluster = Cluster::resolve(&document, OffsetDateTime::UNIX_EPOCH);
    let text = if arguments.json {
        format!("{:#}\n", json(&cluster))
    } else if arguments.script {
        script(&cluster)?
    } else {
        table(&cluster)
    };
    print(text.as_bytes())
}

fn table(cluster: &Cluster<'_>) -> String {
    let mut rows = vec![["KIND", "NAME", "NODES"].map(str::to_owned)];
    for (thing, nodes) in things(cluster) {
        let (kind, name) = match thing {
            Thing::Image(image) => ("image", image.name),
            Thing::Package(package) => ("package", package),
            Thing::Extension(file) => ("extension", file),
            Thing::Program(name, version) => ("program", format!("{name} {version}")),
        };
        let nodes = if nodes.len() == cluster.nodes.len() { "all".to_owned() } else { nodes.join(" ") };
        rows.push([kind.to_owned(), name, nodes]);
    }
    columns(&rows)
}

fn json(cluster: &Cluster<'_>) -> Value {
    let nodes = cluster.nodes.iter().map(|node| {
        let images = images::of_node(cluster, node);
        let images: Vec<Value> =
            images.iter().map(|image| json!({"name": image.name, "archivedAs": image.archived})).collect();
        let mut value = json!({"name": node.name(), "images": images});
        let (key, programs) = match Programs::of(cluster, node) {
            Programs::Preinstalled(programs) => (
                "programs",
                programs.into_iter().map(|(name, version)| json!({"name": name, "version": version})).collect(),
            ),
            Programs::Packages(packages) => ("packages", json!(packages)),
            Programs::Extension(file) => ("extension", json!(file)),
        };
        value[key] = programs;
        value
    });
    json!({"cluster": cluster.name(), "nodes": nodes.collect::<Vec<_>>()})
}

fn script(cluster: &Cluster<'_>) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Values<'a> {
        cluster: &'a str,
        images: Vec<(String, String, String)>,
        packages: Vec<String>,
        extensions: Vec<String>,
    }
    let mut values =
        Values { cluster: cluster.name(), images: Vec::new(), packages: Vec::new(), extensions: Vec::new() };
    for thing in things(cluster).into_keys() {
        match thing {
            Thing::Image(Image { name, archived }) => {
                let digest = name.split_once("@sha256:").map(|(_, digest)| format!("_{:.12}", digest));
                // A sign that no name has: `a/b_c` and `a_b/c` are two.
                let file = archived.replace(['/', ':'], "+") + &digest.unwrap_or_default();
                values.images.push((name, archived, file));
            }
            Thing::Package(package) => values.packages.push(package),
            Thing::Extension(file) => values.extensions.push(file),
            Thing::Program(..) => {}
        }
    }
    boot::render("mirror.sh", &values).map_err(|error| Failure::Input(format!("error: {error}")))
}
