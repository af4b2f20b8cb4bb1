//! The cut of a garment in numbers.

use super::curve::Point;
use super::look::Look;
use crate::product::{
    Category, Collar, Fit, Garment, Neck, Neckline, SleeveLength, SleeveStyling, Sleeves,
};

/// Measures of one half of a garment: widths are counted from its middle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measures {
    /// Half the width of the neck, at the highest point of the shoulder.
    pub neck: f32,
    /// The height of that point.
    pub neck_y: f32,
    /// How far below it the front of the neck reaches.
    pub neck_depth: f32,
    /// The end of the shoulder.
    pub shoulder: Point,
    /// The point under the arm.
    pub underarm: Point,
    /// The narrowest place.
    pub waist: Point,
    /// The end of the side.
    pub hem: Point,
    /// How much lower than its sides the middle of the hem is.
    pub hem_drop: f32,
    /// How far the slits at the sides reach up from the hem.
    pub slit: f32,
    /// Length of a long sleeve.
    pub arm: f32,
}

impl Measures {
    /// The length of a shirt's long sleeve; longer garments are drawn smaller.
    pub(super) const FULL_ARM: f32 = 425.0;

    pub(super) fn of(garment: &Garment, look: &Look) -> Measures {
        let mut measures = match garment.category {
            Category::Shirt => Measures {
                neck: 54.0,
                neck_y: 116.0,
                neck_depth: 48.0,
                shoulder: (146.0, 150.0),
                underarm: (143.0, 288.0),
                waist: (136.0, 470.0),
                hem: (143.0, 664.0),
                hem_drop: 44.0,
                slit: 0.0,
                arm: Measures::FULL_ARM,
            },
            Category::TShirt => Measures {
                neck: 60.0,
                neck_y: 122.0,
                neck_depth: 44.0,
                shoulder: (148.0, 154.0),
                underarm: (140.0, 290.0),
                waist: (136.0, 470.0),
                hem: (140.0, 672.0),
                hem_drop: 9.0,
                slit: 0.0,
                arm: 420.0,
            },
            Category::Top => Measures {
                neck: 66.0,
                neck_y: 138.0,
                neck_depth: 52.0,
                shoulder: (122.0, 160.0),
                underarm: (124.0, 292.0),
                waist: (110.0, 432.0),
                hem: (137.0, 640.0),
                hem_drop: 14.0,
                slit: 0.0,
                arm: 400.0,
            },
            Category::Kurta => Measures {
                neck: 46.0,
                neck_y: 92.0,
                neck_depth: 42.0,
                shoulder: (121.0, 120.0),
                underarm: (116.0, 234.0),
                waist: (110.0, 380.0),
                hem: (132.0, 744.0),
                hem_drop: 8.0,
                slit: 170.0,
                arm: 365.0,
            },
            Category::Tunic => Measures {
                neck: 52.0,
                neck_y: 106.0,
                neck_depth: 46.0,
                shoulder: (118.0, 132.0),
                underarm: (116.0, 248.0),
                waist: (108.0, 370.0),
                hem: (160.0, 704.0),
                hem_drop: 20.0,
                slit: 0.0,
                arm: 375.0,
            },
            Category::Dress => Measures {
                neck: 54.0,
                neck_y: 84.0,
                neck_depth: 42.0,
                shoulder: (104.0, 104.0),
                underarm: (102.0, 208.0),
                waist: (84.0, 326.0),
                hem: (190.0, 738.0),
                hem_drop: 22.0,
                slit: 0.0,
                arm: 330.0,
            },
        };
        measures.cut_to_fit(garment.fit);
        measures.cut_neck(garment.neckline);
        measures.cut_shoulder(garment.sleeves.styling);
        measures.vary(look);
        measures
    }

    /// The highest point of the shoulder, where it meets the neck.
    pub(super) fn shoulder_top(&self) -> Point {
        (self.neck, self.neck_y)
    }

    /// The front of the neck.
    pub(super) fn neck_front(&self) -> Point {
        (0.0, self.neck_y + self.neck_depth)
    }

    /// The hem's middle.
    pub(super) fn hem_middle(&self) -> Point {
        (0.0, self.hem.1 + self.hem_drop)
    }

    /// Longer or shorter, wider or narrower, by what no attribute speaks of.
    fn vary(&mut self, look: &Look) {
        self.hem.1 = self.underarm.1 + (self.hem.1 - self.underarm.1) * look.length;
        self.waist.0 *= look.waist;
        self.hem.0 *= look.hem_width;
        self.neck_depth *= look.neck_depth;
        self.arm *= look.arm_length;
    }

    fn cut_to_fit(&mut self, fit: Fit) {
        if fit == Fit::Slim {
            self.shoulder.0 *= 0.95;
            self.underarm.0 *= 0.92;
            self.waist.0 *= 0.83;
            self.hem.0 *= 0.9;
        }
    }

    fn cut_neck(&mut self, neckline: Neckline) {
        let (wider, deeper) = match neckline {
            Neckline::Collar(Collar::Mandarin) | Neckline::Neck(Neck::Mandarin) => (0.94, 0.92),
            Neckline::Collar(_) | Neckline::Neck(Neck::Round) => (1.0, 1.0),
            Neckline::Neck(Neck::Polo) => (0.93, 1.05),
            Neckline::Neck(Neck::Scoop) => (1.14, 2.1),
            Neckline::Neck(Neck::V) => (1.0, 2.45),
            Neckline::Neck(Neck::Boat) => (1.42, 0.62),
            Neckline::Neck(Neck::Square) => (1.16, 1.75),
        };
        self.neck *= wider;
        self.neck_depth *= deeper;
        // A wider neck begins lower on the sloping shoulder.
        let slope = (self.shoulder.1 - self.neck_y) / (self.shoulder.0 - self.neck / wider);
        self.neck_y += (self.neck - self.neck / wider).max(0.0) * slope;
    }

    fn cut_shoulder(&mut self, styling: SleeveStyling) {
        if styling == SleeveStyling::Sleeveless {
            self.shoulder.0 = (self.shoulder.0 * 0.87).max(self.neck + 24.0);
        }
    }
}

/// How a sleeve hangs.
pub(super) struct Hang {
    /// Its length as a share of a long sleeve's.
    pub share: f32,
    /// The angle from straight down, in radians.
    pub angle: f32,
    /// Half the width of its end, for an arm of [`Measures::FULL_ARM`].
    pub half_end: f32,
}

impl Hang {
    pub(super) fn of(sleeves: Sleeves) -> Hang {
        let (share, angle, half_end) = match (sleeves.styling, sleeves.length) {
            (SleeveStyling::Cap, _) => (0.1, 0.92, 52.0),
            (SleeveStyling::Puff, _) => (0.33, 0.42, 40.0),
            (_, SleeveLength::Sleeveless) => (0.0, 0.0, 0.0),
            (_, SleeveLength::Short) => (0.34, 0.5, 53.0),
            (_, SleeveLength::ThreeQuarter) => (0.72, 0.25, 37.0),
            (_, SleeveLength::Long) => (1.0, 0.2, 29.0),
        };
        Hang {
            share,
            angle,
            half_end,
        }
    }
}
