//! Files that are no component for this host: each is refused at load, in words, and beside it the neighbour is answered.

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use shift_access::plugin::{BUILT_IN, LoadError, Pack};
use shift_access_tests::HOSTILE;
use shift_access_tests::hostile::{Arena, spliced};

use super::told;

/// Loads files one after the other beside the neighbour, and gives what is said of each.
async fn refused(name: &str, files: Vec<Vec<u8>>) -> Vec<LoadError> {
    let arena = Arena::new().await.unwrap();
    let engine = arena.host.engine().clone();
    let load = tokio::task::spawn_blocking(move || files.iter().map(|bytes| Pack::from_bytes(&engine, bytes).err()).collect::<Vec<_>>());
    let beside = arena.beside(load).await.unwrap();
    told(name, &beside);
    beside.ended.unwrap().into_iter().enumerate().map(|(at, error)| error.unwrap_or_else(|| panic!("file {at} was taken"))).collect()
}

fn text(component: &str) -> Vec<u8> {
    wat::parse_str(component).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_not_offered_is_refused_and_named() {
    let imports = ["wasi:sockets/tcp@0.2.6", "wasi:filesystem/types@0.2.6", "wasi:http/outgoing-handler@0.2.6", "acme:secrets/store@1.0.0"];
    let files = imports.iter().map(|import| text(&format!("(component (import \"{import}\" (instance)))"))).collect();
    for (error, import) in refused("foreign imports", files).await.iter().zip(imports) {
        let said = error.to_string();
        assert!(matches!(error, LoadError::DoesNotFit(_)) && said.contains(&format!("imports {import}, which no plugin gets")), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_of_the_wrong_type_is_refused_and_named() {
    let file = r#"(component
        (core module $m (func (export "number") (result i32) i32.const 0))
        (core instance $i (instantiate $m))
        (func $number (result u32) (canon lift (core func $i "number")))
        (instance $pack (export "describe" (func $number)))
        (export "shift-access:plugin/pack@0.1.0" (instance $pack)))"#;
    let errors = refused("a wrong export", vec![text(file)]).await;
    let said = errors[0].to_string();
    assert!(matches!(errors[0], LoadError::DoesNotFit(_)), "{said}");
    assert!(said.contains("exports shift-access:plugin/pack@0.1.0 with another `describe` than this host calls"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truncated_file_is_refused_wherever_it_is_cut() {
    let cuts = [0, 1, 4, 7, 9, 100, HOSTILE.len() / 4, HOSTILE.len() / 2, HOSTILE.len() * 3 / 4, HOSTILE.len() - 1];
    let mut files: Vec<_> = cuts.iter().map(|length| HOSTILE[..*length].to_vec()).collect();
    files.push(BUILT_IN[..BUILT_IN.len() / 2].to_vec());
    for error in refused("truncated files", files).await {
        assert!(matches!(error, LoadError::NotAComponent(_)) && error.to_string().len() < 300, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_random_file_is_refused_also_where_it_begins_as_a_component() {
    let mut random = StdRng::seed_from_u64(20_261_122);
    let mut files = Vec::new();
    for length in [1, 16, 1_000, 100_000, 3_000_000] {
        let mut bytes = vec![0; length];
        random.fill_bytes(&mut bytes);
        files.push([&b"\0asm\x0d\0\x01\0"[..], &bytes].concat());
        files.push(spliced(HOSTILE, &bytes).unwrap());
        files.push(bytes);
    }
    for error in refused("random files", files).await {
        assert!(matches!(error, LoadError::NotAComponent(_)) && error.to_string().len() < 300, "{error}");
    }
}
