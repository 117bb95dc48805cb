// Where the API server is and how we prove who we are.
using System.Text.Json.Serialization.Metadata;

namespace Framelease.Kubernetes.Client;

/// <summary>Made by <see cref="Configuration.KubeConfig"/>, or by hand in tests.</summary>
public sealed record KubernetesClientOptions
{
    /// <summary>Address of the API server, for example <c>https://127.0.0.1:6443</c>; a path is kept as a prefix.</summary>
    public required Uri Server { get; init; }

    /// <summary>Namespace used when a namespaced object or name comes without one. Default: <c>default</c>.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>PEM of the authorities that the server's certificate must chain to. Null: those of the system.</summary>
    public byte[]? CertificateAuthorityData { get; init; }

    /// <summary>File with that PEM instead; read again at most once a minute and after each 401, and its new content is used for new connections.</summary>
    public string? CertificateAuthorityFile { get; init; }

    /// <summary>PEM of the client certificate, and of intermediates after it; needs <see cref="ClientKeyData"/>.</summary>
    public byte[]? ClientCertificateData { get; init; }

    /// <summary>PEM of the client certificate's key.</summary>
    public byte[]? ClientKeyData { get; init; }

    /// <summary>File with the certificate instead; read again as <see cref="CertificateAuthorityFile"/> is. Needs <see cref="ClientKeyFile"/>.</summary>
    public string? ClientCertificateFile { get; init; }

    /// <summary>File with the certificate's key.</summary>
    public string? ClientKeyFile { get; init; }

    /// <summary>Bearer token. <see cref="TokenFile"/> wins when both are set.</summary>
    public string? Token { get; init; }

    /// <summary>File that holds the bearer token; read again at most once a minute, and after each 401.</summary>
    public string? TokenFile { get; init; }

    /// <summary>A program that hands out credentials; a token of ours (<see cref="Token"/>, <see cref="TokenFile"/>) wins.</summary>
    public ExecPlugin? Exec { get; init; }

    /// <summary>Act as somebody else, as far as we may (RBAC verb impersonate). Null: as ourselves.</summary>
    public Impersonation? Impersonate { get; init; }

    /// <summary>Name that the server's certificate must carry. Default: the host of <see cref="Server"/>.</summary>
    public string? TlsServerName { get; init; }

    /// <summary>Accepts any server certificate. Default false.</summary>
    public bool InsecureSkipTlsVerify { get; init; }

    /// <summary>HTTP proxy. Default: none; the environment's proxy variables are not used.</summary>
    public Uri? Proxy { get; init; }

    /// <summary>Sent as User-Agent. Default: <c>framelease</c>.</summary>
    public string UserAgent { get; init; } = "framelease";

    /// <summary>Time for one request's answer, body included; watches and followed logs only until their first byte. Default 30 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Stores are filled by a watch that begins with what there is, where the server has that (1.27 and later, if switched on); else, and by default,
    /// by lists in pages. A stream is the lightest for the server's memory; pages of 10,000 objects come in half the time
    /// (<c>./bench kubernetes</c>). Default false.
    /// </summary>
    public bool StreamLists { get; init; }

    /// <summary>How often a request that is safe to repeat is sent again. Default 4.</summary>
    public int MaxRetries { get; init; } = 4;

    /// <summary>Generated JSON metadata of the caller's kinds; asked before this library's own and before reflection.</summary>
    public IReadOnlyList<IJsonTypeInfoResolver> JsonResolvers { get; init; } = [];

    /// <summary>Never prints secrets.</summary>
    public override string ToString() => $"{Server} (namespace {Namespace})";
}

/// <summary>
/// Who to act as. Kubernetes wants one header for each group and each extra value, and .NET joins headers of one name; so there is at most
/// one group, and one value for each extra key.
/// </summary>
/// <param name="User">Needed: the server refuses a group without a user.</param>
public sealed record Impersonation(
    string User, string? Uid = null, string? Group = null, IReadOnlyDictionary<string, string>? Extra = null);
