//! The rows of the design, one after the other.

use super::*;

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
