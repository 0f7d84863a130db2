//! Macros that export a plugin's functions as a component. Natively they expand to nothing: the
//! names of component exports are none that a native linker takes.

/// Exports `handle` as a plugin that handles messages.
#[macro_export]
macro_rules! step {
    ($handle:ident) => {
        $crate::export_world!("step", export_handler($handle));
    };
}

/// Exports `handle` and `answer` as a plugin whose state can be read over HTTP.
#[macro_export]
macro_rules! step_with_query {
    ($handle:ident, $answer:ident) => {
        $crate::export_world!(
            "step-with-query",
            export_handler($handle),
            export_query($answer)
        );
    };
}

/// Exports `handle`, `admit` and `answer` as a plugin that is also the door of HTTP routes.
#[macro_export]
macro_rules! service {
    ($handle:ident, $admit:ident, $answer:ident) => {
        $crate::export_world!(
            "service",
            export_handler($handle),
            export_gate($admit),
            export_query($answer)
        );
    };
}

/// Exports a service that also tells what is to become of half messages that it left unsettled.
#[macro_export]
macro_rules! service_with_checker {
    ($handle:ident, $admit:ident, $answer:ident, $check:ident) => {
        $crate::export_world!(
            "service-with-checker",
            export_handler($handle),
            export_gate($admit),
            export_query($answer),
            export_checker($check)
        );
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! export_world {
    ($world:literal, $($export:ident($function:ident)),+) => {
        #[cfg(target_arch = "wasm32")]
        mod generated {
            wasmill_plugin_kit::wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                runtime_path: "wasmill_plugin_kit::wit_bindgen::rt",
                with: {
                    "wasmill:plugin/types@0.1.0": wasmill_plugin_kit::imports::types,
                    "wasmill:plugin/queue@0.1.0": wasmill_plugin_kit::imports::queue,
                    "wasmill:plugin/timer@0.1.0": wasmill_plugin_kit::imports::timer,
                    "wasmill:plugin/transaction@0.1.0": wasmill_plugin_kit::imports::transaction,
                    "wasmill:plugin/dedup@0.1.0": wasmill_plugin_kit::imports::dedup,
                    "wasmill:plugin/state@0.1.0": wasmill_plugin_kit::imports::state,
                    "wasmill:plugin/config@0.1.0": wasmill_plugin_kit::imports::config,
                    "wasmill:plugin/log@0.1.0": wasmill_plugin_kit::imports::log,
                },
            });
            struct Component;
            $($crate::$export!(Component, $function);)+
            export!(Component);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! export_handler {
    ($component:ident, $handle:ident) => {
        impl exports::wasmill::plugin::handler::Guest for $component {
            fn handle(message: $crate::Message) -> Result<(), $crate::Failure> {
                super::$handle(&mut $crate::wasm::Wasm, &message)
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! export_gate {
    ($component:ident, $admit:ident) => {
        impl exports::wasmill::plugin::gate::Guest for $component {
            fn admit(
                request: $crate::Request,
            ) -> Result<
                exports::wasmill::plugin::gate::Accepted,
                exports::wasmill::plugin::gate::Problem,
            > {
                use exports::wasmill::plugin::gate::{Accepted, Problem};
                match super::$admit(&mut $crate::wasm::Wasm, &request) {
                    Ok(accepted) => Ok(Accepted {
                        key: Some(accepted.key),
                        dedup_id: accepted.dedup_id,
                        tag: None,
                        headers: Vec::new(),
                        body: accepted.body,
                        answer: accepted.answer,
                    }),
                    Err(problem) => Err(Problem {
                        status: problem.status,
                        title: problem.title,
                        detail: problem.detail,
                        field: problem.field,
                    }),
                }
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! export_query {
    ($component:ident, $answer:ident) => {
        impl exports::wasmill::plugin::query::Guest for $component {
            fn answer(
                key: String,
                request: $crate::Request,
            ) -> exports::wasmill::plugin::query::Response {
                let response = super::$answer(&mut $crate::wasm::Wasm, &key, &request);
                exports::wasmill::plugin::query::Response {
                    status: response.status,
                    headers: vec![("content-type".to_owned(), response.content_type.to_owned())],
                    body: response.body,
                    settled: response.settled,
                }
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! export_checker {
    ($component:ident, $check:ident) => {
        impl exports::wasmill::plugin::checker::Guest for $component {
            fn check(
                half: exports::wasmill::plugin::checker::Half,
            ) -> exports::wasmill::plugin::checker::Verdict {
                use exports::wasmill::plugin::checker::Verdict;
                let half = $crate::Half {
                    name: half.name,
                    scope_key: half.scope_key,
                    checks: half.checks,
                };
                match super::$check(&mut $crate::wasm::Wasm, &half) {
                    $crate::Verdict::Commit => Verdict::Commit,
                    $crate::Verdict::RollBack => Verdict::Rollback,
                    $crate::Verdict::Unknown(cause) => Verdict::Unknown(cause),
                }
            }
        }
    };
}
