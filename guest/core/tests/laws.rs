//! Laws that hold for every time card, not only for those somebody thought of.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use proptest::prelude::*;
use shift_access_core::decide::{Reach, decide};
use shift_access_core::derive::{Derivation, derive};
use shift_access_core::explain::explain;
use shift_access_core::plan::{Change, Context, Counts, Found, Plan, Reading, plan};
use shift_access_core::record::Record;
use shift_access_core::settings::Settings;
use shift_access_core::status::{Reason, SourceKind, Status};
use shift_access_core::timecard::{Override, Punch, Timecard, WorkedShift, WorkedSpan, ZoneRef};
use shift_access_core::zone::Zones;

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

fn card() -> impl Strategy<Value = Timecard> {
    (prop::collection::vec(punch(), 0..8), prop::collection::vec(shift(), 0..3)).prop_map(|(punches, shifts)| Timecard { punches, shifts })
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
    derive(card, None, &Zones::default(), &settings(), now())
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

    #[test]
    fn duplicates_and_pages_that_overlap_do_not_matter(card in card(), again in any::<prop::sample::Index>()) {
        let mut other = card.clone();
        let from = again.index(card.punches.len() + 1);
        other.punches.extend_from_slice(&card.punches[from..]);
        other.shifts.extend(card.shifts.clone());
        for shift in &mut other.shifts {
            shift.spans.extend(shift.spans.clone());
        }
        prop_assert_eq!(status_of(&card), status_of(&other));
    }

    #[test]
    fn one_more_out_punch_never_opens_access(card in card()) {
        // The latest that still counts. One in between could: it may be the out that somebody forgot before the next in.
        let zone = ZoneRef { qualifier: Some("America/New_York".to_owned()), ..ZoneRef::default() };
        let at = local(0) + Duration::minutes(5);
        let kind = Some(Override::Out);
        let mut other = card.clone();
        other.punches.push(Punch { id: 1000, at, zone, kind, transfer: false, phantom: false, scheduled: false, entered: None });
        let (without, with) = (status_of(&card), status_of(&other));
        let works = |found: &Derivation| matches!(found.status, Status::OnShift | Status::OnBreak);
        prop_assert!(works(&without) || !works(&with), "{without:?} became {with:?}");
        prop_assert!(with.status != Status::OnShift, "{with:?}");
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
    fn planning_twice_changes_nothing(cards in prop::collection::vec(card(), 1..5)) {
        let readings = || cards.iter().enumerate().map(|(at, card)| reading(&format!("user{at}"), card.clone())).collect::<Vec<_>>();
        let first = planned(readings(), &BTreeMap::new(), now(), SourceKind::Batch);
        let stored = after(&BTreeMap::new(), &first);
        let second = planned(readings(), &stored, now(), SourceKind::Batch);
        prop_assert_eq!(second.counts.changed, 0);
        prop_assert!(second.steps.iter().all(|step| step.change == Change::Unchanged));
        prop_assert_eq!(after(&stored, &second), stored);
        prop_assert!(sums_hold(&first.counts) && sums_hold(&second.counts));
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
    fn an_explanation_begins_with_the_decision_and_names_no_zone_twice_in_a_sentence(
        card in card(), age in 0..200_i64, exempt in any::<bool>(), failed in any::<bool>(), grace in 0..240_i64,
    ) {
        let settings = Settings { grace_after: Duration::minutes(grace), ..settings() };
        let stored = planned(vec![reading("user", card)], &BTreeMap::new(), now(), SourceKind::Batch).steps.remove(0).record;
        let reach = if failed { Reach::Failed } else { Reach::Reached };
        let at = now() + Duration::minutes(age);
        let decision = decide(Some(&stored), exempt, reach, &settings, at);
        let told = explain("user", Some(&stored), exempt, reach, &settings, at);
        let answer = format!("user {} open this now, ", if decision.allow { "may" } else { "may not" });
        prop_assert!(told[0].what.starts_with(&answer) && told[0].what.ends_with(&format!("({}).", decision.reason)), "{told:?}");
        prop_assert!(stored.evidence.iter().all(|step| told.contains(step)));
        for zone in ["(America/New_York)", "(Europe/Berlin)", "(Australia/Sydney)"] {
            prop_assert!(told.iter().all(|step| step.what.matches(zone).count() <= 1), "{told:#?}");
        }
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
