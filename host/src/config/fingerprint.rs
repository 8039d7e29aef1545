//! Whether two tables say the same: a digest of what is written in a table, and of the secrets it points at.

use std::fs;
use std::path::Path;

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::credential::Environment;
use super::document::{Node, Value};

/// The digest of a table. The lines on which things stand, and the order of keys, make no difference to it.
pub(super) fn of(node: &Node, folder: &Path, env: Environment<'_>) -> [u8; 32] {
    let mut digest = Sha256::new();
    add(&mut digest, node, Some((folder, env)));
    digest.finalize().into()
}

/// The digest of a table that points at nothing. No file is read: what looks like its name was typed by somebody who may not.
pub(super) fn of_kept(node: &Node) -> [u8; 32] {
    let mut digest = Sha256::new();
    add(&mut digest, node, None);
    digest.finalize().into()
}

fn add(digest: &mut Sha256, node: &Node, behind: Option<(&Path, Environment<'_>)>) {
    match &node.value {
        Value::Text(text) => part(digest, b't', text.as_bytes()),
        Value::Number(number) => part(digest, b'n', &number.to_be_bytes()),
        Value::Switch(switch) => part(digest, b's', &[u8::from(*switch)]),
        // No table that has one of them is ever good.
        Value::Fraction | Value::Moment => part(digest, b'x', &[]),
        Value::Secret(secret) => part(digest, b'h', secret.as_ref().map_or("", ExposeSecret::expose_secret).as_bytes()),
        Value::List(items) => {
            part(digest, b'l', &items.len().to_be_bytes());
            items.iter().for_each(|item| add(digest, item, behind));
        }
        Value::Table(entries) => {
            part(digest, b'm', &entries.len().to_be_bytes());
            for (key, value) in entries {
                part(digest, b'k', key.as_bytes());
                add(digest, value, behind);
                let Some((folder, env)) = behind else { continue };
                // What lies behind it may change, and it stays as it is.
                match (key.as_str(), &value.value) {
                    ("file", Value::Text(name)) => part(digest, b'f', &fs::read(folder.join(name)).unwrap_or_default()),
                    ("env", Value::Text(name)) => part(digest, b'e', env(name).unwrap_or_default().as_bytes()),
                    _ => {}
                }
            }
        }
    }
}

/// With its kind and length, so that no two sequences of parts run together to the same bytes.
fn part(digest: &mut Sha256, kind: u8, bytes: &[u8]) {
    digest.update([kind]);
    digest.update(bytes.len().to_be_bytes());
    digest.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::{Report, parse};

    fn print(text: &str, folder: &Path, secret: &str) -> [u8; 32] {
        let node = parse(text, &mut Report::of(Path::new("a.toml")));
        of(&node, folder, &|_| Some(secret.to_owned()))
    }

    #[test]
    fn only_what_is_said_makes_a_difference_and_secrets_that_are_pointed_at_do() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        fs::write(&key, "one").unwrap();
        let text = "a = 1\n[b]\nsecret = { file = \"key\" }\nother = { env = \"X\" }\nlist = [\"x\", \"yz\"]\n";
        let before = print(text, folder.path(), "s");
        let moved = "# further down\n\n[b]\nlist = [\"x\", \"yz\"]\nother.env = \"X\"\nsecret.file = \"key\"\n";
        assert_ne!(print(moved, folder.path(), "s"), before, "a is gone");
        assert_eq!(print(&format!("a = 1\n{moved}"), folder.path(), "s"), before);
        assert_ne!(print(text, folder.path(), "t"), before);
        assert_ne!(print(&text.replace("\"x\", \"yz\"", "\"xy\", \"z\""), folder.path(), "s"), before);
        fs::write(&key, "two").unwrap();
        assert_ne!(print(text, folder.path(), "s"), before);
    }
}
