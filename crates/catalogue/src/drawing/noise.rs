//! Chance that depends on a place only, for textures.

/// A number in [0, 1) that is the same for the same cell and seed.
pub(super) fn cell(x: i32, y: i32, seed: u32) -> f32 {
    let mut h = seed ^ (x as u32).wrapping_mul(0x85EB_CA6B) ^ (y as u32).wrapping_mul(0xC2B2_AE35);
    h = (h ^ (h >> 16)).wrapping_mul(0x7FEB_352D);
    h = (h ^ (h >> 15)).wrapping_mul(0x846C_A68B);
    ((h ^ (h >> 16)) >> 8) as f32 / (1u32 << 24) as f32
}

/// Smooth noise in [-1, 1] with features of about one unit.
pub(super) fn smooth(x: f32, y: f32, seed: u32) -> f32 {
    let (x0, y0) = (x.floor(), y.floor());
    let (tx, ty) = (ease(x - x0), ease(y - y0));
    let (x0, y0) = (x0 as i32, y0 as i32);
    let top = mix(cell(x0, y0, seed), cell(x0 + 1, y0, seed), tx);
    let bottom = mix(cell(x0, y0 + 1, seed), cell(x0 + 1, y0 + 1, seed), tx);
    mix(top, bottom, ty) * 2.0 - 1.0
}

/// 0 below `low`, 1 above `high`, a smooth way between.
pub(super) fn step(low: f32, high: f32, x: f32) -> f32 {
    ease(((x - low) / (high - low)).clamp(0.0, 1.0))
}

pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

fn ease(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}
