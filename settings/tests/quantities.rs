//! Units: what they mean, that printing and reading agree, and that no text panics.

use pisim_settings::{Area, Bandwidth, BitRate, Bytes, Duration, Energy, EnergyPerBit, Frequency, Power};
use proptest::prelude::*;

#[test]
fn every_unit_has_its_factor() {
    assert_eq!("1 GHz".parse::<Frequency>().unwrap().hz(), 1e9);
    assert_eq!("35.2 GB/s".parse::<Bandwidth>().unwrap().bytes_per_s(), 35.2e9);
    assert_eq!("1 GiB/s".parse::<Bandwidth>().unwrap().bytes_per_s(), 1_073_741_824.0);
    assert_eq!("100 Mbps".parse::<BitRate>().unwrap().bits_per_s(), 1e8);
    assert_eq!("100 Mbit/s".parse::<BitRate>().unwrap(), "0.1 Gbps".parse::<BitRate>().unwrap());
    assert_eq!("2 MiB".parse::<Bytes>().unwrap().bytes(), 2_097_152);
    assert_eq!("64 KB".parse::<Bytes>().unwrap().bytes(), 64_000);
    assert_eq!("1.5 KiB".parse::<Bytes>().unwrap().bytes(), 1536);
    assert_eq!("12 pJ".parse::<Energy>().unwrap().joules(), 12e-12);
    assert_eq!("1.5 W".parse::<Power>().unwrap().watts(), 1.5);
    assert_eq!("4.3 mm2".parse::<Area>().unwrap().mm2(), 4.3);
    assert_eq!("1000 um2".parse::<Area>().unwrap().mm2(), 1e-3);
    assert_eq!("20 ms".parse::<Duration>().unwrap().seconds(), 0.02);
    assert_eq!("3.9 pJ/bit".parse::<EnergyPerBit>().unwrap().joules_per_bit(), 3.9e-12);
}

#[test]
fn blanks_and_exponents_are_understood() {
    let ghz = "1 GHz".parse::<Frequency>().unwrap();
    for text in ["1GHz", " 1  GHz ", "1e9 Hz", "1e9Hz", "0.001e3GHz", "1E+0 GHz"] {
        assert_eq!(text.parse::<Frequency>().unwrap(), ghz, "{text}");
    }
}

#[test]
fn decimal_prefixes_round_once() {
    assert_eq!("500 pJ/bit".parse::<EnergyPerBit>().unwrap(), "0.5 nJ/bit".parse::<EnergyPerBit>().unwrap());
    assert_eq!("9 ns".parse::<Duration>().unwrap().seconds(), 9e-9);
    assert_eq!("0.285 ns".parse::<Duration>().unwrap().to_string(), "285 ps");
    assert_eq!("1e-3 ms".parse::<Duration>().unwrap().seconds(), 1e-6);
    assert!("1e99999999999 ns".parse::<Duration>().is_err());
}

#[test]
fn text_without_number_or_unit_is_refused() {
    for text in ["", " ", "GHz", "1", "1 1", "1 GHz GHz", "e9 Hz", "1,5 GHz", "0x10 Hz", "--1 Hz", "1_0 Hz"] {
        assert!(text.parse::<Frequency>().is_err(), "{text:?}");
    }
}

#[test]
fn constructors_refuse_what_no_quantity_can_be() {
    assert!(Power::new(-1.0).is_err() && Power::new(f64::NAN).is_err() && Power::new(f64::INFINITY).is_err());
    assert_eq!(Power::new(-0.0).unwrap().watts().to_bits(), 0.0f64.to_bits());
}

#[test]
fn quantities_print_in_readable_units() {
    assert_eq!("1000 MHz".parse::<Frequency>().unwrap().to_string(), "1 GHz");
    assert_eq!("0 GHz".parse::<Frequency>().unwrap().to_string(), "0 Hz");
    assert_eq!("0.25 W".parse::<Power>().unwrap().to_string(), "250 mW");
    assert_eq!(Bytes::new(2 << 20).to_string(), "2 MiB");
    assert_eq!(Bytes::new(1001).to_string(), "1001 B");
    assert_eq!(Bytes::new(0).to_string(), "0 B");
}

#[test]
fn the_schema_offers_every_unit_to_editors() {
    let schema = schemars::schema_for!(Energy);
    let pattern = schema.get("pattern").and_then(|p| p.as_str()).unwrap();
    assert_eq!(pattern, "^[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)? ?(fJ|pJ|nJ|uJ|µJ|mJ|J|kJ)$");
    assert_eq!(schema.get("type").unwrap(), "string");
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_exactly(value in prop_oneof![0.0..1e-6f64, 0.0..1.0f64, 0.0..1e18f64]) {
        let power = Power::new(value).unwrap();
        prop_assert_eq!(power.to_string().parse::<Power>().unwrap(), power);
        let json = serde_json::to_string(&power).unwrap();
        prop_assert_eq!(serde_json::from_str::<Power>(&json).unwrap(), power);
        let time = Duration::new(value).unwrap();
        prop_assert_eq!(time.to_string().parse::<Duration>().unwrap(), time);
    }

    #[test]
    fn bytes_read_back_exactly(value in 0u64..(1 << 53)) {
        prop_assert_eq!(Bytes::new(value).to_string().parse::<Bytes>().unwrap().bytes(), value);
    }

    #[test]
    fn any_text_is_a_quantity_or_an_error(text in "\\PC*") {
        let _ = (text.parse::<Frequency>(), text.parse::<Bytes>(), text.parse::<EnergyPerBit>());
    }
}
