package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	shotsDir = flag.String("shots", "", "`folder` for screenshots of the error pages, the form's page, and the demo")
	loadTime = flag.Duration("load", 30*time.Second, "how long the test under load lasts")
)

// tools are the paths of the programs that the tests need.
var tools struct{ node, chromium, nginx string }

func TestMain(m *testing.M) {
	flag.Parse()
	if missing := findTools(); missing != nil {
		fmt.Fprintf(os.Stderr, "e2e: missing: %s.\nRun e2e/setup, which installs them.\n", strings.Join(missing, ", "))
		os.Exit(1)
	}
	status := m.Run()
	stopJudge()
	stopChromium()
	os.Exit(status)
}

// findTools finds the tools and returns the names of those that are missing.
func findTools() (missing []string) {
	find := func(what string, names ...string) string {
		for _, name := range names {
			if path, err := exec.LookPath(name); err == nil {
				return path
			}
		}
		missing = append(missing, what)
		return ""
	}
	const node = "node (Node.js 20 or newer)"
	tools.node = find(node, "node")
	if version, err := exec.Command("node", "--version").Output(); err == nil {
		number, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), ".")
		if major, err := strconv.Atoi(number); err != nil || major < 20 {
			missing = append(missing, fmt.Sprintf("%s, not %s", node, strings.TrimSpace(string(version))))
		}
	}
	tools.chromium = find("chromium (Debian's package)", "chromium", "chromium-browser", "google-chrome")
	tools.nginx = find("nginx (Debian's package)", "nginx", "/usr/sbin/nginx")
	for _, library := range []string{"jose", "jsonwebtoken"} {
		if _, err := os.Stat(filepath.Join("node_modules", library, "package.json")); err != nil {
			missing = append(missing, library+" (npm's package)")
		}
	}
	return missing
}
