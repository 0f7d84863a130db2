//! Lists and texts that componentize-py never frees.
//!
//! What lowers and lifts a plugin's values (`wit_dylib`) calls the interpreter for each list. Three
//! kinds of memory are nobody's then:
//!
//! - bytes that the plugin hands over, a state's value or a message's body: the interpreter allocates
//!   them, and nobody keeps them to be freed, as is done for other lists;
//! - empty lists, in both directions: only those of some bytes are freed, and the allocator gives out
//!   sixteen for none;
//! - empty texts that come in, likewise.
//!
//! An instance so loses as many bytes as it sends and stores. Here functions are put between, which
//! have the runtime free that, by the function that it frees other lists with.

use std::convert::Infallible;

use wasm_encoder::reencode::{self, Reencode, ReencodeComponent, utils};
use wasm_encoder::{
    BlockType, CodeSection, Component, ComponentSectionId, Function, FunctionSection,
    InstructionSink, MemArg, Module, ModuleSection, RawSection, ValType,
};
use wasmparser::{BinaryReaderError, Parser, Payload, TypeRef};

/// The version that does not free them. Others are left alone: to free twice is worse.
pub(super) const VERSION: &str = "0.25.1";

/// What a list is lowered by: `fn(call, type, &mut pointer) -> length`. There is no pointer for lists
/// of anything but bytes: their items are asked for then.
const POP_LIST: &str = "wit_dylib_pop_list";
/// Ends the items of a list: `fn(call, type)`.
const POP_ITER: &str = "wit_dylib_pop_iter";
/// What a list is lifted by: `fn(call, type, pointer, length) -> taken`. Only bytes are taken.
const PUSH_LIST: &str = "wit_dylib_push_list";
/// What a text is lifted by: `fn(call, pointer, length)`.
const PUSH_STRING: &str = "wit_dylib_push_string";
/// Frees memory: `fn(call, pointer, length, align, later)`; later is at the end of the call.
const DEALLOC_BYTES: &str = "wit_dylib_dealloc_bytes";

/// A component that frees them.
///
/// # Errors
/// The component cannot be read, or nothing in it comes of `wit_dylib`.
pub(super) fn freed(component: &[u8]) -> Result<Vec<u8>, String> {
    let (mut freed, mut modules) = (Component::new(), Modules { adapters: 0 });
    modules
        .parse_component(&mut freed, Parser::new(0), component)
        .map_err(|error| error.to_string())?;
    if modules.adapters == 0 {
        return Err(format!("it is not as componentize-py {VERSION} makes it"));
    }
    Ok(freed.finish())
}

/// Leaves all modules of a component as they are, but those that lower and lift.
struct Modules {
    adapters: usize,
}

impl Reencode for Modules {
    type Error = Infallible;
}

impl ReencodeComponent for Modules {
    fn parse_component_submodule(
        &mut self,
        component: &mut Component,
        _: Parser,
        module: &[u8],
    ) -> Result<(), reencode::Error> {
        let Some(mut adapter) = Adapter::of(module)? else {
            component.section(&RawSection {
                id: ComponentSectionId::CoreModule as u8,
                data: module,
            });
            return Ok(());
        };
        let mut freeing = Module::new();
        adapter.parse_core_module(&mut freeing, Parser::new(0), module)?;
        component.section(&ModuleSection(&freeing));
        self.adapters += 1;
        Ok(())
    }
}

/// A function that a module imports, and its type.
#[derive(Clone, Copy, Default)]
struct Imported {
    index: u32,
    ty: u32,
}

/// A module that lowers and lifts. Functions are added to it, in the order of [`Adapter::wrapped`].
#[derive(Default)]
struct Adapter {
    pop_list: Imported,
    pop_iter: Imported,
    push_list: Imported,
    push_string: Imported,
    dealloc_bytes: Imported,
    /// How many functions it has without them.
    functions: u32,
}

impl Adapter {
    /// None if the module does not lower and lift.
    fn of(module: &[u8]) -> Result<Option<Self>, BinaryReaderError> {
        let (mut adapter, mut found) = (Self::default(), 0);
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let TypeRef::Func(ty) = import.ty else {
                            continue;
                        };
                        let index = adapter.functions;
                        adapter.functions += 1;
                        if let Some(it) = adapter.named(import.name) {
                            *it = Imported { index, ty };
                            found += 1;
                        }
                    }
                }
                Payload::FunctionSection(section) => adapter.functions += section.count(),
                _ => {}
            }
        }
        Ok((found == 5).then_some(adapter))
    }

    fn named(&mut self, name: &str) -> Option<&mut Imported> {
        Some(match name {
            POP_LIST => &mut self.pop_list,
            POP_ITER => &mut self.pop_iter,
            PUSH_LIST => &mut self.push_list,
            PUSH_STRING => &mut self.push_string,
            DEALLOC_BYTES => &mut self.dealloc_bytes,
            _ => return None,
        })
    }

    /// The functions before which others are put.
    fn wrapped(&self) -> [Imported; 3] {
        [self.pop_list, self.push_list, self.push_string]
    }

    /// Bytes are freed once the host has read them. An empty list of anything else is told as one
    /// that is lowered, at an address that is aligned for all, and its items are ended.
    fn pop_list(&self) -> Function {
        let [call, list, result, length, pointer] = [0, 1, 2, 3, 4];
        let at_result = MemArg {
            offset: 0,
            align: 2,
            memory_index: 0,
        };
        let mut function = Function::new([(2, ValType::I32)]);
        let mut code = function.instructions();
        code.local_get(call).local_get(list).local_get(result);
        code.call(self.pop_list.index).local_set(length);
        code.local_get(result).i32_load(at_result);
        code.local_tee(pointer).if_(BlockType::Empty);
        self.free(&mut code, pointer, length, true);
        code.else_();
        code.local_get(length).i32_eqz().if_(BlockType::Empty);
        code.local_get(call).local_get(list);
        code.call(self.pop_iter.index);
        code.local_get(result).i32_const(8).i32_store(at_result);
        code.end().end().local_get(length).end();
        function
    }

    /// An empty list that the interpreter does not take is freed.
    fn push_list(&self) -> Function {
        let [call, list, pointer, length, taken] = [0, 1, 2, 3, 4];
        let mut function = Function::new([(1, ValType::I32)]);
        let mut code = function.instructions();
        code.local_get(call).local_get(list);
        code.local_get(pointer).local_get(length);
        code.call(self.push_list.index).local_tee(taken);
        code.local_get(length).i32_or().i32_eqz();
        code.if_(BlockType::Empty);
        self.free(&mut code, pointer, length, false);
        code.end().local_get(taken).end();
        function
    }

    /// An empty text is freed: the interpreter takes it for one without memory.
    fn push_string(&self) -> Function {
        let [call, pointer, length] = [0, 1, 2];
        let mut function = Function::new([]);
        let mut code = function.instructions();
        code.local_get(call).local_get(pointer).local_get(length);
        code.call(self.push_string.index);
        code.local_get(length).i32_eqz().if_(BlockType::Empty);
        self.free(&mut code, pointer, length, false);
        code.end().end();
        function
    }

    /// Frees memory of these locals, at once or at the end of the call, which is the first local.
    fn free(&self, code: &mut InstructionSink<'_>, pointer: u32, length: u32, later: bool) {
        let align = 1;
        code.local_get(0).local_get(pointer).local_get(length);
        code.i32_const(align).i32_const(later.into());
        code.call(self.dealloc_bytes.index);
    }
}

impl Reencode for Adapter {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error> {
        let added = self.functions..;
        let mut wrapped = added.zip(self.wrapped());
        let instead = wrapped.find(|(_, it)| it.index == function);
        Ok(instead.map_or(function, |(added, _)| added))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_function_section(self, functions, section)?;
        for wrapped in self.wrapped() {
            functions.function(wrapped.ty);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        utils::parse_code_section(self, code, section)?;
        for function in [self.pop_list(), self.push_list(), self.push_string()] {
            code.function(&function);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component of a module that neither lowers nor lifts, and of one that does.
    const COMPONENT: &str = r#"
        (component
            (core module (func (export "other") (result i32) i32.const 7))
            (core module
                (type $pop_list (func (param i32 i32 i32) (result i32)))
                (import "env" "memory" (memory 1))
                (import "env" "wit_dylib_dealloc_bytes" (func (param i32 i32 i32 i32 i32)))
                (import "env" "wit_dylib_pop_list" (func $pop (type $pop_list)))
                (import "env" "wit_dylib_pop_iter" (func (param i32 i32)))
                (import "env" "wit_dylib_push_string" (func (param i32 i32 i32)))
                (import "env" "wit_dylib_push_list"
                    (func (param i32 i32 i32 i32) (result i32)))
                (func (export "lower") (result i32)
                    (call $pop (i32.const 1) (i32.const 2) (i32.const 3)))))"#;

    /// For each body of each module, the functions that it calls.
    fn calls(component: &[u8]) -> Vec<Vec<u32>> {
        let mut calls = Vec::new();
        for payload in Parser::new(0).parse_all(component) {
            let Payload::CodeSectionEntry(body) = payload.unwrap() else {
                continue;
            };
            let operators = body.get_operators_reader().unwrap().into_iter();
            let called = operators.filter_map(|it| match it.unwrap() {
                wasmparser::Operator::Call { function_index } => Some(function_index),
                _ => None,
            });
            calls.push(called.collect());
        }
        calls
    }

    #[test]
    fn what_lowers_and_lifts_calls_functions_that_free() {
        let component = wat::parse_str(COMPONENT).unwrap();
        assert_eq!(calls(&component), [vec![], vec![1]]);
        let freed = freed(&component).unwrap();
        wasmparser::validate(&freed).unwrap();
        let [
            dealloc,
            pop_list,
            pop_iter,
            push_string,
            push_list,
            _lower,
            added,
        ] = [0, 1, 2, 3, 4, 5, 6];
        let expected = [
            vec![],
            vec![added],
            vec![pop_list, dealloc, pop_iter],
            vec![push_list, dealloc],
            vec![push_string, dealloc],
        ];
        assert_eq!(calls(&freed), expected);
    }

    #[test]
    fn what_does_neither_is_an_error() {
        let component = wat::parse_str("(component (core module (func)))").unwrap();
        let why = freed(&component).unwrap_err();
        assert!(why.contains("componentize-py"), "{why}");
        assert!(freed(b"\0asm").is_err());
    }

    /// Another version may free them itself.
    #[test]
    fn it_is_the_version_that_projects_are_compiled_with() {
        let sources = super::super::LANGUAGE.example.files.iter();
        let mut requirements = sources.filter(|it| it.path == "requirements.txt");
        let requirements = requirements.next().unwrap().text();
        assert_eq!(requirements.trim(), format!("componentize-py=={VERSION}"));
    }
}
