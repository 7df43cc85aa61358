//! A platform whose keys can be changed again and again, as the points of a sweep do.

use crate::convert::{self, Kept, Limits, Reuse};
use crate::party::PartyHardware;
use crate::platform::{self, Platform};
use crate::raw::{RawLink, RawMapping, RawParty, RawPlatform};
use pisim_settings::{ConfigError, KeyPath, Layers, Source, Table, Value, parse};
use serde::Deserialize;

/// A platform file that was read once. Changed keys are checked exactly as if they stood in the file, but only the parts of
/// the file around them are read and converted again.
#[derive(Debug, Clone)]
pub struct PlatformTemplate {
    layers: Layers,
    document: Table,
    raw: RawPlatform,
    platform: Platform,
}

/// One party as changes made it last, for whoever asks for many platforms in which it often stays the same.
#[derive(Debug, Clone, Default)]
pub struct TemplateMemo {
    client: Option<(Vec<(KeyPath, Value)>, PartyHardware)>,
    server: Option<(Vec<(KeyPath, Value)>, PartyHardware)>,
}

impl PlatformTemplate {
    /// Reads a platform file and those that it is based on. An FPGA design may be of any size and clock:
    /// [`PartyHardware::misfits`] says whether it can be built.
    ///
    /// # Errors
    /// As [`Platform::unchecked_from_source`].
    pub fn new(source: &Source) -> Result<Self, ConfigError> {
        let layers = Platform::layers(source)?;
        let merged = layers.merged();
        let read = || {
            let raw = platform::raw(merged)?;
            let platform = convert::platform(merged, &raw, Limits::Ignored, Reuse::default())?;
            Ok((raw, platform, parse(merged)?))
        };
        let (raw, platform, document) = read().map_err(|error| layers.locate(error))?;
        Ok(Self { layers, document, raw, platform })
    }

    /// The file, with all that it takes from the files it is based on.
    pub fn source(&self) -> &Source {
        self.layers.merged()
    }

    /// The platform without changes.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Whether changed values are of the kind that their keys expect; not yet whether they make sense together.
    ///
    /// # Errors
    /// There is no such key, or it holds something else.
    pub fn accepts(&self, changes: &[(&KeyPath, &Value)]) -> Result<(), ConfigError> {
        self.changed(changes).map(drop)
    }

    /// The platform with changed keys.
    ///
    /// # Errors
    /// As [`Platform::unchecked_from_source`], at the key in the file, or in the table that it would be in.
    pub fn with(&self, changes: &[(&KeyPath, &Value)], memo: &mut TemplateMemo) -> Result<Platform, ConfigError> {
        let raw = self.changed(changes)?;
        let reuse = Reuse {
            client: self.kept("client", changes, &memo.client),
            server: self.kept("server", changes, &memo.server),
        };
        let merged = self.layers.merged();
        let made =
            convert::platform(merged, &raw, Limits::Ignored, reuse).map_err(|error| self.layers.locate(error))?;
        for (name, known, party) in
            [("client", &mut memo.client, &made.client), ("server", &mut memo.server, &made.server)]
        {
            if !same(known.as_ref(), name, changes) {
                *known = Some((of_party(name, changes).map(owned).collect(), party.clone()));
            }
        }
        Ok(made)
    }

    /// What needs no new conversion of a party.
    fn kept<'a>(
        &'a self,
        name: &str,
        changes: &[(&KeyPath, &Value)],
        known: &'a Option<(Vec<(KeyPath, Value)>, PartyHardware)>,
    ) -> Kept<'a> {
        let base = if name == "client" { &self.platform.client } else { &self.platform.server };
        if self.platform.colocated || changes.iter().any(|(key, _)| key.first() == "machine") {
            return Kept::Nothing;
        }
        if of_party(name, changes).next().is_none() {
            return Kept::All(base);
        }
        match known {
            Some((_, party)) if same(known.as_ref(), name, changes) => Kept::All(party),
            _ => {
                let inside = |key: &KeyPath| key.rest().is_none_or(|rest| rest.first() == "cpu");
                if of_party(name, changes).any(|(key, _)| inside(key)) { Kept::Nothing } else { Kept::Cpu(&base.cpu) }
            }
        }
    }

    /// The file's data with changed keys: only the tables that hold them are read again.
    fn changed(&self, changes: &[(&KeyPath, &Value)]) -> Result<RawPlatform, ConfigError> {
        let mut raw = self.raw.clone();
        for table in ["client", "server", "link", "mapping"] {
            if changes.iter().any(|(key, _)| key.first() == table) {
                self.changed_table(&mut raw, table, changes)?;
            }
        }
        let whole = |key: &&KeyPath| !["client", "server", "link", "mapping"].contains(&key.first());
        if changes.iter().any(|(key, _)| whole(key)) {
            return self.changed_whole(changes);
        }
        Ok(raw)
    }

    fn changed_table(
        &self,
        raw: &mut RawPlatform,
        table: &str,
        changes: &[(&KeyPath, &Value)],
    ) -> Result<(), ConfigError> {
        let mut around = Table::new();
        if let Some(own) = self.document.get(table) {
            around.insert(table.to_owned(), own.clone());
        }
        for (key, value) in changes.iter().filter(|(key, _)| key.first() == table) {
            self.set(&mut around, key, value)?;
        }
        let value = around.remove(table).unwrap_or(Value::Boolean(false));
        let read = match table {
            "client" => RawParty::deserialize(value).map(|party| raw.client = Some(party)),
            "server" => RawParty::deserialize(value).map(|party| raw.server = Some(party)),
            "link" => RawLink::deserialize(value).map(|link| raw.link = link),
            _ => RawMapping::deserialize(value).map(|mapping| raw.mapping = mapping),
        };
        // The error that tells the key and what was expected comes from reading the text.
        read.or_else(|_| self.changed_whole(changes).map(|whole| *raw = whole))
    }

    /// Reads the whole file with changed keys as text.
    fn changed_whole(&self, changes: &[(&KeyPath, &Value)]) -> Result<RawPlatform, ConfigError> {
        let mut document = self.document.clone();
        for (key, value) in changes {
            self.set(&mut document, key, value)?;
        }
        let merged = self.layers.merged();
        let text = toml::to_string(&document).map_err(|error| ConfigError::new(&merged.name, error.to_string()))?;
        let place = |error: ConfigError| self.layers.locate(error.in_source(merged));
        platform::raw(&Source::new(&merged.name, text)).map_err(place)
    }

    fn set(&self, document: &mut Table, key: &KeyPath, value: &Value) -> Result<(), ConfigError> {
        let wrong = |error: pisim_settings::ChangeError| {
            ConfigError::at_key(self.layers.merged(), key.as_str(), error.to_string())
        };
        key.set(document, value.clone()).map_err(wrong)
    }
}

fn owned((key, value): (&KeyPath, &Value)) -> (KeyPath, Value) {
    (key.clone(), value.clone())
}

fn of_party<'a>(
    name: &'a str,
    changes: &'a [(&'a KeyPath, &'a Value)],
) -> impl Iterator<Item = (&'a KeyPath, &'a Value)> {
    changes.iter().copied().filter(move |(key, _)| key.first() == name)
}

/// Whether what is known of a party was made by the same changes.
fn same(known: Option<&(Vec<(KeyPath, Value)>, PartyHardware)>, name: &str, changes: &[(&KeyPath, &Value)]) -> bool {
    known.is_some_and(|(made_by, _)| made_by.iter().map(|(key, value)| (key, value)).eq(of_party(name, changes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(name: &str) -> PlatformTemplate {
        PlatformTemplate::new(&Platform::source(name).unwrap()).unwrap()
    }

    fn changes(texts: &[(&str, &str)]) -> Vec<(KeyPath, Value)> {
        let value = |text: &str| toml::from_str::<Table>(&format!("v = {text}")).unwrap().remove("v").unwrap();
        texts.iter().map(|(key, text)| (key.parse().unwrap(), value(text))).collect()
    }

    fn with(template: &PlatformTemplate, texts: &[(&str, &str)], memo: &mut TemplateMemo) -> Result<Platform, String> {
        let owned = changes(texts);
        let borrowed: Vec<_> = owned.iter().map(|(key, value)| (key, value)).collect();
        template.with(&borrowed, memo).map_err(|error| error.to_string())
    }

    /// The same platform from a text in which the keys stand.
    fn written(name: &str, texts: &[(&str, &str)]) -> Platform {
        let mut document: Table =
            toml::from_str(Platform::layers(&Platform::source(name).unwrap()).unwrap().merged().text.as_str()).unwrap();
        for (key, value) in changes(texts) {
            key.set(&mut document, value).unwrap();
        }
        Platform::unchecked_from_source(&Source::new("w.toml", toml::to_string(&document).unwrap())).unwrap()
    }

    #[test]
    fn a_changed_platform_is_the_one_whose_file_says_so_whatever_was_asked_before() {
        let memory = r#"{ device = "ddr4-3200", channels = 4 }"#;
        let cases: &[&[(&str, &str)]] = &[
            &[],
            &[("server.gc_engine.engines", "4")],
            &[("server.gc_engine.engines", "4"), ("link.up", "\"1 Gbps\"")],
            &[("server.gc_engine.engines", "8"), ("server.memory", memory)],
            &[("server.gc_engine.engines", "8"), ("server.memory", memory), ("server.memory.channels", "2")],
            &[("server.cpu.cores", "2"), ("client.cpu.clock", "\"1 GHz\"")],
            &[("server.cpu.cost.mod_mul", "\"1 ns\"")],
            &[("mapping.overlap", "false"), ("mapping.client.he_threads", "1")],
            &[("name", "\"other\"")],
            &[("server.silicon.node_nm", "7"), ("server.silicon.supply_v", "0.7")],
        ];
        for name in ["haac-hbm2", "soc-all", "fpga-u280"] {
            let (template, mut memo) = (template(name), TemplateMemo::default());
            for case in cases {
                let Ok(changed) = with(&template, case, &mut memo) else {
                    // Costs are a name in some files, and boards have no silicon: refused in both ways.
                    continue;
                };
                assert_eq!(changed, written(name, case), "{name} {case:?}");
            }
            assert!(with(&template, cases[1], &mut memo).is_ok());
        }
    }

    #[test]
    fn one_machine_changes_for_both() {
        let text = "name = \"m\"\ndescription = \"\"\n[machine]\nstatic_power = \"1 W\"\n[machine.cpu]\ncores = 4\nclock = \"1 GHz\"\n\
            active_power_per_core = \"1 W\"\ncost = \"xeon-avx512\"\n[machine.memory]\ndevice = \"ddr4-2400\"\nchannels = 1\n\
            [link]\nup = \"1 Gbps\"\ndown = \"1 Gbps\"\nround_trip = \"0 s\"\nenergy = \"0 J/bit\"\nmessage_overhead = \"0 B\"\n";
        let template = PlatformTemplate::new(&Source::new("m.toml", text)).unwrap();
        let platform = with(&template, &[("machine.cpu.cores", "2")], &mut TemplateMemo::default()).unwrap();
        assert_eq!((platform.client.cpu.cores, platform.server.cpu.cores), (2, 2));
    }

    #[test]
    fn faults_are_told_at_the_key() {
        let template = template("haac-hbm2");
        let error = |texts: &[(&str, &str)]| with(&template, texts, &mut TemplateMemo::default()).unwrap_err();
        let unknown = error(&[("server.gc_engine.engins", "4")]);
        assert!(unknown.contains("unknown key") && unknown.contains("did you mean `engines`?"), "{unknown}");
        let wrong = error(&[("server.gc_engine.clock", "\"1 GB\"")]);
        assert!(wrong.contains("key `server.gc_engine.clock`: wrong unit `GB`"), "{wrong}");
        let range = error(&[("server.gc_engine.engines", "0")]);
        assert!(
            range.contains("haac-hbm2.toml:") && range.contains("0 is out of range; expected 1 to 4096"),
            "{range}"
        );
        let missing = error(&[("client.gc_engine.engines", "1")]);
        assert!(missing.contains("missing key"), "{missing}");
        let inside = error(&[("server.cpu.cores.x", "1")]);
        assert!(inside.contains("cannot stand in a integer"), "{inside}");
    }
}
