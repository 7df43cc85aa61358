//! The link between the parties.

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Client to server.
    Up,
    /// Server to client.
    Down,
}

/// A full-duplex link. Rates are what an application gets (goodput): packet headers are not counted again.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Rate from client to server, bits per second. With an optimal split, what an even one gives.
    pub up_bits_per_s: f64,
    /// Rate from server to client, bits per second. With an optimal split, what an even one gives.
    pub down_bits_per_s: f64,
    /// The two rates are parts of one total that is split as the program needs it: a simulation finds the split with the
    /// least latency before anything else.
    pub optimal_split: bool,
    /// Seconds for an empty message to the other party and back.
    pub round_trip_s: f64,
    /// Joules per bit sent, both ends and what lies between.
    pub energy_per_bit_j: f64,
    /// Bytes that each message costs on the wire beyond its own.
    pub message_overhead_bytes: u64,
}

/// The smallest share of a total that one direction can get; a direction with nothing would never deliver.
pub const MIN_SHARE: f64 = 0.001;

/// How a total rate is split between the directions (wireless slot allocation; Garimella et al., ASPLOS 2023).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum UpShare {
    /// The part that goes up, [`MIN_SHARE`] to 1 − [`MIN_SHARE`].
    Fixed(f64),
    /// The part with the least latency of one inference, setup included.
    Optimal,
}

impl Link {
    /// The rate in one direction, bits per second.
    pub fn bits_per_s(&self, direction: Direction) -> f64 {
        match direction {
            Direction::Up => self.up_bits_per_s,
            Direction::Down => self.down_bits_per_s,
        }
    }

    /// Both directions together, bits per second.
    pub fn total_bits_per_s(&self) -> f64 {
        self.up_bits_per_s + self.down_bits_per_s
    }

    /// Splits `total_bits_per_s` between the directions.
    pub fn set_total(&mut self, total_bits_per_s: f64, share: UpShare) {
        let up = match share {
            UpShare::Fixed(up) => up.clamp(MIN_SHARE, 1.0 - MIN_SHARE),
            UpShare::Optimal => 0.5,
        };
        self.up_bits_per_s = total_bits_per_s * up;
        self.down_bits_per_s = total_bits_per_s * (1.0 - up);
        self.optimal_split = share == UpShare::Optimal;
    }

    /// The part of the total that makes `up_bytes / up rate + down_bytes / down rate` least: √up / (√up + √down). It is the
    /// optimum when messages follow each other and nothing overlaps with them.
    pub fn sequential_up_share(up_bytes: f64, down_bytes: f64) -> f64 {
        let (up, down) = (up_bytes.max(0.0).sqrt(), down_bytes.max(0.0).sqrt());
        if up + down > 0.0 { (up / (up + down)).clamp(MIN_SHARE, 1.0 - MIN_SHARE) } else { 0.5 }
    }

    /// Seconds that one message of `bytes` occupies the link: (bytes + overhead) × 8 / rate.
    pub fn occupancy_s(&self, direction: Direction, bytes: u64) -> f64 {
        bytes.saturating_add(self.message_overhead_bytes) as f64 * 8.0 / self.bits_per_s(direction)
    }

    /// Seconds from the last byte sent to the last byte received: half of a round trip.
    pub fn propagation_s(&self) -> f64 {
        self.round_trip_s / 2.0
    }

    /// Joules of one message of `bytes`.
    pub fn energy_j(&self, bytes: u64) -> f64 {
        bytes.saturating_add(self.message_overhead_bytes) as f64 * 8.0 * self.energy_per_bit_j
    }
}
