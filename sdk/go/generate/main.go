// Command generate writes the bindings anew, with wit-bindgen 0.61.1 and gofmt:
//
//	cd sdk/go && go run ./generate
//
// The generator writes one package for all exports of a world. Here each export has a package of
// its own, since linking one is what exports it; so each has a world of its own, made up for this.
package main

import (
	"crypto/sha256"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	contract = "../../wit"
	target   = "internal/bindings"
	module   = "wasmill/internal/bindings"
	upstream = "go.bytecodealliance.org/pkg/wit/"
	runtime  = "wasmill/internal/wit/"
)

// exports are the interfaces that plugins may export.
var exports = []string{"handler", "gate", "query", "checker", "migration"}

func main() {
	log.SetFlags(0)
	if err := generate(); err != nil {
		log.Fatal(err)
	}
}

func generate() error {
	scratch, err := os.MkdirTemp("", "bindings")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	wit := filepath.Join(scratch, "wit")
	if err := os.CopyFS(wit, os.DirFS(contract)); err != nil {
		return err
	}
	var worlds strings.Builder
	for _, export := range exports {
		fmt.Fprintf(&worlds, "world only-%s {\n    export %s;\n}\n", export, export)
	}
	if err := os.WriteFile(filepath.Join(wit, "only.wit"), []byte(worlds.String()), 0o666); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(target, "w*"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	if err := bind(scratch, wit, "imports", ""); err != nil {
		return err
	}
	for _, export := range exports {
		if err := bind(scratch, wit, "only-"+export, "wit_"+export); err != nil {
			return err
		}
	}
	if err := exec.Command("gofmt", "-w", target).Run(); err != nil {
		return err
	}
	return writeSums()
}

// writeSums tells what the bindings were made of, for `cargo xtask wit`.
func writeSums() error {
	files, err := filepath.Glob(filepath.Join(contract, "*.wit"))
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), file)
	}
	return os.WriteFile("bindings.sha256", []byte(sums.String()), 0o666)
}

// bind writes the bindings of one world; the package of its exports is called exported.
func bind(scratch, wit, world, exported string) error {
	out := filepath.Join(scratch, world)
	command := exec.Command("wit-bindgen", "go", wit, "--world", world, "--pkg-name", module, "--out-dir", out)
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", command, err, said)
	}
	return filepath.WalkDir(out, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		below, err := filepath.Rel(out, path)
		if err != nil {
			return err
		}
		if directory, file := filepath.Split(below); directory == "wit_exports/" {
			if exported == "" {
				return nil
			}
			below = filepath.Join(exported, file)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		to := filepath.Join(target, below)
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return err
		}
		return os.WriteFile(to, []byte(adapted(string(text), exported)), 0o666)
	})
}

// adapted is a generated file as this SDK needs it: the runtime is the SDK's own, and there are no
// post-return functions, in which a collection might begin (see internal/wit/runtime). What they
// let go of is let go of when the next call begins.
func adapted(text, exported string) string {
	text = strings.ReplaceAll(text, upstream, runtime)
	text = strings.Replace(text, "package wit_exports", "package "+exported, 1)
	text = strings.ReplaceAll(text,
		"\tpinner := &syncExportPinner\n",
		"\tpinner := &syncExportPinner\n\tpinner.Unpin()\n")
	if post := strings.Index(text, "//go:wasmexport cabi_post_"); post >= 0 {
		text = text[:post]
	}
	return text
}
