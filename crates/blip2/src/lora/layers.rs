//! Which linear layers a model has.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The linear layers of a model that an adapter may add to, by their names, as
/// they are met while it is loaded.
#[derive(Debug, Default)]
pub(crate) struct LayerTable(Mutex<BTreeMap<String, LayerEntry>>);

/// A linear layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LayerEntry {
    /// Tells it from the model's other layers.
    pub(crate) number: LayerNumber,
    /// Length of an output row.
    pub(crate) outputs: usize,
    /// Length of an input row.
    pub(crate) inputs: usize,
}

/// Names a layer within a model.
pub(crate) type LayerNumber = usize;

impl LayerTable {
    /// Gives a layer its number.
    pub(crate) fn add(&self, name: String, outputs: usize, inputs: usize) -> LayerNumber {
        let mut layers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = LayerEntry {
            number: layers.len(),
            outputs,
            inputs,
        };
        layers.entry(name).or_insert(entry).number
    }

    /// The names of all layers, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let layers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        layers.keys().cloned().collect()
    }

    /// The layer of that name.
    pub(crate) fn get(&self, name: &str) -> Option<LayerEntry> {
        let layers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        layers.get(name).copied()
    }
}
