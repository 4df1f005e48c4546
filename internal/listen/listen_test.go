package listen_test

import (
	"net"
	"strings"
	"testing"

	"github.com/docslogin/docslogin/internal/listen"
)

func TestOn(t *testing.T) {
	l, err := listen.On("127.0.0.1:0", "-listen")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if ip := l.Addr().(*net.TCPAddr).IP.String(); ip != "127.0.0.1" {
		t.Errorf("it listens at %s", ip)
	}
}

func TestTheErrorNamesTheFlag(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const other = "; choose another with -listen, such as -listen 127.0.0.1:0"
	const invalid = "-listen must be an address at which this machine can listen, such as 127.0.0.1:8080, or 127.0.0.1:0 for a free port"
	for _, test := range []struct{ name, address, want string }{
		{"a port in use", taken.Addr().String(), "the address " + taken.Addr().String() + " is in use" + other},
		{"an address of another machine", "192.0.2.1:8080", "the address 192.0.2.1:8080 does not belong to this machine" + other},
		{"no port", "hunter2", invalid},
		{"a port that is not one", "127.0.0.1:hunter2", invalid},
		{"a port that is too large", "127.0.0.1:88080", invalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, err := listen.On(test.address, "-listen")
			if err == nil {
				l.Close()
				t.Fatal("no error")
			}
			if err.Error() != test.want || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %q, want %q", err, test.want)
			}
		})
	}
}
