// SPDX-License-Identifier: Apache-2.0

package registrytest

import "net/http"

// The presets below differ from each other as users have reported or as the sources show. Otherwise they follow the
// distribution specification. All but ECRPublic keep charts private, unless Public is set too.

// together returns the options as one.
func together(opts ...Option) Option {
	return func(c *config) {
		for _, o := range opts {
			o(c)
		}
	}
}

// GHCR is the GitHub Container Registry.
func GHCR() Option {
	return together(Token("/token"), TokenWithoutLogin, Wrong(http.StatusForbidden, "DENIED"), Missing(http.StatusForbidden, "DENIED"), MissingAtToken,
		ReferrersElsewhere, Pages(1000), Unsorted, BlobsElsewhere, RetryAfter("60"))
}

// DockerHub is Docker Hub. A missing and a private repository look alike.
func DockerHub() Option {
	return together(TokenElsewhere("/token"), TokenWithoutLogin, Missing(http.StatusUnauthorized, "UNAUTHORIZED"),
		WithoutReferrers, Pages(100), BlobsElsewhere, LimitPulls)
}

// ECR is a private registry of Amazon ECR.
func ECR() Option {
	return together(Basic(`Basic realm="https://registry.test/",service="ecr.amazonaws.com"`), Wrong(http.StatusForbidden, "DENIED"),
		Pages(1000), RefuseBigPages, BareHead, BlobsElsewhere)
}

// ECRPublic is public.ecr.aws. It gives a token for its own scope only, and refuses wrong credentials for public charts.
func ECRPublic() Option {
	return together(Public, Token("/token/"), TokenWithoutLogin, Scope("aws"), Wrong(http.StatusForbidden, "DENIED"),
		WithoutReferrers, Pages(1000), BlobsElsewhere)
}

// ACR is the Azure Container Registry.
func ACR() Option {
	return together(Token("/oauth2/token"), AccessToken, Pages(100), BlobsElsewhere, RetryAfter("10"))
}

// GoogleArtifactRegistry is the Google Artifact Registry.
func GoogleArtifactRegistry() Option {
	return together(Token("/v2/token"), TokenWithoutLogin, Missing(http.StatusForbidden, "DENIED"), Pages(1000), CutLists)
}

// Quay is Quay and quay.io.
func Quay() Option {
	return together(Token("/v2/auth"), TokenWithoutLogin, Missing(http.StatusUnauthorized, "UNAUTHORIZED"),
		Pages(50), BlobsElsewhere)
}

// GitLab is the container registry of GitLab, whose token service is GitLab itself.
func GitLab() Option {
	return together(TokenElsewhere("/jwt/auth"), Wrong(http.StatusForbidden, "DENIED"), Missing(http.StatusForbidden, "DENIED"),
		WithoutReferrers, Pages(1000), Conditional, BlobsElsewhere)
}

// Harbor is Harbor with its storage on the same host.
func Harbor() Option {
	return together(Token("/service/token"), TokenWithoutLogin, BasicAfterToken(`Basic realm="harbor"`), Missing(http.StatusUnauthorized, "UNAUTHORIZED"), EmptyChallenge,
		Pages(1000), Conditional, Charset, RetryAfter("30"))
}

// Nexus is Sonatype Nexus 3 without its Docker realm.
func Nexus() Option {
	return together(Basic(`BASIC realm="Sonatype Nexus Repository Manager"`), WithoutReferrers, Pages(1000))
}

// JFrog is JFrog Artifactory. It answers 403 for a missing tag.
func JFrog() Option {
	return together(Token("/artifactory/api/docker/docker/v2/token"), Basic(`Basic realm="Artifactory Realm"`),
		MissingTag(http.StatusForbidden, "DENIED"), Pages(1000))
}

// Gitea is Gitea and Forgejo.
func Gitea() Option {
	return together(Token("/v2/token"), Scope("*"), Basic(`Basic realm="Gitea"`), WithoutReferrers, Pages(1000))
}

// Zot is zot.
func Zot() Option { return together(Basic(`Basic realm="zot"`), Pages(1000)) }

// Distribution is the CNCF registry with htpasswd.
func Distribution() Option {
	return together(Basic(`Basic realm="Registry Realm"`), WithoutReferrers, Pages(1000), Conditional)
}

// OpenShift is the registry of OpenShift, which keeps blobs in S3.
func OpenShift() Option {
	return together(Token("/openshift/token"), WithoutReferrers, Pages(1000), Conditional, BlobsElsewhere)
}
