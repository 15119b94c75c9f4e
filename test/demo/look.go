// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

const (
	// often is the pause between two looks at a URL.
	often = 5 * time.Millisecond
	// reply is how long a registry that runs may take to answer.
	reply = time.Second
)

// message returns the message of the condition Ready, which `kubectl get` shows.
func (d *demo) message(ctx context.Context, name string) (string, error) {
	vc, err := d.world.Get(ctx, name)
	if err != nil {
		return "", err
	}
	ready := apimeta.FindStatusCondition(vc.Status.Conditions, meta.ReadyCondition)
	if ready == nil {
		return "", fmt.Errorf("VerifiedChart %s has no condition Ready", name)
	}
	return ready.Message, nil
}

// size returns the size of the archive that was pushed for a chart.
func (d *demo) size(name string) (int64, error) {
	info, err := os.Stat(d.world.Charts[name].Archive)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// gone waits until the URL of a chart answers 404, and then until the status shows the withdrawal. It fails if a file of the chart
// is left in the storage.
func (d *demo) gone(ctx context.Context, name string) (sight, error) {
	w, url := d.world, d.world.URL(d.world.Charts[name])
	err := scenario.Poll(ctx, often, func(ctx context.Context) error {
		status, _, err := w.Download(ctx, url)
		if err == nil && status != http.StatusNotFound {
			err = fmt.Errorf("GET %s: status %d, not 404", url, status)
		}
		return err
	})
	if err != nil {
		return sight{}, err
	}
	seen := now("")
	if err := w.Until(ctx, name, withdrawn); err != nil {
		return sight{}, err
	}
	message, err := d.message(ctx, name)
	seen.text = "GET → 404; Ready: " + message
	return seen, errors.Join(err, w.NotServed(ctx, w.Charts[name]))
}

// withdrawn returns nil if the status of a VerifiedChart shows a rejected chart that is not published.
func withdrawn(vc *v1alpha1.VerifiedChart) error {
	if vc.Status.Artifact != nil {
		return fmt.Errorf("VerifiedChart %s is published", vc.Name)
	}
	return scenario.Condition(vc, meta.ReadyCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason)
}

// back waits until the URL of a chart answers with the bytes that were pushed, and then until the status shows that too.
func (d *demo) back(ctx context.Context, name string) (sight, error) {
	pushed, err := os.ReadFile(d.world.Charts[name].Archive)
	if err != nil {
		return sight{}, err
	}
	url := d.world.URL(d.world.Charts[name])
	err = scenario.Poll(ctx, often, func(ctx context.Context) error {
		status, got, err := d.world.Download(ctx, url)
		if err == nil && (status != http.StatusOK || !bytes.Equal(got, pushed)) {
			err = fmt.Errorf("GET %s: status %d and %d bytes, not the %d that were pushed", url, status, len(got), len(pushed))
		}
		return err
	})
	if err != nil {
		return sight{}, err
	}
	seen := now("GET → 200, the same %d bytes", len(pushed))
	return seen, scenario.Poll(ctx, often, func(ctx context.Context) error { return d.world.ServedAsPushed(ctx, name) })
}

// registryAnswers returns nil if the registry answers a GET with 200 in time.
func (d *demo) registryAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reply)
	defer cancel()
	status, _, err := d.world.Download(ctx, "http://"+d.world.Registry.Addr()+"/v2/")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("GET /v2/ of the registry: status %d", status)
	}
	return err
}

// registryIsSilent returns nil if the registry does not answer a GET in time.
func (d *demo) registryIsSilent(ctx context.Context) error {
	err := d.registryAnswers(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return errors.Join(fmt.Errorf("the registry answered in %s, though it is stopped", reply), err)
}
