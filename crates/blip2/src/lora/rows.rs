//! Which adapter each row of a batch is computed with.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{Result, Tensor};

use super::layers::LayerNumber;
use super::loaded::{LoadedAdapter, Matrices};

/// The adapters of a batch's rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowAdapters {
    /// That of each row; empty where no row has one.
    rows: Vec<Option<Arc<LoadedAdapter>>>,
    /// Neighbours that have the same one.
    runs: Vec<(Range<usize>, Arc<LoadedAdapter>)>,
}

/// No row has an adapter.
pub(crate) static NO_ADAPTERS: RowAdapters = RowAdapters {
    rows: Vec::new(),
    runs: Vec::new(),
};

impl RowAdapters {
    pub(crate) fn new(rows: Vec<Option<Arc<LoadedAdapter>>>) -> Self {
        let mut runs: Vec<(Range<usize>, Arc<LoadedAdapter>)> = Vec::new();
        for (row, adapter) in rows.iter().enumerate() {
            let Some(adapter) = adapter else { continue };
            match runs.last_mut() {
                Some((run, of_run)) if run.end == row && Arc::ptr_eq(of_run, adapter) => {
                    run.end += 1;
                }
                _ => runs.push((row..row + 1, Arc::clone(adapter))),
            }
        }
        if runs.is_empty() {
            return Self::default();
        }
        Self { rows, runs }
    }

    /// Row `i` has what row `rows[i]` has.
    pub(crate) fn select(&self, rows: &[u32]) -> Self {
        if self.runs.is_empty() {
            return Self::default();
        }
        let adapter = |&row: &u32| self.rows.get(row as usize).cloned().flatten();
        Self::new(rows.iter().map(adapter).collect())
    }

    /// Each row `counts` times, one after the other.
    pub(crate) fn repeat(&self, counts: impl Iterator<Item = usize>) -> Self {
        let each = (0..).zip(counts);
        let rows: Vec<u32> = each
            .flat_map(|(row, count)| std::iter::repeat_n(row, count))
            .collect();
        self.select(&rows)
    }

    /// What is added to a layer's results; `None` where nothing is.
    pub(crate) fn parts(&self, layer: LayerNumber) -> Option<RowParts<'_>> {
        let parts: Vec<_> = self
            .runs
            .iter()
            .filter_map(|(run, adapter)| Some((run.clone(), adapter.matrices(layer)?)))
            .collect();
        (!parts.is_empty()).then_some(RowParts {
            rows: self.rows.len(),
            parts,
        })
    }
}

/// What the rows' adapters add to the results of one layer.
#[derive(Debug)]
pub(crate) struct RowParts<'a> {
    /// How many rows there are.
    rows: usize,
    /// Rows that follow each other, and what is added to theirs.
    parts: Vec<(Range<usize>, &'a Matrices)>,
}

impl RowParts<'_> {
    /// Adds to the results `y` of `x`, the rows one after the other.
    pub(crate) fn add(&self, x: &[f32], y: &mut [f32]) -> Result<()> {
        if !x.len().is_multiple_of(self.rows) || !y.len().is_multiple_of(self.rows) {
            candle_core::bail!(
                "{} numbers are no {} rows that have adapters",
                x.len(),
                self.rows
            );
        }
        let (of_x, of_y) = (x.len() / self.rows, y.len() / self.rows);
        for (run, matrices) in &self.parts {
            matrices.add(
                &x[run.start * of_x..run.end * of_x],
                &mut y[run.start * of_y..run.end * of_y],
            )?;
        }
        Ok(())
    }

    /// The same for the results `ys` of `xs`, `(rows, …)` both.
    pub(crate) fn added(&self, xs: &Tensor, ys: Tensor) -> Result<Tensor> {
        if xs.dim(0)? != self.rows {
            candle_core::bail!("{:?} are not {} rows with adapters", xs.dims(), self.rows);
        }
        let mut pieces = Vec::with_capacity(2 * self.parts.len() + 1);
        let mut done = 0;
        for (run, matrices) in &self.parts {
            if run.start > done {
                pieces.push(ys.narrow(0, done, run.start - done)?);
            }
            let of_run = |all: &Tensor| all.narrow(0, run.start, run.len());
            pieces.push((of_run(&ys)? + matrices.product(&of_run(xs)?)?)?);
            done = run.end;
        }
        if done < self.rows {
            pieces.push(ys.narrow(0, done, self.rows - done)?);
        }
        match pieces.as_slice() {
            [all] => Ok(all.clone()),
            _ => Tensor::cat(&pieces, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which adapter each row has, and where runs begin.
    fn shown(rows: &RowAdapters) -> (Vec<&str>, Vec<Range<usize>>) {
        let name = |row: &'_ Option<Arc<LoadedAdapter>>| row.as_ref().map(Arc::as_ptr);
        let names = rows.rows.iter().map(|row| match row {
            Some(adapter) => adapter.name(),
            None => "",
        });
        for (run, adapter) in &rows.runs {
            let all = rows.rows[run.clone()].iter();
            assert!(all.map(name).all(|row| row == Some(Arc::as_ptr(adapter))));
        }
        let runs = rows.runs.iter().map(|(run, _)| run.clone());
        (names.collect(), runs.collect())
    }

    #[test]
    fn rows_keep_their_adapters_wherever_they_go() {
        let [a, b] = ["a", "b"].map(|name| Some(Arc::new(LoadedAdapter::stand_in(name, 0))));
        let rows = RowAdapters::new(vec![None, a.clone(), a.clone(), b.clone(), None, a.clone()]);
        let all = vec!["", "a", "a", "b", "", "a"];
        assert_eq!(shown(&rows), (all, vec![1..3, 3..4, 5..6]));
        let selected = rows.select(&[5, 2, 2, 3]);
        assert_eq!(
            shown(&selected),
            (vec!["a", "a", "a", "b"], vec![0..3, 3..4])
        );
        let repeated = selected.repeat([1, 0, 2, 3].into_iter());
        assert_eq!(
            shown(&repeated),
            (vec!["a", "a", "a", "b", "b", "b"], vec![0..3, 3..6])
        );
        // Where none is left, nothing is looked for any more.
        for none in [rows.select(&[4, 0]), RowAdapters::new(vec![None; 3])] {
            assert_eq!(shown(&none), (vec![], vec![]));
            assert_eq!(shown(&none.select(&[0, 1])), (vec![], vec![]));
        }
    }
}
