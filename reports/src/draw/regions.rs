//! Connected regions of equal cells in a grid: their outlines, and the place in each where a name has the most room.

/// A place in the grid: column and row.
pub type Place = (usize, usize);

/// A side of a cell that borders another region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The cell.
    pub cell: Place,
    /// Its side towards the next row; otherwise towards the next column.
    pub upper: bool,
}

/// Cells that are equal and connected by their sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Its first cell, by column and then by row.
    pub first: Place,
    /// Sides towards later cells of other regions.
    pub edges: Vec<Edge>,
    /// The lowest and highest cell of the rectangle within the region that is best for text: widest, then highest.
    pub widest: (Place, Place),
}

/// The regions of a grid of `columns` × `rows` cells, in the order of their first cells. Names stay out of the cell `taken`, if
/// their region has another.
pub fn regions<T: PartialEq>(
    (columns, rows): (usize, usize),
    value: impl Fn(Place) -> T,
    taken: Option<Place>,
) -> Vec<Region> {
    let mut number = vec![usize::MAX; columns * rows];
    let of = |number: &[usize], (column, row): Place| number.get(column * rows + row).copied().unwrap_or(usize::MAX);
    let mut firsts = Vec::new();
    for start in (0..columns).flat_map(|column| (0..rows).map(move |row| (column, row))) {
        if of(&number, start) != usize::MAX {
            continue;
        }
        let mut open = vec![start];
        while let Some((column, row)) = open.pop() {
            let Some(slot) = number.get_mut(column * rows + row).filter(|slot| **slot == usize::MAX) else { continue };
            *slot = firsts.len();
            let before = [(column.checked_sub(1), Some(row)), (Some(column), row.checked_sub(1))];
            let before = before.into_iter().filter_map(|(column, row)| Some((column?, row?)));
            let beside = before.chain([(column + 1, row), (column, row + 1)]);
            open.extend(beside.filter(|place| place.0 < columns && place.1 < rows && value(*place) == value(start)));
        }
        firsts.push(start);
    }
    let region = |(this, first): (usize, Place)| {
        let mut edges = Vec::new();
        for cell in (0..columns).flat_map(|column| (0..rows).map(move |row| (column, row))) {
            let next = [((cell.0, cell.1 + 1), true), ((cell.0 + 1, cell.1), false)];
            for (other, upper) in next.into_iter().filter(|(other, _)| other.0 < columns && other.1 < rows) {
                if of(&number, cell) != of(&number, other) && of(&number, cell) == this {
                    edges.push(Edge { cell, upper });
                }
            }
        }
        let inside = |place| of(&number, place) == this;
        let free = widest((columns, rows), |place| inside(place) && Some(place) != taken);
        Region { first, edges, widest: free.unwrap_or((first, first)) }
    };
    firsts.into_iter().enumerate().map(region).collect()
}

/// The widest rectangle of cells that are `inside`, and of those the highest: text is wider than it is high. Up to three
/// rows count as height. None if nothing is inside.
fn widest((columns, rows): (usize, usize), inside: impl Fn(Place) -> bool) -> Option<(Place, Place)> {
    const TEXT_ROWS: usize = 3;
    let mut best = ((0, 0), None);
    for low in (0..columns).flat_map(|column| (0..rows).map(move |row| (column, row))) {
        let mut width = usize::MAX;
        for row in low.1..rows {
            let run = (low.0..columns).take_while(|column| inside((*column, row))).count();
            width = width.min(run);
            if width == 0 {
                break;
            }
            let height = row + 1 - low.1;
            // One row less may be had for a column more, not the other way round.
            let merit = (2 * width + height.min(TEXT_ROWS), height);
            if merit > best.0 {
                best = (merit, Some((low, (low.0 + width - 1, row))));
            }
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_halves_are_two_regions_with_one_border() {
        let found = regions((4, 2), |(column, _)| column < 1, None);
        assert_eq!(found.len(), 2);
        let border: Vec<Edge> = found.iter().flat_map(|region| region.edges.clone()).collect();
        assert_eq!(border, [Edge { cell: (0, 0), upper: false }, Edge { cell: (0, 1), upper: false }]);
        assert_eq!(found[1].widest, ((1, 0), (3, 1)));
        assert_eq!(regions((4, 2), |_| 1, Some((1, 0)))[0].widest, ((0, 1), (3, 1)));
        assert!(regions((0, 3), |_| 1, None).is_empty());
    }

    #[test]
    fn equal_cells_that_only_touch_at_corners_are_apart() {
        assert_eq!(regions((2, 2), |(column, row)| (column + row) % 2, None).len(), 4);
    }

    proptest! {
        #[test]
        fn the_place_for_a_name_is_inside_its_region(
            cells in prop::collection::vec(0..3_u8, 30),
        ) {
            let value = |(column, row): Place| cells[column * 5 + row];
            let found = regions((6, 5), value, Some((2, 2)));
            for region in &found {
                let (low, high) = region.widest;
                for column in low.0..=high.0 {
                    for row in low.1..=high.1 {
                        prop_assert_eq!(value((column, row)), value(region.first));
                    }
                }
            }
            // Every border between unequal cells is drawn once.
            let edges = found.iter().map(|region| region.edges.len()).sum::<usize>();
            let sides = (0..6).flat_map(|c| (0..5).map(move |r| (c, r)));
            let unequal = sides.map(|(c, r)| {
                usize::from(c < 5 && value((c, r)) != value((c + 1, r))) + usize::from(r < 4 && value((c, r)) != value((c, r + 1)))
            });
            prop_assert_eq!(edges, unequal.sum::<usize>());
        }
    }
}
