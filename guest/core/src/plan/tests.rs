use super::*;
use crate::decide::Reach;
use crate::timecard::{Punch, ZoneRef};

fn now() -> DateTime<Utc> {
    "2026-11-20T14:00:00Z".parse().unwrap()
}

fn reading(user: &str, found: Found) -> Reading {
    let alone = !matches!(found, Found::NotInKronos | Found::AmbiguousPersons(_) | Found::AmbiguousUsers(_));
    Reading { user: user.into(), person_number: alone.then(|| "7".into()), found }
}

/// A card with punches at these hours of the day, UTC.
fn card(hours: &[u32]) -> Found {
    let zone = ZoneRef { qualifier: Some("UTC".into()), ..ZoneRef::default() };
    let punch = |hour: &u32| Punch {
        id: i64::from(*hour),
        at: format!("2026-11-20T{hour:02}:00:00").parse().unwrap(),
        zone: zone.clone(),
        kind: None,
        transfer: false,
        phantom: false,
        scheduled: false,
        entered: None,
    };
    Found::Card { card: Timecard { punches: hours.iter().map(punch).collect(), shifts: vec![] }, person_zone: None }
}

fn plan_at(readings: Vec<Reading>, stored: &BTreeMap<String, Record>, now: DateTime<Utc>, kind: SourceKind) -> Plan {
    plan(readings, stored, Context { settings: &Settings::defaults(), zones: &Zones::default(), now, run: "r1", kind })
}

fn stored(plan: &Plan) -> BTreeMap<String, Record> {
    plan.steps.iter().map(|step| (step.key.clone(), step.record.clone())).collect()
}

fn everything() -> Vec<Reading> {
    vec![
        reading("On", card(&[9])),
        reading("off", card(&[9, 12])),
        reading("idle", card(&[])),
        reading("nobody", Found::NotInKronos),
        reading("twins", Found::AmbiguousPersons(vec!["7".into(), "8".into()])),
        reading("domains", Found::AmbiguousUsers(vec!["a".into(), "b".into()])),
        reading("broken", Found::Failed { message: "WTK-112000".into() }),
        Reading { person_number: None, ..reading("unread", Found::Failed { message: "WCO-101204".into() }) },
        reading("here", Found::OnPremise(true)),
    ]
}

#[test]
fn the_numbers_of_a_first_run_add_up() {
    let plan = plan_at(everything(), &BTreeMap::new(), now(), SourceKind::Batch);
    let counts = plan.counts;
    assert_eq!((counts.members, counts.matched, counts.unmatched), (9, 5, 4));
    assert_eq!((counts.on_shift, counts.on_break, counts.off_shift, counts.unknown), (2, 0, 2, 5));
    assert_eq!((counts.changed, counts.unchanged, counts.failed, counts.removed), (9, 0, 2, 0));
    assert!(plan.steps.iter().all(|step| step.change == Change::New));
}

#[test]
fn steps_come_in_the_order_of_their_keys_with_the_name_as_written() {
    let plan = plan_at(everything(), &BTreeMap::new(), now(), SourceKind::Batch);
    let keys: Vec<_> = plan.steps.iter().map(|step| step.key.as_str()).collect();
    assert_eq!(keys, ["broken", "domains", "here", "idle", "nobody", "off", "on", "twins", "unread"]);
    assert_eq!(plan.steps[6].record.user, "On");
    assert_eq!(plan.steps[6].record.source, Source { run: Some("r1".into()), kind: SourceKind::Batch });
    assert_eq!(plan.steps[6].why, "first reading: on-shift (clocked-in) since 2026-11-20T09:00:00Z");
}

#[test]
fn every_trouble_is_a_warning_about_its_worker() {
    let nowhere = Punch {
        id: 1,
        at: "2026-11-20T09:00:00".parse().unwrap(),
        zone: ZoneRef { id: Some("99".into()), ..ZoneRef::default() },
        kind: None,
        transfer: false,
        phantom: false,
        scheduled: false,
        entered: None,
    };
    let mut readings = everything();
    readings.push(reading("lost", Found::Card { card: Timecard { punches: vec![nowhere], shifts: vec![] }, person_zone: None }));
    let plan = plan_at(readings, &BTreeMap::new(), now(), SourceKind::Batch);
    let found: Vec<_> = plan.warnings.iter().map(|warning| (warning.number, warning.subject.as_str())).collect();
    assert_eq!(found, [(72, "broken"), (71, "domains"), (73, "lost"), (70, "nobody"), (71, "twins"), (72, "unread")]);
    assert_eq!(plan.warnings[0].message, "Kronos answered an error for this worker: WTK-112000");
    let later = plan_at(vec![reading("on", card(&[9]))], &BTreeMap::new(), now() + Duration::hours(16), SourceKind::Batch);
    assert_eq!(later.warnings.first().map(|warning| warning.number), Some(74));
}

#[test]
fn the_same_reading_again_moves_only_the_moment_of_observation() {
    let first = stored(&plan_at(everything(), &BTreeMap::new(), now(), SourceKind::Batch));
    let later = now() + Duration::minutes(30);
    let again = plan_at(everything(), &first, later, SourceKind::Batch);
    assert_eq!((again.counts.changed, again.counts.unchanged), (0, 9));
    for step in &again.steps {
        assert_eq!((step.change, step.record.observed_at), (Change::Unchanged, later));
        assert!(step.record.says_the_same_as(&first[&step.key]));
        assert!(step.why.starts_with("still "), "{}", step.why);
    }
}

#[test]
fn a_change_tells_where_it_comes_from() {
    let first = stored(&plan_at(vec![reading("on", card(&[9]))], &BTreeMap::new(), now(), SourceKind::Batch));
    let plan = plan_at(vec![reading("ON", card(&[9, 13]))], &first, now() + Duration::minutes(1), SourceKind::Batch);
    assert_eq!(plan.steps[0].change, Change::Changed { from: Status::OnShift });
    assert_eq!(
        plan.steps[0].why,
        "off-shift (clocked-out) since 2026-11-20T13:00:00Z; was on-shift (clocked-in) since 2026-11-20T09:00:00Z"
    );
}

#[test]
fn a_newer_record_stays_and_is_counted_as_it_stands() {
    let newer = stored(&plan_at(vec![reading("on", card(&[9]))], &BTreeMap::new(), now() + Duration::minutes(1), SourceKind::LookUp));
    let older = plan_at(vec![reading("on", card(&[9, 12]))], &newer, now(), SourceKind::Batch);
    assert_eq!(older.steps, []);
    assert_eq!((older.counts.members, older.counts.on_shift, older.counts.unchanged), (1, 1, 1));
    assert_eq!(older.warnings, []);
}

#[test]
fn a_record_by_hand_says_so_first() {
    let settings = Settings { identities: [("on".to_owned(), "7".to_owned())].into(), ..Settings::defaults() };
    let readings = vec![reading("On", card(&[9])), reading("off", card(&[9, 12]))];
    let context = Context { settings: &settings, zones: &Zones::default(), now: now(), run: "r1", kind: SourceKind::Batch };
    let plan = plan(readings, &BTreeMap::new(), context);
    let first: Vec<_> = plan.steps.iter().map(|step| step.record.evidence[0].what.as_str()).collect();
    assert_eq!(first[1], "Pinned by hand to person 7 (property identities).");
    assert!(!first[0].contains("by hand"), "{first:?}");
    let failed = reading("on", Found::Failed { message: "WCO-1".into() });
    let plan = super::plan(vec![failed], &BTreeMap::new(), context);
    assert!(plan.steps[0].record.evidence[0].what.starts_with("Pinned by hand"));
    assert_eq!(plan.warnings[0].message, "Kronos answered an error for this worker: WCO-1");
}

#[test]
fn one_name_is_one_member() {
    let plan = plan_at(vec![reading("on", card(&[9])), reading(" ON", card(&[9]))], &BTreeMap::new(), now(), SourceKind::Batch);
    assert_eq!((plan.counts.members, plan.steps.len()), (1, 1));
}

const STOOD: Before = Before { reach: Reach::Reached, held: false };

#[test]
fn a_brake_that_holds_does_not_let_go_because_records_age_meanwhile() {
    let record = |found| plan_at(vec![reading("on", found)], &BTreeMap::new(), now(), SourceKind::Batch).steps.remove(0).record;
    let (on, off) = (record(card(&[9])), record(card(&[9, 12])));
    let standing = |record| Standing { record: Some(record), exempt: false };
    let later = now() + Duration::hours(2);
    let held = Before { held: true, ..STOOD };
    assert!(closes(standing(&on), standing(&off), held, &Settings::defaults(), later));
    assert!(!closes(standing(&off), standing(&off), held, &Settings::defaults(), later));
}

#[test]
fn access_that_an_outage_left_open_is_taken_as_any_other() {
    let record = |found| plan_at(vec![reading("on", found)], &BTreeMap::new(), now(), SourceKind::Batch).steps.remove(0).record;
    let (on, off) = (record(card(&[9])), Record { observed_at: now() + Duration::hours(2), ..record(card(&[9, 12])) });
    let standing = |record| Standing { record: Some(record), exempt: false };
    let open = Settings { authorize_unreachable: true, ..Settings::defaults() };
    let later = now() + Duration::hours(2);
    assert!(closes(standing(&on), standing(&off), Before { reach: Reach::Failed, ..STOOD }, &open, later));
    assert!(!closes(standing(&on), standing(&off), STOOD, &open, later));
}

#[test]
fn the_brake_counts_whoever_would_lose_access() {
    let settings = Settings::defaults();
    let record = |found| plan_at(vec![reading("on", found)], &BTreeMap::new(), now(), SourceKind::Batch).steps.remove(0).record;
    let (on, off) = (record(card(&[9])), record(card(&[9, 12])));
    let closes = |before: Option<&Record>, after: &Record, settings: &Settings, now| {
        let standing = |record| Standing { record, exempt: false };
        closes(standing(before), standing(Some(after)), STOOD, settings, now)
    };
    assert!(closes(Some(&on), &off, &settings, now()));
    assert!(!closes(Some(&off), &on, &settings, now()));
    assert!(!closes(Some(&off), &off, &settings, now()));
    assert!(!closes(None, &off, &settings, now()));
    assert!(!closes(None, &off, &Settings { authorize_unknown: true, ..settings.clone() }, now()), "a stranger is no loss");
    assert!(!closes(Some(&on), &off, &settings, now() + Duration::hours(2)), "access that went stale is gone already");
}

#[test]
fn the_brake_counts_an_exempt_worker_only_when_the_exemption_ends() {
    let record = |found| plan_at(vec![reading("on", found)], &BTreeMap::new(), now(), SourceKind::Batch).steps.remove(0).record;
    let (on, off) = (record(card(&[9])), record(card(&[9, 12])));
    let (on, off) = (|exempt| Standing { record: Some(&on), exempt }, |exempt| Standing { record: Some(&off), exempt });
    let gone = |exempt| Standing { record: None, exempt };
    let closes = |before, after| closes(before, after, STOOD, &Settings::defaults(), now());
    assert!(!closes(on(true), off(true)), "an exempt worker goes off shift and keeps access");
    assert!(!closes(on(false), off(true)));
    assert!(closes(on(true), off(false)) && closes(off(true), off(false)), "the exemption was all there was");
    assert!(closes(on(false), gone(false)) && !closes(off(false), gone(false)) && !closes(on(true), gone(true)));
}

#[test]
fn numbers_of_a_run_that_stored_less_than_planned_still_add_up() {
    let planned = plan_at(everything(), &BTreeMap::new(), now(), SourceKind::Batch).counts;
    let held = planned.with_changed(0);
    assert_eq!((held.members, held.changed, held.unchanged, held.failed), (9, 0, 9, planned.failed));
    let partly = planned.with_changed(4);
    assert_eq!((partly.changed, partly.unchanged), (4, 5));
}

#[test]
fn the_brake_holds_above_its_share_and_not_at_it() {
    let at = |percent| Settings { brake_percent: percent, ..Settings::defaults() };
    assert!(!is_held(10, 10, &at(0)));
    assert!(!is_held(3, 10, &at(30)));
    assert!(is_held(4, 10, &at(30)));
    assert!(!is_held(10, 10, &at(100)));
    assert!(!is_held(0, 0, &at(1)));
}

#[test]
fn every_number_is_added_and_has_its_name_in_the_order_to_show() {
    let one = Counts {
        members: 1,
        matched: 2,
        unmatched: 3,
        on_shift: 4,
        on_break: 5,
        off_shift: 6,
        unknown: 7,
        changed: 8,
        unchanged: 9,
        failed: 10,
        removed: 11,
    };
    let mut sum = one;
    sum.add(&one);
    sum.add(&one);
    let (names, numbers): (Vec<_>, Vec<_>) = sum.named().into_iter().unzip();
    assert_eq!(names.join(" "), "members matched unmatched on_shift on_break off_shift unknown changed unchanged failed removed");
    assert_eq!(numbers, [3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33]);
}
