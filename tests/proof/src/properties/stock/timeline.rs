/// Something that was put to a stock or taken from it, at some moment between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    /// Below zero: it was taken.
    pub(super) amount: i64,
    /// Not before.
    pub(super) from: u64,
    /// Not after. `u64::MAX`: nobody knows.
    pub(super) by: u64,
    /// The call that did it.
    pub(super) sequence: Option<u64>,
}

/// Between which bounds a stock was, from one moment to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    at: u64,
    /// What was certainly put there, less whatever may have been taken.
    pub(super) least: i64,
    /// What may have been put there, less whatever was certainly taken.
    pub(super) most: i64,
}

/// A stock throughout a run.
pub(super) struct Timeline {
    flows: Vec<Flow>,
    steps: Vec<Step>,
}

impl Timeline {
    pub(super) fn of(flows: Vec<Flow>) -> Self {
        // When, what it does to the least, and what to the most. What is put somewhere comes first.
        let mut changes: Vec<(u64, bool, i64, i64)> = Vec::with_capacity(flows.len() * 2);
        for flow in &flows {
            let is_taken = flow.amount < 0;
            let (least, most) = if is_taken { (flow.from, flow.by) } else { (flow.by, flow.from) };
            changes.push((least, is_taken, flow.amount, 0));
            changes.push((most, is_taken, 0, flow.amount));
        }
        changes.retain(|(at, ..)| *at < u64::MAX);
        changes.sort_unstable();
        let mut steps: Vec<Step> = vec![Step { at: 0, least: 0, most: 0 }];
        let mut last = steps[0];
        for (at, _, least, most) in changes {
            let next = Step { at, least: last.least + least, most: last.most + most };
            if next.at == last.at {
                steps.pop();
            }
            steps.push(next);
            last = next;
        }
        Self { flows, steps }
    }

    /// The first moment at which more was taken than had ever been put there, with the fewest calls that took so much.
    pub(super) fn oversold(&self) -> Option<(i64, Vec<u64>)> {
        let step = self.steps.iter().find(|step| step.most < 0)?;
        Some((-step.most, self.takers(step.at, 0)))
    }

    /// Whether this may have been there at some moment between two. If not, the least and the most that was there all
    /// that time, and the fewest calls that show it.
    pub(super) fn may_be(&self, quantity: i64, begin: u64, end: u64) -> Result<(), (i64, i64, Vec<u64>)> {
        let first = self.steps.partition_point(|step| step.at < begin).saturating_sub(1);
        let during = || self.steps[first..].iter().take_while(|step| step.at <= end);
        if during().any(|step| (step.least..=step.most).contains(&quantity)) {
            return Ok(());
        }
        let lowest = during().min_by_key(|step| step.least);
        let highest = during().max_by_key(|step| step.most);
        let Some((lowest, highest)) = lowest.zip(highest) else { return Ok(()) };
        let shown_by = if quantity > highest.most {
            self.takers(highest.at, quantity)
        } else if quantity < lowest.least {
            self.givers(lowest.at, quantity)
        } else {
            Vec::new()
        };
        Err((lowest.least, highest.most, shown_by))
    }

    /// The fewest calls that took so much by then that less than this can have been left.
    fn takers(&self, at: u64, quantity: i64) -> Vec<u64> {
        let mut left: i64 = self.flows.iter().filter(|flow| flow.amount > 0 && flow.from <= at).map(|f| f.amount).sum();
        let mut takers: Vec<&Flow> = self.flows.iter().filter(|flow| flow.amount < 0 && flow.by <= at).collect();
        takers.sort_by_key(|flow| (flow.sequence.is_some(), flow.amount));
        let mut shown_by = Vec::new();
        for flow in takers {
            if left < quantity {
                break;
            }
            left += flow.amount;
            shown_by.extend(flow.sequence);
        }
        shown_by
    }

    /// The fewest calls that put so much there by then that more than this must have been left.
    fn givers(&self, at: u64, quantity: i64) -> Vec<u64> {
        let mut left: i64 = self.flows.iter().filter(|flow| flow.amount < 0 && flow.from <= at).map(|f| f.amount).sum();
        let mut givers: Vec<&Flow> = self.flows.iter().filter(|flow| flow.amount > 0 && flow.by <= at).collect();
        givers.sort_by_key(|flow| (flow.sequence.is_some(), -flow.amount));
        let mut shown_by = Vec::new();
        for flow in givers {
            if left > quantity {
                break;
            }
            left += flow.amount;
            shown_by.extend(flow.sequence);
        }
        shown_by
    }
}
