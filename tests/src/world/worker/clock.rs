//! What the clock saw: punches, breaks, shifts. Each verb leaves the punches and the spans that UKG would show for it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::world::{Moment, Override, Person, Punch, Shift, Span, Worker, hours};

/// What the clock saw.
impl Worker {
    /// Punched in so long ago, and is still at it: a punch, a shift in progress, an open span.
    pub fn clocked_in(self, ago: TimeDelta) -> Self {
        let at = self.ago(ago);
        self.clocked_in_at(at)
    }

    /// The same at a moment, such as a wall-clock time in the worker's zone.
    pub fn clocked_in_at(self, at: impl Into<Moment>) -> Self {
        let at = at.into();
        self.told(|person, ids| {
            let punch = ids.punch(person, at);
            let spans = vec![Span::open(ids.next(), at, punch)];
            let shift = Shift {
                id: ids.next(),
                start: at,
                end: None,
                zone: person.zone,
                in_progress: true,
                projected: false,
                from_schedule: false,
                spans,
            };
            person.shifts.push(shift);
        })
    }

    /// Went on a break so long ago: the open span ends, the shift stays in progress. Without a shift, one began three hours before.
    pub fn on_break(self, ago: TimeDelta) -> Self {
        let at = self.ago(ago);
        self.with_open_shift(ago + hours(3)).told(|person, ids| ids.close_span(person, at.into()))
    }

    /// Came back from the break.
    pub fn back_from_break(self, ago: TimeDelta) -> Self {
        let at = self.ago(ago);
        self.told(|person, ids| ids.open_span(person, at.into()))
    }

    /// Came back from a meal whose rule is set on the punch.
    pub fn back_from_meal(self, ago: TimeDelta, rule: &str) -> Self {
        self.back_from_break(ago).last_punch_as(Override::BreakRule(rule.to_owned()))
    }

    /// Moved to another job: one span ends and the next begins with the same punch.
    pub fn transferred(self, ago: TimeDelta, transfer: &str) -> Self {
        let at = Moment::from(self.ago(ago));
        self.with_open_shift(ago + hours(3)).told(|person, ids| {
            ids.close_span(person, at);
            let span = ids.next();
            let Some(punch) = person.punches.last_mut() else { return };
            punch.transfer = Some(transfer.to_owned());
            let span = Span::open(span, at, punch.id);
            if let Some(shift) = person.open_shift() {
                shift.spans.push(span);
            }
        })
    }

    /// Went home so long ago: the shift in progress ends. Without one, an eight-hour shift ended then.
    pub fn clocked_out(self, ago: TimeDelta) -> Self {
        let at = Moment::from(self.ago(ago));
        self.with_open_shift(ago + hours(8)).told(|person, ids| {
            ids.close_span(person, at);
            if let Some(shift) = person.open_shift() {
                (shift.in_progress, shift.end) = (false, Some(at));
            }
        })
    }

    /// A finished shift from so long ago until so long ago.
    pub fn worked(self, from_ago: TimeDelta, to_ago: TimeDelta) -> Self {
        self.clocked_in(from_ago).clocked_out(to_ago)
    }

    /// A shift in progress for which UKG shows no spans.
    pub fn shift_without_spans(self, ago: TimeDelta) -> Self {
        self.clocked_in(ago).edit(|person| {
            if let Some(shift) = person.open_shift() {
                shift.spans.clear();
            }
        })
    }

    /// A finished shift that UKG only expects (`projected`).
    pub fn projected_shift(self, from_ago: TimeDelta, to_ago: TimeDelta) -> Self {
        self.unworked(from_ago, to_ago, |shift| shift.projected = true)
    }

    /// A shift taken over from the schedule (`fromSchedule`).
    pub fn shift_from_schedule(self, from_ago: TimeDelta, to_ago: TimeDelta) -> Self {
        self.unworked(from_ago, to_ago, |shift| shift.from_schedule = true)
    }

    /// A punch that UKG has not made spans of yet.
    pub fn punch_untotalled(self, ago: TimeDelta) -> Self {
        let at = self.ago(ago);
        self.punched_at(at)
    }

    /// The same at a moment; a moment to come stands for a clock that runs ahead.
    pub fn punched_at(self, at: impl Into<Moment>) -> Self {
        let at = at.into();
        self.told(|person, ids| {
            ids.punch(person, at);
        })
    }

    /// A punch the system made.
    pub fn phantom_punch(self, ago: TimeDelta) -> Self {
        self.punch_untotalled(ago).last_punch(|punch| punch.phantom = true)
    }

    /// A punch made from the schedule.
    pub fn scheduled_punch(self, ago: TimeDelta) -> Self {
        self.punch_untotalled(ago).last_punch(|punch| punch.scheduled = true)
    }

    /// The last punch carries this override.
    pub fn last_punch_as(self, kind: Override) -> Self {
        self.last_punch(|punch| punch.kind = Some(kind))
    }

    /// The last punch is a transfer.
    pub fn last_punch_transfers(self, transfer: &str) -> Self {
        self.last_punch(|punch| punch.transfer = Some(transfer.to_owned()))
    }

    /// The last punch reached UKG late, from a clock that was offline.
    pub fn last_punch_came_late(self, ago: TimeDelta) -> Self {
        let entered = Moment::from(self.ago(ago));
        self.last_punch(|punch| {
            punch.entered = Some(entered);
            punch.source = "OFFLINE_DATA".to_owned();
        })
    }

    /// A manager moved the last punch: same id, another time, no new spans.
    pub fn last_punch_moved(self, to_ago: TimeDelta) -> Self {
        let (at, now) = (Moment::from(self.ago(to_ago)), Moment::from(self.world.now()));
        self.last_punch(|punch| {
            (punch.at, punch.updated) = (at, Some(now));
            punch.source = "TIMECARD_EDITOR".to_owned();
        })
    }

    /// The last punch was deleted.
    pub fn last_punch_deleted(self) -> Self {
        self.edit(|person| {
            person.punches.pop();
        })
    }

    /// Changes the last punch in any other way.
    pub fn last_punch(self, change: impl FnOnce(&mut Punch)) -> Self {
        self.edit(|person| {
            if let Some(punch) = person.punches.last_mut() {
                change(punch);
            }
        })
    }

    /// Forgets every punch and shift.
    pub fn no_punches(self) -> Self {
        self.edit(|person| {
            person.punches.clear();
            person.shifts.clear();
        })
    }

    /// Changes the person in any other way. Not for number, user name and id, which have an index: use the verbs.
    pub fn edit(self, change: impl FnOnce(&mut Person)) -> Self {
        self.told(|person, _| change(person))
    }

    /// Takes the person out, changes it, and counts the fresh numbers it used.
    fn told(self, change: impl FnOnce(&mut Person, &mut Ids)) -> Self {
        let at = self.person_index();
        let mut state = self.world.write();
        let mut ids = Ids { last: state.last_id };
        if let Some(person) = state.people.get_mut(at) {
            change(person, &mut ids);
        }
        state.last_id = ids.last;
        drop(state);
        self
    }

    fn unworked(self, from_ago: TimeDelta, to_ago: TimeDelta, mark: impl FnOnce(&mut Shift)) -> Self {
        let (start, end) = (Moment::from(self.ago(from_ago)), Moment::from(self.ago(to_ago)));
        self.told(|person, ids| {
            let span = Span { id: ids.next(), start, end: Some(end), start_punch: None, end_punch: None, projected: true };
            let (zone, spans) = (person.zone, vec![span]);
            let mut shift =
                Shift { id: ids.next(), start, end: Some(end), zone, in_progress: false, projected: false, from_schedule: false, spans };
            mark(&mut shift);
            person.shifts.push(shift);
        })
    }

    fn with_open_shift(self, ago: TimeDelta) -> Self {
        let open =
            self.world.read().people.get(self.person_index()).is_some_and(|person| person.shifts.iter().any(|shift| shift.in_progress));
        if open { self } else { self.clocked_in(ago) }
    }

    fn ago(&self, ago: TimeDelta) -> DateTime<Utc> {
        self.world.now() - ago
    }
}

/// Hands out fresh numbers while a person is being changed, and makes the things that need them.
struct Ids {
    last: u64,
}

impl Ids {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn punch(&mut self, person: &mut Person, at: Moment) -> u64 {
        let id = self.next();
        person.punches.push(Punch::plain(id, at, person.zone));
        id
    }

    fn close_span(&mut self, person: &mut Person, at: Moment) {
        let punch = self.punch(person, at);
        let open = person.open_shift().and_then(|shift| shift.spans.last_mut()).filter(|span| span.end.is_none());
        if let Some(span) = open {
            (span.end, span.end_punch) = (Some(at), Some(punch));
        }
    }

    fn open_span(&mut self, person: &mut Person, at: Moment) {
        let punch = self.punch(person, at);
        let span = Span::open(self.next(), at, punch);
        if let Some(shift) = person.open_shift() {
            shift.spans.push(span);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, minutes};

    #[test]
    fn a_day_leaves_the_spans_and_punches_it_should() {
        let world = World::new(Utc::now());
        let worker = world.person("adiaz").clocked_in(hours(8)).transferred(hours(6), ";;;Line 2;");
        worker.on_break(hours(4)).back_from_meal(hours(3), "30 Min Meal").clocked_out(minutes(5));
        let person = world.people().remove(0);
        let shift = &person.shifts[0];
        assert_eq!((person.punches.len(), shift.spans.len(), shift.in_progress), (5, 3, false));
        assert_eq!(shift.spans[0].end_punch, shift.spans[1].start_punch);
        assert_eq!(shift.end, shift.spans[2].end);
        assert_eq!(person.punches[3].kind, Some(Override::BreakRule("30 Min Meal".to_owned())));
    }

    #[test]
    fn a_verb_makes_the_side_it_needs() {
        let world = World::new(Utc::now());
        world.directory_user("cmoss").clocked_in(hours(1));
        world.kronos_person("dlane").in_group("Store 12 Hourly");
        assert_eq!(world.people().len(), 2);
        assert_eq!(world.members_of("Store 12 Hourly")[0].user_name, "dlane");
    }
}
