//! What tests of the console take from npm: a folder of this package with a lock file, filled once.

use std::path::{Path, PathBuf};

use tokio::process::Command;

/// The folder of this name below `tests/console`, with everything that its lock file names.
pub(crate) async fn brought(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("console").join(name);
    // Several tests at once: one of them brings it, the others wait.
    let lock = std::fs::File::create(std::env::temp_dir().join(format!("shift-access-tests-{name}.lock"))).unwrap();
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await.unwrap().unwrap();
    let (wanted, brought) = (folder.join("package-lock.json"), folder.join("node_modules/.brought"));
    let wanted = std::fs::read(&wanted).unwrap();
    if std::fs::read(&brought).ok().as_ref() != Some(&wanted) {
        let npm =
            Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder).output().await.unwrap();
        assert!(npm.status.success(), "npm ci: {}", String::from_utf8_lossy(&npm.stderr));
        std::fs::write(&brought, &wanted).unwrap();
    }
    drop(lock);
    folder
}
