//! Files and components that do not fit, each told in words; and the pack, which does.

use super::*;
use crate::engine::Cache;
use crate::plugin::{BUILT_IN, LoadError, Pack};

fn engine() -> Engine {
    Engine::new(None::<Cache>).unwrap()
}

/// What is said of a component in text form, each misfit by itself.
fn said(component: &str) -> Vec<String> {
    match Pack::from_bytes(&engine(), &wat::parse_str(component).unwrap()) {
        Err(error @ LoadError::DoesNotFit(_)) => error.problems(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

/// What is said beside the five interfaces that none of these components exports.
fn said_of_imports(component: &str) -> Vec<String> {
    let (missing, rest): (Vec<_>, Vec<_>) = said(component).into_iter().partition(|text| text.contains("does not export"));
    assert_eq!(missing.len(), EXPORTS.len(), "{missing:?}");
    rest
}

#[test]
fn the_pack_fits_with_every_check() {
    let engine = engine();
    let component = engine.load(BUILT_IN).unwrap();
    let pre = check(&engine, &component).unwrap();
    assert_eq!(unlike_exports(&pre), []);
    assert_eq!(unlike_imports(&engine, &component), [], "it imports all five");
    let made_up = stubbed(&component, Linker::new(engine.inner())).unwrap();
    assert_eq!(unlike_exports(&made_up), []);
}

#[test]
fn what_is_no_component_is_told_apart() {
    let engine = engine();
    let cut = &BUILT_IN[..BUILT_IN.len() / 2];
    for (bytes, words) in [
        (&b""[..], "the file is empty"),
        (b"\0as", "it begins with 00 61 73, and a WebAssembly file with 00 61 73 6d"),
        (b"\x89PNG\r\n\x1a\n and more", "it begins with 89 50 4e 47"),
        (b"\0asm\x01", "the file is cut off after 5 bytes"),
        (b"\0asm\x01\0\0\0", "it is a core module, not a component; build it for the target wasm32-wasip2"),
        (b"\0asm\x63\0\x01\0", "it is of an unknown version of the format (63 00 01 00)"),
        (b"\x7fELF\x02\x01\x01", "it is machine code, such as a precompiled component"),
        (b"  (component)", "it is WebAssembly as text; translate it with `wasm-tools parse`"),
        (cut, &format!("the file is cut off after {} bytes", cut.len())),
        (b"\0asm\x0d\0\x01\0\xff\xff\xff", "this is not a WebAssembly component: "),
    ] {
        let Err(error @ LoadError::NotAComponent(_)) = Pack::from_bytes(&engine, bytes) else { panic!("{words}") };
        let said = error.to_string();
        assert!(said.contains(words) && said.lines().count() == 1 && said.len() < 400, "{words}: {said}");
    }
}

#[test]
fn every_import_that_is_not_offered_is_named_with_what_is() {
    let said = said_of_imports(
        r#"(component
            (import "wasi:sockets/tcp@0.2.6" (instance))
            (import "wasi:filesystem/types@0.2.0" (instance))
            (import "wasi:cli/stdout@0.3.0" (instance))
            (import "shift-access:plugin/http@0.2.0" (instance))
            (import "shift-access:plugin/roster@0.1.0" (instance))
            (import "shift-access:plugin/storage" (instance))
            (import "other:pack/thing" (instance))
            (import "plain" (func)))"#,
    );
    let offered =
        "which no plugin gets; offered are: of shift-access:plugin@0.1.0 http, storage, email, journal, properties; of wasi@0.2.0 cli/";
    for (import, words) in [
        ("wasi:sockets/tcp@0.2.6", offered),
        ("wasi:filesystem/types@0.2.0", offered),
        ("wasi:cli/stdout@0.3.0", "; this host offers wasi:cli/stdout@0.2.0: the component was built for version 0.3.0"),
        ("shift-access:plugin/http@0.2.0", "; this host offers shift-access:plugin/http@0.1.0: the component was built for version 0.2.0"),
        ("shift-access:plugin/roster@0.1.0", offered),
        ("shift-access:plugin/storage", "; this host offers shift-access:plugin/storage@0.1.0: the component was built for no version"),
        ("other:pack/thing", offered),
        ("plain", offered),
    ] {
        let begin = format!("the component imports {import}");
        assert!(said.iter().any(|text| text.strip_prefix(&begin).is_some_and(|rest| rest.contains(words))), "{import}: {said:#?}");
    }
    assert_eq!(said.len(), 8, "{said:#?}");
    assert!(said.iter().all(|text| text.len() < 400), "{said:#?}");
}

#[test]
fn a_later_patch_of_a_version_will_do_and_a_preview_of_one_will_not() {
    for (version, other, same) in [
        ("0.1.3", "0.1.0", true),
        ("0.2.0", "0.1.0", false),
        ("1.4.0", "1.0.0", true),
        ("2.0.0", "1.0.0", false),
        ("0.1.0-rc.1", "0.1.0", false),
        ("", "0.1.0", false),
        ("0.1", "0.1.0", false),
    ] {
        assert_eq!(track(version) == track(other), same, "{version} {other}");
    }
}

#[test]
fn an_import_or_export_of_the_wrong_type_is_named_with_the_function() {
    let said = said(
        r#"(component
            (import "shift-access:plugin/journal@0.1.0" (instance (export "progress" (func (param "done" u32)))))
            (import "shift-access:plugin/properties@0.1.0" (instance (export "nothing-like-it" (func))))
            (core module $code
                (func (export "number") (result i32) i32.const 0)
                (func (export "nothing")))
            (core instance $made (instantiate $code))
            (func $number (result u32) (canon lift (core func $made "number")))
            (func $nothing (canon lift (core func $made "nothing")))
            (instance $pack (export "describe" (func $number)))
            (export "shift-access:plugin/pack@0.1.0" (instance $pack))
            (instance $access (export "decide" (func $nothing)))
            (export "shift-access:plugin/access@0.2.0" (instance $access)))"#,
    );
    for words in [
        "has an import shift-access:plugin/journal@0.1.0 that is not the one this host offers: instance export `progress` has the wrong type",
        "has an import shift-access:plugin/properties@0.1.0 that is not the one this host offers: it has no `nothing-like-it`",
        "exports shift-access:plugin/pack@0.1.0 with another `describe` than this host calls: ",
        "exports shift-access:plugin/pack@0.1.0 with another `check` than this host calls: it is missing",
        "exports shift-access:plugin/access@0.2.0; this host calls shift-access:plugin/access@0.1.0",
        "does not export shift-access:plugin/jobs@0.1.0, which this host calls",
        "does not export shift-access:plugin/listener@0.1.0",
        "does not export shift-access:plugin/roster@0.1.0",
    ] {
        assert!(said.iter().any(|text| text.contains(words)), "{words}: {said:#?}");
    }
    assert_eq!(said.len(), 8, "{said:#?}");
}

#[test]
fn what_is_offered_is_what_is_lent() {
    let engine = engine();
    let mut linker = capability::linker(engine.inner()).unwrap();
    // What is there already cannot be defined again.
    let mut is_there = |interface: &str, item: &str| linker.instance(interface).unwrap().func_wrap(item, |_, ()| Ok(())).is_err();
    let items = [
        ("cli/environment", "get-environment"),
        ("cli/exit", "exit"),
        ("cli/stderr", "get-stderr"),
        ("cli/stdin", "get-stdin"),
        ("cli/stdout", "get-stdout"),
        ("cli/terminal-input", "terminal-input"),
        ("cli/terminal-output", "terminal-output"),
        ("cli/terminal-stderr", "get-terminal-stderr"),
        ("cli/terminal-stdin", "get-terminal-stdin"),
        ("cli/terminal-stdout", "get-terminal-stdout"),
        ("clocks/monotonic-clock", "now"),
        ("clocks/wall-clock", "now"),
        ("io/error", "error"),
        ("io/poll", "poll"),
        ("io/streams", "input-stream"),
        ("random/insecure-seed", "insecure-seed"),
        ("random/random", "get-random-u64"),
    ];
    assert_eq!(items.map(|(interface, _)| interface), WASI);
    for (interface, item) in items {
        assert!((0..100).any(|patch| is_there(&format!("wasi:{interface}@0.2.{patch}"), item)), "{interface}");
    }
    for (interface, item) in CONTRACT.iter().zip(["send", "get", "send", "add", "all"]) {
        assert!(is_there(&called(interface), item), "{interface}");
    }
    assert!(!is_there("wasi:sockets/tcp@0.2.0", "tcp-socket"));
}
