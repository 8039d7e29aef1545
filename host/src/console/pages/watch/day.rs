//! The last day of a tenant: how many users had each status after each run, as curves, with the same numbers in a table.
//!
//! The statuses are those that the plugin counts; of a run, those of its counts are taken whose names say the same.

use axum::extract::{Path, State};
use chrono::{DateTime, TimeDelta, Timelike, Utc};
use maud::{Markup, html};

use super::super::super::frame::{Page, said};
use super::super::super::moment::moment;
use super::super::super::{Console, Problem, ROOT, link};
use super::{head, tenant, word};
use crate::history::{Filter, Run};
use crate::store::StoreError;
use crate::tenant::Tenant;

/// The end of the path.
const PLACE: &str = "day";
/// Runs looked at: one of a job each 5 minutes, and as many others again.
const LOOKED_AT: u32 = 1_500;
/// Runs asked for at once.
const CHUNK: u32 = 500;
/// The size of a curve in its own units: minutes across, and so many up.
const WIDTH: i64 = 1_440;
const HEIGHT: u64 = 200;

/// What a run counted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Point {
    at: DateTime<Utc>,
    /// One for each status.
    counts: Vec<u64>,
}

/// `GET /console/tenants/{tenant}/day`
pub(in super::super::super) async fn show(State(console): State<Console>, Path(name): Path<String>) -> Result<Page, Problem> {
    let tenant = tenant(&console, &name)?;
    let counted = console.counted.of(&console, &tenant).await;
    let statuses: Vec<String> = counted.map(|counted| counted.counts.into_iter().map(|(status, _)| status).collect()).unwrap_or_default();
    let now = console.now();
    let points = points(&console, &tenant, &statuses, now).await?;
    let waits = statuses.is_empty() && !console.counted.failed(&tenant);
    Ok(Page::new(format!("The last day of {}", tenant.name), ROOT, content(&tenant, waits, &statuses, &points, now)))
}

/// The runs of the last day that counted every status, oldest first.
async fn points(console: &Console, tenant: &Tenant, statuses: &[String], now: DateTime<Utc>) -> Result<Vec<Point>, StoreError> {
    let (mut points, mut cursor, mut looked) = (Vec::new(), None, 0);
    let since = now - TimeDelta::days(1);
    while looked < LOOKED_AT && !statuses.is_empty() {
        let page = console.site.host().history().list_among(&tenant.name, &Filter::default(), cursor, CHUNK, CHUNK).await?;
        let within = page.items.iter().take_while(|run| run.started >= since);
        points.extend(within.filter_map(|run| point(run, statuses)));
        let reached = page.items.last().is_none_or(|run| run.started < since);
        cursor = page.next.filter(|_| !reached);
        looked += CHUNK;
        if cursor.is_none() {
            break;
        }
    }
    points.reverse();
    Ok(points)
}

fn point(run: &Run, statuses: &[String]) -> Option<Point> {
    let counts = run.counts.as_ref().filter(|_| run.status.is_good())?;
    let same = |one: &str, other: &str| one.replace('-', "_") == other.replace('-', "_");
    let of = |status: &String| counts.0.iter().find(|(name, _)| same(name, status)).map(|(_, number)| *number);
    Some(Point { at: run.started, counts: statuses.iter().map(of).collect::<Option<_>>()? })
}

fn content(tenant: &Tenant, waits: bool, statuses: &[String], points: &[Point], now: DateTime<Utc>) -> Markup {
    html! {
        (head(tenant, PLACE, &html! { "The last day" }))
        @if waits { p { "The workers are being counted. " a href=(link::tenant(&tenant.name, PLACE)) { "Look again" } } }
        @else if statuses.is_empty() { p { "The pack cannot tell how many workers have which status: run its connection test to see why." } }
        @else if points.is_empty() { p { "No run of the last 24 hours has counted anybody." } } @else {
            p { "After each run that ended well in the last 24 hours; all times are UTC." }
            div .grid {
                @for (status, at) in statuses.iter().zip(0..) { (curve(status, at, points, now)) }
            }
            (table(statuses, points))
        }
    }
}

/// One curve in steps: what a run found holds until the next.
fn curve(status: &str, at: usize, points: &[Point], now: DateTime<Utc>) -> Markup {
    let values: Vec<(i64, u64)> =
        points.iter().map(|point| (minute(point.at, now), point.counts.get(at).copied().unwrap_or_default())).collect();
    let most = values.iter().map(|(_, value)| *value).max().unwrap_or_default();
    let least = values.iter().map(|(_, value)| *value).min().unwrap_or_default();
    let last = values.last().map(|(_, value)| *value).unwrap_or_default();
    html! {
        figure .card {
            figcaption { strong { (said(&word(status))) } ": " (last) " now, " (least) " to " (most) " in the day" }
            svg .curve viewBox={ "0 -4 " (WIDTH) " " (HEIGHT + 8) } preserveAspectRatio="none" role="img" aria-label={ (word(status)) ": " (last) " now, " (least) " to " (most) " in the day; the table has the numbers" } {
                @for hour in (6..24).step_by(6) { line x1=(hour * 60) x2=(hour * 60) y1="0" y2=(HEIGHT) {} }
                path d=(steps(&values, most)) vector-effect="non-scaling-stroke" {}
            }
        }
    }
}

/// Minutes since the day began, 24 hours ago.
fn minute(at: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    (WIDTH - (now - at).num_minutes()).clamp(0, WIDTH)
}

fn steps(values: &[(i64, u64)], most: u64) -> String {
    let height = |value: u64| HEIGHT - (value * HEIGHT).checked_div(most).unwrap_or_default().min(HEIGHT);
    let Some((first, value)) = values.first() else { return String::new() };
    let mut path = format!("M{first} {}", height(*value));
    for (x, value) in values.iter().skip(1) {
        path.push_str(&format!("H{x}V{}", height(*value)));
    }
    path.push_str(&format!("H{WIDTH}"));
    path
}

/// The numbers: the last of each hour, newest first.
fn table(statuses: &[String], points: &[Point]) -> Markup {
    let hour = |point: &Point| (point.at.date_naive(), point.at.hour());
    let mut hourly: Vec<&Point> = Vec::new();
    for point in points.iter().rev() {
        if hourly.last().is_none_or(|last| hour(last) != hour(point)) {
            hourly.push(point);
        }
    }
    html! {
        div .wide tabindex="0" role="region" aria-label="The numbers" {
            table {
                caption { "The last run of each hour" }
                thead { tr { th scope="col" { "Run" } @for status in statuses { th .number scope="col" { (said(&word(status))) } } } }
                tbody {
                    @for point in hourly {
                        tr { th scope="row" { (moment(point.at)) } @for count in &point.counts { td .number { (count) } } }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Counts, Status, Trigger};

    fn now() -> DateTime<Utc> {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn run(counts: &[(&str, u64)], status: Status) -> Run {
        Run {
            run: String::new(),
            tenant: "acme".to_owned(),
            job: "sweep".to_owned(),
            process: "Sweep".to_owned(),
            trigger: Trigger::Schedule,
            status,
            started: now() - TimeDelta::hours(6),
            duration_ms: Some(1),
            counts: Some(Counts(counts.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect())),
            warnings: vec![],
            failure: None,
        }
    }

    #[test]
    fn a_run_counts_where_it_has_every_status_under_whichever_spelling() {
        let statuses = ["wide-awake".to_owned(), "asleep".to_owned()];
        let whole = run(&[("seen", 9), ("asleep", 2), ("wide_awake", 7)], Status::CompleteWarn);
        assert_eq!(point(&whole, &statuses).unwrap().counts, [7, 2]);
        assert_eq!(point(&run(&[("asleep", 2)], Status::Complete), &statuses), None);
        assert_eq!(point(&run(&[("asleep", 2), ("wide_awake", 7)], Status::Error), &statuses), None);
    }

    #[test]
    fn a_curve_goes_in_steps_from_left_to_right() {
        assert_eq!(steps(&[(0, 0), (720, 10), (1_000, 5)], 10), "M0 200H720V0H1000V100H1440");
        assert_eq!(steps(&[(10, 0)], 0), "M10 200H1440");
        assert_eq!((minute(now(), now()), minute(now() - TimeDelta::days(2), now())), (1_440, 0));
    }

    #[test]
    fn the_table_has_the_last_run_of_each_hour() {
        let at = |minutes: i64| Point { at: now() - TimeDelta::minutes(minutes), counts: vec![minutes.unsigned_abs()] };
        let shown = table(&["<b>".to_owned()], &[at(130), at(65), at(61), at(5)]).0;
        assert!(
            shown.contains(">5</td>") && shown.contains(">61</td>") && !shown.contains(">65</td>") && shown.contains(">130</td>"),
            "{shown}"
        );
        assert!(!shown.contains("<b>"), "{shown}");
    }
}
