// SPDX-License-Identifier: Apache-2.0

package repository_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

var (
	pinnedAction  = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)
	pinnedImage   = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)
	versionNumber = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)
)

// movableActions returns the actions and workflows of a workflow that somebody else can move.
func movableActions(workflow string) []string {
	GinkgoHelper()
	var tree any
	Expect(yaml.Unmarshal([]byte(workflow), &tree)).To(Succeed())
	var movable []string
	walk(tree, func(key string, value any) {
		uses, ok := value.(string)
		if key != "uses" || (ok && strings.HasPrefix(uses, "./")) {
			return
		}
		image, isImage := strings.CutPrefix(uses, "docker://")
		if !ok || (isImage && !pinnedImage.MatchString(image)) || (!isImage && !pinnedAction.MatchString(uses)) {
			movable = append(movable, uses)
		}
	})
	return movable
}

// movableImages returns the images of a workflow's containers and services that somebody else can move.
func movableImages(workflow string) []string {
	GinkgoHelper()
	var tree any
	Expect(yaml.Unmarshal([]byte(workflow), &tree)).To(Succeed())
	var movable []string
	walk(tree, func(key string, value any) {
		image, ok := value.(string)
		if ok && (key == "image" || key == "container") && !pinnedImage.MatchString(image) {
			movable = append(movable, image)
		}
	})
	return movable
}

// walk calls visit for every key of a tree of maps and lists.
func walk(tree any, visit func(key string, value any)) {
	switch node := tree.(type) {
	case map[string]any:
		for key, value := range node {
			visit(key, value)
			walk(value, visit)
		}
	case []any:
		for _, value := range node {
			walk(value, visit)
		}
	}
}

// movableBases returns the base images of a Dockerfile that somebody else can move.
func movableBases(dockerfile string) []string {
	var movable, stages []string
	for line := range strings.Lines(dockerfile) {
		words := slices.DeleteFunc(strings.Fields(line), func(word string) bool { return strings.HasPrefix(word, "--platform") })
		if len(words) < 2 || !strings.EqualFold(words[0], "FROM") {
			continue
		}
		if base := words[1]; base != "scratch" && !slices.Contains(stages, base) && !pinnedImage.MatchString(base) {
			movable = append(movable, base)
		}
		if len(words) == 4 && strings.EqualFold(words[2], "AS") {
			stages = append(stages, words[3])
		}
	}
	return movable
}

// job holds the fields of a job that this package reads.
type job struct {
	Uses        string            `json:"uses"`
	Needs       any               `json:"needs"`
	Permissions map[string]string `json:"permissions"`
}

// ungated returns the jobs of a workflow that may sign or publish before the
// tests have passed; "*" stands for all, if the workflow as a whole may.
func ungated(workflow string) []string {
	GinkgoHelper()
	var w struct {
		Permissions any            `json:"permissions"`
		Jobs        map[string]job `json:"jobs"`
	}
	Expect(yaml.Unmarshal([]byte(workflow), &w)).To(Succeed())
	var found []string
	if all, ok := w.Permissions.(map[string]any); !ok || slices.Contains([]any{all["id-token"], all["packages"], all["contents"]}, "write") {
		found = append(found, "*")
	}
	for name, j := range w.Jobs {
		writes := j.Permissions["id-token"] == "write" || j.Permissions["packages"] == "write"
		needs, _ := j.Needs.(string)
		if writes && w.Jobs[needs].Uses != "./.github/workflows/ci.yaml" {
			found = append(found, name)
		}
	}
	return found
}

var _ = Describe("What the repository builds from", func() {
	commit, sum := strings.Repeat("a1", 20), "@sha256:"+strings.Repeat("a1", 32)

	It("J14: is pinned in every workflow", func() {
		files, err := filepath.Glob(filepath.Join(root, ".github/workflows/*"))
		Expect(err).NotTo(HaveOccurred())
		Expect(files).NotTo(BeEmpty())
		for _, file := range files {
			workflow := read(filepath.Join(".github/workflows", filepath.Base(file)))
			Expect(movableActions(workflow)).To(BeEmpty(), file)
			Expect(movableImages(workflow)).To(BeEmpty(), file)
			Expect(ungated(workflow)).To(BeEmpty(), file)
			for line := range strings.Lines(workflow) {
				if strings.Contains(line, "uses:") && strings.Contains(line, "@") {
					Expect(line).To(MatchRegexp(`@[0-9a-f]{40} # v\d+\.\d+\.\d+\n$`), "says its version, for dependabot and for people")
				}
			}
		}
	})

	It("J14: is pinned in the Dockerfile", func() {
		Expect(movableBases(read("Dockerfile"))).To(BeEmpty())
	})

	It("J14: is named by version in the manifests", func() {
		var k struct {
			Images []struct{ Name, NewTag, Digest string } `json:"images"`
		}
		Expect(yaml.Unmarshal([]byte(read("config/manager/kustomization.yaml")), &k)).To(Succeed())
		Expect(k.Images).To(HaveLen(1))
		Expect(k.Images[0].NewTag).To(MatchRegexp(versionNumber.String()))
		Expect(read("config/manager/deployment.yaml")).To(ContainSubstring("image: " + k.Images[0].Name + "\n"))
		Expect(read("Makefile")).NotTo(ContainSubstring(":latest"))
	})

	DescribeTable("J14: is not pinned if a step uses",
		func(uses string) {
			Expect(movableActions("jobs: {a: {steps: [{uses: '" + uses + "'}]}}")).To(HaveLen(1))
		},
		Entry("J14: a tag", "actions/checkout@v4"),
		Entry("J14: a whole version", "actions/checkout@v4.3.1"),
		Entry("J14: a branch", "actions/checkout@main"),
		Entry("J14: a short commit", "actions/checkout@34e1148"),
		Entry("J14: nothing but a name", "actions/checkout"),
		Entry("J14: a commit with more behind it", "actions/checkout@"+commit+"0"),
		Entry("J14: an image by tag", "docker://alpine:3.22"),
	)

	It("J14: is not pinned if a job calls a workflow by branch, or runs in an image by tag", func() {
		Expect(movableActions("jobs: {a: {uses: o/r/.github/workflows/x.yaml@main}}")).To(HaveLen(1))
		Expect(movableImages("jobs: {a: {container: 'alpine:3.22', services: {db: {image: 'postgres:18'}}}}")).To(HaveLen(2))
	})

	It("J14: is pinned by commit, digest or path", func() {
		Expect(movableActions("jobs: {a: {uses: ./.github/workflows/ci.yaml, steps: [{uses: 'a/b/c@" + commit + "'}, {uses: 'docker://alpine" + sum + "'}]}}")).To(BeEmpty())
		Expect(movableImages("jobs: {a: {container: {image: 'alpine" + sum + "'}}}")).To(BeEmpty())
		Expect(movableBases("FROM --platform=$BUILDPLATFORM golang:1" + sum + " AS build\nFROM build AS test\nfrom scratch\nCOPY --from=build a b\n")).To(BeEmpty())
	})

	DescribeTable("J14: is not pinned if a Dockerfile begins",
		func(dockerfile string) {
			Expect(movableBases(dockerfile)).To(HaveLen(1))
		},
		Entry("J14: from a tag", "FROM golang:1.26 AS build\n"),
		Entry("J14: from a tag for a platform", "FROM --platform=$BUILDPLATFORM golang:1.26 AS build\n"),
		Entry("J14: in lower case", "from golang\n"),
		Entry("J14: from a short digest", "FROM golang@sha256:a1a1\n"),
		Entry("J14: from a name that only a later stage has", "FROM build\nFROM scratch AS build\n"),
	)

	const tests = "test: {uses: ./.github/workflows/ci.yaml}"
	DescribeTable("J14: is released without tests if",
		func(workflow string) {
			Expect(ungated(workflow)).To(HaveLen(1))
		},
		Entry("J14: the job that signs needs nothing", "permissions: {}\njobs: {image: {permissions: {id-token: write}}, "+tests+"}"),
		Entry("J14: the job that pushes needs nothing", "permissions: {}\njobs: {image: {permissions: {packages: write}}, "+tests+"}"),
		Entry("J14: the job that signs needs another job", "permissions: {}\njobs: {image: {needs: lint, permissions: {id-token: write}}, lint: {}, "+tests+"}"),
		Entry("J14: every job may sign", "permissions: {id-token: write}\njobs: {"+tests+"}"),
		Entry("J14: nothing limits what jobs may", "jobs: {"+tests+"}"),
		Entry("J14: jobs may do anything", "permissions: write-all\njobs: {"+tests+"}"),
	)
})
