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
    /// Rate from client to server, bits per second.
    pub up_bits_per_s: f64,
    /// Rate from server to client, bits per second.
    pub down_bits_per_s: f64,
    /// Seconds for an empty message to the other party and back.
    pub round_trip_s: f64,
    /// Joules per bit sent, both ends and what lies between.
    pub energy_per_bit_j: f64,
    /// Bytes that each message costs on the wire beyond its own.
    pub message_overhead_bytes: u64,
}

impl Link {
    /// The rate in one direction, bits per second.
    pub fn bits_per_s(&self, direction: Direction) -> f64 {
        match direction {
            Direction::Up => self.up_bits_per_s,
            Direction::Down => self.down_bits_per_s,
        }
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
