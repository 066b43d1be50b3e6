use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

/// A bounded queue that serves groups in turn, and each group's members in order of arrival. When it is full, whoever
/// belongs to a small group takes the place of the last member of the largest, so that no group keeps others out.
pub(crate) struct FairQueue<G, T> {
    capacity: usize,
    length: usize,
    waiting: HashMap<G, VecDeque<T>>,
    /// Every group that waits, once: the one whose turn it is at the front.
    turns: VecDeque<G>,
}

/// What became of somebody who wanted to wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry<T> {
    /// It waits.
    Waits,
    /// It waits, and the other one does not any more.
    Replaced(T),
    /// There is no room for it.
    Refused(T),
}

impl<G: Copy + Eq + Hash, T> FairQueue<G, T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, length: 0, waiting: HashMap::new(), turns: VecDeque::new() }
    }

    pub(crate) fn push(&mut self, group: G, member: T) -> Entry<T> {
        let mut replaced = None;
        if self.length >= self.capacity {
            let own = self.waiting.get(&group).map_or(0, VecDeque::len);
            let largest = self.waiting.iter().max_by_key(|(_, members)| members.len());
            let largest = largest.filter(|(_, members)| members.len() > own + 1).map(|(largest, _)| *largest);
            replaced = largest.and_then(|largest| self.waiting.get_mut(&largest)?.pop_back());
            if replaced.is_none() {
                return Entry::Refused(member);
            }
            self.length -= 1;
        }
        let members = self.waiting.entry(group).or_default();
        if members.is_empty() {
            self.turns.push_back(group);
        }
        members.push_back(member);
        self.length += 1;
        replaced.map_or(Entry::Waits, Entry::Replaced)
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let group = self.turns.pop_front()?;
        let members = self.waiting.get_mut(&group)?;
        let member = members.pop_front()?;
        self.length -= 1;
        if members.is_empty() {
            self.waiting.remove(&group);
        } else {
            self.turns.push_back(group);
        }
        Some(member)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(queue: &mut FairQueue<char, u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn groups_take_turns_whatever_their_size() {
        let mut queue = FairQueue::new(100);
        for member in 0..50 {
            queue.push('a', member);
        }
        queue.push('b', 100);
        queue.push('c', 200);
        queue.push('b', 101);
        assert_eq!(all(&mut queue)[..7], [0, 100, 200, 1, 101, 2, 3]);
    }

    #[test]
    fn a_full_queue_makes_room_at_the_cost_of_the_largest_group() {
        let mut queue = FairQueue::new(4);
        for member in 0..4 {
            assert_eq!(queue.push('a', member), Entry::Waits);
        }
        assert_eq!(queue.push('a', 4), Entry::Refused(4));
        assert_eq!(queue.push('b', 10), Entry::Replaced(3));
        assert_eq!(queue.push('b', 11), Entry::Replaced(2));
        assert_eq!(queue.push('b', 12), Entry::Refused(12), "it has as many as the other");
        let last_of_either = [Entry::Replaced(1), Entry::Replaced(11)];
        assert!(last_of_either.contains(&queue.push('c', 20)));
        assert_eq!(all(&mut queue).len(), 4);
    }

    proptest! {
        /// It never holds more than its capacity, loses nobody, and serves each group in order of arrival.
        #[test]
        fn nobody_is_lost(capacity in 1_usize..8, arrivals in prop::collection::vec(prop::option::of(0_u8..5), 0..80)) {
            let mut queue = FairQueue::new(capacity);
            let mut waiting = std::collections::BTreeSet::new();
            let mut last_served = HashMap::new();
            for (number, arrival) in arrivals.into_iter().enumerate() {
                match arrival.map(|group| queue.push(group, (group, number))) {
                    Some(Entry::Waits) => {
                        waiting.insert(number);
                    }
                    Some(Entry::Replaced((_, out))) => {
                        prop_assert!(waiting.remove(&out));
                        waiting.insert(number);
                    }
                    Some(Entry::Refused((_, refused))) => {
                        prop_assert_eq!((refused, waiting.len()), (number, capacity));
                    }
                    None => match queue.pop() {
                        Some((group, served)) => {
                            prop_assert!(waiting.remove(&served));
                            prop_assert!(last_served.insert(group, served).is_none_or(|last| last < served));
                        }
                        None => prop_assert!(waiting.is_empty()),
                    },
                }
                prop_assert!(waiting.len() <= capacity);
            }
            let rest: Vec<usize> = std::iter::from_fn(|| queue.pop()).map(|(_, number)| number).collect();
            prop_assert_eq!(rest.into_iter().collect::<std::collections::BTreeSet<_>>(), waiting);
        }
    }
}
