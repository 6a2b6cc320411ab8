//! Which of several servers is tried first.

use super::record::{Mx, Srv};
use ring::rand::{SecureRandom, SystemRandom};

impl Srv {
    /// In the order in which they are to be tried: priority ascending, and by
    /// chance within one, in proportion to the weights (RFC 2782, "Weight").
    /// `draw(n)` is a number from 0 to n, as [`draw`] is.
    #[must_use]
    pub fn ordered(records: Vec<Srv>, mut draw: impl FnMut(u64) -> u64) -> Vec<Srv> {
        // The order among equals is ours to choose: by chance, or the first
        // would be favoured: numbers from 0 to 2 are three for two weights of 1.
        let mut rest = shuffled(records, &mut draw);
        // Those of no weight stand first, so that they are hardly ever drawn.
        rest.sort_by_key(|record| (record.priority, record.weight != 0));
        let mut ordered = Vec::with_capacity(rest.len());
        while let Some(first) = rest.first() {
            let equals = rest.iter().filter(|record| record.priority == first.priority);
            let weights: Vec<u64> = equals.map(|record| record.weight.into()).collect();
            ordered.push(rest.remove(drawn(&weights, &mut draw)));
        }
        ordered
    }
}

impl Mx {
    /// In the order in which they are to be tried: preference ascending, and by
    /// chance within one (RFC 5321 §5.1). `draw(n)` is a number from 0 to n, as
    /// [`draw`] is.
    #[must_use]
    pub fn ordered(records: Vec<Mx>, mut draw: impl FnMut(u64) -> u64) -> Vec<Mx> {
        let mut ordered = shuffled(records, &mut draw);
        ordered.sort_by_key(|record| record.preference);
        ordered
    }
}

/// A number from 0 to `most` that nobody can foresee.
pub fn draw(most: u64) -> u64 {
    let mut octets = [0; 8];
    // Without the system's random source nothing else here works either: TLS
    // needs it, too.
    SystemRandom::new().fill(&mut octets).expect("the system has random octets");
    // Ranges are so much smaller than 2^64 that none of them is favoured.
    let number = u64::from_ne_bytes(octets);
    most.checked_add(1).map_or(number, |count| number % count)
}

/// The first whose running sum reaches a number between 0 and the sum of all.
fn drawn(weights: &[u64], draw: &mut impl FnMut(u64) -> u64) -> usize {
    let chosen = draw(weights.iter().sum());
    let mut sum = 0;
    let reaches = |weight: &u64| {
        sum += weight;
        sum >= chosen
    };
    weights.iter().position(reaches).unwrap_or_default()
}

/// Fisher and Yates.
fn shuffled<T>(mut items: Vec<T>, draw: &mut impl FnMut(u64) -> u64) -> Vec<T> {
    for at in (1..items.len()).rev() {
        let other = usize::try_from(draw(at as u64)).unwrap_or_default();
        items.swap(at, other.min(at));
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn srv(priority: u16, weight: u16, port: u16) -> Srv {
        Srv { priority, weight, port, target: None }
    }

    fn ports(records: &[Srv]) -> Vec<u16> {
        records.iter().map(|record| record.port).collect()
    }

    /// How often a port comes first in 10,000 orders.
    fn firsts(records: &[Srv], port: u16) -> u32 {
        let first = || Srv::ordered(records.to_vec(), draw)[0].port == port;
        (0..10_000).map(|_| u32::from(first())).sum()
    }

    #[test]
    fn a_lower_priority_number_goes_first_whatever_the_weights() {
        // 6186-3.4
        let records = vec![srv(20, 9, 3), srv(0, 0, 1), srv(10, 65_535, 2), srv(20, 0, 4)];
        for _ in 0..100 {
            let order = ports(&Srv::ordered(records.clone(), draw));
            assert_eq!(order[..2], [1, 2]);
            assert_eq!(order.len(), 4);
        }
    }

    #[test]
    fn within_a_priority_the_weights_decide_who_is_drawn() {
        // 6186-3.4: 0, 1, 2 and 3 are a shuffle that changes nothing; then 0 is
        // the weightless one, 1 to 10 the second, more the third.
        for (number, expected) in [(0, 1), (1, 2), (10, 2), (11, 3), (30, 3)] {
            let mut shuffling = 2;
            let mut numbers = |most: u64| {
                if shuffling > 0 {
                    shuffling -= 1;
                    return most;
                }
                number.min(most)
            };
            let records = vec![srv(0, 0, 1), srv(0, 10, 2), srv(0, 20, 3)];
            assert_eq!(Srv::ordered(records, &mut numbers)[0].port, expected, "{number}");
        }
    }

    #[test]
    fn chances_are_in_proportion_to_the_weights() {
        // 6186-3.4. Bounds that chance leaves once in far more than 10^9 runs.
        let even = [srv(0, 1, 1), srv(0, 1, 2)];
        assert!((4_600..=5_400).contains(&firsts(&even, 1)));
        let uneven = [srv(0, 75, 1), srv(0, 25, 2), srv(0, 0, 3)];
        assert!((7_000..=7_800).contains(&firsts(&uneven, 1)));
        assert!(firsts(&uneven, 3) < 300, "no weight is hardly ever first");
        let weightless = [srv(0, 0, 1), srv(0, 0, 2)];
        assert!((4_600..=5_400).contains(&firsts(&weightless, 1)));
    }

    #[test]
    fn exchangers_of_one_preference_take_turns() {
        // 5321-5.1c
        let mx = |preference| Mx { preference, exchanger: None };
        let name = |text: &str| Some(text.parse().unwrap());
        let records = vec![
            mx(20),
            Mx { preference: 10, exchanger: name("a.example") },
            Mx { preference: 10, exchanger: name("b.example") },
        ];
        let a_first = || {
            let ordered = Mx::ordered(records.clone(), draw);
            assert_eq!(ordered[2].preference, 20);
            ordered[0].exchanger == name("a.example")
        };
        let count: u32 = (0..10_000).map(|_| u32::from(a_first())).sum();
        assert!((4_600..=5_400).contains(&count), "{count}");
    }

    #[test]
    fn numbers_are_drawn_from_the_whole_range() {
        let drawn: std::collections::BTreeSet<_> = (0..1_000).map(|_| draw(3)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(draw(0), 0);
        draw(u64::MAX);
    }
}
