package docslogintest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/docslogin/docslogin/docslogintest"
)

func init() {
	expected["gitbook"] = expectation{
		deepLink: "location=changelog", toPage: true, ends: true,
		shows: "Hello, Ada &lt;script&gt;.;<dd>ada@example.com;<dt>plan</dt><dd>pro</dd>",
	}
	expected["gitbook-adaptive"] = expectation{
		deepLink: "location=changelog", cookie: true, ends: true,
		shows: "Hello, Ada &lt;script&gt;.;<dd>ada@example.com;<dt>plan</dt><dd>pro</dd>",
	}
}

func TestGitBookSaysWhyItRejects(t *testing.T) {
	checkRejections(t, docslogintest.NewGitBook, []rejectionTest{
		{"a session that has ended", nil, late(2 * time.Hour), "exp", "in the past"},
	})
}

// Login tries again only if an old cookie was rejected.
func TestLoginReturnsTheRejectionOfATokenInThePagesURL(t *testing.T) {
	site := docslogintest.NewGitBook()
	defer site.Close()
	_, err := site.Login(visitor(t, newApp(t, site, site.Platform(), ada)), "/quickstart?jwt_token=x")
	checkRejection(t, err, "GitBook", "form", "does not have three parts")
}

func TestGitBookRejectsParametersThatItWouldMisread(t *testing.T) {
	for _, test := range []struct{ name, query, rule string }{
		{"another token", "access_token=x", "access_token"},
		{"another token after other parameters", "lang=go&access_token=%zz", "access_token"},
		{"another token without a value", "access_token", "access_token"},
		{"another token under an escaped name", "%61ccess_token=x", "access_token"},
		{"an unsigned claim", "visitor.plan=enterprise", "visitor.…"},
		{"an unsigned claim under an escaped name", "visitor%2Eplan=enterprise", "visitor.…"},
		{"an unsigned claim with an invalid escape", "%76isitor.plan%zz=enterprise", "visitor.…"},
		{"both", "visitor.plan=enterprise&access_token=x", "access_token"},
		{"similar names", "visitor=a&my_access_token=b&access_tokens=c&Visitor.plan=d&q=access_token", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := docslogintest.NewGitBook()
			defer site.Close()
			lax := site.Platform()
			lax.DeepLink.Drop = []string{"jwt_token"}
			page := "/quickstart?" + test.query
			login, err := site.Login(visitor(t, newApp(t, site, lax, ada)), page)
			if test.rule == "" {
				if err != nil || login.Page != page {
					t.Errorf("login: %+v, %v", login, err)
				}
			} else {
				checkRejection(t, err, "GitBook", test.rule, "came with the token, and GitBook would take it ")
				var rejection *docslogintest.Rejection
				if errors.As(err, &rejection); !strings.Contains(rejection.Fix, "DeepLink.Drop") {
					t.Errorf("fix: %s", rejection.Fix)
				}
			}

			// The preset removes all of them from the deep link.
			if _, err = site.Login(visitor(t, newApp(t, site, site.Platform(), ada)), page); err != nil {
				t.Errorf("with the preset: %v", err)
			}
		})
	}
}
