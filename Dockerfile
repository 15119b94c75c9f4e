# Build the controller.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
WORKDIR /workspace
COPY go.mod go.sum ./
RUN go mod download
COPY api/ api/
COPY cmd/ cmd/
COPY internal/ internal/
RUN CGO_ENABLED=0 GOOS=${TARGETOS:-linux} GOARCH=${TARGETARCH} \
    go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o verifiedchart-controller ./cmd

# Run it as nobody in particular, with nothing but it and the certificate authorities.
FROM gcr.io/distroless/static:nonroot
COPY --from=build /workspace/verifiedchart-controller /usr/local/bin/verifiedchart-controller
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/verifiedchart-controller"]
