package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin/e2e/internal/judge"
)

var (
	shotsDir = flag.String("shots", "", "`folder` for screenshots of the error pages, the form's page, and the demo")
	loadTime = flag.Duration("load", 10*time.Second, "how long the test under load lasts")
)

// tools are the paths of the programs that the tests need.
var tools struct{ chromium, nginx string }

// programs is the folder of the programs that build builds.
var programs string

// build builds a program of the library's module and returns its path.
func build(folder string) (path string, err error) {
	path = filepath.Join(programs, filepath.Base(folder))
	if out, err := exec.Command("go", "build", "-o", path, "github.com/docslogin/docslogin/"+folder).CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %v\n%s", folder, err, out)
	}
	return path, nil
}

func TestMain(m *testing.M) {
	flag.Parse()
	if missing := findTools(); missing != nil {
		fmt.Fprintf(os.Stderr, "e2e: missing: %s.\nRun e2e/setup, which installs them.\n", strings.Join(missing, ", "))
		os.Exit(1)
	}
	var err error
	if programs, err = os.MkdirTemp("", "e2e"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	node.Stop()
	stopChromium()
	os.RemoveAll(programs)
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
	tools.chromium = find("chromium (Debian's package)", "chromium", "chromium-browser", "google-chrome")
	tools.nginx = find("nginx (Debian's package)", "nginx", "/usr/sbin/nginx")
	find("ssh-keygen (Debian's package openssh-client)", "ssh-keygen")
	find("dash (Debian's package)", "dash")
	return append(missing, judge.Missing("@edge-runtime/cookies", "dotenv", "jose", "jsonwebtoken", "tough-cookie", "@angular/service-worker", "workbox-core", "workbox-routing", "workbox-strategies")...)
}
