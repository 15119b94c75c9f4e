// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"time"

	artifactconfig "github.com/fluxcd/pkg/artifact/config"
	"github.com/fluxcd/pkg/runtime/client"
	helper "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/jitter"
	"github.com/fluxcd/pkg/runtime/leaderelection"
	"github.com/fluxcd/pkg/runtime/logger"
	"github.com/sigstore/sigstore-go/pkg/tuf"
	flag "github.com/spf13/pflag"
)

// options are the flags, under the names and with the defaults of Flux's source-controller if it has them.
type options struct {
	metricsAddr, healthAddr, eventsAddr string
	concurrent                          int
	insecureAllowHTTP                   bool
	allowedHosts                        []string
	tufMirror, tufRoot, tufCacheDir     string
	revocations                         string
	tufRefresh                          time.Duration
	maxTimeout, minInterval             time.Duration
	profilesAddr                        string
	enableProfiles                      bool

	artifact       artifactconfig.Options
	client         client.Options
	log            logger.Options
	leaderElection leaderelection.Options
	rateLimiter    helper.RateLimiterOptions
	watch          helper.WatchOptions
	jitter         jitter.IntervalOptions
}

func (o *options) bind(fs *flag.FlagSet) {
	fs.StringVar(&o.metricsAddr, "metrics-addr", envOr("METRICS_ADDR", ":8080"), "The address the metric endpoint binds to.")
	fs.StringVar(&o.eventsAddr, "events-addr", envOr("EVENTS_ADDR", ""), "The address of the events receiver.")
	fs.StringVar(&o.healthAddr, "health-addr", ":9440", "The address the health endpoint binds to.")
	fs.IntVar(&o.concurrent, "concurrent", 4, "How many archives are unpacked at a time. Eight times as many attempts may wait for registries, of one namespace half of them.")
	fs.DurationVar(&o.maxTimeout, "max-timeout", 5*time.Minute, "The longest timeout of a VerifiedChart; a longer spec.timeout is shortened to it.")
	fs.DurationVar(&o.minInterval, "min-interval", 10*time.Second, "The shortest interval of a VerifiedChart; a shorter spec.interval is raised to it.")
	fs.BoolVar(&o.enableProfiles, "enable-pprof", false, "Serve profiles under /debug/pprof on --pprof-addr.")
	fs.StringVar(&o.profilesAddr, "pprof-addr", "127.0.0.1:6060", "The address of the profiles. They show the controller's memory: keep it on loopback.")
	fs.BoolVar(&o.insecureAllowHTTP, "insecure-allow-http", false,
		"Allow VerifiedCharts with insecure: true to read their registry over plain HTTP.")
	fs.StringVar(&o.revocations, "revocations", "",
		"The name of a ConfigMap in the controller's namespace whose entry revoked.yaml lists what is revoked for the whole cluster.")
	fs.StringSliceVar(&o.allowedHosts, "allow-internal-hosts", nil,
		"Hosts and CIDRs that a registry may redirect to, or name as its token service, though they are on an internal network. A registry's own host needs no entry.")
	fs.StringVar(&o.tufMirror, "tuf-mirror", tuf.DefaultMirror,
		"The URL of the TUF repository with the trusted root of the public Sigstore. It is read only where an object needs it.")
	fs.StringVar(&o.tufRoot, "tuf-root", "", "A file with the initial root.json of --tuf-mirror; by default that of the public Sigstore.")
	fs.StringVar(&o.tufCacheDir, "tuf-cache-dir", filepath.Join(os.TempDir(), name, "tuf"), "The folder that what --tuf-mirror holds is kept in.")
	fs.DurationVar(&o.tufRefresh, "tuf-refresh-interval", 12*time.Hour, "How often --tuf-mirror is asked whether the trusted root has changed.")
	o.artifact.BindFlags(fs)
	o.client.BindFlags(fs)
	o.log.BindFlags(fs)
	o.leaderElection.BindFlags(fs)
	o.rateLimiter.BindFlags(fs)
	o.watch.BindFlags(fs)
	o.jitter.BindFlags(fs)
	unlimited(fs)
	unkept(fs)
}

// unlimited changes the default of Flux's client-side rate limit to none: the
// API server's priority and fairness does that better, and every worker makes
// one call at a time anyhow (docs/decisions/0003).
func unlimited(fs *flag.FlagSet) {
	for _, name := range []string{"kube-api-qps", "kube-api-burst"} {
		f := fs.Lookup(name)
		_ = f.Value.Set("-1")
		f.DefValue = "-1"
	}
}

// unkept says of Flux's flags for older revisions that there are none: nobody
// verifies them any more (docs/decisions/0013).
func unkept(fs *flag.FlagSet) {
	for _, name := range []string{"artifact-retention-ttl", "artifact-retention-records"} {
		if err := fs.MarkDeprecated(name, "it has no effect: an older revision is not served once another is published"); err != nil {
			panic(err)
		}
	}
}

func envOr(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}
