//! The stores from outside: one contract for both, and what each promises besides.

mod child;
mod damage;
mod differential;
mod directory;
mod disk_full;
mod faults;
mod fixture;
mod kill;
mod log;
mod reader;
mod space;
mod view;
