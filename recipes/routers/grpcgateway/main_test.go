package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/docslogin/docslogin"
	"github.com/docslogin/docslogin/recipes/internal/app"
	"github.com/docslogin/docslogin/recipes/internal/apptest"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func TestRecipe(t *testing.T) {
	v := apptest.Try(t, newHandler)
	if code, text := get(t, v, "", ""); code != http.StatusOK || text != `"ada@example.com"` {
		t.Errorf("the service takes the visitor for %s: %d", text, code)
	}
}

func TestOnlyTheSessionSaysWhoAsks(t *testing.T) {
	v := apptest.Serve(t, newHandler)
	for _, test := range []struct{ who, header, value string }{
		{"a stranger", "", ""},
		{"who claims a session", "Grpc-Metadata-Session-Email", "ada@example.com"},
		{"who claims it in small letters", "grpc-metadata-session-email", "ada@example.com"},
		{"who sends a cookie of his own", "Cookie", "session=ada@example.com"},
	} {
		if code, text := get(t, v, test.header, test.value); code != http.StatusUnauthorized {
			t.Errorf("%s is taken for %s: %d", test.who, text, code)
		}
	}
	v.Visitor.SignIn(t, v.Visitor.Open(t, v.AppURL+"/sign-in"), v.Site.URL)
	if code, text := get(t, v, "Grpc-Metadata-Session-Email", "eve@example.com"); code != http.StatusOK || text != `"ada@example.com"` {
		t.Errorf("a signed-in user who claims another session is taken for %s: %d", text, code)
	}
}

func TestTheGatewaysOtherMetadata(t *testing.T) {
	for header, want := range map[string]string{
		"Grpc-Metadata-Tenant":         "Tenant",
		"User-Agent":                   "grpcgateway-User-Agent",
		"Grpc-Metadata-Session-Outage": "",
		"Cookie":                       "",
	} {
		if key, ok := passOn(header); key != want || ok != (want != "") {
			t.Errorf("the header %s becomes the metadata %q, %v", header, key, ok)
		}
	}
}

func TestAnOutageIsNoSignOut(t *testing.T) {
	annotate := whoAsks(func(*http.Request) (*docslogin.User, error) { return nil, errors.New("dial 10.1.2.3: refused") })
	md := annotate(t.Context(), &http.Request{})
	_, err := me(metadata.NewIncomingContext(t.Context(), md), nil)
	if status.Code(err) != codes.Unavailable {
		t.Errorf("while sessions cannot be read, an RPC is told %v", err)
	}
}

func get(t *testing.T, v *apptest.Visit, header, value string) (code int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.AppURL+"/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != "" {
		req.Header[header] = []string{value} // as it is written
	}
	resp, err := v.Visitor.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// The trap: the gateway answers for the login route, unless docs.Wrap is around it.
func TestRouteInTheGateway(t *testing.T) {
	for _, test := range []struct {
		what      string
		add       func(gateway *runtime.ServeMux, docs *docslogin.Middleware) error
		get, head int
	}{
		{"docslogin around the gateway", nil, http.StatusFound, http.StatusMethodNotAllowed},
		{"no route", func(*runtime.ServeMux, *docslogin.Middleware) error { return nil }, http.StatusNotFound, http.StatusNotFound},
		{"a route for GET", func(gateway *runtime.ServeMux, docs *docslogin.Middleware) error {
			return gateway.HandlePath(http.MethodGet, docs.Path(), func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
				docs.ServeHTTP(w, r)
			})
		}, http.StatusFound, http.StatusNotImplemented},
	} {
		v := apptest.Serve(t, func(env app.Env) (http.Handler, error) {
			docs, err := docslogin.New(app.SignedIn, env.Platform, app.SignInPage)
			if err != nil {
				return nil, err
			}
			gateway := runtime.NewServeMux()
			if test.add == nil {
				return docs.Wrap(gateway), nil
			}
			return gateway, test.add(gateway, docs)
		})
		client := *v.Visitor.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for method, want := range map[string]int{http.MethodGet: test.get, http.MethodHead: test.head} {
			req, err := http.NewRequestWithContext(context.Background(), method, v.AppURL+"/docs-login", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s: %s is answered with %s, not %d", test.what, method, resp.Status, want)
			}
		}
	}
}

// A lookup reports nobody in two ways.
func TestANilUserIsNobody(t *testing.T) {
	annotate := whoAsks(func(*http.Request) (*docslogin.User, error) { return nil, nil })
	if md := annotate(t.Context(), &http.Request{}); len(md) != 0 {
		t.Errorf("nobody has the metadata %v", md)
	}
}
