package docslogintest

import (
	"strconv"
	"time"

	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewZendesk starts a help center that logs readers in as Zendesk does. A form posts the token to
// /access/jwt in the field jwt, and the deep link in return_to. Each jti is accepted only once.
//
// The login URL has the parameters brand_id, locale_id, and timestamp, which must come back in the
// query of the form's action. The site rejects a different value. A missing parameter is only a
// note, because a login that starts at the app has none of them. The site explains errors on a
// page; Zendesk sends them to the remote logout URL.
func NewZendesk(opts ...Option) *Site { return start(zendesk(), opts) }

func zendesk() spec {
	return spec{
		label:    "Zendesk-like help center",
		layout:   "bar",
		hue:      180,
		rules:    rules.Zendesk(),
		deepLink: asPath,
		echo: map[string]string{
			"brand_id":  "360001",
			"locale_id": "1",
			"timestamp": strconv.FormatInt(time.Now().Unix(), 10),
		},
		singleUse: true,
		preset:    platforms.Zendesk,
		reader:    personReader,
	}
}
