//! Tensors as the slices that the kernels take.

use candle_core::{CpuStorage, Device, Result, Storage, Tensor};

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

/// A tensor of the same shape whose numbers `fill` writes.
pub(crate) fn write_like(
    tensor: &Tensor,
    fill: impl FnOnce(&mut [f32]) -> Result<()>,
) -> Result<Tensor> {
    let mut numbers = vec![0f32; tensor.elem_count()];
    fill(&mut numbers)?;
    Tensor::from_vec(numbers, tensor.shape(), &Device::Cpu)
}
