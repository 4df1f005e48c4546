package jsonvalue_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"iter"
	"math"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/docslogin/docslogin/internal/jsonvalue"
)

// Types like those of common packages.
type (
	bareUUID   [16]byte              // without methods
	textUUID   [16]byte              // like google/uuid
	jsonColumn []byte                // like gorm's datatypes.JSON
	pgText     struct{ Text string } // like pgtype.Text: its own JSON, and NULL
	interval   struct{ Days int32 }  // like pgtype.Interval: no JSON of its own
	textArray  []string              // like pq.StringArray
	hstore     map[string]*string    // like pgtype.Hstore
	bytesArray [2]byte               // a Valuer of bytes
	status     int                   // an enumeration that the database stores as text
	level      int                   // an enumeration that only prints as text
	pointerOne struct{ text string } // all its methods have pointer receivers
	broken     struct{ A int }       // a Valuer that fails
	panicking  struct{ A int }       // a Valuer that panics
	endless    struct{ A int }       // a Valuer that returns itself
	brokenJSON struct{ A int }       // a Valuer whose own JSON fails
	octet      byte                  // encodes itself
	pathError  struct{ Op, Path string }
	loop       *loop
	message    struct{ Seconds int64 } // like protobuf's Timestamp
)

func (u textUUID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, u[:]), nil }
func (u textUUID) Value() (driver.Value, error) { return u[:], nil }

func (j jsonColumn) MarshalJSON() ([]byte, error) { return json.RawMessage(j).MarshalJSON() }
func (j jsonColumn) Value() (driver.Value, error) { return string(j), nil }

func (t pgText) MarshalJSON() ([]byte, error) {
	if t.Text == "" {
		return []byte("null"), nil
	}
	return json.Marshal(t.Text)
}
func (t pgText) Value() (driver.Value, error) { return "as the database has it", nil }

func (i interval) Value() (driver.Value, error)   { return fmt.Sprintf("%d days", i.Days), nil }
func (a textArray) Value() (driver.Value, error)  { return "{" + strings.Join(a, ",") + "}", nil }
func (h hstore) Value() (driver.Value, error)     { return `"a"=>"b"`, nil }
func (b bytesArray) Value() (driver.Value, error) { return string(b[:]), nil }
func (s status) Value() (driver.Value, error)     { return []byte("active"), nil }
func (l level) String() string                    { return "admin" }
func (o octet) MarshalText() ([]byte, error)      { return []byte("octet"), nil }
func (e pathError) Error() string                 { return "secret" }

func (p *pointerOne) Value() (driver.Value, error) { return p.text, nil }

func (broken) Value() (driver.Value, error)     { return nil, errors.New("secret") }
func (panicking) Value() (driver.Value, error)  { panic("secret") }
func (e endless) Value() (driver.Value, error)  { return e, nil }
func (brokenJSON) Value() (driver.Value, error) { return "x", nil }
func (brokenJSON) MarshalJSON() ([]byte, error) { return nil, errors.New("secret") }
func valid[T any](v T) sql.Null[T]              { return sql.Null[T]{V: v, Valid: true} }
func raw(text string) sql.RawBytes              { return sql.RawBytes(text) }
func ptr[T any](v T) *T                         { return &v }
func sequence() iter.Seq[int]                   { return func(func(int) bool) {} }

func (*message) ProtoMessage() {}

type object = map[string]any

var noon = time.Date(2026, 11, 27, 12, 0, 0, 5, time.UTC)

const unset = "unset"

// jsonOf returns the JSON that docs get for a value, or unset.
func jsonOf(t *testing.T, value any) string {
	t.Helper()
	sent, changed, err := jsonvalue.Convert(value)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := jsonvalue.Copy(value)
	if err != nil {
		t.Fatal(err)
	}
	if sent == nil && changed {
		if copied != nil {
			t.Errorf("the copy is %v", copied)
		}
		return unset
	}
	text, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	if of, _ := json.Marshal(copied); string(of) != compact(t, text) {
		t.Errorf("the copy's JSON is %s, not %s", of, text)
	}
	return string(text)
}

// compact returns a JSON text with the names of objects in order.
func compact(t *testing.T, text []byte) string {
	t.Helper()
	var value any
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		t.Fatal(err)
	}
	sorted, _ := json.Marshal(value)
	return string(sorted)
}

func TestValuesThatAreConverted(t *testing.T) {
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"text as bytes", []byte("pro"), `"pro"`},
		{"text of several lines as bytes", []byte("größe\r\n\tß"), `"größe\r\n\tß"`},
		{"no bytes", []byte{}, `""`},
		{"a column as raw bytes", raw("pro"), `"pro"`},
		{"a pointer to bytes", ptr([]byte("pro")), `"pro"`},
		{"a string", sql.NullString{String: "pro", Valid: true}, `"pro"`},
		{"a pointer to a string", &sql.NullString{String: "pro", Valid: true}, `"pro"`},
		{"an int64", sql.NullInt64{Int64: math.MaxInt64, Valid: true}, "9223372036854775807"},
		{"a byte", sql.NullByte{Byte: 7, Valid: true}, "7"},
		{"a bool", sql.NullBool{Valid: true}, "false"},
		{"a float", sql.NullFloat64{Float64: 1.5, Valid: true}, "1.5"},
		{"a time", sql.NullTime{Time: noon, Valid: true}, `"2026-11-27T12:00:00.000000005Z"`},
		{"a value of any type", valid([]byte("pro")), `"pro"`},
		{"a list of any type", valid([]int{1}), "[1]"},
		{"a value in a value", valid(sql.NullString{String: "pro", Valid: true}), `"pro"`},
		{"a value without JSON of its own", interval{3}, `"3 days"`},
		{"an enumeration that the database has as text", status(1), `"active"`},
		{"an array of bytes that the database has as text", bytesArray{'a', 'b'}, `"ab"`},
		{"no list, but a value of it", valid([]int(nil)), unset},
		{"a value whose methods need a pointer", pointerOne{"pro"}, `"pro"`},
		{"a number whose methods need a pointer", *big.NewInt(7), "7"},
		{"such numbers in a map", map[string]big.Int{"a": *big.NewInt(7)}, `{"a":7}`},
		{"such numbers in an array", [1]big.Int{*big.NewInt(7)}, "[7]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := jsonOf(t, tt.value); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestValuesThatAreNotSet(t *testing.T) {
	for name, value := range map[string]any{
		"a NULL string": sql.NullString{String: "old"}, "a NULL time": sql.NullTime{}, "a NULL of any type": sql.Null[int]{V: 7},
		"a pointer to a NULL": &sql.NullString{}, "NULL in a value": valid(sql.NullString{}), "nil bytes in a value": valid([]byte(nil)),
		"a nil pointer": (*string)(nil), "a nil pointer to a Valuer": (*sql.NullString)(nil), "a nil pointer to a duration": (*time.Duration)(nil),
		"a pointer to a nil pointer": ptr((*string)(nil)), "a nil pointer to a value with its own JSON": (*big.Int)(nil),
		"nil bytes": []byte(nil), "nil raw bytes": sql.RawBytes(nil), "a nil list": []int(nil), "a nil list of strings": []string(nil), "a nil map": map[string]int(nil), "a nil object": object(nil), "a nil header": http.Header(nil),
		"NULL with JSON of its own": pgText{}, "a pointer to NULL with JSON of its own": &pgText{}, "a NULL column of JSON": jsonColumn(nil),
		"a NULL array": textArray(nil), "a time that is not set": time.Time{}, "a pointer to one": &time.Time{}, "a pointer to one with a location": ptr(time.Time{}.In(time.FixedZone("", 3600))),
	} {
		if got := jsonOf(t, value); got != unset {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// The JSON of these values is what encoding/json makes of them.
func TestValuesThatStayAsTheyAre(t *testing.T) {
	for name, value := range map[string]any{
		"nil": nil, "a string": "pro", "a bool": true, "an int": -1, "an int8": int8(1), "a uint64": uint64(math.MaxUint64), "an int64": int64(math.MinInt64), "a uintptr": uintptr(1),
		"a float64": 0.1, "a float32": float32(0.1), "a number": json.Number("12345678901234567890"), "a time": noon, "a pointer to a time": &noon,
		"HTML": template.HTML("<b>"), "a month": time.May, "an enumeration that only prints as text": level(1), "a large number": big.NewInt(7), "a large fraction": big.NewFloat(1.5),
		"an address": netip.MustParseAddr("::1"), "no address": netip.Addr{}, "an IP": net.IPv4(127, 0, 0, 1), "JSON": json.RawMessage(`{"b":1,"a":[null]}`), "null": json.RawMessage("null"), "no JSON": json.RawMessage(nil),
		"a header": http.Header{"A": {"b", "c"}}, "a UUID with methods": textUUID{1}, "a column of JSON": jsonColumn(`{"a":1}`), "a value with its own JSON": pgText{"pro"}, "a pointer to it": &pgText{"pro"},
		"a database's array": textArray{"a", "b"}, "a database's map": hstore{"a": ptr("b")}, "an array that is a Valuer of octets": [2]octet{1, 2}, "octets": []octet{1, 2}, "strings": []string{"a"}, "no strings": []string{},
		"a list": []any{1, "x", nil, object{"a": nil}, []any{}}, "claims": struct{ A any }{object{"a": 1.5}}, "a pointer to an object": &object{"a": 1}, "lists": [][]string{{"a"}, {}},
		"a map of numbers": map[int]string{1: "a"}, "a map of addresses": map[netip.Addr]int{netip.MustParseAddr("::1"): 1}, "a map of strings": map[string]string{"a": "b"}, "a map of nothing": map[string]any{"a": nil},
		"nil interfaces": map[string]error{"a": nil}, "lists of nil interfaces": []fmt.Stringer{nil}, "a list of values with methods of their pointers": []big.Int{*big.NewInt(7)},
	} {
		sent, changed, err := jsonvalue.Convert(value)
		want, _ := json.Marshal(value)
		if got, _ := json.Marshal(sent); changed || err != nil || string(got) != string(want) {
			t.Errorf("%s: got %v, %v, %s, want %s", name, changed, err, got, want)
		}
		if copied, err := jsonvalue.Copy(value); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got, _ := json.Marshal(copied); string(got) != compact(t, want) {
			t.Errorf("%s: the copy's JSON is %s, want %s", name, got, want)
		}
	}
}

func TestNestedValues(t *testing.T) {
	null, pro := sql.NullString{}, sql.NullString{String: "pro", Valid: true}
	type named string
	type claims map[string]any
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"in an object", object{"plan": pro, "none": null, "nil": nil, "pointer": (*int)(nil), "id": 1}, `{"id":1,"nil":null,"plan":"pro"}`},
		{"in claims", claims{"plan": pro, "none": null}, `{"plan":"pro"}`},
		{"in a map of values", map[named]sql.NullString{"plan": pro, "none": null}, `{"plan":"pro"}`},
		{"in a map of addresses", map[netip.Addr]any{netip.MustParseAddr("::1"): []byte("a")}, `{"::1":"a"}`},
		{"in a map of numbers", map[int][]byte{1: []byte("a"), 2: nil}, `{"1":"a"}`},
		{"in a map, next to others", map[name]any{"a": []byte("a"), "b": 2, "c": nil}, `{"a":"a","b":2,"c":null}`},
		{"in a list", []any{1, pro, null, nil, (*int)(nil)}, `[1,"pro",null,null,null]`},
		{"in a list of values", []sql.NullString{pro, null}, `["pro",null]`},
		{"in an array", [2]any{pro, "x"}, `["pro","x"]`},
		{"in a list of pointers", []*sql.NullString{&pro, nil}, `["pro",null]`},
		{"in a list, next to values with methods of their pointers", []any{[]big.Int{*big.NewInt(7)}, []byte("a")}, `[[7],"a"]`},
		{"in an interface", []driver.Valuer{pro, null, nil}, `["pro",null,null]`},
		{"deep", object{"a": []any{claims{"b": &[]map[string]any{{"c": []byte("pro")}}}}}, `{"a":[{"b":[{"c":"pro"}]}]}`},
		{"in a value", valid(object{"a": []byte("pro")}), `{"a":"pro"}`},
		{"in a database's array", []textArray{{"a"}, nil}, `[["a"],null]`},
		{"in a database's map", hstore{"a": ptr("b"), "c": nil}, `{"a":"b"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := fmt.Sprintf("%#v", tt.value)
			if got := jsonOf(t, tt.value); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if after := fmt.Sprintf("%#v", tt.value); after != before {
				t.Errorf("the app's value was changed to %s", after)
			}
		})
	}
}

type name string

// The ends of error texts.
const (
	noJSON    = "cannot be written as JSON"
	notUTF8   = "is not valid UTF-8; convert it from its encoding"
	duration  = "would be sent as nanoseconds; pass d.String() or d.Seconds()"
	binary    = "is not text and would be sent as base64; pass a string, such as its hexadecimal form"
	byteArray = "would be sent as a list of numbers; pass a string, such as its hexadecimal form"
	isError   = "is an error, whose text would not be sent; pass err.Error()"
	noFields  = "would be sent as {}, because it has no exported fields; pass what the docs should show, such as a string"
)

// rejectedRow is a value, and the error.
type rejectedRow struct {
	value any
	want  string
}

func testRejected(t *testing.T, rows []rejectedRow) {
	t.Helper()
	for _, tt := range rows {
		t.Run(fmt.Sprintf("%T", tt.value), func(t *testing.T) {
			_, _, err := jsonvalue.Convert(tt.value)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if copied, copyErr := jsonvalue.Copy(tt.value); copied != nil || fmt.Sprint(copyErr) != fmt.Sprint(err) {
				t.Errorf("the copy is %v, %v", copied, copyErr)
			}
		})
	}
}

func TestValuesWithoutUsefulJSON(t *testing.T) {
	address, _ := url.Parse("https://user:secret@example.com/a")
	testRejected(t, []rejectedRow{

		{time.Hour, "a time.Duration, " + duration},
		{ptr(time.Hour), "a *time.Duration, " + duration},
		{valid(time.Hour), "a sql.Null[time.Duration], " + duration},
		{[]byte("\xff secret"), "a []uint8, " + binary},
		{"Ren\xe9", "a string, " + notUTF8},
		{template.HTML("Ren\xe9"), "a template.HTML, " + notUTF8},
		{[]string{"a", "Ren\xe9"}, "a []string, contains a string at [1], which " + notUTF8},
		{[]byte{1}, "a []uint8, " + binary},
		{[]byte("a\x7f"), "a []uint8, " + binary},
		{raw("\xff"), "a sql.RawBytes, " + binary},
		{net.HardwareAddr{0, 1, 2, 3, 4, 5}, "a net.HardwareAddr, " + binary},
		{bareUUID{'s'}, "a jsonvalue_test.bareUUID, " + byteArray},
		{&bareUUID{}, "a *jsonvalue_test.bareUUID, " + byteArray},
		{[4]byte{}, "a [4]uint8, " + byteArray},
		{func() {}, "a func(), " + noJSON},
		{(func())(nil), "a func(), " + noJSON},
		{sequence(), "a iter.Seq[int], " + noJSON},
		{make(chan int), "a chan int, " + noJSON},
		{1i, "a complex128, " + noJSON},
		{complex64(1i), "a complex64, " + noJSON},
		{unsafe.Pointer(nil), "a unsafe.Pointer, " + noJSON},
		{math.NaN(), "a float64, " + noJSON},
		{math.Inf(-1), "a float64, " + noJSON},
		{float32(math.Inf(1)), "a float32, " + noJSON},
		{sql.NullFloat64{Float64: math.NaN(), Valid: true}, "a sql.NullFloat64, " + noJSON},
		{*address, "a url.URL, would be sent as an object with its parts; pass u.String()"},
		{address, "a *url.URL, would be sent as an object with its parts; pass u.String()"},
		{errors.New("secret"), "a *errors.errorString, " + isError},
		{fmt.Errorf("secret: %w", context.Canceled), "a *fmt.wrapError, " + isError},
		{pathError{"secret", "secret"}, "a jsonvalue_test.pathError, " + isError},
		{&message{}, "a *jsonvalue_test.message, is a protobuf message, whose JSON only protojson writes; pass what the docs should show, or a json.RawMessage of it"},
		{struct{}{}, "a struct {}, " + noFields},
		{struct{ secret int }{1}, "a struct { secret int }, " + noFields},
		{struct {
			A int `json:"-"`
		}{1}, "a struct { A int \"json:\\\"-\\\"\" }, " + noFields},
		{&atomic.Int64{}, "a *atomic.Int64, " + noFields},
		{&sync.Map{}, "a *sync.Map, " + noFields},
		{reflect.ValueOf("secret"), "a reflect.Value, " + noFields},
		{time.UTC, "a *time.Location, " + noFields},
		{context.Background(), "a context.backgroundCtx, " + noFields},
		{broken{}, "a jsonvalue_test.broken, " + noJSON + ", because its method Value returns an error"},
		{panicking{}, "a jsonvalue_test.panicking, " + noJSON + ", because its method Value panics"},
		{endless{}, "a jsonvalue_test.endless, " + noJSON},
		{brokenJSON{}, "a jsonvalue_test.brokenJSON, " + noJSON},
	})
}

func TestNestedValuesWithoutUsefulJSON(t *testing.T) {
	testRejected(t, []rejectedRow{
		{object{"a": time.Hour}, `a map[string]interface {}, contains a time.Duration at […], which ` + duration},
		{[]any{1, object{"b c": []time.Duration{1}}}, `a []interface {}, contains a time.Duration at [1][…][0], which ` + duration},
		{map[name][]byte{"a": {0xff}}, `a map[jsonvalue_test.name][]uint8, contains a []uint8 at […], which ` + binary},
		{map[netip.Addr]func(){{}: nil}, `a map[netip.Addr]func(), contains a func() at […], which ` + noJSON},
		{map[string]struct{}{"admin": {}}, `a map[string]struct {}, contains a struct {} at […], which ` + noFields},
		{&struct{ Plan struct{ Ends *time.Duration } }{struct{ Ends *time.Duration }{ptr(time.Hour)}},
			`a *struct { Plan struct { Ends *time.Duration } }, contains a *time.Duration at .Plan.Ends, which ` + duration},
		{[]any{1, []error{nil, context.Canceled}}, `a []interface {}, contains a *errors.errorString at [1][1], which ` + isError},
		{&struct{ A []any }{[]any{ptr(time.Hour)}}, `a *struct { A []interface {} }, contains a *time.Duration at .A[0], which ` + duration},
		{struct{ A any }{time.Hour}, `a struct { A interface {} }, contains a time.Duration at .A, which ` + duration},
		{valid(object{"a": 1i}), `a sql.Null[map[string]interface {}], contains a complex128 at […], which ` + noJSON},
		{net.IPNet{IP: net.IPv4(10, 0, 0, 0), Mask: net.CIDRMask(8, 32)}, `a net.IPNet, contains a net.IPMask at .Mask, which ` + binary},
	})
}

func TestValuesThatContainThemselves(t *testing.T) {
	inItself, list := object{}, make([]any, 2)
	inItself["itself"], inItself["again"], list[0], list[1] = inItself, inItself, list, list
	var pointer loop
	pointer = &pointer
	testRejected(t, []rejectedRow{
		{inItself, "a map[string]interface {}, " + noJSON},
		{list, "a []interface {}, " + noJSON},
		{pointer, "a jsonvalue_test.loop, " + noJSON},
	})
}

// The text of encoding/json may quote the value.
func TestCopyOmitsTheTextOfEncodingJSON(t *testing.T) {
	for _, tt := range []struct {
		value any
		want  string
	}{
		{json.RawMessage("secret"), "a json.RawMessage, cannot be written as JSON"},
		{json.Number("secret"), "a json.Number, cannot be written as JSON"},
		{object{"a": []any{json.Number("secret")}}, "a map[string]interface {}, cannot be written as JSON"},
		{map[float64]int{1: 1}, "a map[float64]int, cannot be written as JSON"},
		{map[float64][]byte{1: nil}, "a map[float64][]uint8, cannot be written as JSON"},
		{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "a time.Time, cannot be written as JSON"},
	} {
		if copied, err := jsonvalue.Copy(tt.value); copied != nil || fmt.Sprint(err) != tt.want {
			t.Errorf("got %v, %v, want %s", copied, err, tt.want)
		}
	}
}

func TestACopySharesNothing(t *testing.T) {
	inner := []any{"a"}
	value := object{"list": inner, "strings": []string{"a"}, "digits": uint64(math.MaxUint64)}
	copied, err := jsonvalue.Copy(value)
	inner[0], value["strings"].([]string)[0] = "b", "b"
	want := object{"list": []any{"a"}, "strings": []any{"a"}, "digits": json.Number("18446744073709551615")}
	if err != nil || !reflect.DeepEqual(copied, want) {
		t.Errorf("got %v, %v, want %v", copied, err, want)
	}
}

func TestUsualValuesNeedNoMemory(t *testing.T) {
	type claims map[string]any
	for _, value := range []any{
		nil, "pro", true, 1000, int64(1000), 1000.5, uint64(1000), json.Number("1"), noon, []string{"a"}, []any{"a", 1000, nil}, [2]int{1, 2},
		object{"a": claims{"b": []any{object{"c": "d"}}}}, []claims{{"name": "live", "apiKey": "1"}},
	} {
		got := testing.AllocsPerRun(10, func() { _, _, _ = jsonvalue.Convert(value) })
		if got != 0 {
			t.Errorf("%#v: %v allocations", value, got)
		}
	}
}

func TestConvertAll(t *testing.T) {
	object := map[string]any{"plan": []byte("pro"), "seats": 3, "team": sql.NullString{}, "note": nil}
	if err := jsonvalue.ConvertAll(object); err != nil {
		t.Fatal(err)
	}
	if got := jsonOf(t, object); got != `{"note":null,"plan":"pro","seats":3}` {
		t.Errorf("got %s", got)
	}
	if err := jsonvalue.ConvertAll(map[string]any{"trial": time.Hour}); err == nil || err.Error() != `"trial", a time.Duration, would be sent as nanoseconds; pass d.String() or d.Seconds()` {
		t.Errorf("got %v", err)
	}
}

// once is a value that can be encoded only once.
type once struct{ written bool }

func (o *once) MarshalJSON() ([]byte, error) {
	if o.written = !o.written; o.written {
		return nil, errors.New("secret")
	}
	return []byte("1"), nil
}

func TestMarshal(t *testing.T) {
	for _, tt := range []struct {
		object map[string]any
		want   string
	}{
		{map[string]any{"a": 1, "b": "<"}, `{"a":1,"b":"\u003c"}`},
		{map[string]any{"a": 1, "b": json.RawMessage("secret")}, `"b", a json.RawMessage, cannot be written as JSON`},
		{map[string]any{"a": &once{}}, "cannot be written as JSON"},
	} {
		text, err := jsonvalue.Marshal(tt.object)
		if err != nil {
			text = []byte(err.Error())
		}
		if string(text) != tt.want {
			t.Errorf("got %s, want %s", text, tt.want)
		}
	}
}

func TestMarshalEach(t *testing.T) {
	roles := []string{"admin"}
	object := map[string]any{"iss": "me", "id": int64(1) << 60, "roles": roles, "plan": sql.NullString{String: "pro", Valid: true}, "none": nil}
	marshaled := jsonvalue.MarshalEach(object)
	roles[0], object["iss"] = "changed", "changed"
	want := map[string]any{
		"iss": json.RawMessage(`"me"`), "id": json.RawMessage("1152921504606846976"), "roles": json.RawMessage(`["admin"]`),
		"plan": json.RawMessage(`"pro"`), "none": json.RawMessage("null"),
	}
	if !reflect.DeepEqual(marshaled, want) {
		t.Errorf("got %s, want %s", marshaled, want)
	}
}

func TestIsEmpty(t *testing.T) {
	for _, value := range []any{nil, "", " \n", []string{}, []string(nil), map[string]any{}, struct{}{}, template.HTML(" "), json.RawMessage(`null`), json.RawMessage(`""`)} {
		if !jsonvalue.IsEmpty(value) {
			t.Errorf("%#v is not empty", value)
		}
	}
	for _, value := range []any{0, false, "x", []string{""}, map[string]any{"a": nil}, template.HTML("x"), json.RawMessage(`{"a":1}`)} {
		if jsonvalue.IsEmpty(value) {
			t.Errorf("%#v is empty", value)
		}
	}
}

func TestLargest(t *testing.T) {
	object := map[string]any{"a": "x", "bio": strings.Repeat("x", 100), "b": "x", "groups": []string{"a", "b"}}
	if got := jsonvalue.Largest(object); got != "bio (102 bytes), groups (9 bytes), a (3 bytes)" {
		t.Errorf("got %s", got)
	}
	if got := jsonvalue.Largest(map[string]any{"a": "x"}); got != "a (3 bytes)" {
		t.Errorf("of one: got %s", got)
	}
}
