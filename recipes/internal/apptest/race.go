//go:build race

package apptest

func init() { buildFlags = append(buildFlags, "-race") }
