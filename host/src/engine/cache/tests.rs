//! An entry is used only if it is what was written, for this component, under this key.

use super::*;

/// A component in which there is nothing.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";
/// The same with a remark.
const REMARK: &[u8] = b"\0asm\x0d\0\x01\0\0\x02\x01a";

struct Bench {
    _folder: tempfile::TempDir,
    cache: Cache,
    engine: wasmtime::Engine,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("compiled"));
        Self { _folder: folder, cache, engine: wasmtime::Engine::default() }
    }

    fn open(&self) -> Kept {
        Kept::open(&self.cache, &self.engine).unwrap()
    }

    /// Where the entry of a component lies.
    fn entry(&self, wasm: &[u8]) -> PathBuf {
        self.cache.folder.join(format!("{}{ENDING}", hex(&self.open().identity(wasm))))
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(&self.cache.folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Whether the entry of a component is good as it lies there.
    fn is_good(&self, wasm: &[u8]) -> bool {
        let kept = self.open();
        kept.read(&self.engine, &kept.identity(wasm), &self.entry(wasm)).is_ok()
    }

    /// The entry is not used, and replaced by a good one.
    fn refused_and_mended(&self, what: &str) {
        assert!(!self.is_good(EMPTY), "{what}");
        self.open().load(&self.engine, EMPTY).unwrap();
        assert!(self.is_good(EMPTY), "{what}");
    }
}

#[test]
fn what_was_compiled_once_is_taken_up_again_and_lies_under_no_ones_else_eyes() {
    let bench = Bench::new();
    assert!(!bench.cache.folder.exists());
    bench.open().load(&bench.engine, EMPTY).unwrap();
    assert!(bench.is_good(EMPTY) && !bench.is_good(REMARK));
    let before = fs::read(bench.entry(EMPTY)).unwrap();
    bench.open().load(&bench.engine, EMPTY).unwrap();
    assert_eq!((fs::read(bench.entry(EMPTY)).unwrap(), bench.names().len()), (before, 1), "the entry is the same one");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&bench.cache.folder), mode(&bench.cache.key), mode(&bench.entry(EMPTY))), (0o700, 0o600, 0o600));
    }
}

#[test]
fn a_tampered_or_cut_entry_is_made_anew() {
    let bench = Bench::new();
    bench.open().load(&bench.engine, EMPTY).unwrap();
    let good = fs::read(bench.entry(EMPTY)).unwrap();
    let spots = [0, MARK.len() - 1, MARK.len(), MARK.len() + TAG - 1, MARK.len() + TAG, good.len() / 2, good.len() - 1];
    for spot in spots {
        let mut bad = good.clone();
        bad[spot] ^= 1;
        fs::write(bench.entry(EMPTY), bad).unwrap();
        bench.refused_and_mended(&format!("byte {spot}"));
    }
    for length in [0, 1, MARK.len(), MARK.len() + TAG - 1, MARK.len() + TAG, good.len() / 2, good.len() - 1] {
        fs::write(bench.entry(EMPTY), &good[..length]).unwrap();
        bench.refused_and_mended(&format!("{length} bytes"));
    }
    fs::write(bench.entry(EMPTY), [&good[..], b"x"].concat()).unwrap();
    bench.refused_and_mended("one byte more");
    fs::File::create(bench.entry(EMPTY)).unwrap().set_len(LARGEST + 1).unwrap();
    bench.refused_and_mended("a file too long to be read");
}

#[test]
fn an_entry_of_another_component_key_or_engine_is_made_anew() {
    let bench = Bench::new();
    for wasm in [EMPTY, REMARK] {
        bench.open().load(&bench.engine, wasm).unwrap();
    }
    fs::copy(bench.entry(REMARK), bench.entry(EMPTY)).unwrap();
    bench.refused_and_mended("another component's entry");

    let other = Bench::new();
    other.open().load(&other.engine, EMPTY).unwrap();
    assert_eq!(bench.entry(EMPTY).file_name(), other.entry(EMPTY).file_name());
    fs::copy(other.entry(EMPTY), bench.entry(EMPTY)).unwrap();
    bench.refused_and_mended("another host's entry");

    let engine = wasmtime::Engine::new(wasmtime::Config::new().epoch_interruption(true)).unwrap();
    let elsewise = Kept::open(&bench.cache, &engine).unwrap();
    fs::copy(bench.entry(EMPTY), bench.cache.folder.join(format!("{}{ENDING}", hex(&elsewise.identity(EMPTY))))).unwrap();
    assert_ne!(elsewise.identity(EMPTY), bench.open().identity(EMPTY));
    let read = elsewise.read(&engine, &elsewise.identity(EMPTY), &bench.entry(EMPTY));
    assert!(matches!(read, Err(Unfit::Tag)));
}

#[test]
fn what_lies_in_the_place_of_an_entry_is_not_followed() {
    let bench = Bench::new();
    bench.open().load(&bench.engine, EMPTY).unwrap();
    let aside = bench.cache.folder.join("aside");
    fs::rename(bench.entry(EMPTY), &aside).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&aside, bench.entry(EMPTY)).unwrap();
        bench.refused_and_mended("a link");
        fs::remove_file(bench.entry(EMPTY)).unwrap();
    }
    fs::create_dir(bench.entry(EMPTY)).unwrap();
    assert!(bench.open().load(&bench.engine, EMPTY).is_ok(), "a folder cannot be replaced, and keeps nobody from working");
}

#[test]
fn many_who_write_at_once_leave_one_good_entry() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let _ = fs::remove_file(bench.entry(EMPTY));
                    // Each opens the key for itself, as another process would.
                    bench.open().load(&bench.engine, EMPTY).unwrap();
                }
            });
        }
    });
    bench.open().load(&bench.engine, EMPTY).unwrap();
    assert!(bench.is_good(EMPTY));
    assert_eq!(bench.names().len(), 1, "nothing half written is left: {:?}", bench.names());
}

#[test]
fn a_folder_that_cannot_be_written_costs_time_only() {
    let bench = Bench::new();
    fs::write(&bench.cache.folder, "a file where the folder should be").unwrap();
    assert!(bench.open().load(&bench.engine, EMPTY).is_ok());
    assert!(!bench.is_good(EMPTY));
}

#[test]
fn a_key_that_others_may_read_vouches_for_nothing_and_half_a_key_is_made_anew() {
    let bench = Bench::new();
    bench.open().load(&bench.engine, EMPTY).unwrap();
    let key = fs::read(&bench.cache.key).unwrap();
    fs::write(&bench.cache.key, &key[1..]).unwrap();
    bench.refused_and_mended("half a key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&bench.cache.key, fs::Permissions::from_mode(0o640)).unwrap();
        let error = Kept::open(&bench.cache, &bench.engine).err().unwrap().to_string();
        assert!(error.contains("compiled.key") && error.contains("mode 640") && error.contains("remove it"), "{error}");
    }
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let entry = |age: u64, length: u64| {
        (SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 - age), length, PathBuf::from(format!("{age} seconds old")))
    };
    let gone = |room| too_many(vec![entry(30, 10), entry(10, 10), entry(20, 10)], room);
    assert_eq!(gone(30), Vec::<PathBuf>::new());
    assert_eq!(gone(29), [PathBuf::from("30 seconds old")]);
    assert_eq!(gone(10), [PathBuf::from("20 seconds old"), PathBuf::from("30 seconds old")]);
    assert_eq!(gone(0).len(), 3);
}
