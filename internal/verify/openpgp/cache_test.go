// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

// impatient is a context whose deadline passes after a number of calls of Err.
type impatient struct {
	context.Context
	left int
}

func (c *impatient) Err() error {
	if c.left--; c.left < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// patience returns how often Parse checks whether its context has ended.
func patience(entries map[string][]byte) int {
	GinkgoHelper()
	const enough = 1 << 30
	ctx := &impatient{context.Background(), enough}
	_, err := openpgp.Parse(ctx, entries)
	Expect(err).NotTo(HaveOccurred())
	return enough - ctx.left
}

var _ = Describe("A keyring that is parsed until a deadline", Label("provenance", "deadline"), func() {
	It("J12: returns neither a keyring nor a verdict, whenever the deadline passes", func() {
		key := withSubkey()
		Revoke(key, Created, packet.KeyRetired)
		entries := map[string][]byte{
			"a": Public(key, restless(20)), "b": Armored(Public(NewKey())), "c": Keybox(NewKey(), NewKey()),
		}
		needed := patience(entries)
		Expect(needed).To(BeNumerically(">", 50))
		for i := range needed {
			k, err := openpgp.Parse(&impatient{context.Background(), i}, entries)
			Expect(err).To(MatchError(context.DeadlineExceeded), "after %d of %d", i, needed)
			Expect(err).NotTo(MatchError(openpgp.ErrKeyring))
			Expect(k).To(BeNil())
			Expect(k.Revoked()).To(BeEmpty())
		}
	})

	DescribeTable("J12: checks before each verification whether to go on",
		func(content func(key *v2.Entity) (without, with []byte)) {
			without, with := content(withSubkey())
			Expect(patience(entry(with)) - patience(entry(without))).To(BeNumerically(">", 200))
		},
		Entry("of self-signatures", func(key *v2.Entity) (without, with []byte) {
			return Public(key), append(Public(key), Public(restless(50))...)
		}),
		Entry("when a revocation may be by any of many keys", func(key *v2.Entity) (without, with []byte) {
			without = Public(append(crowd(200), key)...)
			return without, append(without, revoking(nameless(NewKey()), withoutIssuer)...)
		}),
		Entry("when a revocation may be of any of many subkeys", func(key *v2.Entity) (without, with []byte) {
			for i := range 200 {
				AddSubkey(key, SubkeyUsing(DSA), SubkeyCreatedAt(Created.Add(time.Duration(i)*time.Second)), WithoutCrossSignature())
			}
			without = Public(key)
			return without, append(without, revokingSubkey(forging(key))...)
		}),
	)
})

var _ = Describe("The cache of keyrings", Label("provenance", "cache"), func() {
	const tenant, other = "tenant", "other"
	ours, theirs := Public(NewKey()), Public(NewKey())

	parse := func(c *openpgp.Cache, namespace string, entries map[string][]byte) *openpgp.Keyring {
		GinkgoHelper()
		keyring, err := c.Parse(ctx, namespace, entries)
		Expect(err).NotTo(HaveOccurred())
		return keyring
	}

	It("parses the same entries once", func() {
		c := openpgp.NewCache(1 << 20)
		first := parse(c, tenant, map[string][]byte{"a": ours, "b": theirs})
		Expect(parse(c, tenant, map[string][]byte{"b": theirs, "a": ours})).To(BeIdenticalTo(first))
	})

	It("J5: returns cached entries even after the deadline", func() {
		c := openpgp.NewCache(1 << 20)
		first := parse(c, tenant, map[string][]byte{"a": ours})
		late, cancel := context.WithCancel(ctx)
		cancel()
		Expect(c.Parse(late, tenant, map[string][]byte{"a": ours})).To(BeIdenticalTo(first))
		_, err := c.Parse(late, tenant, map[string][]byte{"a": theirs})
		Expect(err).To(MatchError(context.Canceled))
	})

	DescribeTable("distinguishes keyrings",
		func(other map[string][]byte) {
			c := openpgp.NewCache(1 << 20)
			first := parse(c, tenant, map[string][]byte{"a": ours, "b": theirs})
			Expect(parse(c, tenant, other)).NotTo(BeIdenticalTo(first))
		},
		Entry("of fewer entries", map[string][]byte{"a": ours}),
		Entry("of entries by other names", map[string][]byte{"a": ours, "c": theirs}),
		Entry("of other entries by the same names", map[string][]byte{"a": theirs, "b": ours}),
		Entry("with a byte more", map[string][]byte{"a": ours, "b": append(append([]byte{}, theirs...), Packet(60, nil)...)}),
	)

	DescribeTable("J12: also keeps a failure, with the revoked keys",
		func(content func() []byte) {
			c := openpgp.NewCache(1 << 20)
			entries := map[string][]byte{"a": content()}
			first, err := c.Parse(ctx, tenant, entries)
			Expect(err).To(MatchError(openpgp.ErrKeyring))
			again, sameErr := c.Parse(ctx, tenant, entries)
			Expect(again).To(BeIdenticalTo(first))
			Expect(sameErr).To(BeIdenticalTo(err))
		},
		Entry("of a text", func() []byte { return []byte("x") }),
		Entry("of a broken packet", func() []byte { return append(Public(NewKey()), 0) }),
		Entry("of too many signatures", func() []byte { return Public(restless(501)) }),
		Entry("of a revoked key and a broken packet", func() []byte {
			key := NewKey()
			Revoke(key, Created, packet.KeyRetired)
			return append(Public(key), 0)
		}),
	)

	It("J12: keeps no result after a deadline", func() {
		c := openpgp.NewCache(1 << 20)
		ended, cancel := context.WithCancel(ctx)
		cancel()
		k, err := c.Parse(ended, tenant, map[string][]byte{"a": ours})
		Expect(err).To(MatchError(context.Canceled))
		Expect(k).To(BeNil())
		Expect(c.Size()).To(BeZero())
	})

	It("J12: keeps the last used keyrings of one namespace, within half of its limit", func() {
		c := openpgp.NewCache(64 << 10)
		kept := map[string]*openpgp.Keyring{}
		entries := func(i int) map[string][]byte { return map[string][]byte{fmt.Sprint(i): ours} }
		for i := range 100 {
			kept[fmt.Sprint(i)] = parse(c, tenant, entries(i))
			Expect(c.Size()).To(BeNumerically("<=", 32<<10))
		}
		Expect(parse(c, tenant, entries(99))).To(BeIdenticalTo(kept["99"]))
		Expect(parse(c, tenant, entries(95))).To(BeIdenticalTo(kept["95"]))
		Expect(parse(c, tenant, entries(0))).NotTo(BeIdenticalTo(kept["0"]))
	})

	It("J12: keeps the keyrings of a namespace, however many others request", func() {
		c := openpgp.NewCache(64 << 10)
		first := parse(c, other, map[string][]byte{"a": ours})
		for i := range 100 {
			parse(c, tenant, map[string][]byte{fmt.Sprint(i): ours})
			parse(c, "third", map[string][]byte{fmt.Sprint(i): ours})
			parse(c, "fourth", map[string][]byte{fmt.Sprint(i): ours})
			Expect(c.Size()).To(BeNumerically("<=", 64<<10))
		}
		Expect(parse(c, other, map[string][]byte{"a": ours})).To(BeIdenticalTo(first))
	})

	It("J12: does not keep a keyring that is larger than half of its limit", func() {
		c := openpgp.NewCache(64 << 10)
		entries := map[string][]byte{"a": Public(crowd(100)...)}
		first := parse(c, tenant, entries)
		Expect(parse(c, tenant, entries)).NotTo(BeIdenticalTo(first))
		Expect(c.Size()).To(BeZero())
	})

	DescribeTable("J12: does not underestimate the memory of a keyring",
		func(content func() []byte) {
			c := openpgp.NewCache(1 << 30)
			bytes := content()
			before := heap()
			for i := range 8 {
				_, err := c.Parse(ctx, tenant, map[string][]byte{fmt.Sprint(i): bytes})
				Expect(err == nil || c.Size() > 0).To(BeTrue())
			}
			taken := heap() - before
			Expect(c.Size()).To(BeNumerically(">", taken), "%d bytes of memory", taken)
			Expect(c.Size()).To(BeNumerically("<", 10*max(taken, 1<<14)), "%d bytes of memory", taken)
		},
		Entry("of many keys", func() []byte { return Public(crowd(500)...) }),
		Entry("of many RSA keys", func() []byte {
			var all []byte
			for i := range 60 {
				all = append(all, Public(NewKey(Using(RSA3072), CreatedAt(Created.Add(time.Duration(i)*time.Second))))...)
			}
			return all
		}),
		Entry("of many statements", func() []byte { return Public(restless(500)) }),
		Entry("of many bindings", func() []byte {
			key := NewKey()
			for range 100 {
				AddSubkey(key)
			}
			return Public(key)
		}),
		Entry("of many user ids", func() []byte { return Public(manyNamed(500)) }),
		Entry("of a failure", func() []byte { return append(Public(crowd(500)...), 0) }),
	)

	Describe("with concurrent callers", func() {
		var (
			c       *openpgp.Cache
			started chan struct{}
			release chan struct{}
			group   sync.WaitGroup
		)
		entries := map[string][]byte{"a": ours}

		BeforeEach(func() {
			started, release = make(chan struct{}, 10), make(chan struct{})
			c = openpgp.NewCacheOf(func(ctx context.Context, entries map[string][]byte) (*openpgp.Keyring, error) {
				started <- struct{}{}
				select {
				case <-release:
					return openpgp.Parse(ctx, entries)
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			})
		})

		// ask calls Parse with the context, and expects a keyring or the error.
		ask := func(ctx context.Context, expected error) {
			group.Go(func() {
				defer GinkgoRecover()
				k, err := c.Parse(ctx, tenant, entries)
				if expected != nil {
					Expect(err).To(MatchError(expected))
					Expect(k).To(BeNil())
					return
				}
				Expect(err).NotTo(HaveOccurred())
				Expect(k.Len()).To(Equal(1))
			})
		}

		It("J12: parses the same entries once", func() {
			for range 8 {
				ask(ctx, nil)
			}
			Eventually(c.Waiting).Should(Equal(8))
			close(release)
			group.Wait()
			Expect(started).To(HaveLen(1))
		})

		It("J12: parses separately for each namespace", func() {
			ask(ctx, nil)
			<-started
			group.Go(func() { _, _ = c.Parse(ctx, other, entries) })
			<-started
			close(release)
			group.Wait()
		})

		type patience string
		const patient, impatient patience = "patient", "impatient"
		DescribeTable("J12: continues for the patient caller if the first caller is",
			func(first, second patience) {
				short, cancel := context.WithCancel(ctx)
				for i, p := range []patience{first, second} {
					if p == patient {
						ask(ctx, nil)
					} else {
						ask(short, context.Canceled)
					}
					Eventually(c.Waiting).Should(Equal(i + 1))
				}
				cancel()
				Eventually(c.Waiting).Should(Equal(1))
				close(release)
				group.Wait()
				Expect(started).To(HaveLen(1))
				Expect(c.Size()).NotTo(BeZero())
			},
			Entry("the impatient one", impatient, patient),
			Entry("the patient one", patient, impatient),
		)

		It("J12: stops parsing after all callers have left, and starts again for the next one", func() {
			short, cancel := context.WithCancel(ctx)
			ask(short, context.Canceled)
			<-started
			cancel()
			group.Wait()
			Expect(c.Waiting()).To(BeZero())
			ask(ctx, nil)
			<-started
			close(release)
			group.Wait()
			Expect(c.Size()).NotTo(BeZero())
		})
	})
})

// heap returns the bytes of memory in use.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
