package verify

import "github.com/verifiedchart/verifiedchart/internal/printable"

// Printable returns s fit for a status, an event or a log; see printable.String.
func Printable(s string, limit int) string { return printable.String(s, limit) }
