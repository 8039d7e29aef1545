use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::super::conformance::{Subject, conformance};
use super::*;

struct File {
    folder: TempDir,
}

impl File {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("host.db")
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(self.path()).unwrap()
    }
}

impl Subject for File {
    /// A store of its own: it shares only the file, as another process does.
    fn handle(&self) -> Arc<dyn Store> {
        Arc::new(self.open())
    }
}

conformance!(File::new());

fn acme() -> Space {
    Space::plugin("acme")
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let file = File::new();
    let store = file.open();
    store.commit(&acme(), vec![Write::put("a", "1"), Write::put("b", "2")]).await.unwrap();
    let before = store.get(&acme(), &["a".into(), "b".into()]).await.unwrap();
    drop(store);
    assert_eq!(file.open().get(&acme(), &["a".into(), "b".into()]).await.unwrap(), before);
}

#[test]
fn a_scan_begins_and_ends_with_its_prefix_by_the_index() {
    let file = File::new();
    drop(file.open());
    let connection = Connection::open(file.path()).unwrap();
    for order in [Order::Ascending, Order::Descending] {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", scanned(order))).unwrap();
        let steps = plan.query_map(params!["acme", owner(&acme()), "a", "b"], |row| row.get::<_, String>("detail")).unwrap();
        let steps: Vec<_> = steps.map(Result::unwrap).collect();
        assert!(steps.len() == 1 && steps[0].ends_with("(tenant=? AND owner=? AND key>? AND key<?)"), "{order:?}: {steps:?}");
    }
}

#[test]
fn many_may_open_a_new_file_at_once() {
    for _ in 0..30 {
        let file = File::new();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| file.open())).collect();
            threads.into_iter().for_each(|thread| drop(thread.join().unwrap()));
        });
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let file = File::new();
    let store = file.open();
    store.commit(&acme(), vec![Write::put("a", "1")]).await.unwrap();
    let _held = store.try_lock("acme", "batch").await.unwrap().unwrap();
    let mut seen = 0;
    // The folder of the file is the user's own matter; here it is a temporary one.
    std::fs::set_permissions(file.path().parent().unwrap(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut folders = vec![file.path().parent().unwrap().to_owned()];
    while let Some(folder) = folders.pop() {
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
        for found in folder.read_dir().unwrap() {
            let found = found.unwrap();
            if found.file_type().unwrap().is_dir() {
                folders.push(found.path());
                continue;
            }
            seen += 1;
            assert_eq!(found.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", found.path().display());
        }
    }
    assert!(seen >= 3, "the database, its log and a lock, not {seen}");
}

#[test]
fn the_file_of_a_later_version_is_refused_untouched() {
    let file = File::new();
    drop(file.open());
    let change = Connection::open(file.path()).unwrap();
    change.pragma_update(None, "user_version", 99).unwrap();
    let refused = SqliteStore::open(file.path()).err().unwrap();
    assert!(matches!(refused, StoreError::Newer { found: 99, known: 2, .. }), "{refused}");
    assert!(refused.to_string().contains("use the newer program"), "{refused}");
}

#[tokio::test]
async fn the_keys_of_an_older_file_are_counted_when_it_is_opened() {
    let file = File::new();
    let old = Connection::open({
        make_file(&file.path()).unwrap();
        file.path()
    })
    .unwrap();
    old.execute_batch(schema::STEPS[0]).unwrap();
    old.execute_batch(
        "INSERT INTO entries VALUES ('acme', 0, x'61', x'31', 1), ('acme', 0, x'62', x'32', 1), ('acme', 1, x'61', x'31', 1);
         INSERT INTO spaces VALUES ('acme', 0, 4), ('acme', 1, 2);
         PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let quota = Quota { bytes: 1_000, keys: 2 };
    let refused = file.open().commit_within(&acme(), vec![Write::put("c", "3")], quota).await;
    assert!(matches!(refused, Err(StoreError::TooManyKeys { quota: 2, used: 2, wanted: 1 })), "{refused:?}");
}

#[test]
fn the_file_of_another_program_is_refused_untouched() {
    let file = File::new();
    std::fs::create_dir_all(file.path().parent().unwrap()).unwrap();
    let other = Connection::open(file.path()).unwrap();
    other.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(other);
    let before = std::fs::read(file.path()).unwrap();
    assert!(SqliteStore::open(file.path()).err().unwrap().to_string().contains("another program"));
    assert_eq!(std::fs::read(file.path()).unwrap(), before);

    std::fs::write(file.path(), "this is a text and no database, and it is long enough to be looked at. ".repeat(30)).unwrap();
    assert!(matches!(SqliteStore::open(file.path()), Err(StoreError::Other(_))));
}

#[test]
fn a_place_that_cannot_be_written_is_told_with_its_path() {
    let refused = SqliteStore::open("/dev/null/host.db").err().unwrap();
    assert!(refused.to_string().contains("/dev/null/host.db"), "{refused}");
}

const CHILD: &str = "STORE_TEST_CHILD";
const TOGETHER: usize = 40;

/// Not a test: what the next one starts as a process of its own, and kills. It commits many keys together, all with
/// the same number, and says so once the commit has returned.
#[tokio::test]
async fn child_that_commits_until_it_is_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let store = SqliteStore::open(path).unwrap();
    let _held = store.try_lock("acme", "batch").await.unwrap().unwrap();
    for number in 1_u64.. {
        let writes = (0..TOGETHER).map(|key| Write::put(format!("k{key}"), number.to_string())).collect();
        store.commit(&acme(), writes).await.unwrap();
        writeln!(std::io::stdout(), "committed={number}").unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_loses_no_commit_leaves_no_half_and_holds_no_lock() {
    let file = File::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child_that_commits_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(CHILD, file.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut commits = lines.filter_map(|line| line.split("committed=").nth(1).map(|number| number.parse::<u64>().unwrap()));
    let mut last = commits.by_ref().find(|number| *number >= 20).unwrap();
    let store = file.open();
    assert!(store.try_lock("acme", "batch").await.unwrap().is_none(), "the child holds it");
    child.kill().unwrap();
    child.wait().unwrap();
    last = commits.last().unwrap_or(last);

    assert!(store.try_lock("acme", "batch").await.unwrap().is_some(), "the kernel let go");
    drop(store);
    let found = file.open().scan(&acme(), &Scan::new("k", 2_000)).await.unwrap().entries;
    let numbers: Vec<u64> = found.iter().map(|entry| String::from_utf8_lossy(&entry.value).parse().unwrap()).collect();
    assert_eq!(numbers.len(), TOGETHER);
    assert!(numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
    assert!(numbers[0] >= last, "said {last}, found {}", numbers[0]);
}

#[test]
fn a_folder_that_is_not_there_is_refused_and_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let refused = SqliteStore::open(folder.path().join("mistyped").join("host.db")).err().unwrap();
    assert!(refused.to_string().contains("host.db"), "{refused}");
    assert!(!folder.path().join("mistyped").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_who_read_at_once_have_a_few_readers() {
    let file = File::new();
    let store = file.open();
    let looks = (0..1_000).map(|tenant| {
        let store = store.clone();
        tokio::spawn(async move { store.scan(&Space::host(tenant.to_string()), &Scan::new("", 10)).await.unwrap() })
    });
    for look in looks.collect::<Vec<_>>() {
        assert!(look.await.unwrap().entries.is_empty());
    }
    let readers = store.shared.readers.lock().unwrap().len();
    assert!((1..=READING).contains(&readers), "{readers} readers were open");
    // Who waits no more keeps nobody waiting.
    for _ in 0..100 {
        let (space, all) = (Space::host("acme"), Scan::new("", 10));
        let mut look = std::pin::pin!(store.scan(&space, &all));
        // It may be done already, where another thread was quick.
        let _ = futures::poll!(look.as_mut());
    }
    let turns = store.shared.reading.acquire_many(READING as u32);
    assert!(tokio::time::timeout(Duration::from_secs(30), turns).await.is_ok());
}
