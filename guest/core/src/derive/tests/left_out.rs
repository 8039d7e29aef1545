//! What is left out before deriving.

use super::*;

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
