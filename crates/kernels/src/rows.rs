//! How the rows of a product are cut into blocks for the inner loop.

/// A run of rows that the inner loop computes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowBlock {
    pub(crate) start: usize,
    pub(crate) rows: usize,
}

/// Blocks of at most `most` rows whose sizes differ by one at most: five and
/// four rows are quicker than eight and one.
pub(crate) fn row_blocks(rows: usize, most: usize) -> impl Iterator<Item = RowBlock> + Clone {
    let blocks = rows.div_ceil(most).max(1);
    let (size, larger) = (rows / blocks, rows % blocks);
    (0..blocks)
        .map(move |block| RowBlock {
            start: block * size + block.min(larger),
            rows: size + usize::from(block < larger),
        })
        .filter(|block| block.rows > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_all_rows_in_order_and_are_even() {
        for rows in 0..100 {
            for most in [1, 6, 12] {
                let blocks: Vec<RowBlock> = row_blocks(rows, most).collect();
                let mut next = 0;
                for block in &blocks {
                    assert_eq!(block.start, next);
                    assert!((1..=most).contains(&block.rows));
                    next += block.rows;
                }
                assert_eq!(next, rows);
                assert_eq!(blocks.len(), rows.div_ceil(most));
                let sizes = || blocks.iter().map(|block| block.rows);
                assert!(sizes().max().unwrap_or(0) - sizes().min().unwrap_or(0) <= 1);
            }
        }
    }
}
