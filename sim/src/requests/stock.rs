//! The precomputes of one pair: made one after the other while there is room, taken one by one.

/// Stored precomputes and the one that is being made. Time moves on in [`Stock::advance`], over any number of completions
/// at once; only then may something be taken, finished or slowed down.
#[derive(Debug, Clone)]
pub(super) struct Stock {
    /// Precomputes that there is room for, those in use included.
    slots: u64,
    /// Seconds for one at full speed.
    offline_s: f64,
    /// Seconds between two looks at the storage; zero: what has room starts at once.
    poll_s: f64,
    /// A precompute that an inference uses keeps its room until the inference has ended.
    keeps_room: bool,
    stored: u64,
    in_use: u64,
    now_s: f64,
    /// How fast the one that is being made proceeds, 0 to 1.
    speed: f64,
    /// When it is ready; infinite while none is made or none proceeds.
    ready_s: f64,
    /// What is left of it while it does not proceed, seconds at full speed.
    left_s: f64,
    /// When the last one was ready, while there is no room for another.
    full_since_s: Option<f64>,
    made: u64,
    /// The integral of held precomputes over time.
    held_s: f64,
    most_held: u64,
}

impl Stock {
    /// An empty stock with room for `slots`, at least one.
    pub(super) fn new(slots: u64, offline_s: f64, poll_s: f64, keeps_room: bool) -> Self {
        Self {
            slots: slots.max(1),
            offline_s,
            poll_s,
            keeps_room,
            stored: 0,
            in_use: 0,
            now_s: 0.0,
            speed: 1.0,
            ready_s: poll_s + offline_s,
            left_s: 0.0,
            full_since_s: None,
            made: 0,
            held_s: 0.0,
            most_held: 0,
        }
    }

    /// When the next one is ready; infinite while none is made.
    pub(super) fn ready_s(&self) -> f64 {
        self.ready_s
    }

    /// Precomputes that can be taken.
    pub(super) fn stored(&self) -> u64 {
        self.stored
    }

    fn held(&self) -> u64 {
        self.stored + self.in_use
    }

    /// Moves on to `to_s`.
    pub(super) fn advance(&mut self, to_s: f64) {
        self.held_s += self.held() as f64 * (to_s - self.now_s);
        self.now_s = to_s;
        if self.ready_s > to_s {
            return;
        }
        let cycle_s = self.poll_s + self.offline_s / self.speed;
        let room = self.slots.saturating_sub(self.held());
        // The cast saturates; a cycle takes more than no time.
        let count = (((to_s - self.ready_s) / cycle_s) as u64).saturating_add(1).min(room);
        let (number, later) = (count as f64, count.saturating_sub(1) as f64);
        // The i-th of them has been held since ready + i · cycle.
        self.held_s += number * (to_s - self.ready_s) - cycle_s * number * later / 2.0;
        self.stored += count;
        self.made += count;
        self.most_held = self.most_held.max(self.held());
        if count == room {
            self.full_since_s = Some(self.ready_s + later * cycle_s);
            self.ready_s = f64::INFINITY;
        } else {
            self.ready_s += number * cycle_s;
        }
    }

    /// Takes one for an inference; false if there is none.
    pub(super) fn take(&mut self) -> bool {
        if self.stored == 0 {
            return false;
        }
        self.stored -= 1;
        if self.keeps_room {
            self.in_use += 1;
        } else {
            self.room_again();
        }
        true
    }

    /// The inference that took one has ended.
    pub(super) fn finish(&mut self) {
        if self.in_use > 0 {
            self.in_use -= 1;
            self.room_again();
        }
    }

    /// Starts the next one, if the lack of room was all that kept it from being made.
    fn room_again(&mut self) {
        let Some(full_since_s) = self.full_since_s.take() else { return };
        let start_s = if self.poll_s > 0.0 {
            // The first look after now, counted from when the last one was ready.
            full_since_s + ((self.now_s - full_since_s) / self.poll_s).ceil().max(1.0) * self.poll_s
        } else {
            self.now_s
        };
        self.left_s = self.offline_s;
        self.ready_s = if self.speed > 0.0 { start_s + self.offline_s / self.speed } else { f64::INFINITY };
    }

    /// The one that is being made proceeds at another speed from now on.
    pub(super) fn set_speed(&mut self, speed: f64) {
        if speed == self.speed {
            return;
        }
        if self.full_since_s.is_none() {
            if self.speed > 0.0 {
                self.left_s = ((self.ready_s - self.now_s) * self.speed).max(0.0);
            }
            self.ready_s = if speed > 0.0 { self.now_s + self.left_s / speed } else { f64::INFINITY };
        }
        self.speed = speed;
    }

    /// The integral of held precomputes over time, and the most that were held at once.
    pub(super) fn holding(&self) -> (f64, u64) {
        (self.held_s, self.most_held)
    }

    /// Work done until now, in seconds of the offline phase at full speed.
    pub(super) fn work_s(&self) -> f64 {
        let left_s = match self.full_since_s {
            Some(_) => self.offline_s,
            None if self.speed > 0.0 => (self.ready_s - self.now_s) * self.speed,
            None => self.left_s,
        };
        self.made as f64 * self.offline_s + (self.offline_s - left_s).clamp(0.0, self.offline_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_look_every_second_starts_the_first_precompute_at_second_one() {
        let mut stock = Stock::new(2, 10.0, 1.0, false);
        assert_eq!(stock.ready_s(), 11.0);
        stock.advance(100.0);
        // The second one: look at 12, ready at 22; then there is no room.
        assert_eq!((stock.stored(), stock.ready_s()), (2, f64::INFINITY));
        assert_eq!(stock.holding(), (89.0 + 78.0, 2));
        stock.advance(100.25);
        assert!(stock.take());
        // Looks are at 22 + k.
        assert_eq!(stock.ready_s(), 111.0);
        assert!(stock.take() && !stock.take());
        assert_eq!(stock.ready_s(), 111.0);
    }

    #[test]
    fn what_an_inference_uses_keeps_its_room_until_the_end() {
        let mut stock = Stock::new(1, 10.0, 0.0, true);
        stock.advance(15.0);
        assert!(stock.take());
        stock.advance(40.0);
        assert_eq!((stock.stored(), stock.ready_s()), (0, f64::INFINITY));
        stock.finish();
        assert_eq!(stock.ready_s(), 50.0);
    }

    #[test]
    fn a_precompute_that_is_stopped_for_a_while_is_late_by_that_while() {
        let mut stock = Stock::new(9, 10.0, 0.0, true);
        stock.advance(4.0);
        stock.set_speed(0.0);
        assert_eq!((stock.ready_s(), stock.work_s()), (f64::INFINITY, 4.0));
        stock.advance(104.0);
        stock.set_speed(0.5);
        assert_eq!(stock.ready_s(), 116.0);
        stock.advance(110.0);
        assert_eq!(stock.work_s(), 7.0);
        stock.set_speed(1.0);
        assert_eq!(stock.ready_s(), 113.0);
    }

    proptest! {
        /// Moving on in one step or in many is the same.
        #[test]
        fn any_number_of_completions_can_be_counted_at_once(
            slots in 1_u64..20, offline_s in 0.5_f64..50.0, poll_s in prop_oneof![Just(0.0), Just(1.0)],
            steps in proptest::collection::vec((0.0_f64..200.0, any::<bool>()), 1..40),
        ) {
            let mut at_once = Stock::new(slots, offline_s, poll_s, false);
            let mut in_steps = at_once.clone();
            let mut now = 0.0;
            for (step, take) in steps {
                for part in 1..=50 {
                    in_steps.advance(now + step * f64::from(part) / 50.0);
                }
                now += step;
                in_steps.advance(now);
                at_once.advance(now);
                prop_assert_eq!(at_once.stored(), in_steps.stored());
                prop_assert!(at_once.holding().1 <= slots);
                let (a, b) = (at_once.holding().0, in_steps.holding().0);
                prop_assert!((a - b).abs() <= 1e-9 * a.max(1.0), "{} {}", a, b);
                if take {
                    prop_assert_eq!(at_once.take(), in_steps.take());
                }
            }
        }
    }
}
