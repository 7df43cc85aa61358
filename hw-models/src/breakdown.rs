//! What a party's hardware is made of: area, power and FPGA resources by part, from which every total is summed.

use crate::fit::Accelerator;
use crate::fpga::FpgaResources;
use crate::gc::GcEngine;
use crate::he::HeEngine;
use crate::mac::MacArray;
use crate::party::PartyHardware;
use crate::sram::Sram;
use crate::technology::{Fabric, Technology};

/// One kind of part of a unit, all of them together.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What it is.
    pub name: &'static str,
    /// How many there are.
    pub count: u64,
    /// Silicon area in mm²; `None` on an FPGA and for what is a chip of its own.
    pub area_mm2: Option<f64>,
    /// Power in watts with the part busy in every cycle, its leakage included unless the file's static power holds that.
    pub power_w: f64,
    /// Watts that it leaks while idle; 0 on an FPGA, where the card's static power holds it.
    pub leakage_w: f64,
    /// FPGA resources; zero on silicon.
    pub fpga: FpgaResources,
}

impl Part {
    /// A part made of logic of `area_mm2`.
    pub(crate) fn logic(
        (name, count): (&'static str, u64),
        technology: &Technology,
        area_mm2: Option<f64>,
        power_w: f64,
        fpga: FpgaResources,
    ) -> Self {
        let leakage_w = area_mm2.map_or(0.0, |area| technology.logic_leakage_w(area));
        Self { name, count, area_mm2, power_w, leakage_w, fpga }.in_fabric(technology)
    }

    /// A part that is a memory.
    pub(crate) fn memory(
        name: &'static str,
        technology: &Technology,
        sram: Sram,
        area_mm2: Option<f64>,
        power_w: f64,
        fpga: FpgaResources,
    ) -> Self {
        let leakage_w = sram.costs(technology).leakage_w;
        Self { name, count: sram.banks, area_mm2, power_w, leakage_w, fpga }.in_fabric(technology)
    }

    /// A part of which only the power counts.
    fn powered(name: &'static str, count: u64, power_w: f64) -> Self {
        Self { name, count, area_mm2: None, power_w, leakage_w: 0.0, fpga: FpgaResources::default() }
    }

    /// Without FPGA resources on silicon.
    fn in_fabric(self, technology: &Technology) -> Self {
        if technology.fpga { self } else { Self { fpga: FpgaResources::default(), ..self } }
    }
}

/// A part and the unit that it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// The unit's table in platform files (`gc_engine`, `he_engine`, `mac_array`, `memory`, `cpu`), or `static`.
    pub unit: &'static str,
    /// The part.
    pub part: Part,
}

impl PartyHardware {
    /// Every part of the party's hardware, unit by unit. Areas sum to [`PartyHardware::area_mm2`], powers to
    /// [`PartyHardware::peak_power_w`] and FPGA resources to what [`PartyHardware::fpga_use`] counts.
    pub fn breakdown(&self) -> Vec<Component> {
        let mut units = vec![
            ("static", self.static_parts()),
            ("cpu", vec![Part::powered("cores", self.cpu.cores, self.cpu.peak_power_w())]),
            ("memory", self.memory_parts()),
        ];
        units.extend(self.gc_engine.as_ref().map(|unit| ("gc_engine", GcEngine::parts(unit))));
        units.extend(self.he_engine.as_ref().map(|unit| ("he_engine", HeEngine::parts(unit))));
        units.extend(self.mac_array.as_ref().map(|unit| ("mac_array", self.array_parts(unit))));
        let components =
            |(unit, parts): (&'static str, Vec<Part>)| parts.into_iter().map(move |part| Component { unit, part });
        units.into_iter().flat_map(components).collect()
    }

    /// Watts that an accelerator leaks while it is idle, beside the static power. Nothing where the file gives the static power,
    /// since that includes leakage.
    pub fn idle_leakage_w(&self, unit: Accelerator) -> f64 {
        let parts = match unit {
            Accelerator::GcEngine => self.gc_engine.as_ref().map(GcEngine::parts),
            Accelerator::HeEngine => self.he_engine.as_ref().map(HeEngine::parts),
            Accelerator::MacArray => self.mac_array.as_ref().map(MacArray::parts),
        };
        let leaks = parts.into_iter().flatten().map(|part| part.leakage_w).sum();
        if self.leakage_derived { leaks } else { 0.0 }
    }

    /// Watts that an accelerator leaks while it is busy beside the energy of what it does. HAAC's and F1's powers, of which the
    /// engines' energies are made, include leakage; an array's energies (Horowitz, CACTI) are dynamic alone.
    pub fn busy_leakage_w(&self, unit: Accelerator) -> f64 {
        match unit {
            Accelerator::GcEngine | Accelerator::HeEngine => 0.0,
            Accelerator::MacArray => self.idle_leakage_w(unit),
        }
    }

    /// The array's parts, with their leakage in their power where it is not in the static power.
    fn array_parts(&self, array: &MacArray) -> Vec<Part> {
        let leaking = |part: Part| Part {
            power_w: part.power_w + if self.leakage_derived { part.leakage_w } else { 0.0 },
            ..part
        };
        array.parts().into_iter().map(leaking).collect()
    }

    /// What is drawn whatever runs, less what the memory interfaces of a chip draw of it.
    fn static_parts(&self) -> Vec<Part> {
        let own = self.static_power_w - self.host_static_power_w;
        match (self.leakage_derived, self.board()) {
            (false, _) => vec![Part::powered("static power", 1, self.static_power_w)],
            (true, None) => vec![Part::powered("host", 1, self.host_static_power_w)],
            (true, Some(_)) => {
                vec![Part::powered("host", 1, self.host_static_power_w), Part::powered("card", 1, own)]
            }
        }
    }

    /// The memory interfaces on the accelerator's chip or in the FPGA's fabric, and what moves at the bandwidth that streams reach.
    fn memory_parts(&self) -> Vec<Part> {
        let channels = self.memory.channels;
        let idle_w = if self.leakage_derived { self.static_power_w - self.host_static_power_w } else { 0.0 };
        let interfaces = self.fabric.map(|fabric| match fabric {
            Fabric::Silicon { .. } => {
                // Of interfaces to plain DRAM, area and power are not known.
                let area = self.memory.interface_mm2();
                if area > 0.0 {
                    Part { area_mm2: Some(area), ..Part::powered("interfaces", channels, idle_w) }
                } else {
                    Part::powered("interfaces (not modelled)", channels, idle_w)
                }
            }
            Fabric::Fpga(board) => {
                let hard = board.memory(self.memory.kind).is_some_and(|memory| memory.hard_controllers);
                let fpga = if hard { FpgaResources::default() } else { self.memory.fpga_resources() };
                Part { fpga, ..Part::powered("interfaces", channels, 0.0) }
            }
        });
        let traffic_w = self.memory.streaming_bytes_per_s() * 8.0 * self.memory.energy_per_bit_j;
        interfaces.into_iter().chain([Part::powered("traffic", channels, traffic_w)]).collect()
    }
}

/// Power of one HBM2 interface over its area (HAAC, ISCA'23, Table 4: 225 mW and 14.9 mm²); HAAC's and F1's tables charge it
/// whatever runs.
const INTERFACE_W_PER_MM2: f64 = 0.225 / 14.9;

/// Static power of a party whose file gives none: what its card draws when idle, or the interfaces of its chip, whose units leak
/// beside it as long as they are idle ([`PartyHardware::idle_leakage_w`]). A host is not in it.
pub(crate) fn derived_static_w(fabric: Fabric, interface_mm2: f64) -> f64 {
    match fabric {
        Fabric::Fpga(board) => board.static_power_w,
        Fabric::Silicon { .. } => interface_mm2 * INTERFACE_W_PER_MM2,
    }
}
