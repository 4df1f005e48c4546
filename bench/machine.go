package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// describeMachine returns the lines above the table, with the machine and all versions.
func describeMachine() (string, error) {
	cpu, err := find("/proc/cpuinfo", `(?m)^model name\s*: (.+)$`)
	if err != nil {
		cpu = runtime.GOARCH // some processors have no name there
	}
	system, systemErr := find("/etc/os-release", `(?m)^PRETTY_NAME="?([^"\n]+)"?$`)
	kernel, kernelErr := find("/proc/sys/kernel/osrelease", `(.+)`)
	peers, peersErr := goPeers()
	packages, packagesErr := npmPackages()
	node, nodeErr := exec.Command("node", "--version").Output()
	if nodeErr != nil {
		nodeErr = fmt.Errorf("node is missing; install Node.js 20 or newer: %w", nodeErr)
	}
	return fmt.Sprintf("%s, %d cores, %s, Linux %s, %s\n%s, %s\nNode %s, %s\n",
		cpu, runtime.NumCPU(), system, kernel, time.Now().Format(time.DateOnly),
		runtime.Version(), peers, strings.TrimSpace(string(node)), packages,
	), errors.Join(systemErr, kernelErr, peersErr, packagesErr, nodeErr)
}

// find returns what the pattern's group matches in a file.
func find(file, pattern string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	match := regexp.MustCompile(pattern).FindSubmatch(text)
	if match == nil {
		return "", fmt.Errorf("%s has no match for %s", file, pattern)
	}
	return string(match[1]), nil
}

// goPeers returns the names and versions of the modules in this program.
func goPeers() (string, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", errors.New("this program was built without module support")
	}
	var peers []string
	for _, module := range info.Deps {
		if module.Replace == nil { // docslogin itself is replaced
			peers = append(peers, strings.TrimPrefix(module.Path, "github.com/")+" "+module.Version)
		}
	}
	return strings.Join(peers, ", "), nil
}

// npmPackages returns the names and versions of the npm packages.
func npmPackages() (string, error) {
	var lock struct {
		Packages map[string]struct {
			Version      string
			Dependencies map[string]string
		}
	}
	text, err := os.ReadFile("package-lock.json")
	if err != nil {
		return "", fmt.Errorf("bench must run in its own directory: %w", err)
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return "", fmt.Errorf("package-lock.json: %w", err)
	}
	var packages []string
	for _, name := range []string{"express", "cookie-session", "jsonwebtoken", "jose"} {
		if _, err := os.Stat("node_modules/" + name); err != nil {
			return "", fmt.Errorf("the npm package %s is missing; run ./setup", name)
		}
		packages = append(packages, name+" "+lock.Packages["node_modules/"+name].Version)
	}
	return strings.Join(packages, ", "), nil
}
