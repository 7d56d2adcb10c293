//! The loader on anything: it never panics, and what it refuses it can draw.

#![no_main]

use hagen::config::{Input, Options, load};

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    // Two documents where there is a line of dashes and a plus.
    let marker = b"\n--+\n";
    let cut = content.windows(marker.len()).position(|window| window == marker);
    let (base, over) = match cut {
        Some(at) => (&content[..at], Some(&content[at + marker.len()..])),
        None => (content, None),
    };
    let inputs: Vec<Input<'_>> = std::iter::once(Input { name: "cluster.yaml", content: base })
        .chain(over.map(|content| Input { name: "site.yaml", content }))
        .collect();
    let mut read = |_, _: &str| Ok(b"apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n".to_vec());
    let messages = match load(&inputs, &mut read, &Options { allow_untested: true, ..Options::default() }) {
        Ok((_, warnings)) => warnings,
        Err(errors) => {
            assert!(errors.has_errors());
            errors
        }
    };
    let _ = (messages.render(true), messages.to_json());
});
