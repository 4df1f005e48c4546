//go:build race

package testkit

func init() { RaceDetector = true }
