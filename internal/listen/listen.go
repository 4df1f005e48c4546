// Package listen opens the ports of programs whose address is a flag.
package listen

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// On listens at the address that a flag such as -listen sets. The error says what to do with the flag.
// It does not repeat a text that is not an address.
func On(address, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	for cause, is := range map[error]string{
		syscall.EADDRINUSE:    "is in use",
		syscall.EACCES:        "is not allowed for this user",
		syscall.EADDRNOTAVAIL: "does not belong to this machine",
	} {
		if errors.Is(err, cause) {
			return nil, fmt.Errorf("the address %s %s; choose another with %s, such as %[3]s 127.0.0.1:0", address, is, flag)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s must be an address at which this machine can listen, such as 127.0.0.1:8080, or 127.0.0.1:0 for a free port", flag)
	}
	return l, nil
}
