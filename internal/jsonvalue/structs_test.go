package jsonvalue_test

import (
	"database/sql"
	"encoding/json"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/docslogin/docslogin/internal/jsonvalue"
)

//lint:file-ignore SA5008 encoding/json ignores what does not apply in these tags

// text is bytes, which encoding/json would write as base64. It causes a struct to be converted.
type text = []byte

type base struct {
	ID     int
	Hidden string
	Twice  string
	Bytes  text
}

// Base has a field that another embedded struct has, too.
type Base struct {
	Twice  string
	Named  string `json:"named"`
	Tagged string `json:"Both"`
}

// Tagged is embedded under a name.
type Tagged struct{ A, B int }

type other struct {
	Named string `json:"named"`
	Both  string
	Deep
}

// Deep contains itself.
type Deep struct {
	*Deep
	Hidden int
	Depth  int
}

type account struct {
	base
	*Base
	other
	sync.Mutex
	Tagged  `json:"tagged"`
	Hidden  bool
	private text
	Skipped time.Duration `json:"-"`
	Dash    int           `json:"-,"`
	Renamed *int          `json:"renamed"`
	Any     any
	Named   base `json:"base"`
	Zero    struct {
		Time time.Time `json:",omitzero"`
		Int  int       `json:",omitzero"`
		Set  int       `json:",omitzero"`
		Big  big.Int   `json:",omitzero"`
		B    text
	}
	Empty struct {
		Text     string         `json:",omitempty"`
		List     []int          `json:",omitempty"`
		Map      map[string]int `json:"m,omitempty"`
		Bool     bool           `json:",omitempty"`
		Pointer  *time.Duration `json:",omitempty"`
		Any      any            `json:",omitempty"`
		Duration time.Duration  `json:",omitempty"`
		Struct   base           `json:",omitempty"`
		Array    [1]int         `json:",omitempty"`
		Set      []int          `json:",omitempty"`
	}
	Quoted struct {
		Int     int         `json:",string"`
		Pointer *int        `json:",string"`
		Text    string      `json:",string"`
		Bool    bool        `json:",string"`
		Number  json.Number `json:",string"`
		List    []int       `json:",string"`
		Octet   octet       `json:",string"`
		Month   time.Month  `json:"month,omitempty,string"`
		Time    time.Time   `json:",string"`
		B       text
	}
}

// The JSON of a converted struct is that of encoding/json, except for what had to change.
func TestStructsKeepTheirFields(t *testing.T) {
	one := 1
	for name, value := range map[string]*account{
		"with little": {},
		"with much": {
			base: base{ID: 7, Hidden: "hidden", Bytes: text("pro")}, Base: &Base{Twice: "a", Named: "b", Tagged: "c"}, other: other{Named: "c", Deep: Deep{Depth: 3, Deep: &Deep{Depth: 4}}},
			Hidden: true, private: text("private"), Skipped: time.Hour, Dash: 1, Renamed: &one, Any: base{ID: 8}, Named: base{ID: 9},
		},
	} {
		t.Run(name, func(t *testing.T) {
			value.Zero.Time = time.Time{}.In(time.FixedZone("", 0)) // which is zero only by its IsZero
			value.Zero.Set, value.Zero.B, value.Empty.Set, value.Quoted.Number, value.Quoted.Month = 5, text("pro"), []int{1}, "5", time.May
			value.Quoted.List, value.Quoted.Text, value.Quoted.B, value.Quoted.Pointer = []int{1}, `a"b`, text("pro"), &one
			encoded, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			got, want := object{}, object{}
			if err := json.Unmarshal([]byte(jsonOf(t, value)), &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(encoded, &want); err != nil {
				t.Fatal(err)
			}
			adjust(want)
			gotText, _ := json.Marshal(got)
			if wantText, _ := json.Marshal(want); string(gotText) != string(wantText) {
				t.Errorf("got\n     %s\nwant %s", gotText, wantText)
			}
		})
	}
}

// adjust changes what encoding/json writes to what is sent: bytes as text, and nothing instead of a
// nil pointer, nil bytes, or a time that is not set.
func adjust(value any) {
	members, _ := value.(object)
	for name, member := range members {
		adjust(member)
		if member == "cHJv" {
			members[name] = "pro"
		}
		if member == nil && name != "Any" || member == "0001-01-01T00:00:00Z" {
			delete(members, name)
		}
	}
}

func TestStructs(t *testing.T) {
	type plan struct {
		Name  sql.NullString `json:"name"`
		Until sql.NullTime   `json:"until,omitzero"`
		Note  *string        `json:"note"`
		Seats int            `json:"seats"`
	}
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"a row of a database", plan{Name: sql.NullString{String: "pro", Valid: true}, Seats: 7}, `{"name":"pro","seats":7}`},
		{"a row with a time", &plan{Until: sql.NullTime{Time: noon, Valid: true}}, `{"seats":0,"until":"2026-11-27T12:00:00.000000005Z"}`},
		{"rows", []plan{{Seats: 1}, {Seats: 2}}, `[{"seats":1},{"seats":2}]`},
		{"an embedded mutex", &struct {
			sync.Mutex
			A int
		}{A: 1}, `{"A":1}`},
		{"an embedded value", struct{ sql.NullString }{sql.NullString{String: "pro", Valid: true}}, `"pro"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := jsonOf(t, tt.value); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestFieldsThatATagOmits(t *testing.T) {
	value := struct {
		A time.Duration  `json:",omitempty"`
		B time.Duration  `json:",omitzero"`
		C *time.Duration `json:",omitempty"`
		D chan int       `json:"-"`
		E sync.Map       `json:"-"`
		F int
	}{}
	if got := jsonOf(t, &value); got != `{"F":0}` {
		t.Error(got)
	}
	value.B = 1
	if _, err := jsonvalue.Copy(&value); err == nil {
		t.Error("a duration was sent")
	}
}
