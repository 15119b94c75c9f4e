// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"os"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// kind is a kind of registry.
type kind string

const (
	distribution kind = "the distribution registry, which has no referrers API"
	referrers    kind = "a registry with the referrers API"
)

// onEach makes a container for each kind of registry.
func onEach(body func(kind)) {
	for _, k := range []kind{distribution, referrers} {
		Context("with "+string(k), func() { body(k) })
	}
}

// shared is the infrastructure of all tenants. The first tenant starts it.
var shared struct {
	once    sync.Once
	err     error
	world   *scenario.World
	hubs    map[kind]realparts.OCIRegistry
	tenants int
}

var _ = AfterSuite(func() {
	if shared.world == nil {
		return
	}
	Expect(shared.world.Group.Err()).NotTo(HaveOccurred(), "a program has died")
	for _, hub := range shared.hubs {
		Expect(hub.Close()).To(Succeed())
	}
	Expect(shared.world.Close()).To(Succeed())
})

// start makes the shared world.
func start(ctx context.Context) error {
	w, err := scenario.NewWorld()
	if err != nil {
		return err
	}
	shared.world = w
	if err := do(ctx, w, scenario.Ground()); err != nil {
		return err
	}
	shared.hubs = map[kind]realparts.OCIRegistry{distribution: w.Registry, referrers: realparts.StartReferrersRegistry()}
	return do(ctx, w, scenario.Controllers())
}

// do runs steps one after the other.
func do(ctx context.Context, w *scenario.World, steps []scenario.Step) error {
	ctx, stop := w.Guard(ctx)
	defer stop()
	for _, s := range steps {
		By(s.Title)
		if err := s.Do(ctx, w); err != nil {
			return fmt.Errorf("%s: %w", s.Title, err)
		}
	}
	return nil
}

// newTenant returns the world as a new tenant sees it. Its objects are removed with the spec or the container,
// and are shown if a spec has failed.
func newTenant(ctx context.Context, k kind) *scenario.World {
	GinkgoHelper()
	startOnce(ctx)
	return tenantAt(ctx, shared.hubs[k])
}

// startOnce makes the shared world if no spec has made it.
func startOnce(ctx context.Context) {
	GinkgoHelper()
	shared.once.Do(func() { shared.err = start(ctx) })
	Expect(shared.err).NotTo(HaveOccurred(), "nothing can live here")
}

// tenantAt is newTenant, with a given registry.
func tenantAt(ctx context.Context, registry realparts.OCIRegistry) *scenario.World {
	GinkgoHelper()
	shared.tenants++
	w, err := shared.world.Tenant(ctx, fmt.Sprintf("tenant-%d", shared.tenants), registry)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(w.Leave)
	return w
}

// spec is an It with a tenant of its own. It fails with the cause if a program dies.
func spec(text string, k kind, body func(context.Context, *scenario.World)) {
	GinkgoHelper()
	It(text, func(ctx SpecContext) {
		w := newTenant(ctx, k)
		DeferCleanup(report, w)
		run(ctx, w, body)
	})
}

// act makes a spec of a story.
type act func(text string, body func(context.Context, *scenario.World))

// story is a container. Its specs, the acts, share a tenant and build on each other.
func story(text string, k kind, acts func(act)) {
	GinkgoHelper()
	Context(text, Ordered, func() {
		var w *scenario.World
		BeforeAll(func(ctx SpecContext) { w = newTenant(ctx, k) })
		AfterEach(func(ctx SpecContext) { report(ctx, w) })
		acts(func(text string, body func(context.Context, *scenario.World)) {
			GinkgoHelper()
			It(text, func(ctx SpecContext) { run(ctx, w, body) })
		})
	})
}

func run(ctx context.Context, w *scenario.World, body func(context.Context, *scenario.World)) {
	GinkgoHelper()
	guarded, stop := w.Guard(ctx)
	defer stop()
	body(guarded, w)
}

// report shows the objects and the end of the controller's log if the spec failed.
func report(ctx context.Context, w *scenario.World) {
	if !CurrentSpecReport().Failed() || w == nil || w.Kubectl == nil {
		return
	}
	said, err := w.Kubectl.Run(ctx, "get", "verifiedcharts,externalartifacts,helmreleases", "-o", "yaml")
	GinkgoWriter.Println(said, err)
	if w.Controller != nil && w.Controller.Process != nil {
		log, err := os.ReadFile(w.Controller.Log())
		GinkgoWriter.Println(string(log[max(0, len(log)-16<<10):]), err)
	}
}
