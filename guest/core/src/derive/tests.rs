use chrono::SecondsFormat;

use super::*;
use crate::settings::Settings;
use crate::timecard::{Override, Punch, WorkedShift, WorkedSpan, ZoneRef};
use crate::zone::Zones;

const NY: &str = "America/New_York";

/// A zone reference by IANA name.
fn zone(name: &str) -> ZoneRef {
    ZoneRef { id: None, qualifier: Some(name.into()), name: None }
}

/// Local times are `DDThh:mm` of November 2026 or whole.
fn local(text: &str) -> chrono::NaiveDateTime {
    let whole = if text.len() == 8 { format!("2026-11-{text}:00") } else { format!("{text}:00") };
    whole.parse().unwrap()
}

fn punch(id: i64, at: &str) -> Punch {
    Punch { id, at: local(at), zone: zone(NY), kind: None, transfer: false, phantom: false, scheduled: false, entered: None }
}

fn marked(id: i64, at: &str, kind: Override) -> Punch {
    Punch { kind: Some(kind), ..punch(id, at) }
}

fn transfer(id: i64, at: &str) -> Punch {
    Punch { transfer: true, ..punch(id, at) }
}

fn closed(start: &str, end: &str, punches: (i64, i64)) -> WorkedSpan {
    WorkedSpan { end: Some(local(end)), end_punch: Some(punches.1), ..open(start, punches.0) }
}

fn open(start: &str, start_punch: i64) -> WorkedSpan {
    WorkedSpan {
        start: local(start),
        start_zone: zone(NY),
        end: None,
        end_zone: ZoneRef::default(),
        start_punch: Some(start_punch),
        end_punch: None,
        projected: false,
    }
}

fn shift(id: i64, start: &str, in_progress: bool, spans: Vec<WorkedSpan>) -> WorkedShift {
    WorkedShift {
        id,
        start: local(start),
        start_zone: zone(NY),
        end: spans.iter().filter_map(|span| span.end).max().filter(|_| !in_progress),
        end_zone: ZoneRef::default(),
        in_progress,
        projected: false,
        from_schedule: false,
        spans,
    }
}

fn card(punches: Vec<Punch>, shifts: Vec<WorkedShift>) -> Timecard {
    Timecard { punches, shifts }
}

/// `now` is local to New York.
fn at(card: &Timecard, now: &str) -> Derivation {
    let now = crate::zone::instant(local(now), chrono_tz::America::New_York, crate::zone::Prefer::Latest);
    derive(card, None, &Zones::default(), &Settings::defaults(), now)
}

/// Status, reason and since, the last local to New York.
fn said_of(found: &Derivation) -> String {
    let since = found.since.map(|since| since.with_timezone(&chrono_tz::America::New_York).format(" %dT%H:%M").to_string());
    format!("{} {}{}", found.status, found.reason, since.unwrap_or_default())
}

#[track_caller]
fn expect(card: &Timecard, now: &str, wanted: &str) {
    let found = at(card, now);
    assert_eq!(said_of(&found), wanted, "{:#?}", found.evidence);
}

// Row 1

#[test]
fn an_open_span_of_a_shift_in_progress_is_on_shift() {
    let card = card(vec![punch(1, "20T09:00")], vec![shift(1, "20T09:00", true, vec![open("20T09:00", 1)])]);
    expect(&card, "20T10:00", "on-shift clocked-in 20T09:00");
}

#[test]
fn a_break_ends_a_run_of_work_and_a_transfer_does_not() {
    let spans = vec![
        closed("20T06:00", "20T09:00", (1, 2)),
        closed("20T09:30", "20T10:00", (3, 4)),
        closed("20T10:00", "20T10:30", (4, 5)),
        open("20T10:30", 5),
    ];
    let mut reversed = spans.clone();
    reversed.reverse();
    expect(&card(vec![], vec![shift(1, "20T06:00", true, spans)]), "20T11:00", "on-shift clocked-in 20T09:30");
    expect(&card(vec![], vec![shift(1, "20T06:00", true, reversed)]), "20T11:00", "on-shift clocked-in 20T09:30");
}

#[test]
fn a_span_without_an_out_punch_is_open_even_if_it_shows_an_end() {
    let projected = WorkedSpan { end: Some(local("20T17:00")), ..open("20T09:00", 1) };
    let past = WorkedSpan { end: Some(local("20T09:30")), ..open("20T09:00", 1) };
    expect(&card(vec![], vec![shift(1, "20T09:00", true, vec![projected])]), "20T10:00", "on-shift clocked-in 20T09:00");
    expect(&card(vec![], vec![shift(1, "20T09:00", true, vec![past])]), "20T10:00", "on-shift clocked-in 20T09:00");
}

#[test]
fn an_out_punch_that_the_system_made_or_that_is_yet_to_come_closes_nothing() {
    let spans = vec![closed("20T09:00", "20T10:00", (1, 2))];
    let phantom = Punch { phantom: true, ..punch(2, "20T10:00") };
    expect(&card(vec![phantom], vec![shift(1, "20T09:00", true, spans.clone())]), "20T11:00", "on-shift clocked-in 20T09:00");
    expect(&card(vec![punch(2, "20T10:00")], vec![shift(1, "20T09:00", true, spans)]), "20T09:50", "on-shift clocked-in 20T09:00");
}

#[test]
fn of_two_shifts_in_progress_the_last_to_begin_counts() {
    let forgotten = shift(1, "19T08:00", true, vec![open("19T08:00", 1)]);
    let today = shift(2, "20T08:00", true, vec![open("20T08:00", 2)]);
    expect(&card(vec![], vec![today, forgotten]), "20T09:00", "on-shift clocked-in 20T08:00");
}

#[test]
fn a_night_shift_is_one_shift_across_midnight() {
    let whole = shift(1, "19T22:00", true, vec![closed("19T22:00", "20T01:00", (1, 2)), open("20T01:30", 3)]);
    expect(
        &card(vec![punch(1, "19T22:00"), punch(2, "20T01:00"), punch(3, "20T01:30")], vec![whole]),
        "20T04:00",
        "on-shift clocked-in 20T01:30",
    );
}

#[test]
fn a_shift_divided_at_midnight_is_still_one_run_of_work_and_one_shift() {
    let first = |id| {
        let span = WorkedSpan { end: Some(local("20T00:00")), ..open("19T14:00", 1) };
        WorkedShift { end: Some(local("20T00:00")), ..shift(id, "19T14:00", false, vec![span]) }
    };
    let second = |id| shift(id, "20T00:00", true, vec![WorkedSpan { start_punch: None, ..open("20T00:00", 0) }]);
    for ids in [(1, 1), (1, 2)] {
        let card = card(vec![punch(1, "19T14:00")], vec![second(ids.1), first(ids.0)]);
        expect(&card, "20T05:00", "on-shift clocked-in 19T14:00");
        expect(&card, "20T06:01", "off-shift open-too-long 20T06:00");
    }
}

#[test]
fn a_seam_with_punches_of_the_system_alone_is_no_end_of_a_shift() {
    let phantom = |id| Punch { phantom: true, ..punch(id, "20T00:00") };
    let first = shift(1, "19T14:00", false, vec![closed("19T14:00", "20T00:00", (1, 2))]);
    let second = shift(2, "20T00:00", true, vec![open("20T00:00", 3)]);
    let card = card(vec![punch(1, "19T14:00"), phantom(2), phantom(3)], vec![first, second]);
    expect(&card, "20T06:01", "off-shift open-too-long 20T06:00");
}

#[test]
fn a_punch_of_the_worker_on_either_side_of_the_seam_makes_two_shifts_of_it() {
    let unpunched = WorkedSpan { end: Some(local("20T00:00")), ..open("19T14:00", 1) };
    let punched_out = shift(1, "19T14:00", false, vec![closed("19T14:00", "20T00:00", (1, 2))]);
    let going_on = shift(1, "19T14:00", false, vec![unpunched]);
    let paid = shift(2, "20T00:00", true, vec![]);
    let punched_in = shift(2, "20T00:00", true, vec![open("20T00:00", 3)]);
    expect(&card(vec![], vec![punched_out, paid]), "20T06:01", "on-shift shift-in-progress 20T00:00");
    expect(&card(vec![], vec![going_on, punched_in]), "20T06:01", "on-shift clocked-in 19T14:00");
}

#[test]
fn shifts_that_do_not_meet_are_two_even_without_a_punch_between_them() {
    let (yesterday, today) = (shift(1, "19T08:00", false, vec![]), shift(2, "20T08:00", true, vec![]));
    expect(&card(vec![], vec![yesterday, today]), "20T09:00", "on-shift shift-in-progress 20T08:00");
}

#[test]
fn of_two_shifts_that_begin_at_one_moment_the_end_of_one_does_not_end_the_other() {
    let unpunched = WorkedSpan { start_punch: None, end: Some(local("20T09:00")), ..open("20T08:00", 0) };
    let (paid, ended) = (shift(1, "20T08:00", true, vec![]), shift(2, "20T08:00", false, vec![unpunched]));
    expect(&card(vec![], vec![paid, ended]), "20T10:00", "on-shift shift-in-progress 20T08:00");
}

// Row 2

#[test]
fn a_closed_last_span_of_a_shift_in_progress_is_a_break() {
    let card = card(
        vec![punch(1, "20T09:00"), punch(2, "20T12:00")],
        vec![shift(1, "20T09:00", true, vec![closed("20T09:00", "20T12:00", (1, 2))])],
    );
    expect(&card, "20T12:10", "on-break between-spans 20T12:00");
    expect(&card, "20T13:30", "on-break between-spans 20T12:00");
    expect(&card, "20T13:31", "off-shift break-too-long 20T12:00");
}

// Row 3

#[test]
fn a_shift_in_progress_without_spans_is_on_shift() {
    expect(&card(vec![], vec![shift(1, "20T09:00", true, vec![])]), "20T10:00", "on-shift shift-in-progress 20T09:00");
}

// Row 4

#[test]
fn a_shift_open_for_too_long_no_longer_counts_breaks_included() {
    let working = card(vec![], vec![shift(1, "19T08:00", true, vec![closed("19T08:00", "19T12:00", (1, 2)), open("19T23:30", 3)])]);
    expect(&working, "20T00:00", "on-shift clocked-in 19T23:30");
    expect(&working, "20T00:01", "off-shift open-too-long 20T00:00");
    let pausing = card(vec![], vec![shift(1, "19T08:00", true, vec![closed("19T08:00", "19T23:30", (1, 2))])]);
    expect(&pausing, "20T00:30", "off-shift open-too-long 20T00:00");
    let paid = card(vec![], vec![shift(1, "19T08:00", true, vec![])]);
    expect(&paid, "20T08:00", "off-shift open-too-long 20T00:00");
    assert!(at(&paid, "20T08:00").open_too_long);
}

#[test]
fn a_shift_open_for_too_long_stays_so_through_punches_that_continue_it() {
    let shifts = vec![shift(1, "19T08:00", true, vec![open("19T08:00", 1)])];
    let out_and_in = vec![punch(2, "19T23:00"), punch(3, "19T23:30")];
    expect(&card(out_and_in, shifts.clone()), "20T00:30", "off-shift open-too-long 20T00:00");
    expect(&card(vec![punch(2, "19T23:50")], shifts.clone()), "20T00:30", "off-shift open-too-long 20T00:00");
    expect(&card(vec![marked(2, "20T08:00", Override::NewShift)], shifts), "20T08:30", "on-shift clocked-in 20T08:00");
}

#[test]
fn a_run_of_work_that_no_shift_knows_of_is_open_too_long_as_well() {
    expect(&card(vec![punch(1, "19T08:00")], vec![]), "20T00:00", "on-shift clocked-in 19T08:00");
    expect(&card(vec![punch(1, "19T08:00")], vec![]), "20T00:01", "off-shift open-too-long 20T00:00");
    expect(&card(vec![punch(1, "19T08:00"), transfer(2, "19T23:00")], vec![]), "20T00:01", "off-shift open-too-long 20T00:00");
}

// Row 5

#[test]
fn the_first_punch_of_the_day_is_in_before_ukg_has_totalled_it() {
    expect(&card(vec![punch(9, "20T08:00")], vec![]), "20T08:01", "on-shift clocked-in 20T08:00");
    let yesterday = shift(1, "19T08:00", false, vec![closed("19T08:00", "19T16:00", (1, 2))]);
    let punches = vec![punch(9, "20T08:00"), punch(2, "19T16:00"), punch(1, "19T08:00")];
    expect(&card(punches, vec![yesterday]), "20T08:01", "on-shift clocked-in 20T08:00");
}

#[test]
fn an_out_inside_a_shift_in_progress_is_a_break_and_outside_the_end_of_work() {
    let inside = vec![shift(1, "20T08:00", true, vec![open("20T08:00", 1)])];
    let day = |last: Punch| vec![punch(1, "20T08:00"), last];
    expect(&card(day(punch(2, "20T12:00")), inside.clone()), "20T12:05", "on-break between-spans 20T12:00");
    expect(&card(day(marked(2, "20T12:00", Override::Out)), inside.clone()), "20T12:05", "on-break between-spans 20T12:00");
    expect(&card(day(punch(2, "20T12:00")), inside), "20T13:31", "off-shift break-too-long 20T12:00");
    expect(&card(day(punch(2, "20T12:00")), vec![]), "20T12:05", "off-shift clocked-out 20T12:00");
}

#[test]
fn every_punch_is_read_from_the_state_before_it() {
    use Override::{Break, In, NewShift, Out};
    let meal = || Break("30 Min Meal".into());
    let working = || shift(1, "20T08:00", true, vec![open("20T08:00", 1)]);
    let pausing = || shift(1, "20T08:00", true, vec![closed("20T08:00", "20T12:00", (1, 2))]);
    let ended = || shift(1, "20T08:00", false, vec![closed("20T08:00", "20T12:00", (1, 2))]);
    let paid = || shift(1, "20T08:00", true, vec![]);
    let p = "20T12:20";
    let (since, kept) = ("on-shift clocked-in 20T12:20", "on-shift clocked-in 20T08:00");
    let (pause, old_pause) = ("on-break between-spans 20T12:20", "on-break between-spans 20T12:00");
    for (name, before, next, wanted) in [
        ("working, unmarked", Some(working()), punch(7, p), pause),
        ("working, in", Some(working()), marked(7, p, In), kept),
        ("working, out", Some(working()), marked(7, p, Out), pause),
        ("working, new shift", Some(working()), marked(7, p, NewShift), since),
        ("working, meal", Some(working()), marked(7, p, meal()), since),
        ("working, transfer", Some(working()), transfer(7, p), kept),
        ("on a break, unmarked", Some(pausing()), punch(7, p), since),
        ("on a break, in", Some(pausing()), marked(7, p, In), since),
        ("on a break, out", Some(pausing()), marked(7, p, Out), old_pause),
        ("on a break, new shift", Some(pausing()), marked(7, p, NewShift), since),
        ("on a break, meal", Some(pausing()), marked(7, p, meal()), since),
        ("on a break, transfer", Some(pausing()), transfer(7, p), old_pause),
        ("ended, unmarked", Some(ended()), punch(7, p), since),
        ("ended, in", Some(ended()), marked(7, p, In), since),
        ("ended, out", Some(ended()), marked(7, p, Out), "off-shift clocked-out 20T12:00"),
        ("ended, new shift", Some(ended()), marked(7, p, NewShift), since),
        ("ended, meal", Some(ended()), marked(7, p, meal()), since),
        ("ended, transfer", Some(ended()), transfer(7, p), since),
        ("nothing, unmarked", None, punch(7, p), since),
        ("nothing, out", None, marked(7, p, Out), "off-shift clocked-out 20T12:20"),
        ("nothing, meal", None, marked(7, p, meal()), since),
        ("nothing, transfer", None, transfer(7, p), since),
        ("schedule-paid, unmarked", Some(paid()), punch(7, p), pause),
        ("schedule-paid, in", Some(paid()), marked(7, p, In), "on-shift shift-in-progress 20T08:00"),
    ] {
        let found = at(&card(vec![next], before.into_iter().collect()), "20T12:25");
        assert_eq!(said_of(&found), wanted, "{name}");
    }
}

#[test]
fn a_meal_rule_on_the_return_outranks_the_flip_and_a_transfer() {
    let out_of_nothing = vec![punch(1, "20T08:00"), punch(2, "20T12:00"), marked(3, "20T12:30", Override::Break("30 Min Meal".into()))];
    let card = card(out_of_nothing, vec![]);
    expect(&card, "20T12:31", "on-shift clocked-in 20T12:30");
    expect(&card, "21T00:01", "off-shift open-too-long 21T00:00");
}

#[test]
fn punches_that_the_spans_account_for_are_not_read_again() {
    let spans = vec![closed("20T08:00", "20T12:00", (1, 2)), open("20T12:30", 3)];
    let punches = vec![punch(1, "20T08:00"), punch(2, "20T12:00"), punch(3, "20T12:30")];
    expect(&card(punches, vec![shift(1, "20T08:00", true, spans)]), "20T13:00", "on-shift clocked-in 20T12:30");
}

#[test]
fn a_late_punch_from_before_the_last_span_decides_nothing() {
    let spans = vec![closed("20T08:00", "20T12:00", (1, 2)), open("20T12:30", 3)];
    expect(&card(vec![punch(99, "20T10:00")], vec![shift(1, "20T08:00", true, spans)]), "20T13:00", "on-shift clocked-in 20T12:30");
}

#[test]
fn a_span_that_names_no_punch_accounts_for_the_punch_at_its_moment() {
    let span = WorkedSpan { start_punch: None, ..open("20T08:00", 0) };
    expect(&card(vec![punch(1, "20T08:00")], vec![shift(1, "20T08:00", true, vec![span])]), "20T09:00", "on-shift clocked-in 20T08:00");
}

#[test]
fn a_span_that_says_no_id_of_its_punch_accounts_for_the_punch_at_its_moment() {
    let punches = vec![punch(1, "20T08:00"), punch(2, "20T16:00")];
    let ended = |ids| card(punches.clone(), vec![shift(1, "20T08:00", false, vec![closed("20T08:00", "20T16:00", ids)])]);
    for ids in [(1, 2), (-1, -2), (0, 0), (1, -2)] {
        expect(&ended(ids), "20T16:30", "off-shift clocked-out 20T16:00");
    }
}

#[test]
fn an_id_of_zero_stands_for_no_punch_in_particular() {
    let ended = || vec![shift(1, "20T08:00", false, vec![closed("20T08:00", "20T12:00", (0, 0))])];
    let lunch = || vec![punch(0, "20T08:00"), punch(0, "20T12:00"), punch(0, "20T12:30")];
    expect(&card(vec![punch(0, "20T08:00"), punch(7, "20T12:00")], ended()), "20T12:05", "off-shift clocked-out 20T12:00");
    expect(&card(lunch(), ended()), "20T12:31", "on-shift clocked-in 20T12:30");
    let phantom = Punch { phantom: true, ..punch(0, "20T10:00") };
    let pausing = vec![shift(1, "20T08:00", true, vec![closed("20T08:00", "20T12:00", (0, 0))])];
    expect(&card(vec![punch(0, "20T08:00"), phantom, punch(0, "20T12:00")], pausing), "20T12:05", "on-break between-spans 20T12:00");
    let planned = closed("20T08:00", "20T17:00", (0, 0));
    expect(&card(vec![punch(0, "20T08:00")], vec![shift(1, "20T08:00", true, vec![planned])]), "20T09:00", "on-shift clocked-in 20T08:00");
}

#[test]
fn a_shift_without_spans_accounts_for_punches_up_to_its_end_and_one_in_progress_up_to_its_start() {
    let ended = WorkedShift { end: Some(local("20T16:00")), ..shift(1, "20T08:00", false, vec![]) };
    let planned = WorkedShift { in_progress: true, ..ended.clone() };
    let punches = || vec![punch(1, "20T08:00"), punch(2, "20T15:50")];
    expect(&card(punches(), vec![ended]), "20T16:10", "off-shift clocked-out 20T16:00");
    expect(&card(punches(), vec![planned]), "20T16:10", "on-break between-spans 20T15:50");
}

#[test]
fn of_two_punches_at_one_instant_the_higher_id_is_later() {
    let in_then_out = [marked(1, "20T08:00", Override::In), marked(2, "20T08:00", Override::Out)];
    let out_then_in = [marked(2, "20T08:00", Override::In), marked(1, "20T08:00", Override::Out)];
    expect(&card(in_then_out.to_vec(), vec![]), "20T08:01", "off-shift clocked-out 20T08:00");
    expect(&card(out_then_in.to_vec(), vec![]), "20T08:01", "on-shift clocked-in 20T08:00");
    // At the end of a span the same holds against the punch of the span.
    let shifts = vec![shift(1, "20T07:00", true, vec![closed("20T07:00", "20T08:00", (1, 5))])];
    expect(&card(vec![punch(4, "20T08:00"), punch(5, "20T08:00")], shifts.clone()), "20T08:01", "on-break between-spans 20T08:00");
    expect(&card(vec![punch(5, "20T08:00"), punch(6, "20T08:00")], shifts), "20T08:01", "on-shift clocked-in 20T08:00");
}

// Rows 6 and 7

#[test]
fn a_shift_that_has_ended_no_longer_grants() {
    let spans = vec![closed("20T08:00", "20T12:00", (1, 2)), closed("20T12:30", "20T16:00", (3, 4))];
    expect(&card(vec![], vec![shift(1, "20T08:00", false, spans)]), "20T16:00", "off-shift clocked-out 20T16:00");
}

#[test]
fn of_two_versions_of_one_shift_the_one_that_knows_more_counts_and_then_the_one_that_has_ended() {
    let version = |in_progress, spans: Vec<WorkedSpan>| shift(1, "20T08:00", in_progress, spans);
    let (morning, afternoon) = (closed("20T08:00", "20T12:00", (1, 2)), open("20T12:30", 3));
    let (ended, broken_off) = (version(false, vec![morning.clone()]), version(true, vec![morning.clone()]));
    let returned = version(true, vec![morning, afternoon]);
    let planned = WorkedShift { end: Some(local("20T17:00")), ..version(true, vec![open("20T08:00", 1)]) };
    for (one, other, wanted) in [
        (&returned, &ended, "on-shift clocked-in 20T12:30"),
        (&broken_off, &planned, "on-break between-spans 20T12:00"),
        (&ended, &broken_off, "off-shift clocked-out 20T12:00"),
    ] {
        expect(&card(vec![], vec![one.clone(), other.clone()]), "20T12:45", wanted);
        expect(&card(vec![], vec![other.clone(), one.clone()]), "20T12:45", wanted);
    }
}

#[test]
fn an_end_before_the_start_is_taken_to_be_at_the_start() {
    expect(
        &card(vec![], vec![shift(1, "20T09:00", false, vec![closed("20T09:00", "20T08:00", (1, 2))])]),
        "20T10:00",
        "off-shift clocked-out 20T09:00",
    );
    // Both punches are rounded forward, the out punch to a moment that is yet to come.
    let rounded = shift(1, "20T08:00", true, vec![closed("20T08:00", "20T08:15", (1, 2))]);
    expect(&card(vec![punch(1, "20T07:54"), punch(2, "20T07:55")], vec![rounded]), "20T08:01", "on-break between-spans 20T08:00");
}

#[test]
fn an_end_that_is_yet_to_come_has_not_happened() {
    let ahead = shift(1, "20T08:00", false, vec![closed("20T08:00", "20T12:00", (1, 2)), closed("20T12:30", "20T16:00", (3, 4))]);
    expect(&card(vec![], vec![ahead.clone()]), "20T14:00", "off-shift clocked-out 20T12:30");
    expect(&card(vec![], vec![ahead]), "20T07:00", "off-shift no-punches");
}

#[test]
fn a_card_without_punches_is_off_shift() {
    expect(&card(vec![], vec![]), "20T08:00", "off-shift no-punches");
}

// What is left out

#[test]
fn what_the_system_made_is_no_evidence() {
    let phantom = Punch { phantom: true, ..punch(1, "20T08:00") };
    let scheduled = Punch { scheduled: true, ..punch(2, "20T08:00") };
    let projected = WorkedShift { projected: true, ..shift(1, "20T08:00", true, vec![]) };
    let from_schedule = WorkedShift { from_schedule: true, ..shift(2, "20T08:00", true, vec![]) };
    expect(&card(vec![phantom, scheduled], vec![projected, from_schedule]), "20T09:00", "off-shift no-punches");
    let span = WorkedSpan { projected: true, ..open("20T08:30", 3) };
    let shift = shift(3, "20T08:00", true, vec![closed("20T08:00", "20T08:20", (1, 2)), span]);
    expect(&card(vec![], vec![shift]), "20T09:00", "on-break between-spans 20T08:20");
}

#[test]
fn a_punch_more_than_five_minutes_ahead_is_left_out() {
    expect(&card(vec![punch(1, "20T08:05")], vec![]), "20T08:00", "on-shift clocked-in 20T08:05");
    expect(&card(vec![punch(1, "20T08:06")], vec![]), "20T08:00", "off-shift no-punches");
}

#[test]
fn of_an_edited_punch_the_version_entered_last_counts_in_either_order() {
    let entered = |at: &str, when: &str| Punch { entered: Some(local(when)), ..punch(1, at) };
    let old = entered("20T08:00", "20T08:00");
    let new = entered("20T07:30", "20T09:00");
    expect(&card(vec![old.clone(), new.clone()], vec![]), "20T09:30", "on-shift clocked-in 20T07:30");
    expect(&card(vec![new, old.clone(), old], vec![]), "20T09:30", "on-shift clocked-in 20T07:30");
}

#[test]
fn punches_without_an_id_of_their_own_are_not_versions_of_one_another() {
    expect(
        &card(vec![punch(0, "20T08:00"), punch(0, "20T12:00"), punch(0, "20T12:00"), punch(0, "20T12:30")], vec![]),
        "20T12:31",
        "on-shift clocked-in 20T12:30",
    );
}

// Zones and clocks

#[test]
fn a_zone_that_nothing_translates_makes_the_worker_unknown() {
    let card = card(vec![Punch { zone: zone("Nowhere"), ..punch(1, "20T08:00") }], vec![]);
    let found = at(&card, "20T09:00");
    assert_eq!(said_of(&found), "unknown zone-unknown");
    assert_eq!(found.unknown_zone.as_deref(), Some("Nowhere"));
}

#[test]
fn a_zone_that_only_the_default_covers_is_told() {
    let settings = Settings { default_time_zone: Some(NY.into()), ..Settings::defaults() };
    let card = card(vec![Punch { zone: zone("Nowhere"), ..punch(1, "20T08:00") }], vec![]);
    let found = derive(&card, None, &Zones::new(&settings, vec![]), &settings, "2026-11-20T14:00:00Z".parse().unwrap());
    assert_eq!((found.status, found.default_zone.as_deref()), (Status::OnShift, Some("Nowhere")));
}

#[test]
fn punches_in_two_zones_are_ordered_by_instant_and_not_by_the_clock_on_the_wall() {
    let west = Punch { zone: zone("America/Los_Angeles"), ..punch(2, "20T07:00") };
    expect(&card(vec![punch(1, "20T09:00"), west], vec![]), "20T10:01", "off-shift clocked-out 20T10:00");
}

#[test]
fn in_the_doubled_hour_the_ids_tell_the_passes_apart() {
    // In at 01:50, out at 01:55, in at 01:10: the clocks went back between the last two.
    let punches = vec![punch(3, "01T01:10"), punch(1, "01T01:50"), punch(2, "01T01:55")];
    let found = at(&card(punches, vec![]), "01T02:00");
    assert_eq!(found.since.unwrap().to_rfc3339_opts(SecondsFormat::Secs, true), "2026-11-01T06:10:00Z");
    assert_eq!(found.status, Status::OnShift);
}

#[test]
fn a_span_through_the_doubled_hour_ends_after_it_began() {
    let span = closed("01T01:40", "01T01:20", (1, 2));
    let found = at(&card(vec![], vec![shift(1, "01T01:40", true, vec![span])]), "01T01:30");
    assert_eq!((found.status, found.reason), (Status::OnBreak, Reason::BetweenSpans));
    assert_eq!(found.since.unwrap().to_rfc3339_opts(SecondsFormat::Secs, true), "2026-11-01T06:20:00Z");
}

#[test]
fn a_span_of_no_length_stays_so_in_the_doubled_hour() {
    let at_once = shift(1, "01T01:30", false, vec![closed("01T01:30", "01T01:30", (1, 2))]);
    let found = at(&card(vec![], vec![at_once]), "01T03:00");
    assert_eq!(found.since.unwrap().to_rfc3339_opts(SecondsFormat::Secs, true), "2026-11-01T05:30:00Z");
}

#[test]
fn a_night_shift_is_as_long_as_it_is_when_the_clocks_change() {
    // 16 hours from 18:00: until 09:00 when the clocks go back, until 11:00 when they go forward.
    let back = card(vec![punch(1, "2026-10-31T18:00")], vec![]);
    expect(&back, "2026-11-01T09:00", "on-shift clocked-in 31T18:00");
    expect(&back, "2026-11-01T09:01", "off-shift open-too-long 01T09:00");
    let forward = card(vec![punch(1, "2026-03-07T18:00")], vec![]);
    expect(&forward, "2026-03-08T11:00", "on-shift clocked-in 07T18:00");
    expect(&forward, "2026-03-08T11:01", "off-shift open-too-long 08T11:00");
}

#[test]
fn a_punch_in_the_missing_hour_is_an_hour_later_on_the_new_clock() {
    expect(&card(vec![punch(1, "2026-03-08T02:30")], vec![]), "2026-03-08T04:00", "on-shift clocked-in 08T03:30");
}

// Evidence

#[test]
fn the_evidence_tells_the_way_with_local_time_and_zone() {
    let phantom = Punch { phantom: true, ..punch(9, "20T08:00") };
    let shifts = vec![shift(1, "20T08:00", true, vec![closed("20T08:00", "20T11:00", (1, 2)), open("20T11:30", 3)])];
    let found = at(&card(vec![phantom, punch(4, "20T12:00")], shifts), "20T14:00");
    let said: Vec<_> = found.evidence.iter().map(|evidence| evidence.what.as_str()).collect();
    assert_eq!(
        said,
        [
            "Kronos held a shift that began at 2026-11-20 08:00 EST (America/New_York) and is in progress.",
            "Worked from 2026-11-20 08:00 EST to 2026-11-20 11:00 EST (America/New_York).",
            "At work from 2026-11-20 11:30 EST (America/New_York), without an out punch.",
            "Punch at 2026-11-20 12:00 EST (America/New_York), in no shift yet: read as out, because the worker was in.",
            "Left out: 1 punch that the system made and not the worker, at 2026-11-20 08:00 EST (America/New_York).",
            "Rule 2: nobody came back from the break within 90 min (max-break-minutes), so the worker counts as off shift.",
            "Off shift since 2026-11-20 12:00 EST (America/New_York), when the break began.",
        ]
    );
    assert_eq!(found.zone.as_deref(), Some(NY));
}

#[test]
fn the_evidence_tells_how_each_span_of_work_came_to_its_end() {
    let cut = |start: &str, end: &str| WorkedSpan { end: Some(local(end)), ..open(start, 1) };
    let spans =
        vec![cut("20T06:00", "20T07:00"), cut("20T07:00", "20T08:00"), closed("20T09:00", "20T10:00", (2, 3)), cut("20T11:00", "20T12:00")];
    let told = |in_progress| {
        let found = at(&card(vec![], vec![shift(1, "20T06:00", in_progress, spans.clone())]), "20T12:30");
        let said: Vec<_> =
            found.evidence[1..5].iter().map(|evidence| evidence.what.replace("2026-11-20 ", "").replace(" EST", "")).collect();
        said.join(" ").replace(" (America/New_York)", "")
    };
    let before = "Worked from 06:00 to 07:00, and on. Worked from 07:00 to 08:00, an end that Kronos shows without an out punch. \
                  Worked from 09:00 to 10:00.";
    assert_eq!(told(true), format!("{before} At work from 11:00, without an out punch."));
    assert_eq!(told(false), format!("{before} Worked from 11:00 to 12:00, an end that Kronos shows without an out punch."));
}

/// What the evidence says of these punches, as far as it has this lead.
#[track_caller]
fn told(found: &Derivation, lead: &str) -> String {
    let said = found.evidence.iter().find_map(|evidence| evidence.what.strip_prefix(lead));
    said.unwrap_or_else(|| panic!("{lead}: {:#?}", found.evidence)).to_owned()
}

#[test]
fn the_evidence_tells_how_each_punch_was_read_and_why() {
    use Override::{Break, In, NewShift, Out};
    let working = || vec![shift(1, "20T08:00", true, vec![open("20T08:00", 1)])];
    let pausing = || vec![shift(1, "20T08:00", true, vec![closed("20T08:00", "20T12:00", (1, 2))])];
    let ended = || vec![shift(1, "20T08:00", false, vec![closed("20T08:00", "20T12:00", (1, 2))])];
    let p = "20T12:20";
    for (shifts, next, wanted) in [
        (working(), punch(7, p), "out, because the worker was in."),
        (pausing(), punch(7, p), "in, because the worker was on a break."),
        (ended(), punch(7, p), "in, because the worker was out."),
        (vec![], punch(7, p), "in, because no punch before it shows the worker in."),
        (working(), marked(7, p, In), "in, because it was marked In Punch; nothing changes by it."),
        (pausing(), marked(7, p, Out), "out, because it was marked Out Punch; nothing changes by it."),
        (ended(), marked(7, p, NewShift), "in, to a new shift, because it was marked New Shift."),
        (pausing(), marked(7, p, Break("30 Min Meal".into())), "the return from a break, because the rule 30 Min Meal marks a return."),
        (working(), transfer(7, p), "a transfer, which keeps the worker in; nothing changes by it."),
        (pausing(), transfer(7, p), "a transfer, which does not end the break; nothing changes by it."),
        (ended(), transfer(7, p), "a transfer, which begins work, because the worker was out."),
    ] {
        let found = at(&card(vec![next], shifts), "20T12:30");
        assert_eq!(told(&found, "Punch at 2026-11-20 12:20 EST (America/New_York), in no shift yet: read as "), wanted);
    }
}

#[test]
fn the_evidence_tells_what_was_left_out_and_why() {
    let edited = |at, entered| Punch { entered: Some(local(entered)), ..punch(1, at) };
    let scheduled = WorkedShift { from_schedule: true, ..shift(7, "21T08:00", false, vec![]) };
    let planned = WorkedSpan { projected: true, start_zone: ZoneRef::default(), ..open("20T15:00", 9) };
    let berlin = Punch { zone: zone("Europe/Berlin"), phantom: true, ..punch(4, "20T15:00") };
    let nowhere = Punch { zone: zone("nowhere"), phantom: true, ..punch(5, "20T16:00") };
    let phantom = Punch { phantom: true, ..punch(6, "20T09:00") };
    let punches = vec![
        phantom,
        berlin,
        nowhere,
        edited("20T08:20", "20T08:30"),
        edited("20T08:00", "20T08:40"),
        edited("20T08:00", "20T08:50"),
        punch(2, "20T14:06"),
        Punch { scheduled: true, ..punch(3, "20T12:00") },
    ];
    let mut card = card(punches, vec![shift(1, "20T08:00", true, vec![planned, open("20T08:00", 1)]), scheduled]);
    for _ in 0..2 {
        let found = at(&card, "20T14:00");
        for (lead, wanted) in [
            (
                "Left out: 3 punches that the system made and not the worker, at ",
                "2026-11-20 09:00 EST (America/New_York), 2026-11-20 15:00 CET (Europe/Berlin) and 2026-11-20 16:00 in a zone that is not known.",
            ),
            ("Left out: 1 punch made from the schedule, at ", "2026-11-20 12:00 EST (America/New_York)."),
            ("Left out: 1 punch more than 5 min ahead of the reading, at ", "2026-11-20 14:06 EST (America/New_York)."),
            ("Left out: 1 earlier version of a punch that was edited since, at ", "2026-11-20 08:20 EST (America/New_York)."),
            ("Left out: 1 shift made from the schedule, from ", "2026-11-21 08:00 EST (America/New_York)."),
            ("Left out: 1 shift or span of work that is only planned, from ", "2026-11-20 15:00 EST (America/New_York)."),
        ] {
            assert_eq!(told(&found, lead), wanted);
        }
        card.punches.extend(card.punches.clone());
        card.shifts.extend(card.shifts.clone());
    }
}

#[test]
fn of_many_that_are_yet_to_come_the_evidence_tells_the_times_of_the_next() {
    let ahead = (1..5).map(|id| punch(id, &format!("20T1{id}:00"))).collect();
    let planned = (1..5).map(|id| WorkedShift { projected: true, ..shift(id, &format!("2{id}T08:00"), false, vec![]) }).collect();
    let found = at(&card(ahead, planned), "20T08:00");
    assert_eq!(
        told(&found, "Left out: 4 punches more than 5 min ahead of the reading, the first three at "),
        "2026-11-20 11:00 EST, 2026-11-20 12:00 EST and 2026-11-20 13:00 EST (America/New_York)."
    );
    assert_eq!(
        told(&found, "Left out: 4 shifts or spans of work that are only planned, the first three from "),
        "2026-11-21 08:00 EST, 2026-11-22 08:00 EST and 2026-11-23 08:00 EST (America/New_York)."
    );
}

#[test]
fn a_punch_ahead_in_the_doubled_hour_is_told_in_the_pass_that_it_was_found_to_be_of() {
    let now = "2026-11-01T04:00:00Z".parse().unwrap();
    for (punches, wanted) in [
        (vec![punch(1, "01T01:50")], "2026-11-01 01:50 EDT (America/New_York)."),
        (vec![punch(1, "01T01:50"), punch(2, "01T01:10")], "2026-11-01 01:10 EST and 2026-11-01 01:50 EDT (America/New_York)."),
    ] {
        let found = derive(&card(punches, vec![]), None, &Zones::default(), &Settings::defaults(), now);
        let (_, told) = found.evidence[0].what.split_once(" ahead of the reading, at ").unwrap();
        assert_eq!(told, wanted);
    }
}

#[test]
fn what_was_left_out_in_a_zone_unknown_or_covered_by_the_default_makes_no_trouble() {
    let elsewhere = Punch { zone: zone("nowhere"), phantom: true, ..punch(2, "20T09:00") };
    let settings = Settings { default_time_zone: Some(NY.into()), ..Settings::defaults() };
    let card = card(vec![punch(1, "20T08:00"), elsewhere], vec![]);
    let found = derive(&card, None, &Zones::new(&settings, vec![]), &settings, "2026-11-20T15:00:00Z".parse().unwrap());
    assert_eq!((said_of(&found).as_str(), found.default_zone), ("on-shift clocked-in 20T08:00", None));
}

#[test]
fn the_evidence_is_kept_short_and_loses_neither_the_rule_nor_what_was_left_out() {
    let mut punches: Vec<_> = (0..20).map(|at| punch(at + 1, &format!("20T08:{at:02}"))).collect();
    punches.extend((0..20).map(|at| Punch { phantom: true, ..punch(at + 101, &format!("20T07:{at:02}")) }));
    let found = at(&card(punches, vec![shift(1, "20T07:00", true, vec![])]), "20T09:00");
    let said: Vec<_> = found.evidence.iter().map(|evidence| evidence.what.as_str()).collect();
    assert_eq!(said.len(), tell::MOST);
    assert!(said[0].starts_with("Kronos held a shift that began at 2026-11-20 07:00 EST"), "{said:#?}");
    assert_eq!(said[1], "… and 14 more spans of work and punches before these.");
    assert!(said[2].starts_with("Punch at 2026-11-20 08:14") && said[7].starts_with("Punch at 2026-11-20 08:19"), "{said:#?}");
    assert!(said[8].starts_with("Left out: 20 punches that the system made and not the worker, the last three at 2026-11-20 07:17 EST"));
    assert!(said[9].starts_with("Rule 5: ") && said[10].starts_with("On shift since ") && said[11].starts_with("Unless it ends before"));
}

#[test]
fn the_evidence_leaves_nothing_out_that_has_room() {
    let punches = |many: i64| (0..many).map(|at| punch(at + 1, &format!("20T08:{at:02}"))).collect();
    let said = |many| at(&card(punches(many), vec![shift(1, "20T07:00", true, vec![])]), "20T09:00").evidence;
    assert!(said(8).len() == tell::MOST && said(8)[1].what.starts_with("Punch at 2026-11-20 08:00"), "{:#?}", said(8));
    assert!(said(10).len() == tell::MOST && said(10)[1].what.starts_with("… and 3 more"), "{:#?}", said(10));
}

#[test]
fn the_evidence_tells_when_a_break_late_in_a_long_shift_ends_with_the_shift() {
    let forgotten = |out: &str| {
        let found = at(&card(vec![], vec![shift(1, "20T06:00", true, vec![closed("20T06:00", out, (1, 2))])]), "20T21:00");
        assert_eq!(found.status, Status::OnBreak);
        found.evidence.iter().any(|evidence| evidence.what.starts_with("Unless it ends before, the shift counts as forgotten"))
    };
    // Sixteen hours end at 22:00: later than the break, with it, and before it.
    assert_eq!(["20T20:29", "20T20:30", "20T20:31"].map(forgotten), [false, true, true]);
}

#[test]
fn the_evidence_of_a_limit_tells_where_it_counts_from() {
    let found = at(&card(vec![], vec![shift(1, "19T08:00", true, vec![open("19T08:00", 1)])]), "20T08:00");
    assert_eq!(
        told(&found, "Off shift since "),
        "2026-11-20 00:00 EST (America/New_York), which is 16 h after the shift began at 2026-11-19 08:00 EST."
    );
    let found = at(&card(vec![], vec![shift(1, "20T08:00", true, vec![open("20T08:00", 1)])]), "20T09:00");
    let limit = found.evidence.last().unwrap();
    assert_eq!(limit.at.unwrap().to_rfc3339_opts(SecondsFormat::Secs, true), "2026-11-21T05:00:00Z");
}

// Row 11

#[test]
fn the_on_premise_flag_holds_since_it_was_first_observed() {
    let now = "2026-11-20T14:00:00Z".parse().unwrap();
    let settings = Settings::defaults();
    let first = derive_on_premise(true, None, &settings, now);
    assert_eq!((first.status, first.reason, first.since), (Status::OnShift, Reason::OnPremise, Some(now)));
    let record = |reason, since| Record {
        user: "adiaz".into(),
        person_number: None,
        status: Status::OnShift,
        reason,
        since,
        zone: None,
        observed_at: now,
        source: crate::record::Source { run: None, kind: crate::status::SourceKind::Batch },
        evidence: vec![],
    };
    let earlier = Some(now - Duration::hours(1));
    assert_eq!(derive_on_premise(true, Some(&record(Reason::OnPremise, earlier)), &settings, now).since, earlier);
    assert_eq!(derive_on_premise(true, Some(&record(Reason::ClockedIn, earlier)), &settings, now).since, Some(now));
    let off = derive_on_premise(false, Some(&record(Reason::OnPremise, earlier)), &settings, now);
    assert_eq!((off.status, off.reason, off.since), (Status::OffShift, Reason::NotOnPremise, Some(now)));
}

#[test]
fn a_punch_that_the_spans_name_by_another_id_does_not_count_again() {
    let ended = shift(1, "20T08:00", false, vec![closed("20T08:00", "20T12:00", (101, 102))]);
    let punches = || vec![punch(1, "20T08:00"), punch(202, "20T12:00")];
    expect(&card(punches(), vec![ended]), "20T12:05", "off-shift clocked-out 20T12:00");
    let going_on = shift(1, "20T08:00", true, vec![open("20T08:00", 101)]);
    expect(&card(vec![punch(201, "20T08:00")], vec![going_on]), "20T12:05", "on-shift clocked-in 20T08:00");
}
