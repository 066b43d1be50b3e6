use std::path::Path;

use anyhow::Context;
use plotters::prelude::{
    ChartBuilder, Circle, Color, DashedLineSeries, IntoDrawingArea, IntoFont, LineSeries, PathElement, RGBColor,
    SVGBackend, ShapeStyle, Text,
};
use serde::{Deserialize, Serialize};

use super::figure::{Figure, median};

/// What a plot shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Axes {
    pub x: String,
    pub y: String,
    /// What was measured beside, if that is drawn, too.
    pub reference: Option<String>,
}

impl Axes {
    pub fn new(x: &str, y: &str) -> Self {
        Self { x: x.to_owned(), y: y.to_owned(), reference: None }
    }

    pub fn with_reference(self, reference: &str) -> Self {
        Self { reference: Some(reference.to_owned()), ..self }
    }
}

/// Paper of its own, so that it reads the same on a dark page.
const PAPER: RGBColor = RGBColor(252, 252, 250);
const INK: RGBColor = RGBColor(45, 45, 50);
const GRID: RGBColor = RGBColor(215, 215, 215);
/// Told apart by those who see few colours, too: Okabe and Ito's.
const COLORS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

const SIZE: (u32, u32) = (780, 420);
const LEGEND: u32 = 190;

/// One line.
struct Line {
    name: String,
    color: RGBColor,
    dashed: bool,
    points: Vec<Point>,
}

/// By its position on the axis, on which neighbours are equally far from each other.
struct Point {
    x: f64,
    lowest: f64,
    median: f64,
    highest: f64,
}

/// Draws figures as SVG: medians, and from the lowest to the highest.
pub fn draw(file: &Path, title: &str, axes: &Axes, figures: &[Figure]) -> anyhow::Result<()> {
    let mut places: Vec<f64> = figures.iter().filter_map(|figure| figure.point.as_ref().map(|(_, x)| *x)).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let lines = lines(axes, figures, &places)?;
    let highest = lines.iter().flat_map(|line| &line.points).map(|point| point.highest).fold(0.0, f64::max);
    // A library's error is of a type that cannot leave this function.
    paint(file, title, axes, &places, &lines, highest * 1.1)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .with_context(|| format!("cannot draw {}", file.display()))
}

fn lines(axes: &Axes, figures: &[Figure], places: &[f64]) -> anyhow::Result<Vec<Line>> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in figures.iter().filter_map(|figure| figure.point.as_ref()) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut lines = Vec::new();
    for (name, color) in names.into_iter().zip(COLORS) {
        let of_line = || figures.iter().filter_map(move |f| Some((f, f.point.as_ref()?))).filter(|(_, p)| p.0 == name);
        let line = |name: String, dashed: bool, values: fn(&Figure) -> &[f64]| -> anyhow::Result<Line> {
            let points =
                of_line().map(|(figure, (_, x))| Point::of(values(figure), *x, places)).collect::<Result<_, _>>();
            Ok(Line { name, color, dashed, points: points? })
        };
        lines.push(line(name.to_owned(), false, |figure| &figure.measured)?);
        if let Some(reference) = &axes.reference {
            lines.push(line(format!("{reference}, {name}"), true, |figure| &figure.beside)?);
        }
    }
    Ok(lines)
}

impl Point {
    #[expect(clippy::cast_precision_loss, reason = "a few places")]
    fn of(values: &[f64], x: f64, places: &[f64]) -> anyhow::Result<Self> {
        let position = places.iter().position(|place| place.total_cmp(&x).is_eq()).context("a place")?;
        Ok(Self {
            x: position as f64,
            lowest: values.iter().copied().fold(f64::INFINITY, f64::min),
            median: median(values)?,
            highest: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }
}

fn paint(
    file: &Path,
    title: &str,
    axes: &Axes,
    places: &[f64],
    lines: &[Line],
    highest: f64,
) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&PAPER)?;
    let text = |size: u32| ("sans-serif", size).into_font().color(&INK);
    // The legend stands beside the lines, and hides none.
    let (left, right) = area.titled(title, text(19))?.split_horizontally(SIZE.0 - LEGEND);
    #[expect(clippy::cast_precision_loss, reason = "a few places")]
    let width = places.len() as f64;
    let mut chart = ChartBuilder::on(&left)
        .margin(14)
        .x_label_area_size(46)
        .y_label_area_size(76)
        .build_cartesian_2d(-0.4..width - 0.6, 0.0..highest)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(PAPER)
        .axis_style(INK)
        .x_labels(places.len() * 2)
        .x_label_formatter(&|position| label(*position, places))
        .y_label_formatter(&|value| grouped(*value))
        .label_style(text(13))
        .axis_desc_style(text(14))
        .x_desc(&axes.x)
        .y_desc(&axes.y)
        .draw()?;
    for (line, y) in lines.iter().zip((40..).step_by(22)) {
        let style = ShapeStyle::from(line.color).stroke_width(2);
        let points = line.points.iter().map(|point| (point.x, point.median));
        if line.dashed {
            chart.draw_series(DashedLineSeries::new(points.clone(), 6, 4, style))?;
            right.draw(&PathElement::new([(0, y), (10, y)], style))?;
            right.draw(&PathElement::new([(16, y), (26, y)], style))?;
        } else {
            chart.draw_series(LineSeries::new(points.clone(), style))?;
            right.draw(&PathElement::new([(0, y), (26, y)], style))?;
        }
        right.draw(&Text::new(line.name.as_str(), (34, y - 7), text(13)))?;
        chart.draw_series(points.map(|point| Circle::new(point, 3, style.filled())))?;
        let spans = line.points.iter().map(|point| [(point.x, point.lowest), (point.x, point.highest)]);
        chart.draw_series(spans.map(|span| PathElement::new(span, line.color.stroke_width(1))))?;
    }
    area.present()?;
    Ok(())
}

/// What stands at a position of the axis; between places, nothing.
fn label(position: f64, places: &[f64]) -> String {
    let near = position.round();
    if (position - near).abs() > 0.01 || near < 0.0 {
        return String::new();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few places")]
    let place = places.get(near as usize);
    place.map(|place| grouped(*place)).unwrap_or_default()
}

/// Thousands apart.
fn grouped(value: f64) -> String {
    if value.fract() != 0.0 && value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_says_what_is_measured_and_in_what() {
        let figures: Vec<_> =
            [("spread", 1), ("spread", 32), ("spread", 256), ("one hot dish", 1), ("one hot dish", 256)]
                .into_iter()
                .map(|(line, x)| {
                    let (measured, beside) = (f64::from(x).sqrt() * 300.0, f64::from(x).sqrt() * 200.0);
                    let figure = Figure::new(format!("{x}, {line}"), "orders/s", measured).beside("pgbench", beside);
                    figure.plotted(line, x.into())
                })
                .collect();
        let file = crate::project::root().join("target/plot-of-a-test.svg");
        let axes = Axes::new("customers", "orders per second").with_reference("pgbench");
        draw(&file, "Orders by customers", &axes, &figures).unwrap();
        let svg = std::fs::read_to_string(&file).unwrap();
        for text in ["Orders by customers", "orders per second", "pgbench, one hot dish", "256", "4,000"] {
            assert!(svg.lines().any(|line| line.trim() == text), "no {text} in {svg}");
        }
    }

    #[test]
    fn places_are_labelled_and_what_is_between_them_is_not() {
        let places = [0.0, 1.0, 10_000.0];
        assert_eq!([-0.5, 0.0, 0.5, 2.0, 3.0].map(|x| label(x, &places)), ["", "0", "", "10,000", ""]);
        assert_eq!([0.5, 1_000_000.0, 999.0].map(grouped), ["0.5", "1,000,000", "999"]);
    }
}
