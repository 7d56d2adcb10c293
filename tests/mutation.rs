//! A document with one slip in it never makes hagen fail badly: it renders, or says what is wrong.
//!
//! Every key of every example is left away once and doubled once, and every two scalars change places.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod support;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use granit_parser::{Event, Parser, ScalarStyle};
use hagen::config::{Input, Options, load};
use hagen::render::render;

/// A document without anchors.
#[derive(Clone, Debug)]
enum Tree {
    Scalar { text: String, plain: bool },
    List(Vec<Tree>),
    Map(Entries),
}

/// Keys and values of a mapping.
type Entries = Vec<(String, Tree)>;

impl Tree {
    fn parse(text: &str) -> Self {
        let mut events = Parser::new_from_str(text)
            .map(|event| event.unwrap().0)
            .filter(|event| !matches!(event, Event::Comment(..)));
        loop {
            match events.next().unwrap() {
                Event::StreamStart | Event::DocumentStart(..) => {}
                event => return Self::node(event, &mut events),
            }
        }
    }

    fn node<'text>(event: Event<'text>, rest: &mut impl Iterator<Item = Event<'text>>) -> Self {
        match event {
            Event::Scalar(text, style, ..) => {
                Self::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match rest.next().unwrap() {
                        Event::SequenceEnd => return Self::List(items),
                        event => items.push(Self::node(event, rest)),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut entries = Vec::new();
                loop {
                    match rest.next().unwrap() {
                        Event::MappingEnd => return Self::Map(entries),
                        Event::Scalar(key, ..) => {
                            let event = rest.next().unwrap();
                            entries.push((key.into_owned(), Self::node(event, rest)));
                        }
                        event => panic!("{event:?} as a key"),
                    }
                }
            }
            event => panic!("{event:?} in an example"),
        }
    }

    /// The document in flow style.
    fn write(&self, out: &mut String) {
        match self {
            Self::Scalar { text, plain } => {
                let bare = *plain && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
                let _ = if bare { write!(out, "{text}") } else { write!(out, "{}", serde_json::json!(text)) };
            }
            Self::List(items) => {
                out.push('[');
                for item in items {
                    item.write(out);
                    out.push_str(",\n");
                }
                out.push(']');
            }
            Self::Map(entries) => {
                out.push('{');
                for (key, value) in entries {
                    let _ = write!(out, "{}: ", serde_json::json!(key));
                    value.write(out);
                    out.push_str(",\n");
                }
                out.push('}');
            }
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    /// Calls `change` with every mapping in turn; `index` counts entries over all of them.
    fn entry(&mut self, index: &mut usize, change: &mut dyn FnMut(&mut Entries, usize)) -> bool {
        match self {
            Self::Scalar { .. } => false,
            Self::List(items) => items.iter_mut().any(|item| item.entry(index, change)),
            Self::Map(entries) => {
                if *index < entries.len() {
                    change(entries, *index);
                    return true;
                }
                *index -= entries.len();
                entries.iter_mut().any(|(_, value)| value.entry(index, change))
            }
        }
    }

    fn scalars(&mut self) -> Vec<&mut Tree> {
        match self {
            Self::Scalar { .. } => vec![self],
            Self::List(items) => items.iter_mut().flat_map(Self::scalars).collect(),
            Self::Map(entries) => entries.iter_mut().flat_map(|(_, value)| value.scalars()).collect(),
        }
    }
}

fn examples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(root.join("examples")).unwrap().map(|entry| entry.unwrap().path()).collect();
    // Beside them lie secrets files, where somebody rendered.
    paths.retain(|path| path.to_string_lossy().strip_suffix(".yaml").is_some_and(|stem| !stem.ends_with(".secrets")));
    paths.extend(["one", "five"].map(|name| root.join("tests/golden").join(name).join("cluster.yaml")));
    paths
}

/// What came of a text.
#[derive(PartialEq, Eq)]
enum Outcome {
    Renders,
    Reports,
}

/// Loads a text, and renders it if asked to; checks that a refusal is something to read.
fn run(text: &str, folder: &Path, rendered: bool) -> Outcome {
    let mut read = |_, name: &str| std::fs::read(folder.join(name));
    match load(&[Input { name: "cluster.yaml", content: text.as_bytes() }], &mut read, &Options::default()) {
        Ok((document, _)) => {
            if rendered {
                let inputs = [text.as_bytes()];
                let options = hagen::render::Options::default();
                if let Err(error) = render(&document, &support::secrets(), &inputs, &options, None) {
                    assert!(!error.to_string().is_empty());
                    return Outcome::Reports;
                }
            }
            Outcome::Renders
        }
        Err(errors) => {
            assert!(errors.has_errors(), "refused without a word: {text}");
            assert!(errors.render(false).contains("cluster.yaml:"), "no place: {text}");
            Outcome::Reports
        }
    }
}

#[test]
fn every_key_left_away_or_doubled() {
    for path in examples() {
        let folder = path.parent().unwrap();
        let tree = Tree::parse(&std::fs::read_to_string(&path).unwrap());
        assert!(run(&tree.text(), folder, true) == Outcome::Renders, "{}: {}", path.display(), tree.text());
        let mut count = 0;
        loop {
            let (mut dropped, mut doubled) = (tree.clone(), tree.clone());
            let found = dropped.entry(&mut count.clone(), &mut |entries, index| drop(entries.remove(index)));
            doubled.entry(&mut count.clone(), &mut |entries, index| entries.push(entries[index].clone()));
            if !found {
                break;
            }
            run(&dropped.text(), folder, true);
            let text = doubled.text();
            assert!(run(&text, folder, true) == Outcome::Reports, "a doubled key is a mistake: {text}");
            count += 1;
        }
        assert!(count > 5, "{}: only {count} keys", path.display());
    }
}

#[test]
fn every_two_scalars_swapped() {
    for path in examples() {
        let folder = path.parent().unwrap();
        let mut tree = Tree::parse(&std::fs::read_to_string(&path).unwrap());
        let count = tree.scalars().len();
        // All pairs of the small examples; of the large one each scalar with a dozen others.
        let step = (count / 12).max(1);
        let (mut good, mut wrong) = (0, 0);
        for first in 0..count {
            for second in (first + 1..count).step_by(step) {
                let mut swapped = tree.clone();
                let mut scalars = swapped.scalars();
                let (head, tail) = scalars.split_at_mut(second);
                std::mem::swap(head[first], tail[0]);
                match run(&swapped.text(), folder, first % 7 == second % 7) {
                    Outcome::Renders => good += 1,
                    Outcome::Reports => wrong += 1,
                }
            }
        }
        assert!(wrong > good / 10, "{}: {wrong} reported, {good} rendered", path.display());
    }
}
