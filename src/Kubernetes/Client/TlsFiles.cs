// Whom we trust and who we are, in PEM, as it was at one moment.
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Framelease.Kubernetes.Client;

/// <summary>The content of the files, or the data, that the options name.</summary>
sealed record TlsFiles(byte[]? Authorities, ClientIdentity? Identity)
{
    /// <summary>As the files are now.</summary>
    /// <param name="given">A certificate from a program, if there is one; it stands in for that of the options.</param>
    /// <exception cref="KubernetesException">InvalidConfiguration: a file can not be read, or one of the two parts is missing.</exception>
    public static TlsFiles Read(KubernetesClientOptions options, ClientIdentity? given)
    {
        var authorities = options.CertificateAuthorityData ?? Content("certificate authority file", options.CertificateAuthorityFile);
        if (given is not null)
            return new(authorities, given);
        var certificate = options.ClientCertificateData ?? Content("client certificate file", options.ClientCertificateFile);
        var key = options.ClientKeyData ?? Content("client key file", options.ClientKeyFile);
        return certificate is null ? new(authorities, null)
            : key is null ? throw Invalid("client certificate data: comes without client key data")
            : new(authorities, new(certificate, key));
    }

    public static bool AnyFile(KubernetesClientOptions options) =>
        options.CertificateAuthorityFile is not null || options.ClientCertificateFile is not null || options.ClientKeyFile is not null;

    public bool IsSame(TlsFiles other) =>
        Same(Authorities, other.Authorities) && Same(Identity?.Certificate, other.Identity?.Certificate) && Same(Identity?.Key, other.Identity?.Key);

    /// <summary>Null: those of the system.</summary>
    /// <exception cref="KubernetesException">InvalidConfiguration: not PEM.</exception>
    public X509Certificate2Collection? CertificateAuthorities()
    {
        if (Authorities is null)
            return null;
        var roots = Parse("certificate authority data", () => Import(Authorities));
        return roots.Count > 0 ? roots : throw Invalid("certificate authority data: holds no PEM certificate");
    }

    /// <summary>With the intermediates that came with it, which the server may not have. Null: we have none.</summary>
    /// <exception cref="KubernetesException">InvalidConfiguration: not PEM, or not the key of this certificate.</exception>
    public SslStreamCertificateContext? ClientCertificate()
    {
        if (Identity is not { Certificate: var certificate, Key: var key })
            return null;
        return Parse("client certificate and key", () => SslStreamCertificateContext.Create(
            X509Certificate2.CreateFromPem(Encoding.UTF8.GetString(certificate), Encoding.UTF8.GetString(key)), Import(certificate), offline: true));
    }

    static X509Certificate2Collection Import(byte[] pem)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPem(Encoding.UTF8.GetString(pem));
        return all;
    }

    static byte[]? Content(string what, string? path)
    {
        try
        {
            return path is null ? null : File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Invalid($"{what} {path}: {error.Message}", error);
        }
    }

    static T Parse<T>(string what, Func<T> parse)
    {
        try
        {
            return parse();
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw Invalid($"{what}: not valid PEM: {error.Message}", error);
        }
    }

    static bool Same(byte[]? a, byte[]? b) => a is null ? b is null : b is not null && a.AsSpan().SequenceEqual(b);

    static KubernetesException Invalid(string message, Exception? inner = null) =>
        KubernetesException.Local(KubernetesReasons.InvalidConfiguration, message, inner);
}
