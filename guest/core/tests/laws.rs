//! Laws that hold for every time card, not only for those somebody thought of.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Duration, NaiveDateTime, Offset, TimeZone, Timelike, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::prelude::*;
use shift_access_core::decide::{Decision, Reach, decide};
use shift_access_core::derive::{Derivation, derive};
use shift_access_core::event::{Direction, Reported};
use shift_access_core::explain::{Kept, explain};
use shift_access_core::plan::{Before, Change, Context, Counts, Found, Plan, Reading, Standing, closes, plan};
use shift_access_core::record::Record;
use shift_access_core::settings::Settings;
use shift_access_core::status::{Reason, SourceKind, Status, Verdict};
use shift_access_core::timecard::{Override, Punch, Timecard, WorkedShift, WorkedSpan, ZoneRef};
use shift_access_core::zone::{Prefer, Zones, instant, is_doubled};

/// Cards end about here: the night on which the clocks go back in New York, so that doubled hours are among them.
fn now() -> DateTime<Utc> {
    "2026-11-01T09:00:00Z".parse().unwrap()
}

/// A local time this many minutes before the end of the cards.
fn local(minutes_before: i64) -> NaiveDateTime {
    "2026-11-01T04:00:00".parse::<NaiveDateTime>().unwrap() - Duration::minutes(minutes_before)
}

fn zone() -> impl Strategy<Value = ZoneRef> {
    let named = |name: &str| ZoneRef { qualifier: Some(name.to_owned()), ..ZoneRef::default() };
    prop_oneof![
        8 => Just(named("(GMT -05:00) Eastern Time")),
        1 => Just(named("Europe/Berlin")),
        1 => Just(named("Australia/Sydney")),
    ]
}

fn kind() -> impl Strategy<Value = Option<Override>> {
    prop_oneof![
        6 => Just(None),
        1 => Just(Some(Override::In)),
        1 => Just(Some(Override::Out)),
        1 => Just(Some(Override::NewShift)),
        1 => Just(Some(Override::Break("30 Min Meal".to_owned()))),
    ]
}

prop_compose! {
    fn punch()(
        id in 1..12_i64, before in -20..1800_i64, zone in zone(), kind in kind(),
        transfer in prop::bool::weighted(0.1), phantom in prop::bool::weighted(0.1), scheduled in prop::bool::weighted(0.05),
        entered in prop::option::of(0..1800_i64),
    ) -> Punch {
        Punch { id, at: local(before), zone, kind, transfer, phantom, scheduled, entered: entered.map(local) }
    }
}

prop_compose! {
    /// Spans of a shift that lie one after the other, the last perhaps open.
    fn shift()(
        id in 1..4_i64, begin in 0..1800_i64, in_progress in any::<bool>(), open in any::<bool>(),
        parts in prop::collection::vec((0..60_i64, 1..240_i64), 0..4), zone in zone(),
        projected in prop::bool::weighted(0.1), from_schedule in prop::bool::weighted(0.1),
    ) -> WorkedShift {
        let mut spans = Vec::new();
        let mut at = begin;
        for (number, (gap, length)) in parts.iter().enumerate() {
            let start = at - gap;
            at = start - length;
            let punch = id * 10 + 2 * number as i64;
            let last = number + 1 == parts.len();
            spans.push(WorkedSpan {
                start: local(start),
                start_zone: zone.clone(),
                end: (!(last && open)).then(|| local(at)),
                end_zone: ZoneRef::default(),
                start_punch: Some(punch),
                end_punch: (!(last && open)).then_some(punch + 1),
                projected: false,
            });
        }
        WorkedShift {
            id, start: local(begin), start_zone: zone, end: (!in_progress).then(|| local(at)), end_zone: ZoneRef::default(),
            in_progress, projected, from_schedule, spans,
        }
    }
}

/// Cards of any kind, also such as no time system would show; and days as they are worked.
fn card() -> impl Strategy<Value = Timecard> {
    let any = (prop::collection::vec(punch(), 0..8), prop::collection::vec(shift(), 0..3));
    prop_oneof![2 => any.prop_map(|(punches, shifts)| Timecard { punches, shifts }), 1 => day()]
}

prop_compose! {
    /// A day whose spans name their punches, perhaps rounded to the quarter of an hour, with some punches not totalled yet.
    fn day()(
        gaps in prop::collection::vec(1..240_i64, 1..9), in_progress in any::<bool>(), not_yet in 0..4_usize, is_rounded in any::<bool>(),
        marks in prop::collection::vec((kind(), prop::bool::weighted(0.1)), 9),
    ) -> Timecard {
        let mut card = totalled(&gaps, in_progress, not_yet);
        for (punch, (kind, transfer)) in card.punches.iter_mut().zip(marks) {
            (punch.kind, punch.transfer) = (kind, transfer);
        }
        for shift in card.shifts.iter_mut().filter(|_| is_rounded) {
            (shift.start, shift.end) = (rounded(shift.start), shift.end.map(rounded));
            for span in &mut shift.spans {
                (span.start, span.end) = (rounded(span.start), span.end.map(rounded));
            }
        }
        card
    }
}

/// To the nearest quarter of an hour.
fn rounded(at: NaiveDateTime) -> NaiveDateTime {
    let over = i64::from(at.minute() % 15);
    at + Duration::minutes(if over < 8 { -over } else { 15 - over })
}

/// A card in which nothing is yet to come, so that waiting alone makes no evidence. With `planned`, a span that is open shows
/// when it ought to end; that is no evidence either, before or after.
fn past(mut card: Timecard, planned: bool) -> Timecard {
    card.punches.retain(|punch| punch.at <= local(0));
    card.shifts.retain(|shift| shift.start <= local(0) && shift.end.is_none_or(|end| end <= local(0)));
    for shift in &mut card.shifts {
        shift.spans.retain(|span| span.start <= local(0) && span.end.is_none_or(|end| end <= local(0)));
        if let Some(open) = shift.spans.last_mut().filter(|span| planned && shift.in_progress && span.end.is_none()) {
            open.end = Some(local(-240));
        }
    }
    card
}

/// The same card as an answer of several pages may give it: in any order, and some things on more than one page.
fn in_pages() -> impl Strategy<Value = (Timecard, Timecard)> {
    let again = || prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    let listed = |card: Timecard, punches: Vec<prop::sample::Index>, shifts: Vec<prop::sample::Index>| {
        let mut other = card.clone();
        other.punches.extend(punches.iter().filter(|_| !card.punches.is_empty()).map(|at| at.get(&card.punches).clone()));
        other.shifts.extend(shifts.iter().filter(|_| !card.shifts.is_empty()).map(|at| at.get(&card.shifts).clone()));
        (Just(card), Just(other.punches).prop_shuffle(), Just(other.shifts).prop_shuffle())
    };
    (card(), again(), again())
        .prop_flat_map(move |(card, punches, shifts)| listed(card, punches, shifts))
        .prop_map(|(card, punches, shifts)| (card, Timecard { punches, shifts }))
}

prop_compose! {
    /// Tenants that differ in all that the rules and the decision look at.
    fn tenant()(
        max_shift in 1..=48_i64, max_break in prop_oneof![5..=90_i64, 5..=1440_i64], allow_on_break in any::<bool>(), grace in prop_oneof![Just(0), 1..=240_i64],
        authorize_unknown in any::<bool>(), authorize_unreachable in any::<bool>(), freshness in 5..=300_i64,
    ) -> Settings {
        Settings {
            max_shift: Duration::hours(max_shift),
            max_break: Duration::minutes(max_break),
            allow_on_break,
            grace_after: Duration::minutes(grace),
            authorize_unknown,
            authorize_unreachable,
            freshness: Duration::minutes(freshness),
            ..settings()
        }
    }
}

/// What a reading can find of a member.
fn found() -> impl Strategy<Value = Found> {
    prop_oneof![
        6 => card().prop_map(|card| Found::Card { card, person_zone: None }),
        1 => any::<bool>().prop_map(Found::OnPremise),
        1 => Just(Found::NotInKronos),
        1 => Just(Found::AmbiguousPersons(vec!["7".to_owned(), "8".to_owned()])),
        1 => Just(Found::AmbiguousUsers(vec!["acme".to_owned(), "subsidiary".to_owned()])),
        1 => Just(Found::Failed { message: "WTK-112000".to_owned() }),
    ]
}

prop_compose! {
    /// Events of one worker, few enough in their moments that some are of the same.
    fn reported()(
        before in -7..4_i64, way in 0..5_usize, named in any::<bool>(), numbered in any::<bool>(), run in prop::bool::weighted(0.3),
    ) -> Reported {
        Reported {
            user: "user".to_owned(),
            person_number: numbered.then(|| "7".to_owned()),
            at: now() - Duration::minutes(before),
            tz: named.then_some(Tz::America__New_York),
            direction: Direction::ALL.get(way).copied(),
            run: if run { "r2" } else { "r1" }.to_owned(),
        }
    }
}

/// One shift whose spans name their punches, one punch every so many minutes; the last few punches are not totalled yet.
fn totalled(gaps: &[i64], in_progress: bool, not_yet: usize) -> Timecard {
    let zone = ZoneRef { qualifier: Some("America/New_York".to_owned()), ..ZoneRef::default() };
    let mut before: i64 = gaps.iter().sum();
    let mut punches = Vec::new();
    for (number, gap) in gaps.iter().enumerate() {
        before -= gap;
        let (id, zone) = (number as i64 + 1, zone.clone());
        punches.push(Punch { id, at: local(before), zone, kind: None, transfer: false, phantom: false, scheduled: false, entered: None });
    }
    let of_spans = &punches[..punches.len().saturating_sub(not_yet)];
    let span = |pair: &[Punch]| WorkedSpan {
        start: pair[0].at,
        start_zone: zone.clone(),
        end: pair.get(1).map(|punch| punch.at),
        end_zone: ZoneRef::default(),
        start_punch: Some(pair[0].id),
        end_punch: pair.get(1).map(|punch| punch.id),
        projected: false,
    };
    let spans: Vec<WorkedSpan> = of_spans.chunks(2).map(span).collect();
    let end = of_spans.last().map(|punch| punch.at).filter(|_| !in_progress);
    let shift = |start| WorkedShift {
        id: 1,
        start,
        start_zone: zone.clone(),
        end,
        end_zone: ZoneRef::default(),
        in_progress,
        projected: false,
        from_schedule: false,
        spans: spans.clone(),
    };
    let shifts = of_spans.first().map(|punch| shift(punch.at)).into_iter().collect();
    Timecard { punches, shifts }
}

fn settings() -> Settings {
    Settings::defaults()
}

fn status_of(card: &Timecard) -> Derivation {
    status_at(card, &settings(), now())
}

fn status_at(card: &Timecard, settings: &Settings, now: DateTime<Utc>) -> Derivation {
    derive(card, None, &Zones::default(), settings, now)
}

/// The record that a reading of this card leaves for such a tenant.
fn read(card: Timecard, settings: &Settings) -> Record {
    let context = Context { settings, zones: &Zones::default(), now: now(), run: "r", kind: SourceKind::Batch };
    plan(vec![reading("user", card)], &BTreeMap::new(), context).steps.remove(0).record
}

/// The decision about one whose card was read at `now()`.
fn decided(card: Timecard, settings: &Settings) -> Decision {
    decide(Some(&read(card, settings)), false, Reach::Reached, settings, now())
}

fn reading(user: &str, card: Timecard) -> Reading {
    Reading { user: user.to_owned(), person_number: Some("7".to_owned()), found: Found::Card { card, person_zone: None } }
}

fn planned(readings: Vec<Reading>, stored: &BTreeMap<String, Record>, now: DateTime<Utc>, kind: SourceKind) -> Plan {
    plan(readings, stored, Context { settings: &settings(), zones: &Zones::default(), now, run: "r", kind })
}

fn after(stored: &BTreeMap<String, Record>, plan: &Plan) -> BTreeMap<String, Record> {
    let mut stored = stored.clone();
    stored.extend(plan.steps.iter().map(|step| (step.key.clone(), step.record.clone())));
    stored
}

fn sums_hold(counts: &Counts) -> bool {
    counts.members == counts.matched + counts.unmatched
        && counts.members == counts.on_shift + counts.on_break + counts.off_shift + counts.unknown
        && counts.members == counts.changed + counts.unchanged
        && counts.failed <= counts.unknown
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_in_which_things_are_listed_does_not_matter(card in card(), seed in any::<prop::sample::Index>()) {
        let mut other = card.clone();
        other.punches.reverse();
        other.shifts.reverse();
        other.shifts.iter_mut().for_each(|shift| shift.spans.reverse());
        let by = seed.index(other.punches.len().max(1));
        other.punches.rotate_left(by);
        prop_assert_eq!(status_of(&card), status_of(&other));
    }

    // A shift with its spans is one entry of UKG's answer, and pages are cut between people (facts/ukg-pro-wfm.md §3.2, §3.3),
    // so a shift may come twice but never in halves.
    #[test]
    fn pages_may_be_cut_anywhere_come_in_any_order_and_overlap((card, paged) in in_pages()) {
        let mut paged = paged;
        paged.shifts.iter_mut().for_each(|shift| shift.spans.extend(shift.spans.clone()));
        prop_assert_eq!(status_of(&card), status_of(&paged));
    }

    // The latest that still counts. One in between could open: it may be the out that somebody forgot before the next in.
    #[test]
    fn one_more_out_punch_never_opens_access_but_for_the_grace_after_itself(card in card(), tenant in tenant()) {
        let card = past(card, false);
        let zone = ZoneRef { qualifier: Some("America/New_York".to_owned()), ..ZoneRef::default() };
        let at = local(0) + Duration::minutes(5);
        let kind = Some(Override::Out);
        let mut other = card.clone();
        other.punches.push(Punch { id: 1000, at, zone, kind, transfer: false, phantom: false, scheduled: false, entered: None });
        let (without, with) = (status_at(&card, &tenant, now()), status_at(&other, &tenant, now()));
        let works = |found: &Derivation| matches!(found.status, Status::OnShift | Status::OnBreak);
        prop_assert!(works(&without) || !works(&with), "{without:?} became {with:?}");
        prop_assert!(with.status != Status::OnShift, "{with:?}");
        // Grace follows an out punch (design §6), also one that ends work of which UKG had known nothing, or too much.
        let (before, after) = (decided(card, &tenant), decided(other, &tenant));
        let late = matches!(without.reason, Reason::NoPunches | Reason::OpenTooLong);
        let grace = late && after.reason == Verdict::Grace.word() && after.since == Some(now() + Duration::minutes(5));
        prop_assert!(before.allow || !after.allow || grace, "{before:?} became {after:?}");
    }

    #[test]
    fn waiting_without_news_moves_a_status_by_the_limits_alone(
        card in card(), planned in any::<bool>(), tenant in tenant(),
        wait in prop_oneof![0..240_i64, 0..3000_i64], more in prop_oneof![1..240_i64, 1..3000_i64],
    ) {
        let card = past(card, planned);
        let (first, second) = (now() + Duration::minutes(wait), now() + Duration::minutes(wait + more));
        let (before, after) = (status_at(&card, &tenant, first), status_at(&card, &tenant, second));
        let said = |found: &Derivation| (found.status, found.reason, found.since);
        let passed = |limit: DateTime<Utc>| first <= limit && limit < second;
        let allowed = match (before.reason, after.reason, after.since) {
            _ if said(&before) == said(&after) => true,
            (Reason::BetweenSpans, Reason::BreakTooLong, Some(since)) => before.since == after.since && passed(since + tenant.max_break),
            (Reason::ClockedIn | Reason::ShiftInProgress | Reason::BetweenSpans | Reason::BreakTooLong, Reason::OpenTooLong, Some(since)) => {
                passed(since)
            }
            _ => false,
        };
        prop_assert!(allowed, "{before:?} became {after:?}");
        // Nor does a limit go by unseen.
        let within = |since: Option<DateTime<Utc>>, limit| since.is_none_or(|since| second - since <= limit);
        prop_assert!(after.reason != Reason::BetweenSpans || within(after.since, tenant.max_break), "{after:?}");
        prop_assert!(after.status == Status::OffShift || second <= now() + tenant.max_shift + Duration::minutes(5), "{after:?}");
    }

    #[test]
    fn a_record_that_nobody_reads_anew_decides_otherwise_only_when_grace_or_freshness_ends(
        card in card(), tenant in tenant(), wait in 0..400_i64, more in 1..400_i64, failed in any::<bool>(),
    ) {
        let record = read(card, &tenant);
        let reach = if failed { Reach::Failed } else { Reach::Reached };
        let (first, second) = (now() + Duration::minutes(wait), now() + Duration::minutes(wait + more));
        let (before, after) =
            (decide(Some(&record), false, reach, &tenant, first), decide(Some(&record), false, reach, &tenant, second));
        let passed = |from: Option<DateTime<Utc>>, limit: Duration| from.is_some_and(|from| first <= from + limit && from + limit < second);
        let (old, authorized) = match reach {
            Reach::Failed => (Verdict::Unreachable.word(), tenant.authorize_unreachable),
            Reach::Reached => (Verdict::Stale.word(), tenant.authorize_unknown),
        };
        let allowed = match (before.reason, after.reason) {
            (same, reason) if same == reason => before.allow == after.allow,
            (_, reason) if reason == old => passed(Some(record.observed_at), tenant.freshness) && after.allow == authorized,
            ("grace", "clocked-out") => passed(record.since, tenant.grace_after) && !after.allow,
            _ => false,
        };
        prop_assert!(allowed, "{before:?} became {after:?}");
        prop_assert_eq!((before.status, before.since, before.as_of), (after.status, after.since, after.as_of));
    }

    #[test]
    fn a_span_whose_punches_have_no_known_id_accounts_for_them_all_the_same(
        gaps in prop::collection::vec(1..120_i64, 1..9), open in any::<bool>(), more in 0..3_usize,
    ) {
        let card = totalled(&gaps, open, more);
        let mut other = card.clone();
        for span in other.shifts.iter_mut().flat_map(|shift| &mut shift.spans) {
            span.start_punch = span.start_punch.map(|_| -1);
            span.end_punch = span.end_punch.map(|_| -1);
        }
        prop_assert_eq!(status_of(&card), status_of(&other));
    }

    #[test]
    fn nothing_that_is_yet_to_come_is_evidence(card in card(), kind in kind(), ahead in 6..600_i64) {
        let mut other = card.clone();
        let zone = ZoneRef { qualifier: Some("America/New_York".to_owned()), ..ZoneRef::default() };
        let at = local(0) + Duration::minutes(ahead);
        other.punches.push(Punch { id: 1000, at, zone, kind, transfer: false, phantom: false, scheduled: false, entered: None });
        let (without, with) = (status_of(&card), status_of(&other));
        prop_assert_eq!((without.status, without.reason, without.since), (with.status, with.reason, with.since));
    }

    #[test]
    fn a_status_never_begins_in_the_future_and_only_no_punches_has_no_beginning(card in card()) {
        let found = status_of(&card);
        prop_assert_eq!(found.since.is_none(), found.reason == Reason::NoPunches);
        prop_assert!(found.since.is_none_or(|since| since <= now() + Duration::minutes(5)));
        prop_assert_eq!(found.open_too_long, found.reason == Reason::OpenTooLong);
        prop_assert!(found.evidence.len() <= 12);
    }

    #[test]
    fn work_without_news_ends_by_itself(card in card()) {
        let mut card = card;
        let zone = ZoneRef { qualifier: Some("America/New_York".to_owned()), ..ZoneRef::default() };
        card.punches.retain(|punch| punch.at <= local(0));
        card.punches.iter_mut().for_each(|punch| punch.zone = zone.clone());
        for shift in &mut card.shifts {
            shift.spans.retain(|span| span.start <= local(0) && span.end.is_none_or(|end| end <= local(0)));
            shift.spans.iter_mut().for_each(|span| span.start_zone = zone.clone());
            shift.start_zone = zone.clone();
        }
        let later = now() + settings().max_shift + Duration::minutes(1);
        let found = derive(&card, None, &Zones::default(), &settings(), later);
        prop_assert_eq!(found.status, Status::OffShift, "{:?}", found);
    }

    #[test]
    fn what_was_planned_and_stored_leaves_nothing_to_change(all in prop::collection::vec(found(), 1..5)) {
        let readings = || -> Vec<Reading> {
            all.iter().enumerate().map(|(at, found)| Reading { found: found.clone(), ..reading(&format!("user{at}"), Timecard::default()) }).collect()
        };
        let first = planned(readings(), &BTreeMap::new(), now(), SourceKind::Batch);
        let stored = after(&BTreeMap::new(), &first);
        let second = planned(readings(), &stored, now(), SourceKind::Batch);
        prop_assert_eq!((first.counts.changed, second.counts.changed), (first.counts.members, 0));
        prop_assert!(second.steps.iter().all(|step| step.change == Change::Unchanged));
        prop_assert_eq!(after(&stored, &second), stored.clone());
        prop_assert_eq!(first.warnings, second.warnings);
        prop_assert!(sums_hold(&first.counts) && sums_hold(&second.counts));
        let stood = Before { reach: Reach::Reached, held: false };
        for step in &second.steps {
            let standing = |record| Standing { record: Some(record), exempt: false };
            prop_assert!(!closes(standing(&stored[&step.key]), standing(&step.record), stood, &settings(), now()));
        }
    }

    #[test]
    fn what_is_older_never_replaces_what_is_newer(
        newer in card(), older in card(), minutes in 1..600_i64, event in any::<bool>(),
    ) {
        let kind = if event { SourceKind::Event } else { SourceKind::LookUp };
        let stored = after(&BTreeMap::new(), &planned(vec![reading("user", newer)], &BTreeMap::new(), now(), SourceKind::Batch));
        let plan = planned(vec![reading("USER", older)], &stored, now() - Duration::minutes(minutes), kind);
        prop_assert!(plan.steps.is_empty());
        prop_assert!(sums_hold(&plan.counts));
        prop_assert_eq!((plan.counts.members, plan.counts.unchanged), (1, 1));
    }

    #[test]
    fn the_order_of_arrival_does_not_matter_to_what_is_stored(
        cards in prop::collection::vec((card(), 0..600_i64), 1..5),
    ) {
        let mut moments: Vec<i64> = cards.iter().map(|(_, minutes)| *minutes).collect();
        moments.sort_unstable();
        moments.dedup();
        prop_assume!(moments.len() == cards.len());
        let store = |cards: Vec<&(Timecard, i64)>| {
            cards.into_iter().fold(BTreeMap::new(), |stored, (card, minutes)| {
                let at = now() + Duration::minutes(*minutes);
                after(&stored, &planned(vec![reading("user", card.clone())], &stored, at, SourceKind::LookUp))
            })
        };
        prop_assert_eq!(store(cards.iter().collect()), store(cards.iter().rev().collect()));
    }

    #[test]
    fn events_and_readings_leave_the_same_record_in_whatever_order_they_arrive(
        (told, shuffled) in prop::collection::vec(reported(), 1..8).prop_flat_map(|told| (Just(told.clone()), Just(told).prop_shuffle())),
        card in card(), read in prop::option::of(-3..3_i64), first in any::<prop::sample::Index>(),
    ) {
        let reading = read.map(|minutes| {
            let at = now() + Duration::minutes(minutes);
            planned(vec![reading("user", card)], &BTreeMap::new(), at, SourceKind::LookUp).steps.remove(0).record
        });
        let left = |told: Vec<Reported>, at: usize| {
            let mut arriving: Vec<Record> = told.iter().filter_map(|told| told.record(&settings(), now())).collect();
            arriving.extend(reading.clone());
            let by = at.min(arriving.len());
            arriving.rotate_left(by);
            arriving.into_iter().reduce(|stored, newer| if stored.yields_to(&newer) { newer } else { stored })
        };
        let one = left(told.clone(), 0);
        let other = left(shuffled, first.index(8));
        prop_assert_eq!(&one, &other);
        // And twice is as good as once.
        prop_assert_eq!(&one, &left([told.clone(), told].concat(), 3));
        if let (Some(left), Some(reading)) = (&one, &reading) {
            prop_assert!(left.observed_at >= reading.observed_at);
            prop_assert!(left == reading || left.observed_at > reading.observed_at, "an event beats no reading of its moment");
        }
    }

    #[test]
    fn an_event_alone_opens_only_for_who_was_reported_in_last(told in prop::collection::vec(reported(), 1..8), tenant in tenant()) {
        let stored = told.iter().filter_map(|told| told.record(&tenant, now()));
        let left = stored.reduce(|stored, newer| if stored.yields_to(&newer) { newer } else { stored });
        let plain = Settings { grace_after: Duration::zero(), ..tenant };
        let decision = decide(left.as_ref(), false, Reach::Reached, &plain, now());
        let said = |direction| told.iter().filter(move |told| told.direction == Some(direction)).map(|told| told.at);
        let latest_in = said(Direction::In).filter(|at| *at <= now()).max();
        let outs = said(Direction::Out).filter(|at| *at <= now()).max();
        let is_in = latest_in.is_some_and(|at| outs.is_none_or(|out| out < at));
        prop_assert!(!decision.allow || is_in || plain.authorize_unknown, "{decision:?}");
    }

    #[test]
    fn an_explanation_begins_with_the_decision_and_names_no_zone_twice_in_a_sentence(
        card in card(), age in 0..200_i64, exempt in any::<bool>(), failed in any::<bool>(), grace in 0..240_i64,
    ) {
        let settings = Settings { grace_after: Duration::minutes(grace), ..settings() };
        let stored = planned(vec![reading("user", card)], &BTreeMap::new(), now(), SourceKind::Batch).steps.remove(0).record;
        let reach = if failed { Reach::Failed } else { Reach::Reached };
        let at = now() + Duration::minutes(age);
        let decision = decide(Some(&stored), exempt, reach, &settings, at);
        let told = explain("user", Kept::Record(&stored), exempt, reach, &settings, at);
        let answer = format!("user {} open this now, ", if decision.allow { "may" } else { "may not" });
        prop_assert!(told[0].what.starts_with(&answer) && told[0].what.ends_with(&format!("({}).", decision.reason)), "{told:?}");
        prop_assert!(stored.evidence.iter().all(|step| told.contains(step)));
        for zone in ["(America/New_York)", "(Europe/Berlin)", "(Australia/Sydney)"] {
            prop_assert!(told.iter().all(|step| step.what.matches(zone).count() <= 1), "{told:#?}");
        }
    }

    #[test]
    fn an_explanation_says_still_only_of_what_does_not_change_in_between(
        card in card(), age in 0..65_i64, grace in 0..240_i64, authorize_unknown in any::<bool>(),
    ) {
        let settings = Settings { grace_after: Duration::minutes(grace), authorize_unknown, ..settings() };
        let stored = planned(vec![reading("user", card)], &BTreeMap::new(), now(), SourceKind::Batch).steps.remove(0).record;
        let told = explain("user", Kept::Record(&stored), false, Reach::Reached, &settings, now() + Duration::minutes(age));
        let allows = |minutes| decide(Some(&stored), false, Reach::Reached, &settings, now() + Duration::minutes(minutes)).allow;
        let stays = (age..=66).all(|minutes| allows(minutes) == allows(age));
        prop_assert_eq!(told.iter().any(|step| step.what.contains(" the worker still may")), stays, "{:#?}", told);
    }

    #[test]
    fn an_exempt_worker_is_never_refused_and_nobody_else_gains(card in card(), age in 0..200_i64, failed in any::<bool>()) {
        let stored = planned(vec![reading("user", card)], &BTreeMap::new(), now(), SourceKind::Batch).steps.remove(0).record;
        let reach = if failed { Reach::Failed } else { Reach::Reached };
        let at = now() + Duration::minutes(age);
        prop_assert!(decide(Some(&stored), true, reach, &settings(), at).allow);
        let plain = decide(Some(&stored), false, reach, &settings(), at);
        prop_assert!(!plain.allow || (age <= 65 && matches!(stored.status, Status::OnShift | Status::OnBreak)));
    }
}

/// The instants of a local time, both readings of it.
fn both(local: NaiveDateTime, tz: Tz) -> [DateTime<Utc>; 2] {
    [instant(local, tz, Prefer::Earliest), instant(local, tz, Prefer::Latest)]
}

/// Whether an instant, shown in a zone and read there again, is the same: by both readings, or in a doubled hour by one.
fn comes_back(at: DateTime<Utc>, tz: Tz) -> bool {
    let local = at.with_timezone(&tz).naive_local();
    let [earliest, latest] = both(local, tz);
    if is_doubled(local, tz) { earliest < latest && (at == earliest || at == latest) } else { at == earliest && at == latest }
}

fn offset(at: DateTime<Utc>, tz: Tz) -> Duration {
    Duration::seconds(tz.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc().into())
}

/// The moments of a year at which the clocks of a zone change, to the second.
fn changes(tz: Tz, year: i32) -> Vec<DateTime<Utc>> {
    let mut from = Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap();
    let mut changes = Vec::new();
    while from.year() == year {
        let to = from + Duration::days(1);
        if offset(from, tz) != offset(to, tz) {
            let (mut before, mut after) = (from, to);
            while after - before > Duration::seconds(1) {
                let middle = before + (after - before) / 2;
                let side = if offset(middle, tz) == offset(from, tz) { &mut before } else { &mut after };
                *side = DateTime::from_timestamp(middle.timestamp(), 0).unwrap();
            }
            changes.push(after);
        }
        from = to;
    }
    changes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn an_instant_comes_back_from_the_local_time_of_every_zone(seconds in 946_684_800..2_240_611_200_i64) {
        let at = DateTime::from_timestamp(seconds, 0).unwrap();
        for tz in TZ_VARIANTS {
            prop_assert!(comes_back(at, tz), "{at} in {tz}");
        }
    }
}

#[test]
fn an_instant_comes_back_around_every_change_of_the_clocks_and_the_hour_that_never_was_moves_forward_by_the_gap() {
    let mut seen = (0, 0);
    // 2011: Samoa skips a day. 2010 and 2018: changes at midnight and within the hour. 2026: today's rules.
    for (tz, year) in TZ_VARIANTS.iter().flat_map(|tz| [2010, 2011, 2018, 2026].map(|year| (*tz, year))) {
        for change in changes(tz, year) {
            let (old, new) = (offset(change - Duration::seconds(1), tz), offset(change, tz));
            for second in [-7200, -3600, -1800, -1, 0, 1, 1800, 3599, 3600, 7200] {
                assert!(comes_back(change + Duration::seconds(second), tz), "{second} s from {change} in {tz}");
            }
            // The first local second of the change, and one within it.
            let first = (change + old.min(new)).naive_utc();
            let within = first + (new - old).abs() / 3;
            if new < old {
                seen.0 += 1;
                let (earliest, latest) = (change - (old - new), change);
                assert!(is_doubled(within, tz) && !is_doubled(first - Duration::seconds(1), tz), "{change} in {tz}");
                assert_eq!(both(first, tz), [earliest, latest], "{change} in {tz}");
            } else {
                seen.1 += 1;
                let moved = change + (within - first);
                assert_eq!(both(within, tz), [moved, moved], "{change} in {tz}");
                assert_eq!(moved.with_timezone(&tz).naive_local(), within + (new - old), "{change} in {tz}");
            }
        }
    }
    assert!(seen.0 > 100 && seen.1 > 100, "changes back and forward that were looked at: {seen:?}");
}
