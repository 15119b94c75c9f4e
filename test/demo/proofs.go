// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// proofs shows which charts are served and installed, and which are refused.
func (d *demo) proofs() chapter {
	w := d.world
	return chapter{"A chart is served only if its signature is proven.", []step{
		d.accepted("signed", "A chart signed with the release key is served, and helm-controller installs it.", w.Proven),
		d.accepted("keyless", "A chart signed keyless by "+scenario.Identity+" is served and installed.", w.Proven),
		d.accepted("helm-signed", "A chart signed by helm package --sign is served and installed.", d.provenBy(scenario.InManifest)),
		d.accepted("prov-attached", "A chart whose .prov file was attached later, by oras, is served.", d.provenBy(scenario.Attached)),
		d.accepted(private, "A chart in a registry with a password and a private certificate authority is served.", w.Proven),
		d.accepted(classic, "A chart in a classic repository, with its .prov file beside the archive, is served.", d.provenBy(besideArchive)),
		d.refused("unsigned", "A chart without a signature is refused.", w.Refused),
		d.refused("stranger", "A chart signed with a stranger's key is refused.", w.Refused),
		d.refused("impostor", "A chart signed keyless by "+scenario.Impostor+" is refused.",
			func(ctx context.Context, _ string) error { return w.ImpostorRefused(ctx) }),
		d.refused("prov-altered", "A chart that was altered together with its .prov file is refused.",
			func(ctx context.Context, _ string) error { return w.AlteredRefused(ctx) }),
		d.accepted("moved", "A chart is served under a tag that somebody will move.", w.Proven),
		{"Somebody moves the tag to other bytes.", "helm push " + movedArchive + " oci://" + w.Repository() + " --plain-http", d.tagMoved},
		{"At the next reconcile the other bytes are refused, and the proven bytes are still served.", reconcile("moved"), d.movedRefused},
	}}
}

// reconcile is the command that asks for a reconcile now.
func reconcile(name string) string {
	return "kubectl annotate vchart " + name + " reconcile.fluxcd.io/requestedAt=$(date +%s) --overwrite"
}

func (d *demo) provenBy(source string) func(context.Context, string) error {
	return func(ctx context.Context, name string) error { return d.world.ProvenByMaintainers(ctx, name, source) }
}

// accepted is the step of a chart that is served, and installed if it has a HelmRelease.
func (d *demo) accepted(name, sentence string, check func(context.Context, string) error) step {
	return step{sentence, "kubectl apply -f " + chartFile(name), func(ctx context.Context, _ ran) (sight, error) {
		if err := check(ctx, name); err != nil {
			return sight{}, err
		}
		size, err := d.size(name)
		if err != nil {
			return sight{}, err
		}
		text := fmt.Sprintf("GET → 200, the %d bytes that helm packaged", size)
		if !slices.Contains(installs, name) {
			return now("%s", text), nil
		}
		err = d.world.Installed(ctx, name)
		return now("%s; helm-controller installed them", text), err
	}}
}

// refused is the step of a chart that is not served.
func (d *demo) refused(name, sentence string, check func(context.Context, string) error) step {
	return step{sentence, "kubectl apply -f " + chartFile(name), func(ctx context.Context, _ ran) (sight, error) {
		if err := check(ctx, name); err != nil {
			return sight{}, err
		}
		seen := now("")
		message, err := d.message(ctx, name)
		seen.text = "GET → 404; Ready: " + message
		return seen, err
	}}
}

// tagMoved reads the new digest of the tag from the output of helm push.
func (d *demo) tagMoved(_ context.Context, push ran) (sight, error) {
	w := d.world
	moved, err := realparts.PushedAs(w.Moved.Chart, w.Registry, w.Folder, push.printed)
	if err != nil {
		return sight{}, err
	}
	if moved.Digest == w.Charts["moved"].Digest {
		return sight{}, fmt.Errorf("tag %s still names %s", scenario.Version, moved.Digest)
	}
	w.Moved = moved
	return now("tag %s names sha256:%.12s, no longer sha256:%.12s", scenario.Version, moved.Digest.Encoded(), w.Charts["moved"].Digest.Encoded()), nil
}

// movedRefused waits until the other bytes are refused, and checks that the proven bytes are still served.
func (d *demo) movedRefused(ctx context.Context, _ ran) (sight, error) {
	if err := d.world.Until(ctx, "moved", scenario.IsRefused); err != nil {
		return sight{}, err
	}
	seen := now("")
	message, err := d.message(ctx, "moved")
	if err != nil {
		return sight{}, err
	}
	seen.text = "GET → 200; Ready: " + message
	return seen, d.world.MovedRefused(ctx)
}
