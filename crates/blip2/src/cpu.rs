//! Tensors as the slices that the kernels take.

use candle_core::{CpuStorage, Result, Storage, Tensor};

/// Calls `with` with the numbers of an f32 tensor on the CPU, from its first
/// element to the end of its storage; the layout says which belong to it.
pub(crate) fn read<T>(tensor: &Tensor, with: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(CpuStorage::F32(numbers)) = &*storage else {
        candle_core::bail!("f32 on the CPU expected, got {:?}", tensor.dtype());
    };
    let numbers = &numbers[layout.start_offset()..];
    Ok(match layout.is_contiguous() {
        true => with(&numbers[..layout.shape().elem_count()]),
        false => with(numbers),
    })
}
