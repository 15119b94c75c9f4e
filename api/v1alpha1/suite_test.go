// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

func TestAPI(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "API")
}

// root is the root folder of the repository.
var root = filepath.Join("..", "..")

var (
	k8s    client.Client
	config *rest.Config
)

var _ = BeforeSuite(func() {
	environment := &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join(root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
		BinaryAssetsDirectory: os.Getenv("KUBEBUILDER_ASSETS"),
		// It usually takes five seconds, and beside a full load over twenty, which is the default.
		ControlPlaneStartTimeout: 2 * time.Minute, ControlPlaneStopTimeout: time.Minute,
	}
	if environment.BinaryAssetsDirectory == "" {
		environment.BinaryAssetsDirectory = filepath.Join(root, "bin", "parts")
	}
	var err error
	config, err = environment.Start()
	Expect(err).NotTo(HaveOccurred(), "the control plane is not there: run make parts")
	DeferCleanup(func() { Expect(environment.Stop()).To(Succeed()) })
	scheme := runtime.NewScheme()
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	k8s, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
})
