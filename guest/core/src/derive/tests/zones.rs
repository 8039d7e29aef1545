//! Zones and clocks.

use super::*;

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
