//! A QR code as the path of an inline SVG.

use std::fmt::Write as _;

use qrcode::{Color, QrCode};

use crate::fault::{Fault, Result};

/// Light modules around a code, which readers need to find it.
const MARGIN: usize = 4;

/// A code, ready to be drawn.
#[derive(Debug)]
pub(super) struct Code {
    /// Modules along an edge, the margin included.
    pub(super) size: usize,
    /// Its dark modules, each run of them in a row as one rectangle.
    pub(super) path: String,
}

impl Code {
    /// # Errors
    /// The text is too long for one.
    pub(super) fn of(text: &str) -> Result<Self> {
        let code = QrCode::new(text).map_err(Fault::internal)?;
        let width = code.width();
        let mut path = String::new();
        for (y, row) in code.to_colors().chunks(width).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|a, b| a == b) {
                if run[0] == Color::Dark {
                    let (left, top, length) = (x + MARGIN, y + MARGIN, run.len());
                    // Writing into a text does not fail.
                    let _ = write!(path, "M{left} {top}h{length}v1h-{length}z");
                }
                x += run.len();
            }
        }
        Ok(Self { size: width + 2 * MARGIN, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dark_module_is_drawn_and_no_other() {
        let text = "otpauth://totp/Overdue:ops%40example.org?secret=ABCDEFGH&issuer=Overdue";
        let drawn = Code::of(text).unwrap();
        let code = QrCode::new(text).unwrap();
        let mut dark = std::collections::BTreeSet::new();
        for run in drawn.path.split('M').skip(1) {
            let (place, rest) = run.split_once('h').unwrap();
            let (x, y) = place.split_once(' ').unwrap();
            let length: usize = rest.split('v').next().unwrap().parse().unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            dark.extend((x..x + length).map(|x| (x - MARGIN, y - MARGIN)));
        }
        let width = code.width();
        let colors = code.to_colors();
        let wanted = (0..width * width).filter(|i| colors[*i] == Color::Dark);
        assert_eq!(dark, wanted.map(|i| (i % width, i / width)).collect());
        assert_eq!(drawn.size, width + 8);
    }
}
