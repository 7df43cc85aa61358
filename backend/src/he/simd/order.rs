//! In which order a transform's values come, which slots they are, and how automorphisms permute them.

use crate::error::{BackendError, Result};
use std::collections::HashMap;

/// The order of the values of a transform: value k is the polynomial at ζ^e(k), for one root ζ of X^N + 1.
///
/// Slot i of the first row is the value at ζ^(3^i), slot i of the second that at ζ^−(3^i); so X → X^3 rotates both rows to
/// the left by one, and X → X^−1 swaps them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// e(k).
    exponents: Vec<u32>,
    /// Where in a transform the value at ζ^(2i + 1) is.
    places: Vec<u32>,
    /// Where in a transform the value of a slot is.
    slots: Vec<u32>,
}

impl Order {
    /// Finds the order from the transform of X, which is all roots.
    ///
    /// # Errors
    /// Values that are not all roots.
    pub(super) fn of_roots(roots: &[u64], modulus: u64) -> Result<Self> {
        let degree = roots.len();
        let wrong = || BackendError::program(format!("the transform modulo {modulus} does not give values at roots"));
        let root = roots.first().copied().ok_or_else(wrong)?;
        let times = |a: u64, b: u64| (u128::from(a) * u128::from(b) % u128::from(modulus)) as u64;
        let (square, mut power) = (times(root, root), root);
        let mut logarithms = HashMap::with_capacity(degree);
        for exponent in (1..2 * degree as u32).step_by(2) {
            logarithms.insert(power, exponent);
            power = times(power, square);
        }
        let exponents: Vec<u32> =
            roots.iter().map(|root| logarithms.get(root).copied().ok_or_else(wrong)).collect::<Result<_>>()?;
        let mut places = vec![0; degree];
        for (place, exponent) in exponents.iter().enumerate() {
            places[*exponent as usize / 2] = place as u32;
        }
        let order = Self { exponents, places, slots: Vec::new() };
        let turns = std::iter::successors(Some(1), |turn| Some(turn * 3 % (2 * degree as u64)));
        let first: Vec<u64> = turns.take(degree / 2).collect();
        let second = first.iter().map(|turn| 2 * degree as u64 - turn);
        let slots = first.iter().copied().chain(second).map(|exponent| order.place(exponent)).collect();
        Ok(Self { slots, ..order })
    }

    /// Where the value at an odd power of ζ is.
    fn place(&self, exponent: u64) -> u32 {
        self.places[(exponent as usize % (2 * self.places.len())) / 2]
    }

    /// The automorphism that rotates both rows to the left by `steps`, to the right if negative.
    pub(super) fn rotation(&self, steps: i64) -> u64 {
        let degree = self.places.len() as i64;
        let steps = steps.rem_euclid((degree / 2).max(1));
        (0..steps).fold(1, |power, _| power * 3 % (2 * degree as u64))
    }

    /// The automorphism that swaps the rows.
    pub(super) fn swap(&self) -> u64 {
        2 * self.places.len() as u64 - 1
    }

    /// Where each value of a transform comes from under X → X^g.
    pub(super) fn permutation(&self, automorphism: u64) -> Vec<u32> {
        self.exponents.iter().map(|exponent| self.place(u64::from(*exponent) * automorphism)).collect()
    }

    /// Puts the values of slots at their places in a transform.
    pub(super) fn scatter(&self, slots: &[u64]) -> Vec<u64> {
        let mut values = vec![0; self.slots.len()];
        self.slots.iter().zip(slots).for_each(|(place, value)| values[*place as usize] = *value);
        values
    }

    /// Takes the values of slots from their places in a transform.
    pub(super) fn gather(&self, values: &[u64]) -> Vec<u64> {
        self.slots.iter().map(|place| values[*place as usize]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tfhe_ntt::prime64::Plan;

    fn order(degree: usize, modulus: u64) -> (Plan, Order) {
        let plan = Plan::try_new(degree, modulus).unwrap();
        let mut x = vec![0; degree];
        x[1] = 1;
        plan.fwd(&mut x);
        let order = Order::of_roots(&x, modulus).unwrap();
        (plan, order)
    }

    /// The coefficients of a polynomial under X → X^g.
    fn automorphism(poly: &[u64], power: u64, modulus: u64) -> Vec<u64> {
        let degree = poly.len();
        let mut result = vec![0; degree];
        for (index, value) in poly.iter().enumerate() {
            let place = index * power as usize % (2 * degree);
            result[place % degree] = if place < degree { *value } else { (modulus - value) % modulus };
        }
        result
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]

        #[test]
        fn automorphisms_of_the_polynomial_rotate_and_swap_its_slots(
            steps in -2000i64..2000, size in 8u32..13, modulus in prop::sample::select(vec![2061584302081u64, 786433]),
        ) {
            let degree = 1usize << size;
            let (plan, order) = order(degree, modulus);
            let row = degree / 2;
            let slots: Vec<u64> = (0..degree as u64).map(|slot| slot * slot % modulus).collect();
            let mut poly = order.scatter(&slots);
            plan.inv(&mut poly);
            plan.normalize(&mut poly);
            let rotated = |slot: usize| slots[slot / row * row + (slot as i64 + steps).rem_euclid(row as i64) as usize];
            for (power, expected) in [
                (order.rotation(steps), (0..degree).map(rotated).collect::<Vec<_>>()),
                (order.swap(), (0..degree).map(|slot| slots[(slot + row) % degree]).collect()),
            ] {
                let mut image = automorphism(&poly, power, modulus);
                plan.fwd(&mut image);
                prop_assert_eq!(order.gather(&image), expected);
                // The same on the transform, without one.
                let values = order.scatter(&slots);
                let permuted: Vec<u64> =
                    order.permutation(power).iter().map(|place| values[*place as usize]).collect();
                prop_assert_eq!(permuted, image);
            }
        }
    }

    #[test]
    fn values_that_are_no_roots_are_refused() {
        assert!(Order::of_roots(&[1, 2, 3, 4], 97).is_err());
        assert!(Order::of_roots(&[], 97).is_err());
    }
}
