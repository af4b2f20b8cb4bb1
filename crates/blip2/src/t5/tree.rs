//! The decoder over tokens that form a tree: each sees what is above it, at
//! its distance along the tree.

use std::ops::Range;

use candle_core::{Result, Tensor};

use super::T5;
use super::attention::KeyValues;
use super::cache::DecoderCache;
use crate::lora::RowAdapters;

/// A token of a tree. The nodes of a tree are in pre-order.
#[derive(Debug, Clone)]
pub(crate) struct TreeNode {
    pub(crate) token: u32,
    /// How many nodes are above it: its position.
    pub(crate) depth: usize,
    /// The node that it follows; the root's is the root.
    pub(crate) parent: usize,
}

/// Nodes of a tree that follow each other and are read at once.
#[derive(Debug)]
pub(crate) struct TreeRun<'a> {
    /// All nodes of the tree.
    pub(crate) nodes: &'a [TreeNode],
    /// Those to read.
    pub(crate) range: Range<usize>,
    /// What is above the first of them; `None` for the root.
    pub(crate) ancestors: Option<&'a Ancestors>,
}

/// The keys and values of a path from the root, `(1, heads, path, d_kv)` for
/// each block.
#[derive(Debug, Clone)]
pub(crate) struct Ancestors(Vec<KeyValues>);

/// What reading runs gave.
#[derive(Debug)]
pub(crate) struct RunsRead {
    /// Of the nodes of all runs, one after the other, `(nodes, d_model)`.
    pub(crate) hidden: Tensor,
    /// What was written for each row: its ancestors, padded to `path`, then
    /// its run.
    cache: DecoderCache,
    path: usize,
}

impl T5 {
    /// Runs of as many trees as `cache` has rows, in which nothing is written,
    /// to the hidden states of their nodes. `pad` fills shorter runs.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub(crate) fn decode_runs(
        &self,
        runs: &[TreeRun],
        pad: u32,
        mut cache: DecoderCache,
    ) -> Result<RunsRead> {
        let path = runs.iter().map(TreeRun::path).max().unwrap_or_default();
        let width = runs
            .iter()
            .map(|run| run.range.len())
            .max()
            .unwrap_or_default();
        let mut ids = Vec::with_capacity(runs.len() * width);
        // The nodes among the padded rows.
        let mut places = Vec::with_capacity(runs.len() * width);
        for (row, run) in runs.iter().enumerate() {
            ids.extend(run.read().iter().map(|node| node.token));
            places.extend(
                (row * width..)
                    .take(run.range.len())
                    .map(|place| place as u32),
            );
            ids.resize((row + 1) * width, pad);
        }
        let device = cache.device();
        let ids = Tensor::from_vec(ids, (runs.len(), width), device)?;
        let places = Tensor::new(places, device)?;
        let distances: Vec<Option<usize>> = runs
            .iter()
            .flat_map(|run| run.distances(path, width))
            .collect();
        let bias = self
            .decoder
            .bias_of_distances(&distances, (runs.len(), width, path + width))?;
        if path > 0 {
            cache.write(|block| stack_padded(runs, block, path))?;
        }
        let hidden = self
            .decoder
            .forward_with_bias(&self.embed(&ids)?, &bias, &mut cache)?;
        let hidden = hidden.flatten_to(1)?;
        let hidden = if places.dim(0)? < hidden.dim(0)? {
            hidden.index_select(&places, 0)?
        } else {
            hidden
        };
        Ok(RunsRead {
            hidden,
            cache,
            path,
        })
    }
}

impl TreeRun<'_> {
    fn read(&self) -> &[TreeNode] {
        &self.nodes[self.range.clone()]
    }

    /// How many nodes are above the first.
    fn path(&self) -> usize {
        self.read().first().map_or(0, |node| node.depth)
    }

    /// How far above each node, padded to `width` of them, each key is that it
    /// sees: the path, padded to `path`, then the run, padded to `width`.
    fn distances(&self, path: usize, width: usize) -> Vec<Option<usize>> {
        let keys = path + width;
        let mut distances: Vec<Option<usize>> = vec![None; width * keys];
        for query in 0..width {
            let (above, own) = distances.split_at_mut(query * keys);
            let own = &mut own[..keys];
            // A row that is padding sees itself, so that its softmax has
            // something to give; nobody reads it.
            own[path + query] = Some(0);
            let Some(node) = self.read().get(query) else {
                continue;
            };
            if node.depth > 0 && node.parent >= self.range.start {
                let parent = node.parent - self.range.start;
                let of_parent = &above[parent * keys..(parent + 1) * keys];
                for (own, of_parent) in own.iter_mut().zip(of_parent) {
                    *own = own.or(of_parent.map(|distance| distance + 1));
                }
            } else {
                for (depth, own) in own[..node.depth].iter_mut().enumerate() {
                    *own = Some(node.depth - depth);
                }
            }
        }
        distances
    }
}

/// The ancestors of all runs in a block, padded to the longest, `path`.
fn stack_padded(runs: &[TreeRun], block: usize, path: usize) -> Result<KeyValues> {
    let longest = runs
        .iter()
        .find_map(|run| run.ancestors.filter(|_| run.path() == path));
    let like = &longest
        .and_then(|ancestors| ancestors.0.get(block))
        .ok_or_else(|| candle_core::Error::msg("a run without its ancestors"))?;
    let stack = |of: fn(&KeyValues) -> &Tensor| {
        let rows: Vec<Tensor> = runs
            .iter()
            .map(
                |run| match run.ancestors.and_then(|ancestors| ancestors.0.get(block)) {
                    Some(key_values) => of(key_values).pad_with_zeros(2, 0, path - run.path()),
                    None => of(like).zeros_like(),
                },
            )
            .collect::<Result<_>>()?;
        Tensor::cat(&rows, 0)
    };
    Ok(KeyValues {
        key: stack(|key_values| &key_values.key)?,
        value: stack(|key_values| &key_values.value)?,
    })
}

impl RunsRead {
    /// The adapter of each node of the runs, in the order of their hidden
    /// states.
    pub(crate) fn adapters(&self, runs: &[TreeRun]) -> RowAdapters {
        let sizes = runs.iter().map(|run| run.range.len());
        self.cache.adapters().repeat(sizes)
    }

    /// What is above the node after the run of a row; `None` where the tree
    /// ends.
    ///
    /// # Errors
    /// When a computation fails.
    pub(crate) fn ancestors_of_next(&self, row: usize, run: &TreeRun) -> Result<Option<Ancestors>> {
        let Some(next) = run.nodes.get(run.range.end) else {
            return Ok(None);
        };
        let mut places = vec![0u32; next.depth];
        let mut above = next.parent;
        for place in places.iter_mut().rev() {
            let node = &run.nodes[above];
            *place = if above >= run.range.start {
                self.path + above - run.range.start
            } else {
                node.depth
            } as u32;
            above = node.parent;
        }
        let places = Tensor::new(places, self.cache.device())?;
        let written = self.cache.written(row)?;
        let blocks = written.into_iter().map(|written| {
            Ok(KeyValues {
                key: written.key.contiguous()?.index_select(&places, 2)?,
                value: written.value.contiguous()?.index_select(&places, 2)?,
            })
        });
        Ok(Some(Ancestors(blocks.collect::<Result<_>>()?)))
    }
}
