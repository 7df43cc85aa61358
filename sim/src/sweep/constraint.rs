//! What points have to meet, checked as early as what it needs is known.

use super::axis::Setting;
use super::expression::Expression;
use super::file::ConstraintsFile;
use super::row::{COLUMNS, Cell, PointMetrics};
use pisim_hw_models::Platform;

/// All constraints of a sweep.
#[derive(Debug, Default)]
pub(super) struct Constraints {
    all: Vec<Constraint>,
}

#[derive(Debug)]
struct Constraint {
    name: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    /// An expression over axes alone: before anything is evaluated.
    Axes(Expression),
    /// A bound on the platform: before it is evaluated.
    Platform(fn(&Platform) -> f64, f64),
    /// A bound on a result.
    Result(fn(&PointMetrics) -> f64, f64),
    /// An expression over results.
    Results(Expression),
}

/// How far a point is from meeting the constraints, and the first that it does not meet.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Violation {
    /// The sum over all constraints of the excess over the bound, relative to it; 1 for each expression that is false.
    pub amount: f64,
    /// The first one's position.
    pub first: Option<usize>,
}

impl Violation {
    fn add(&mut self, position: usize, amount: f64) {
        if amount > 0.0 {
            self.amount += amount;
            self.first = self.first.or(Some(position));
        }
    }
}

impl Constraints {
    /// Constraints of a file; `where` apart, whose expressions come checked.
    pub fn new(file: &ConstraintsFile, expressions: Vec<Expression>, is_axis: impl Fn(&str) -> bool) -> Self {
        let mut all = Vec::new();
        let mut add = |name: &str, test: Option<Test>| {
            all.extend(test.map(|test| Constraint { name: name.to_owned(), test }));
        };
        add("client_area", file.client_area.map(|most| Test::Platform(client_mm2, most.mm2())));
        add("server_area", file.server_area.map(|most| Test::Platform(server_mm2, most.mm2())));
        add("area", file.area.map(|most| Test::Platform(|of| client_mm2(of) + server_mm2(of), most.mm2())));
        add(
            "memory_bandwidth",
            file.memory_bandwidth.map(|most| Test::Platform(memory_bytes_per_s, most.bytes_per_s())),
        );
        add("link_rate", file.link_rate.map(|most| Test::Platform(link_bits_per_s, most.bits_per_s())));
        add("fits", file.fits.filter(|fits| *fits).map(|_| Test::Platform(misfits, 0.0)));
        add("power", file.power.map(|most| Test::Result(|metrics| metrics.power_w, most.watts())));
        for expression in expressions {
            let name = expression.text().to_owned();
            let early = expression.names.iter().all(|name| is_axis(name));
            let test = if early { Test::Axes(expression) } else { Test::Results(expression) };
            all.push(Constraint { name, test });
        }
        Self { all }
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|constraint| constraint.name.as_str())
    }

    /// Those that only need the axes.
    ///
    /// # Errors
    /// An expression has no value.
    pub fn before(&self, settings: &[Setting<'_>]) -> Result<Violation, String> {
        self.sum(|test| match test {
            Test::Axes(expression) => expression.value(|name| number(settings, name)).map(falsehood),
            _ => Ok(0.0),
        })
    }

    /// Those that only need the platform.
    pub fn of_platform(&self, platform: &Platform) -> Violation {
        let sum = self.sum(|test| match test {
            Test::Platform(of, most) => Ok(excess(of(platform), *most)),
            _ => Ok(0.0),
        });
        sum.unwrap_or_default()
    }

    /// Those that need the results.
    ///
    /// # Errors
    /// An expression has no value.
    pub fn after(&self, settings: &[Setting<'_>], metrics: &PointMetrics) -> Result<Violation, String> {
        self.sum(|test| match test {
            Test::Result(of, most) => Ok(excess(of(metrics), *most)),
            Test::Results(expression) => {
                let of = |name: &str| column(metrics, name).or_else(|| number(settings, name));
                expression.value(of).map(falsehood)
            }
            _ => Ok(0.0),
        })
    }

    fn sum(&self, amount: impl Fn(&Test) -> Result<f64, String>) -> Result<Violation, String> {
        let mut violation = Violation::default();
        for (position, constraint) in self.all.iter().enumerate() {
            violation.add(position, amount(&constraint.test)?);
        }
        Ok(violation)
    }
}

fn number(settings: &[Setting<'_>], name: &str) -> Option<f64> {
    settings.iter().find(|setting| setting.name == name)?.number()
}

/// A column as a number: flags as 1 and 0.
pub(super) fn column(metrics: &PointMetrics, name: &str) -> Option<f64> {
    let column = COLUMNS.iter().find(|column| column.name == name)?;
    match (column.of)(metrics) {
        Cell::Number(number) => Some(number),
        Cell::Count(count) => Some(count as f64),
        Cell::Flag(flag) => Some(f64::from(u8::from(flag))),
        Cell::Text(_) | Cell::Missing => None,
    }
}

fn falsehood(value: f64) -> f64 {
    if value == 0.0 { 1.0 } else { 0.0 }
}

fn excess(value: f64, most: f64) -> f64 {
    if value <= most {
        0.0
    } else if most > 0.0 {
        value / most - 1.0
    } else {
        value
    }
}

fn client_mm2(platform: &Platform) -> f64 {
    platform.client.area_mm2().unwrap_or(0.0)
}

fn server_mm2(platform: &Platform) -> f64 {
    platform.server.area_mm2().unwrap_or(0.0)
}

fn memory_bytes_per_s(platform: &Platform) -> f64 {
    platform.server.memory.peak_bytes_per_s()
}

fn link_bits_per_s(platform: &Platform) -> f64 {
    platform.link.up_bits_per_s + platform.link.down_bits_per_s
}

fn misfits(platform: &Platform) -> f64 {
    (platform.client.misfits().len() + platform.server.misfits().len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constraints(text: &str) -> Constraints {
        let file: ConstraintsFile = pisim_settings::parse(&pisim_settings::Source::new("c", text)).unwrap();
        let expressions = file.expressions.iter().map(|text| Expression::new(text.get_ref()).unwrap()).collect();
        Constraints::new(&file, expressions, |name| name == "engines")
    }

    #[test]
    fn every_constraint_is_checked_when_its_input_is_known() {
        let all = constraints(
            "area = \"100 mm2\"\nserver_area = \"50 mm2\"\nclient_area = \"1 mm2\"\npower = \"10 W\"\nfits = true\n\
             memory_bandwidth = \"100 GB/s\"\nlink_rate = \"1 Gbps\"\nwhere = [\"engines < 4\", \"latency_total_s < 2\"]",
        );
        let platform = Platform::builtin("haac-hbm2").unwrap();
        let names: Vec<&str> = all.names().collect();
        let violation = all.of_platform(&platform);
        assert_eq!(names[violation.first.unwrap()], "server_area");
        let link_excess = 20.0 - 1.0;
        assert!(violation.amount > link_excess, "{violation:?}");
        let engines = |number: i64| Setting {
            name: "engines",
            keys: &[],
            value: std::borrow::Cow::Owned(pisim_settings::Value::Integer(number)),
            shown: super::super::AxisValue::Integer(number),
        };
        assert_eq!(all.before(&[engines(3)]).unwrap(), Violation::default());
        assert_eq!(names[all.before(&[engines(4)]).unwrap().first.unwrap()], "engines < 4");
        let mut metrics = PointMetrics { power_w: 15.0, ..Default::default() };
        metrics.latency_s.total = 3.0;
        let after = all.after(&[engines(3)], &metrics).unwrap();
        assert_eq!((after.amount, names[after.first.unwrap()]), (1.5, "power"));
        assert!(all.before(&[]).is_err(), "no engines to compare");
    }

    #[test]
    fn a_design_fits_or_not() {
        let fits = constraints("fits = true");
        let mut platform = Platform::builtin("fpga-u280").unwrap();
        assert_eq!(fits.of_platform(&platform), Violation::default());
        platform.server.gc_engine.as_mut().unwrap().engines = 4000;
        assert!(fits.of_platform(&platform).amount > 0.0);
        assert_eq!(constraints("fits = false").of_platform(&platform), Violation::default());
    }
}
