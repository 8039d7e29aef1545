//! The batch: reads every worker of the configured groups and stores what they are doing.
//!
//! In turn: the groups' members go into storage, then chunks of them flow through gather, plan and apply, a few at a
//! time, then records of workers who are in no group any more are removed. With the brake set the plan is kept aside
//! until it is known as a whole. Memory does not grow with the number of workers. A run that dies anywhere leaves every
//! record whole; the next one clears what it left and does everything again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use shift_access_core::catalogue;
use shift_access_core::plan::{self, Before, Context, Counts, Plan, Reading};
use shift_access_core::settings::Settings;
use shift_access_core::status::SourceKind;
use shift_access_core::zone::Zones;

use super::Failed;
use crate::apply::{self, Closings, Stood};
use crate::exempt::AllRead;
use crate::gather::{self, Groups};
use crate::kronos::Kronos;
use crate::report::Report;
use crate::store::{self, Entry, Pages};
use crate::trouble::Trouble;
use crate::workspace_one::Directory;
use crate::{clock, convert, exempt, identities, listener, notes, reach, staging};

/// Workers in one chunk. UKG allows more in one call; but four chunks of this size under way are most of the memory a run
/// takes, and its peak is the steadier the smaller they are.
const CHUNK: usize = 100;

/// Chunks under way at once. Together with the connection's own limit it keeps the calls to UKG at what it advises.
const IN_FLIGHT: usize = 4;

/// There while the brake holds what the last batch wanted to store.
const HELD: &str = "state/held";

/// Everything the chunks share.
struct Batch<'a> {
    kronos: &'a Kronos,
    settings: &'a Settings,
    zones: &'a Zones,
    run: &'a str,
    /// Whether the plan is kept aside until the brake has seen the whole.
    held_back: bool,
    /// How things stood before.
    stood: Stood,
    /// The person numbers that pins lead to.
    pinned: BTreeSet<&'a str>,
}

/// What came of one chunk; the records themselves are let go.
struct Done {
    counts: Counts,
    closings: Closings,
    warnings: Vec<plan::Warning>,
    /// Who came to a pinned person: the number, and the user.
    at_pins: Vec<(String, String)>,
}

/// What has come of the chunks until now.
#[derive(Default)]
struct Tally {
    counts: Counts,
    closings: Closings,
    /// Who came to each pinned person.
    at_pins: BTreeMap<String, Vec<String>>,
}

impl Tally {
    /// Adds what came of a chunk: the one place where counts grow.
    fn add(&mut self, done: Done, report: &mut Report) {
        self.counts.add(&done.counts);
        self.closings.add(done.closings);
        for (number, user) in done.at_pins {
            self.at_pins.entry(number).or_default().push(user);
        }
        for warning in done.warnings {
            report.warnings.about(&warning.subject, Trouble::new(warning.number, warning.message));
        }
    }
}

/// Warns of workers who come to one person, which only a pin leads to: a number typed wrong gives one the access of another.
fn warn_of_shared(at_pins: BTreeMap<String, Vec<String>>, report: &mut Report) {
    for (number, mut users) in at_pins.into_iter().filter(|(_, users)| users.len() > 1) {
        users.sort_unstable();
        for user in &users {
            let others: Vec<_> = users.iter().filter(|other| *other != user).map(|other| format!("\"{other}\"")).collect();
            let message = format!(
                "Two users come to one person: with {}, this user goes by the punches of person {number}. Correct the pin in the property \
                 identities, or take it out.",
                others.join(", ")
            );
            report.warnings.about(user, Trouble::new(catalogue::AMBIGUOUS, message));
        }
    }
}

/// Runs the batch. `release_brake` stores the result even where the brake would hold it.
pub async fn run(run: &str, release_brake: bool) -> Result<Report, Failed> {
    let mut report = Report::default();
    let outcome = steps(run, release_brake, &mut report).await;
    // What is left here after a failure is cleared by the next run.
    let cleared = store::clear(staging::ALL).await.map_err(Trouble::from);
    match outcome.and(cleared) {
        Ok(()) => Ok(report),
        Err(trouble) => {
            reach::note_failure(&trouble, clock::now()).await;
            Err(Failed { trouble, report })
        }
    }
}

async fn steps(run: &str, release_brake: bool, report: &mut Report) -> Result<(), Trouble> {
    let settings = convert::settings()?;
    store::clear(staging::ALL).await?;
    identities::clear_old(clock::now()).await?;
    let (members, exempt) = read_groups(&settings, report).await?;
    let kronos = Kronos::new();
    let zones = gather::zones(&kronos, &settings).await?;
    let before = Before { reach: reach::now().await?, held: store::get_one(HELD.to_owned()).await?.is_some() };
    reach::note(true, clock::now()).await?;

    let held_back = settings.brake_percent > 0 && !release_brake;
    let stood = Stood { before, exempt_read: exempt.all_read };
    let pinned = settings.identities.values().map(String::as_str).collect();
    let batch = Batch { kronos: &kronos, settings: &settings, zones: &zones, run, held_back, stood, pinned };
    let mut tally = Tally::default();
    let read = batch.read_workers(members.members, &mut tally, report).await;
    warn_of_shared(std::mem::take(&mut tally.at_pins), report);
    if held_back {
        // Nothing is stored yet, whatever is planned.
        tally.counts = tally.counts.with_changed(0);
    }
    if tally.counts.members > 0 {
        report.counts = tally.counts.named();
    }
    read?;
    if held_back {
        batch.brake(members.all_read, &mut tally).await?;
        let mut changed = 0;
        let stored = apply::store_set_aside(&settings.identities, &mut changed).await;
        tally.counts = tally.counts.with_changed(changed);
        report.counts = tally.counts.named();
        stored?;
    }
    if members.all_read {
        tally.counts.removed = apply::remove_strangers(&settings.identities).await?;
    }
    exempt::bring_in_line(AllRead { workers: members.all_read, exempt: exempt.all_read }).await?;
    store::put(vec![store::removal(HELD.to_owned())]).await?;
    store::clear(listener::STRANGERS).await?;
    report.counts = tally.counts.named();
    Ok(())
}

/// Who the workers are, and who is exempt.
async fn read_groups(settings: &Settings, report: &mut Report) -> Result<(Groups, Groups), Trouble> {
    let (members, exempt) = gather::groups(&Directory::new(), settings, staging::BATCH, &mut report.warnings).await?;
    if members.members == 0 {
        let trouble = members.first_trouble;
        return Err(trouble.unwrap_or_else(|| Trouble::new(catalogue::GROUP_EMPTY, "no configured group has an enabled member")));
    }
    exempt::warn_of_namesakes(&mut report.warnings).await?;
    Ok((members, exempt))
}

impl Batch<'_> {
    /// Takes the members chunk by chunk, a few chunks at a time. After a failure no new chunk begins, and those under
    /// way come to their end: what they read is whole and true.
    async fn read_workers(&self, total: u64, tally: &mut Tally, report: &mut Report) -> Result<(), Trouble> {
        let mut pages = Pages::of(staging::MEMBERS);
        let mut under_way = FuturesUnordered::new();
        let mut failed = None;
        loop {
            while failed.is_none() && under_way.len() < IN_FLIGHT {
                match pages.next(CHUNK).await {
                    Ok(Some(entries)) => under_way.push(self.chunk(entries)),
                    Ok(None) => break,
                    Err(error) => failed = Some(error.into()),
                }
            }
            match under_way.next().await {
                Some(Ok(done)) => {
                    tally.add(done, report);
                    notes::progress(tally.counts.members, Some(total), "workers read");
                    // Behind the brake nothing is stored yet.
                    notes::counts(if self.held_back { tally.counts.with_changed(0) } else { tally.counts });
                }
                Some(Err(trouble)) => failed = failed.or(Some(trouble)),
                None => return failed.map_or(Ok(()), Err),
            }
        }
    }

    /// One chunk: gather, plan, apply.
    async fn chunk(&self, entries: Vec<Entry>) -> Result<Done, Trouble> {
        let now = clock::now();
        let members = entries.iter().map(staging::read).collect::<Result<Vec<_>, _>>()?;
        drop(entries);
        let members = staging::with_namesakes(members, staging::EXEMPT).await?;
        let readings = gather::readings(self.kronos, members, self.settings, now).await?;
        let at_pins = self.at_pins(&readings);
        let context = self.context(now);
        let (plan, closings) = if self.held_back {
            apply::set_aside(readings, context, self.stood).await?
        } else {
            (apply::store(readings, context).await?, Closings::default())
        };
        let Plan { counts, warnings, .. } = plan;
        Ok(Done { counts, closings, warnings, at_pins })
    }

    /// Who of a chunk came to a pinned person, whether by the pin or by name.
    fn at_pins(&self, readings: &[Reading]) -> Vec<(String, String)> {
        let pinned = |reading: &Reading| {
            let number = reading.person_number.as_ref().filter(|number| self.pinned.contains(number.as_str()))?;
            Some((number.clone(), reading.user.clone()))
        };
        readings.iter().filter_map(pinned).collect()
    }

    /// Ends the run with nothing stored, if it would take access from too many of the workers known before it, among them
    /// those whose record would be removed. Such a run leaves a mark, as the records age from then on.
    async fn brake(&self, all_read: bool, tally: &mut Tally) -> Result<(), Trouble> {
        if all_read {
            tally.closings.add(apply::closings_by_removal(self.context(clock::now()), self.stood).await?);
        }
        if !plan::is_held(tally.closings.number, tally.closings.known, self.settings) {
            return Ok(());
        }
        store::put(vec![store::write(HELD.to_owned(), b"{}".to_vec())]).await?;
        Err(Trouble::new(catalogue::BRAKE, held(&tally.closings, self.settings.brake_percent)))
    }

    fn context(&self, now: DateTime<Utc>) -> Context<'_> {
        Context { settings: self.settings, zones: self.zones, now, run: self.run, kind: SourceKind::Batch }
    }
}

fn held(closings: &Closings, percent: u8) -> String {
    let names = closings.names.join(", ");
    let more = closings.number.saturating_sub(u64::try_from(closings.names.len()).unwrap_or_default());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "{} of the {} workers known would lose access, more than {percent} percent (brake-percent), so nothing was stored: {names}{more}. \
         To let one run through, start the batch with the option release-brake",
        closings.number, closings.known
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_who_come_to_one_person_are_both_warned_of() {
        let users = |users: &[&str]| users.iter().map(|user| (*user).to_owned()).collect();
        let mut report = Report::default();
        warn_of_shared(BTreeMap::from([("7".to_owned(), users(&["gneill", "adiaz"])), ("8".to_owned(), users(&["bking"]))]), &mut report);
        let told = report.warnings.into_vec();
        let subjects: Vec<_> = told.iter().map(|warning| (warning.number, warning.subject.as_deref().unwrap())).collect();
        assert_eq!(subjects, [(71, "adiaz"), (71, "gneill")]);
        assert!(told[0].message.contains("one person: with \"gneill\", this user goes by the punches of person 7."), "{told:?}");
    }

    #[test]
    fn a_held_run_names_the_first_and_counts_the_rest() {
        let closings = Closings { number: 23, names: vec!["adiaz".into(), "bea".into()], known: 50 };
        let text = held(&closings, 20);
        assert!(text.starts_with("23 of the 50 workers known"));
        assert!(text.contains("adiaz, bea and 21 more."));
    }
}
