//! Plugins on trial: a real component plays a scenario on a host in memory, with a virtual clock.
//!
//! The engine, its recovery, the semantics of the host's interfaces and the guests are those of a
//! host that serves; what it does with threads is done here step by step, in one order. HTTP is
//! answered by the scenario, and random numbers come again with their message, so the same scenario
//! comes to the same end. It knows nothing of files that scenarios and routes are read from, nor of
//! command lines.

mod bench;
mod clock;
mod compare;
mod crash;
mod error;
mod ledger;
mod play;
mod report;
mod routing;
mod scenario;
mod shown;
mod stage;
mod trial;
mod watch;

pub use bench::{Bench, Figures};
pub use compare::Difference;
pub use crash::{Crashes, Finding, Point, Repeated};
pub use error::Error;
pub use report::{AnsweredReport, HandledReport, Report, StepReport};
pub use scenario::{Scenario, ScenarioError};
pub use shown::printable;
pub use trial::Trial;
