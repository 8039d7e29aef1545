//! `run`: a job, now, by hand.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Exit, Place, json, open, print, text};
use crate::capability::Progress;
use crate::history::{Status, Trigger};
use crate::runner::Order;

/// Runs a job of a tenant now, and prints its report.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The tenant.
    tenant: String,
    /// The job, one of those that `describe` lists.
    job: String,
    /// An option of the job, one of those that `describe` lists; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(place: &Place, args: Args) -> Result<(), Exit> {
    let site = open(place).await?;
    let tenant = site.tenant(&args.tenant)?;
    let order = Order::new(&tenant, &args.job, Trigger::Manual).and_then(|order| order.with(&args.set));
    let order = order.map_err(|error| Exit::Usage(error.to_string()))?;
    let stop = CancellationToken::new();
    tokio::spawn(cancel_on_signal(stop.clone()));
    let (progress, receiver) = watch::channel(Progress::default());
    let bar = show_progress(format!("{} {}", args.tenant, args.job), receiver);
    let ended = site.host().run(&tenant, order, stop, progress).await;
    bar.await;
    let detail = ended.map_err(|error| Exit::Failed(error.to_string()))?;
    print(if args.json { vec![json(&detail.run)?] } else { text::run(&detail) })?;
    match detail.run.status {
        Status::Complete | Status::CompleteWarn => Ok(()),
        _ => Err(Exit::Said(1)),
    }
}

/// Ctrl-C or SIGTERM end the run as `ABORTED`; a second one ends the program at once, as it always does.
pub(super) async fn cancel_on_signal(stop: CancellationToken) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else { return };
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        stop.cancel();
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        std::process::exit(130);
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_ok() {
        stop.cancel();
    }
}

/// A bar on a terminal, plain lines otherwise. What it answers ends when nobody can tell of any more progress.
pub(super) fn show_progress(title: String, mut receiver: watch::Receiver<Progress>) -> impl Future<Output = ()> {
    let terminal = std::io::stderr().is_terminal();
    let shown = tokio::spawn(async move {
        let bar = if terminal { bar(&title) } else { ProgressBar::hidden() };
        let mut last = None;
        while receiver.changed().await.is_ok() {
            let now = receiver.borrow_and_update().clone();
            if terminal {
                draw(&bar, now);
            } else if let Some(line) = plain(&title, &now, &mut last) {
                eprintln!("{line}");
            }
        }
        bar.finish_and_clear();
    });
    async move {
        let _ = shown.await;
    }
}

fn bar(title: &str) -> ProgressBar {
    let bar = ProgressBar::no_length().with_prefix(title.to_owned());
    style(&bar, "{prefix} {spinner} {pos} {msg} {elapsed}");
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A spinner while nobody knows how much there is, a bar from then on.
fn draw(bar: &ProgressBar, now: Progress) {
    if bar.length() != now.total {
        match now.total {
            Some(total) => {
                bar.set_length(total);
                style(bar, "{prefix} [{bar:30}] {pos}/{len} {msg} {elapsed}");
            }
            None => {
                bar.unset_length();
                style(bar, "{prefix} {spinner} {pos} {msg} {elapsed}");
            }
        }
    }
    bar.set_position(now.done);
    bar.set_message(now.label);
}

fn style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
}

/// One line for each tenth of the way.
fn plain(title: &str, now: &Progress, last: &mut Option<(String, u64)>) -> Option<String> {
    let total = now.total.filter(|total| *total > 0);
    let tenth = total.map_or(now.done / 1_000, |total| now.done * 10 / total);
    let mark = (now.label.clone(), tenth);
    if last.as_ref() == Some(&mark) {
        return None;
    }
    *last = Some(mark);
    let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
    Some(format!("{title}: {}{of} {}", now.done, now.label))
}
