// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"time"

	artifactconfig "github.com/fluxcd/pkg/artifact/config"
	"github.com/fluxcd/pkg/auth"
	pkgcache "github.com/fluxcd/pkg/cache"
	"github.com/fluxcd/pkg/runtime/client"
	helper "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/features"
	"github.com/fluxcd/pkg/runtime/jitter"
	"github.com/fluxcd/pkg/runtime/leaderelection"
	"github.com/fluxcd/pkg/runtime/logger"
	"github.com/sigstore/sigstore-go/pkg/tuf"
	flag "github.com/spf13/pflag"

	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/cloud"
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
	indexMaxSize                        int64
	profilesAddr                        string
	enableProfiles                      bool

	artifact       artifactconfig.Options
	client         client.Options
	log            logger.Options
	leaderElection leaderelection.Options
	rateLimiter    helper.RateLimiterOptions
	watch          helper.WatchOptions
	jitter         jitter.IntervalOptions

	features              features.FeatureGates
	tokenCache            pkgcache.TokenFlags
	defaultServiceAccount string
	identityNamespaces    []string
}

// defaultTokens is the default of --token-cache-max-size, as in Flux.
const defaultTokens = 100

func (o *options) bind(fs *flag.FlagSet) {
	fs.StringVar(&o.metricsAddr, "metrics-addr", envOr("METRICS_ADDR", ":8080"), "The address the metric endpoint binds to.")
	fs.StringVar(&o.eventsAddr, "events-addr", envOr("EVENTS_ADDR", ""), "The URL of Flux's notification-controller, which receives the events; none by default.")
	fs.StringVar(&o.healthAddr, "health-addr", ":9440", "The address the health endpoint binds to.")
	fs.IntVar(&o.concurrent, "concurrent", 4, "How many archives are unpacked at a time. Twice as many VerifiedCharts are reconciled at a time; eight times as many may wait for registries, at most half of them in one namespace.")
	fs.DurationVar(&o.maxTimeout, "max-timeout", 5*time.Minute, "The longest timeout of a VerifiedChart; a longer spec.timeout is shortened to this.")
	fs.DurationVar(&o.minInterval, "min-interval", 10*time.Second, "The shortest interval of a VerifiedChart; a shorter spec.interval is raised to this.")
	fs.BoolVar(&o.enableProfiles, "enable-pprof", false, "Serve profiles under /debug/pprof on --pprof-addr.")
	fs.StringVar(&o.profilesAddr, "pprof-addr", "127.0.0.1:6060", "The address of the profiles. They show the controller's memory: keep this address on loopback, and use kubectl port-forward.")
	fs.Int64Var(&o.indexMaxSize, "helm-index-max-size", chartrepo.DefaultMaxIndexSize, "The largest index.yaml of a classic chart repository, in bytes after decompression.")
	fs.BoolVar(&o.insecureAllowHTTP, "insecure-allow-http", false,
		"Allow VerifiedCharts with insecure: true to read their registry over plain HTTP.")
	fs.StringVar(&o.revocations, "revocations", "",
		"The name of a ConfigMap in the controller's namespace. Its entry revoked.yaml lists the digests, keys, identities and versions that are revoked for the whole cluster.")
	fs.StringSliceVar(&o.allowedHosts, "allow-internal-hosts", nil,
		"Hosts (with or without a port), *.suffix for the names below a domain, and CIDRs, to which requests may go although they are refused otherwise: "+
			"loopback, link-local and metadata addresses and the API server always, other internal addresses if an external host leads there.")
	fs.StringVar(&o.tufMirror, "tuf-mirror", tuf.DefaultMirror,
		"The URL of the TUF repository with the trusted root of the public Sigstore. The controller reads this repository only if a VerifiedChart or a policy needs that root.")
	fs.StringVar(&o.tufRoot, "tuf-root", "", "A file with the initial root.json of --tuf-mirror. The default is the root.json of the public Sigstore, which is built in.")
	fs.StringVar(&o.tufCacheDir, "tuf-cache-dir", filepath.Join(os.TempDir(), name, "tuf"), "The folder for copies of the files of --tuf-mirror.")
	fs.DurationVar(&o.tufRefresh, "tuf-refresh-interval", 12*time.Hour, "How often the controller asks --tuf-mirror for a new trusted root.")
	fs.StringVar(&o.defaultServiceAccount, auth.ControllerFlagDefaultServiceAccount, "",
		"The ServiceAccount, in the namespace of each VerifiedChart, whose cloud identity is used if spec.serviceAccountName is empty. It needs --feature-gates="+cloud.FeatureGate+"=true.")
	fs.StringSliceVar(&o.identityNamespaces, "controller-identity-namespaces", ownNamespace(),
		"Namespaces whose VerifiedCharts may use the controller's own cloud identity, by provider and no spec.serviceAccountName. * means all.")
	o.features.BindFlags(fs)
	o.tokenCache.BindFlags(fs, defaultTokens)
	perNamespace(fs)
	o.artifact.BindFlags(fs)
	o.client.BindFlags(fs)
	o.log.BindFlags(fs)
	o.leaderElection.BindFlags(fs)
	o.rateLimiter.BindFlags(fs)
	o.watch.BindFlags(fs)
	o.jitter.BindFlags(fs)
	unlimited(fs)
	unkept(fs)
	describe(fs)
}

// ownNamespace returns the namespace of the controller, if it is known.
func ownNamespace() []string {
	if own := os.Getenv("RUNTIME_NAMESPACE"); own != "" {
		return []string{own}
	}
	return nil
}

// perNamespace completes the description of Flux's flag: here each namespace has its own cache, so that the slow cloud of one tenant
// delays no other.
func perNamespace(fs *flag.FlagSet) {
	fs.Lookup("token-cache-max-size").Usage = "The maximum size of the cache of each namespace in number of tokens. 0 disables the cache."
}

// unlimited changes the default of Flux's client-side rate limit to none: the
// API server's priority and fairness does that better, and every worker makes
// one call at a time anyhow (docs/decisions/0003).
func unlimited(fs *flag.FlagSet) {
	for _, name := range []string{"kube-api-qps", "kube-api-burst"} {
		f := fs.Lookup(name)
		_ = f.Value.Set("-1")
		f.DefValue = "-1"
		f.Usage += " -1 means no limit."
	}
}

// unkept marks Flux's flags for older revisions as deprecated: the controller keeps no older
// revision, because it would no longer verify it (docs/decisions/0013).
func unkept(fs *flag.FlagSet) {
	for _, name := range []string{"artifact-retention-ttl", "artifact-retention-records"} {
		if err := fs.MarkDeprecated(name, "this flag has no effect: a replaced revision is served for at most 60 s"); err != nil {
			panic(err)
		}
	}
}

// describe replaces the help of Flux's flags that differ from Flux's in effect.
func describe(fs *flag.FlagSet) {
	for name, usage := range map[string]string{
		"artifact-digest-algo":         "The algorithm of the digests of artifacts. Only sha256 is allowed: an artifact has the digest of the chart's layer.",
		"watch-configs-label-selector": "No effect: the controller watches every Secret and ConfigMap that a VerifiedChart or a policy names.",
		"watch-label-selector":         "Reconcile only VerifiedCharts with matching labels, for example 'sharding.fluxcd.io/shard=shard1'.",
	} {
		fs.Lookup(name).Usage = usage
	}
}

func envOr(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}
