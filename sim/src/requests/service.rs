//! What one inference takes, and what a pair of parties can therefore do.

use super::config::{RequestConfig, RequestError};
use super::policy::Rules;
use crate::result::Simulation;
use serde::Serialize;

/// The work of one unit, memory or direction of the link for one inference, at full speed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct UnitLoad {
    /// The unit's name, as in [`crate::UnitUse`].
    pub name: String,
    /// Seconds for a precompute.
    pub offline_s: f64,
    /// Seconds for the online phase.
    pub online_s: f64,
}

/// One inference as requests see it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Service {
    /// Seconds for a precompute: setup (fresh keys and base transfers, as for every inference) and the offline phase.
    pub offline_s: f64,
    /// Seconds of the online phase.
    pub online_s: f64,
    /// Bytes that a precompute occupies at the client.
    pub client_bytes: u64,
    /// Bytes that a precompute occupies at the server.
    pub server_bytes: u64,
    /// What each phase needs of each unit: of the processors, accelerators and memories of both parties and of both
    /// directions of the link. No unit is needed for longer than its phase lasts.
    pub units: Vec<UnitLoad>,
}

impl Service {
    /// The inference that was simulated.
    pub fn new(simulation: &Simulation) -> Self {
        let units = simulation.bounds.iter().filter(|bound| bound.name != crate::account::DEPENDENCIES);
        let latency = &simulation.latency_s;
        Self {
            offline_s: latency.setup + latency.offline,
            online_s: latency.online,
            client_bytes: simulation.storage_bytes.client,
            server_bytes: simulation.storage_bytes.server,
            units: units
                .map(|bound| UnitLoad {
                    name: bound.name.clone(),
                    offline_s: bound.seconds.setup + bound.seconds.offline,
                    online_s: bound.seconds.online,
                })
                .collect(),
        }
    }

    /// How fast a precompute proceeds while an online phase runs that has priority everywhere, from 0 (not at all) to 1
    /// (undisturbed).
    ///
    /// A phase uses a unit evenly over its time, in the share `unit seconds / phase seconds`. The online phase takes its
    /// shares, and the precompute proceeds as fast as what is left of every unit allows: `min (1 − online share) / offline
    /// share`.
    pub fn background_speed(&self) -> f64 {
        let share = |seconds: f64, phase_s: f64| if phase_s > 0.0 { (seconds / phase_s).clamp(0.0, 1.0) } else { 0.0 };
        let speed = |unit: &UnitLoad| {
            let (offline, online) = (share(unit.offline_s, self.offline_s), share(unit.online_s, self.online_s));
            if offline > 0.0 { (1.0 - online) / offline } else { 1.0 }
        };
        self.units.iter().map(speed).fold(1.0, f64::min)
    }

    /// Requests per second that can be served for ever under `config`: where the queue starts to grow.
    ///
    /// # Errors
    /// As [`super::simulate_requests`], of what concerns the service.
    pub fn capacity_per_s(&self, config: &RequestConfig) -> Result<f64, RequestError> {
        Ok(Plan::new(self, config)?.capacity_per_s())
    }
}

/// What the pairs of parties work by.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub(super) rules: Rules,
    pub(super) service: Service,
    /// Precomputes that both sides of a pair can store; none: on demand.
    pub(super) slots: u64,
    /// Speed of a precompute while an online phase runs.
    pub(super) background_speed: f64,
}

impl Plan {
    /// Judges the service and the storage.
    ///
    /// # Errors
    /// A phase's time is impossible, or the server's storage does not hold one precompute.
    pub fn new(service: &Service, config: &RequestConfig) -> Result<Self, RequestError> {
        let Service { offline_s, online_s, client_bytes, server_bytes, .. } = *service;
        if !(offline_s.is_finite() && offline_s >= 0.0 && online_s.is_finite() && online_s > 0.0) {
            return Err(RequestError::Service { offline_s, online_s });
        }
        let rules = config.policy.rules();
        let slots = |storage: u64, bytes: u64| match bytes {
            0 => u64::MAX,
            _ => storage.saturating_sub(u64::from(rules.one_byte_more)) / bytes,
        };
        let (client, server) =
            (slots(config.client_storage_bytes, client_bytes), slots(config.server_storage_bytes, server_bytes));
        if server == 0 {
            return Err(RequestError::ServerStorage {
                storage_bytes: config.server_storage_bytes,
                precompute_bytes: server_bytes,
            });
        }
        let background_speed = if rules.shared { service.background_speed() } else { 1.0 };
        Ok(Self { rules, service: service.clone(), slots: client.min(server), background_speed })
    }

    /// Whether every request runs both phases, because the client cannot store a precompute.
    pub fn on_demand(&self) -> bool {
        self.slots == 0
    }

    /// Precomputes that a pair can store; `u64::MAX` without a limit.
    pub fn slots(&self) -> u64 {
        self.slots
    }

    /// Seconds from the start of an inference that has its precompute to its answer.
    pub(super) fn inference_s(&self) -> f64 {
        self.service.online_s + if self.on_demand() { self.service.offline_s } else { 0.0 }
    }

    /// Requests per second that can be served for ever: the inverse of the seconds between two answers when the queue is
    /// never empty.
    pub fn capacity_per_s(&self) -> f64 {
        let (offline_s, online_s) = (self.service.offline_s, self.service.online_s);
        let cycle_s = if self.on_demand() || (self.rules.shared && self.slots == 1) {
            // One after the other: in a store of one, a precompute occupies its place until its inference has ended.
            offline_s + online_s
        } else {
            // What of the next precompute is left when an online phase has ended takes as long again.
            let meanwhile_s = self.background_speed * online_s;
            online_s + (offline_s + self.rules.poll_s - meanwhile_s).max(0.0)
        };
        self.rules.pairs as f64 / cycle_s
    }
}
