//! From `-H` and the options beside it to a platform.

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use pisim_hw_models::{HeParallel, MIN_SHARE, Platform, UpShare, WorkClass};
use pisim_settings::BitRate;

/// How a platform differs from its file: the link's rates and the threads of homomorphic encryption.
#[derive(Debug, Clone, Default, Args)]
pub struct PlatformOptions {
    /// Rate from client to server, instead of the platform's: "100 Mbps".
    #[arg(long, value_name = "RATE", conflicts_with = "link_total")]
    pub up: Option<BitRate>,
    /// Rate from server to client, instead of the platform's.
    #[arg(long, value_name = "RATE", conflicts_with = "link_total")]
    pub down: Option<BitRate>,
    /// Rate of both directions together, split by --up-share.
    #[arg(long, value_name = "RATE")]
    pub link_total: Option<BitRate>,
    /// The part of --link-total that goes up, 0.001 to 0.999, or "optimal": the split with the least latency.
    #[arg(
        long,
        value_name = "PART",
        requires = "link_total",
        default_value_if("link_total", clap::builder::ArgPredicate::IsPresent, "optimal")
    )]
    pub up_share: Option<UpShare>,
    /// Threads on which the server evaluates linear layers under encryption, instead of the platform's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub he_threads: Option<u64>,
    /// What those threads share: the work within a layer, or whole layers, each on one thread.
    #[arg(long, value_enum)]
    pub he_parallel: Option<Sharing>,
}

/// What threads share of homomorphic evaluation.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Sharing {
    /// The work of one layer at a time.
    Within,
    /// The layers: in order, each on the next free thread.
    Layer,
}

impl PlatformOptions {
    /// The platform that `name` is, changed by what was given.
    ///
    /// # Errors
    /// There is no such platform, or it cannot be changed like this: more threads than cores, threads for what an
    /// accelerator does, a rate of zero, a part outside of its range.
    pub fn platform(&self, name: &str) -> Result<Platform> {
        let mut platform = Platform::named_or_file(name)?;
        self.change(&mut platform)?;
        Ok(platform)
    }

    /// Changes a platform by what was given.
    ///
    /// # Errors
    /// It cannot be changed like this.
    pub fn change(&self, platform: &mut Platform) -> Result<()> {
        self.change_link(platform)?;
        if self.he_threads.is_some() || self.he_parallel.is_some() {
            self.change_threads(platform)?;
        }
        Ok(())
    }

    fn change_link(&self, platform: &mut Platform) -> Result<()> {
        let rates = [("--up", self.up), ("--down", self.down), ("--link-total", self.link_total)];
        for (option, rate) in rates {
            if let Some(rate) = rate.filter(|rate| !(1e3..=1e14).contains(&rate.bits_per_s())) {
                bail!("{option}: {rate} is out of range; expected 1 kbps to 100 Tbps");
            }
        }
        let link = &mut platform.link;
        if let (Some(total), Some(share)) = (self.link_total, self.up_share) {
            if let UpShare::Fixed(part) = share
                && !(MIN_SHARE..=1.0 - MIN_SHARE).contains(&part)
            {
                bail!("--up-share: {part} is out of range; expected {MIN_SHARE} to {}, or optimal", 1.0 - MIN_SHARE);
            }
            link.set_total(total.bits_per_s(), share);
        }
        if let Some(up) = self.up {
            (link.up_bits_per_s, link.optimal_split) = (up.bits_per_s(), false);
        }
        if let Some(down) = self.down {
            (link.down_bits_per_s, link.optimal_split) = (down.bits_per_s(), false);
        }
        Ok(())
    }

    fn change_threads(&self, platform: &mut Platform) -> Result<()> {
        if platform.server.he_engine.is_some() {
            bail!(
                "--he-threads, --he-parallel: the server of {} evaluates linear layers on its HE engine; expected a platform \
                 whose server has none",
                platform.name
            );
        }
        let cores = platform.server.cpu.cores;
        if let Some(threads) = self.he_threads {
            if threads > cores {
                bail!("--he-threads: the server of {} has {cores} cores, found {threads} threads", platform.name);
            }
            platform.mapping.server.he = Some(threads);
        }
        if let Some(sharing) = self.he_parallel {
            platform.mapping.he_parallel = match sharing {
                Sharing::Within => HeParallel::Within,
                Sharing::Layer => HeParallel::Layer,
            };
        }
        let threads = platform.mapping.server.of(WorkClass::He, cores);
        tracing::info!(threads, sharing = ?platform.mapping.he_parallel, "homomorphic evaluation at the server");
        Ok(())
    }
}
