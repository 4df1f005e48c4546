package deeplink_test

import (
	"slices"
	"testing"

	"github.com/docslogin/docslogin/internal/deeplink"
)

func TestParams(t *testing.T) {
	for _, tt := range []struct{ name, query, want string }{
		{"absent", "a=1", ""},
		{"decoded once", "redirect=%2Fa%3Fb%3D%2520", "/a?b=%20"},
		{"a plus is a blank", "redirect=/a+b", "/a b"},
		{"the first of two", "x=1&redirect=/a&redirect=/b", "/a"},
		{"an escaped name", "%72edirect=/a", "/a"},
		{"without a value", "redirect", ""},
		{"what does not decode stays", "redirect=/a?b=100%", "/a?b=100%"},
		{"what is around it is decoded", "redirect=%2Fa%3Fb=%2x+%&c", "/a?b=%2x %"},
		{"an escape at the end, after a broken one", "redirect=%zz%41", "%zzA"},
		{"an escape that is cut off", "redirect=%2Fa%2", "/a%2"},
		{"hexadecimal digits in both cases", "redirect=%2f%2F%c3%BC", "//ü"},
		{"characters next to the hexadecimal digits in ASCII", "redirect=%2/%2:%2@%2G%2\x60%2g%/2%:2%@2%G2%\x602%g2", "%2/%2:%2@%2G%2`%2g%/2%:2%@2%G2%`2%g2"},
		{"an escaped percent sign before two digits", "redirect=%252F", "%2F"},
		{"a name in which everything is escaped", "%72%65%64%69%72%65%63%74=/a", "/a"},
		{"a longer name", "redirects=/a", ""},
		{"a broken escape next to letters beyond ASCII", "redirect=%zz%C3%BCü", "%zzüü"},
		{"a semicolon is not a separator", "redirect=/a;b", "/a;b"},
		{"cut at its first & if it arrived unencoded", "redirect=/a?b=1&c=2", "/a?b=1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := deeplink.AppendParams(nil, tt.query, map[string]bool{"redirect": true}, "").Get("redirect"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestParamsWithAnUnescapedLink(t *testing.T) {
	for _, tt := range []struct {
		name, query string
		want        deeplink.Params
	}{
		{"the rest of the query, not decoded", "to=/a?b=%20&c=+%zz&to=/x&lang=de", deeplink.Params{{"to", "/a?b=%20&c=+%zz&to=/x&lang=de"}}},
		{"nothing after it", "to=/a", deeplink.Params{{"to", "/a"}}},
		{"an & after it", "to=/a&", deeplink.Params{{"to", "/a&"}}},
		{"parameters before it", "lang=d%65&to=/a&lang=en", deeplink.Params{{"lang", "de"}, {"to", "/a&lang=en"}}},
		{"an escaped name", "t%6F=/a&b", deeplink.Params{{"to", "/a&b"}}},
		{"an absolute URL", "to=HTTPS://a.example/b&c", deeplink.Params{{"to", "HTTPS://a.example/b&c"}}},
		{"a scheme with every kind of character", "to=x1+-.://b&c", deeplink.Params{{"to", "x1+-.://b&c"}}},
		{"a link that is escaped", "to=%2Fa%3Fb%26c%2520&lang=de", deeplink.Params{{"to", "/a?b&c%20"}, {"lang", "de"}}},
		{"an escaped URL", "to=https%3A%2F%2Fa.example&lang=de", deeplink.Params{{"to", "https://a.example"}, {"lang", "de"}}},
		{"an escaped link with an unescaped URL in it", "to=%2Fa?u=http://b&lang=de", deeplink.Params{{"to", "/a?u=http://b"}, {"lang", "de"}}},
		{"neither a path nor a URL", "to=a%20b&lang=de", deeplink.Params{{"to", "a b"}, {"lang", "de"}}},
		{"a second one, which is not read", "to=&to=/a&lang=de", deeplink.Params{{"to", ""}, {"lang", "de"}}},
		{"a parameter without a name", "=/a&to=/b", deeplink.Params{{"to", "/b"}}},
		{"another parameter with a path", "lang=/a&to=/b", deeplink.Params{{"lang", "/a"}, {"to", "/b"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := deeplink.AppendParams(nil, tt.query, map[string]bool{"to": true, "lang": true}, "to")
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestOtherParametersAndOtherValuesAreNotKept(t *testing.T) {
	got := deeplink.AppendParams(nil, "a=1&%62=2&redirect=/a&&x=3&b=4", map[string]bool{"b": true, "redirect": true}, "")
	if want := (deeplink.Params{{"b", "2"}, {"redirect", "/a"}}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAParameterWithoutANameIsNotRaw(t *testing.T) {
	got := deeplink.AppendParams(nil, "=/x&lang=de", map[string]bool{"": true, "lang": true}, "")
	if want := (deeplink.Params{{"", "/x"}, {"lang", "de"}}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHas(t *testing.T) {
	params := deeplink.AppendParams(nil, "redirect=&lang=de", map[string]bool{"redirect": true, "lang": true, "v": true}, "")
	if !params.Has("redirect") || !params.Has("lang") || params.Has("v") {
		t.Errorf("%q", params)
	}
}
