//! Charts as inline SVG. Colours are CSS variables of the page, so that they
//! fit light and dark.

use std::fmt::Write;

use crate::evaluate::measure::Calibration;

/// The side of the area that is plotted in, in units of the drawing.
const SIDE: f64 = 200.0;
/// Room for the labels of the axes.
const MARGIN: f64 = 34.0;

/// A reliability plot: accuracy by confidence in bars, the diagonal on which
/// they should end, and below it the share of answers in each bin.
#[must_use]
pub fn reliability(calibration: &Calibration, label: &str) -> String {
    const STRIP: f64 = 40.0;
    let height = SIDE + STRIP + 2.0 * MARGIN;
    let width = SIDE + 1.5 * MARGIN;
    let total: u64 = calibration.bins.iter().map(|bin| bin.questions).sum();
    let most = calibration.bins.iter().map(|bin| bin.questions).max();
    let (left, top) = (MARGIN, 8.0);
    let bottom = top + SIDE;
    let mut svg = open(width, height, label);
    axes(&mut svg, left, top, "accuracy");
    for bin in &calibration.bins {
        let x = left + bin.low * SIDE;
        let bar = (bin.high - bin.low) * SIDE - 1.0;
        if let (Some(accuracy), Some(confidence)) = (bin.accuracy, bin.confidence) {
            let title = format!(
                "confidence {:.0} to {:.0} %: {} of {total} answers, mean confidence {:.1} %, \
                 right {:.1} %",
                bin.low * 100.0,
                bin.high * 100.0,
                bin.questions,
                confidence * 100.0,
                accuracy * 100.0
            );
            rectangle(
                &mut svg,
                "bar",
                x,
                bottom - accuracy * SIDE,
                bar,
                accuracy * SIDE,
                &title,
            );
            let gap = (accuracy - confidence).abs() * SIDE;
            let from = bottom - accuracy.max(confidence) * SIDE;
            rectangle(&mut svg, "gap", x, from, bar, gap, &title);
            let share = bin.questions as f64 / most.unwrap_or(1).max(1) as f64 * STRIP;
            rectangle(&mut svg, "count", x, bottom + MARGIN, bar, share, &title);
        }
    }
    line(&mut svg, "ideal", left, bottom, left + SIDE, top);
    text(
        &mut svg,
        left + SIDE / 2.0,
        bottom + 26.0,
        "middle",
        "confidence",
    );
    text(
        &mut svg,
        left + SIDE / 2.0,
        height - 12.0,
        "middle",
        "answers by confidence",
    );
    svg.push_str("</svg>");
    svg
}

/// Two histograms over [0, 1] of equally many bins, beside each other.
#[must_use]
pub fn two_histograms(first: (&str, &[f64]), second: (&str, &[f64]), label: &str) -> String {
    let (width, height) = (2.0 * SIDE + 1.5 * MARGIN, SIDE + 2.0 * MARGIN);
    let (left, top) = (MARGIN, 8.0);
    let bottom = top + SIDE;
    let bins = first.1.len().max(1) as f64;
    let slot = 2.0 * SIDE / bins;
    let mut svg = open(width, height, label);
    line(&mut svg, "axis", left, bottom, left + 2.0 * SIDE, bottom);
    line(&mut svg, "axis", left, bottom, left, top);
    for tick in 0..=2 {
        let share = f64::from(tick) / 2.0;
        text(
            &mut svg,
            left - 4.0,
            bottom - share * SIDE + 4.0,
            "end",
            &percent(share),
        );
        text(
            &mut svg,
            left + 2.0 * share * SIDE,
            bottom + 13.0,
            "middle",
            &percent(share),
        );
    }
    for (place, (name, shares)) in [first, second].into_iter().enumerate() {
        for (bin, &share) in shares.iter().enumerate() {
            let x = left + (bin as f64 + 0.06 + 0.45 * place as f64) * slot;
            let title = format!(
                "{name}: {:.1} % have a confidence of {:.0} to {:.0} %",
                share * 100.0,
                bin as f64 / bins * 100.0,
                (bin + 1) as f64 / bins * 100.0
            );
            let class = ["bar", "gap"][place];
            rectangle(
                &mut svg,
                class,
                x,
                bottom - share * SIDE,
                0.42 * slot,
                share * SIDE,
                &title,
            );
        }
    }
    text(&mut svg, left + SIDE, bottom + 28.0, "middle", "confidence");
    svg.push_str("</svg>");
    svg
}

fn open(width: f64, height: f64, label: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
         role=\"img\" aria-label=\"{}\">",
        escaped(label)
    )
}

fn axes(svg: &mut String, left: f64, top: f64, vertical: &str) {
    let bottom = top + SIDE;
    line(svg, "axis", left, bottom, left + SIDE, bottom);
    line(svg, "axis", left, bottom, left, top);
    for tick in 0..=2 {
        let share = f64::from(tick) / 2.0;
        let (along, up) = (left + share * SIDE, bottom - share * SIDE);
        text(svg, along, bottom + 13.0, "middle", &percent(share));
        text(svg, left - 4.0, up + 4.0, "end", &percent(share));
    }
    let middle = top + SIDE / 2.0;
    let _ = write!(
        svg,
        "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(9 {:.1}) \
         rotate(-90)\">{}</text>",
        middle - SIDE / 4.0,
        escaped(vertical)
    );
}

fn percent(share: f64) -> String {
    format!("{:.0}", share * 100.0)
}

// Writing into a text can't fail.
fn rectangle(svg: &mut String, class: &str, x: f64, y: f64, width: f64, height: f64, title: &str) {
    let _ = write!(
        svg,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
         height=\"{height:.1}\"><title>{}</title></rect>",
        escaped(title)
    );
}

fn line(svg: &mut String, class: &str, x1: f64, y1: f64, x2: f64, y2: f64) {
    let _ = write!(
        svg,
        "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
    );
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, content: &str) {
    let _ = write!(
        svg,
        "<text class=\"label\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
        escaped(content)
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reliability_plot_has_a_bar_for_each_bin_with_answers() {
        let calibration = Calibration::of(&[(0.95, true), (0.9, false), (0.2, false)]).unwrap();
        let svg = reliability(&calibration, "all <answers>");
        assert_eq!(svg.matches("class=\"bar\"").count(), 3);
        assert!(svg.contains("aria-label=\"all &lt;answers&gt;\""));
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"));
        // Accuracy 1 reaches the top of the plot.
        assert!(
            svg.contains("y=\"8.0\" width=\"12.3\" height=\"200.0\""),
            "{svg}"
        );
        assert!(!svg.contains("NaN"));
    }

    #[test]
    fn histograms_stand_beside_each_other() {
        let svg = two_histograms(("known", &[0.25, 0.75]), ("NA", &[1.0, 0.0]), "confidence");
        assert_eq!(svg.matches("<rect").count(), 4);
        assert!(svg.contains("height=\"150.0\""));
    }
}
