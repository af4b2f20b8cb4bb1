//! Curves as SVG.

use std::fmt::Write;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 26.0;
const TOP: f64 = 12.0;

/// Points with a name.
pub(super) struct Curve {
    name: &'static str,
    points: Vec<(f64, f64)>,
}

impl Curve {
    pub(super) fn new(name: &'static str, points: Vec<(f64, f64)>) -> Self {
        let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
        Self {
            name,
            points: points.into_iter().filter(finite).collect(),
        }
    }
}

/// Curves over one pair of axes; empty where there is no point.
pub(super) fn svg(title: &str, curves: &[Curve]) -> String {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let range = |of: fn(&(f64, f64)) -> f64| {
        let values = points().map(of);
        values.fold((f64::MAX, f64::MIN), |(least, most), value| {
            (least.min(value), most.max(value))
        })
    };
    if points().next().is_none() {
        return String::new();
    }
    let ((first, last), (least, most)) = (range(|point| point.0), range(|point| point.1));
    let (least, most) = (
        least.min(0.0),
        if most > least { most } else { least + 1.0 },
    );
    let x = |step: f64| LEFT + (step - first) / (last - first).max(1.0) * (WIDTH - LEFT - 8.0);
    let y = |value: f64| {
        let height = HEIGHT - BOTTOM - TOP;
        TOP + (most - value) / (most - least) * height
    };
    let mut svg = format!(
        "<figure><figcaption>{title}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         role=\"img\" aria-label=\"{title}\">"
    );
    // Writing to a string does not fail.
    for tick in 0..=4 {
        let value = least + (most - least) * f64::from(tick) / 4.0;
        let at = y(value);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value:.3}</text>",
            LEFT - 6.0,
            at + 4.0
        );
    }
    for (step, anchor) in [(first, "start"), (last, "end")] {
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">step {step:.0}</text>",
            x(step),
            HEIGHT - 8.0
        );
    }
    for (index, curve) in curves.iter().enumerate() {
        let mut path = String::new();
        for &(step, value) in &curve.points {
            let _ = write!(path, "{:.1},{:.1} ", x(step), y(value));
        }
        let _ = write!(svg, "<polyline class=\"curve-{index}\" points=\"{path}\"/>");
        for &(step, value) in curve.points.iter().filter(|_| curve.points.len() < 40) {
            let _ = write!(
                svg,
                "<circle class=\"curve-{index}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\">\
                 <title>{} {value:.4} at step {step:.0}</title></circle>",
                x(step),
                y(value),
                curve.name
            );
        }
    }
    svg.push_str("</svg><p class=\"legend\">");
    for (index, curve) in curves.iter().enumerate() {
        if !curve.points.is_empty() {
            let _ = write!(svg, "<span class=\"curve-{index}\">{}</span> ", curve.name);
        }
    }
    svg.push_str("</p></figure>");
    svg
}
