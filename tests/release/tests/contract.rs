//! The contract over time: what was released stays as it was, and today's adds to it and takes nothing away. The page about it
//! says what it says. That a plugin of every generation runs, `tests/system/generations.rs` holds.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets what it does not expect has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use release::page;
use sha2::{Digest, Sha256};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata, targets};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, WorldId, WorldItem};

/// Every generation with the digest of its files. A new one adds a line.
const RELEASED: &str = "\
since-0.1.0 391d55a1c0fd4427ec233953721b7e709d1613bddf77b9a72c1f8bf15fe27c08
";

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

/// The folders of what was released.
fn generations() -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(wit()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(!folders.is_empty());
    folders
}

/// The contract in a folder.
struct Contract {
    resolve: Resolve,
    world: WorldId,
}

impl Contract {
    fn read(folder: &Path) -> Self {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(folder).unwrap();
        let world = resolve.select_world(&[package], Some("plugin")).unwrap();
        Self { resolve, world }
    }

    /// With packages that have no version: names are compared letter for letter, and a later version takes an earlier one's place.
    fn unversioned(mut self) -> Self {
        self.resolve.packages.iter_mut().for_each(|(_, package)| package.name.version = None);
        self
    }

    /// A plugin that imports everything it may and exports everything it must, and does nothing.
    fn plugin(&self) -> Vec<u8> {
        let abi = ManglingAndAbi::Legacy(LiftLowerAbi::AsyncCallback);
        let mut module = dummy_module(&self.resolve, self.world, abi);
        embed_component_metadata(&mut module, &self.resolve, self.world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
    }

    /// What it exports: each function with its interface.
    fn exported(&self) -> Vec<String> {
        let world = &self.resolve.worlds[self.world];
        let interfaces = world.exports.values().filter_map(|item| match item {
            WorldItem::Interface { id, .. } => Some(&self.resolve.interfaces[*id]),
            _ => None,
        });
        interfaces.flat_map(|it| it.functions.keys().map(|name| format!("{}.{name}", it.name.as_deref().unwrap_or_default()))).collect()
    }

    /// What keeps a plugin of an older contract from being one of this; nothing where it is.
    fn breaks(self, older: Self) -> Option<String> {
        let (today, older) = (self.unversioned(), older.unversioned());
        let has = today.exported();
        if let Some(missing) = older.exported().into_iter().find(|name| !has.contains(name)) {
            return Some(format!("{missing} is not asked for any more"));
        }
        targets(&today.resolve, today.world, &older.plugin()).err().map(|error| format!("{error:#}"))
    }
}

/// Today's contract with something in a file replaced; in every file where none is named.
fn changed(file: &str, from: &str, to: &str) -> Contract {
    let (folder, mut found) = (tempfile::tempdir().unwrap(), false);
    for entry in fs::read_dir(wit()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let (name, text) = (entry.file_name().unwrap(), fs::read_to_string(&entry).unwrap());
        let here = (file.is_empty() || name == file) && text.contains(from);
        found |= here;
        fs::write(folder.path().join(name), if here { text.replacen(from, to, 1) } else { text }).unwrap();
    }
    assert!(found, "no `{from}` in {file}");
    Contract::read(folder.path())
}

#[test]
fn a_released_generation_is_never_changed() {
    let digests = generations().into_iter().map(|folder| {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let mut digest = Sha256::new();
        for file in files {
            digest.update(file.file_name().unwrap().as_encoded_bytes());
            digest.update(fs::read(file).unwrap());
        }
        format!("{name} {:x}\n", digest.finalize())
    });
    assert_eq!(digests.collect::<String>(), RELEASED, "what was released is never changed: change `wit/` instead");
}

#[test]
fn today_adds_to_every_generation_and_takes_nothing_away() {
    for generation in generations() {
        let older = Contract::read(&generation);
        assert_eq!(Contract::read(&wit()).breaks(older), None, "{}: a plugin built against it would not load", generation.display());
    }
}

#[test]
fn what_would_break_a_plugin_of_today_is_found() {
    let breaks = |file: &str, from: &str, to: &str| changed(file, from, to).breaks(Contract::read(&wit()));
    // What may be done: a later version, and more functions to import, in an interface there is or in a new one.
    for (file, from, to) in [
        (
            "storage.wit",
            "  /// The values of these",
            "  @since(version = 0.1.0)\n  count: async func() -> u64;\n\n  /// The values of these",
        ),
        (
            "world.wit",
            "  /// To keep what",
            "  @since(version = 0.1.0)\n  import extra: interface { now: func() -> u64; }\n  /// To keep what",
        ),
        ("", "plugin@0.1.0;", "plugin@0.1.1;"),
    ] {
        assert_eq!(breaks(file, from, to), None, "{file}: {to}");
    }
    // What may not.
    for (file, from, to) in [
        ("http.wit", "    repeat-safe: bool,", "    repeat-safe: bool,\n    urgent: bool,"),
        ("http.wit", "    repeat-safe: bool,", ""),
        ("storage.wit", "    absent,", "    absent,\n    present,"),
        ("storage.wit", "get: async func(keys: list<string>)", "get: async func(keys: list<string>, fresh: bool)"),
        ("storage.wit", "get: async func", "get: func"),
        ("storage.wit", "get: async func", "read: async func"),
        ("email.wit", "    duplicate,", ""),
        ("roster.wit", "  @since(version = 0.1.0)\n  counts: async func() -> result<list<count>, failure>;", ""),
        ("roster.wit", "counts: async func()", "tally: async func() -> u32;\n  @since(version = 0.1.0)\n  counts: async func()"),
        ("world.wit", "  @since(version = 0.1.0)\n  import journal;", ""),
        ("world.wit", "  @since(version = 0.1.0)\n  export access;", ""),
    ] {
        assert!(breaks(file, from, to).is_some(), "{file}: `{to}` for `{from}` goes through");
    }
}

#[test]
fn the_page_says_what_the_contract_says() {
    let page = fs::read_to_string(wit().join("../docs/contract.md")).unwrap();
    assert!(page == page::render(&wit()).unwrap(), "make it anew: tests/release/page");
}

#[test]
fn the_page_has_every_name_and_every_sentence() {
    let page = fs::read_to_string(wit().join("../docs/contract.md")).unwrap();
    let mut members = 0;
    for entry in fs::read_dir(wit()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let text = fs::read_to_string(&entry).unwrap();
        for line in text.lines() {
            if let Some(sentence) = line.trim().strip_prefix("/// ") {
                let escaped = sentence.replace('|', "\\|");
                assert!(
                    page.contains(sentence.trim()) || page.contains(escaped.trim()),
                    "{}: `{sentence}` is not on the page",
                    entry.display()
                );
            }
        }
        for (place, member) in names(&text) {
            let (_, rest) = page.split_once(&format!("<a id=\"{place}\">")).unwrap_or_else(|| panic!("{place} is not on the page"));
            let told = rest.split("<a id=").next().unwrap();
            assert!(member.is_none_or(|member| told.contains(&format!("\n| `{member}` |"))), "{member:?} is not told of at {place}");
            members += usize::from(member.is_some());
        }
    }
    assert!(members > 100, "{members}");
}

/// What a file of the contract names, read without the parser that the page is made with: each interface, function and type by its
/// place on the page, and with a type's each of its members.
fn names(text: &str) -> Vec<(String, Option<&str>)> {
    let (mut interface, mut within, mut found) = ("", None, Vec::new());
    for line in text.lines().map(str::trim) {
        let words: Vec<_> = line.split([' ', ':', '(', ',', '{', ';']).filter(|word| !word.is_empty()).collect();
        match *words.as_slice() {
            [] | ["///" | "//" | "@since" | "package" | "use" | "import" | "export" | "world", ..] => {}
            ["}"] => within = None,
            ["interface", name] => {
                interface = name;
                found.push((name.to_owned(), None));
            }
            ["record" | "variant" | "enum" | "flags" | "type", name, ..] => {
                let place = format!("{interface}.{name}");
                within = line.ends_with('{').then(|| place.clone());
                found.push((place, None));
            }
            [name, ..] => match &within {
                Some(place) => found.push((place.clone(), Some(name))),
                None => found.push((format!("{interface}.{name}"), None)),
            },
        }
    }
    found
}
