// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

// Faults is a way to a server, through toxiproxy, on which faults can be made.
type Faults struct {
	*process.Process
	// Addr is the address to connect to instead of that of the server.
	Addr string
	api  string
}

// Fault is a fault of toxiproxy in the answers of the server.
type Fault struct {
	// Type is "latency", "reset_peer", "limit_data" or "timeout".
	Type string `json:"type"`
	// Attributes are those of the type: bytes, or times in milliseconds.
	Attributes map[string]int `json:"attributes"`
}

const wayName = "way"

// StartFaults starts toxiproxy as a member of the group, with its log in dir and without faults on the way to the
// server.
func StartFaults(ctx context.Context, dir string, server Server, group *process.Group) (*Faults, error) {
	p, api, err := listen(ctx, dir, parts.Toxiproxy, group, func(addr string) ([]string, error) {
		host, port, err := net.SplitHostPort(addr)
		return []string{"-host", host, "-port", port}, err
	})
	if err != nil {
		return nil, err
	}
	f := &Faults{Process: p, api: "http://" + api + "/proxies"}
	way := map[string]any{"name": wayName, "listen": "127.0.0.1:0", "upstream": server.Addr(), "enabled": true}
	var made struct{ Listen string }
	if err := f.call(ctx, http.MethodPost, "", way, &made); err != nil {
		return nil, err
	}
	f.Addr = made.Listen
	return f, nil
}

// Make makes a fault, also on the connections that exist.
func (f *Faults) Make(ctx context.Context, fault Fault) error {
	return f.call(ctx, http.MethodPost, "/"+wayName+"/toxics", map[string]any{
		"name": "fault", "type": fault.Type, "stream": "downstream", "attributes": fault.Attributes,
	}, nil)
}

// Mend ends the fault.
func (f *Faults) Mend(ctx context.Context) error {
	return f.call(ctx, http.MethodDelete, "/"+wayName+"/toxics/fault", nil, nil)
}

func (f *Faults) call(ctx context.Context, method, path string, body, answer any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, f.api+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("toxiproxy: %s %s: %s %s", method, path, resp.Status, said)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(said, answer)
}
