//! What the evidence tells, and in which order.

use super::*;

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
