package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// connections is the number of users who log in at the same time, each again and again.
const connections = 32

// load is the result of putting a server under load.
type load struct {
	perSecond float64
	p99       time.Duration
}

// load puts the server under load for d.
func (a *app) load(d time.Duration) (load, error) {
	var users []*connection
	for range connections {
		c, err := a.connect(time.Now().Add(d + 20*time.Second))
		if err != nil {
			return load{}, err
		}
		defer c.Close()
		users = append(users, c)
	}
	latencies, errs := make([][]float64, connections), make([]error, connections)
	var busy sync.WaitGroup
	start := time.Now()
	for i, c := range users {
		busy.Go(func() {
			for sent := start; sent.Sub(start) < d; {
				if _, errs[i] = c.login(); errs[i] != nil {
					return
				}
				now := time.Now()
				latencies[i] = append(latencies[i], float64(now.Sub(sent)))
				sent = now
			}
		})
	}
	busy.Wait()
	took := time.Since(start)
	if err := errors.Join(errs...); err != nil {
		return load{}, err
	}
	var all []float64
	for _, l := range latencies {
		all = append(all, l...)
	}
	return load{float64(len(all)) / took.Seconds(), time.Duration(quantile(all, 0.99))}, nil
}

// connection is a connection that stays open for many logins.
type connection struct {
	net.Conn
	responses *bufio.Reader
	request   []byte
}

func (a *app) connect(deadline time.Time) (*connection, error) {
	host := strings.TrimPrefix(a.url, "http://")
	c, err := net.DialTimeout("tcp", host, 10*time.Second)
	if err != nil {
		return nil, err
	}
	if err := c.SetDeadline(deadline); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &connection{c, bufio.NewReader(c), fmt.Appendf(nil, browserRequest, login, host, a.cookie)}, nil
}

// browserRequest is the request that Chromium sends when a user follows a link in the docs.
var browserRequest = strings.ReplaceAll(`GET %s HTTP/1.1
Host: %s
Connection: keep-alive
Upgrade-Insecure-Requests: 1
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8
Sec-Fetch-Site: cross-site
Sec-Fetch-Mode: navigate
Sec-Fetch-User: ?1
Sec-Fetch-Dest: document
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-US,en;q=0.9
Cookie: %s

`, "\n", "\r\n")

var get = &http.Request{Method: http.MethodGet}

// login logs in and returns the Location.
func (c *connection) login() (string, error) {
	if _, err := c.Write(c.request); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(c.responses, get)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return "", err
	}
	location := resp.Header.Get("Location")
	if resp.StatusCode != http.StatusFound || !strings.HasPrefix(location, docsURL) || !tokenIn.MatchString(location) {
		return "", fmt.Errorf("the server responds with %s instead of a 302 to the docs with a token", resp.Status)
	}
	return location, nil
}
