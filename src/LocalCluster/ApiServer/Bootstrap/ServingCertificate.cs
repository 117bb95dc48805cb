using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Framelease.LocalCluster.ApiServer.Bootstrap;

/// <summary>The cluster's own certificate authority and the certificate that it gave this server.</summary>
sealed class ServingCertificate
{
    // Longer than any one-machine cluster is kept; a start within the last month makes new ones.
    static readonly TimeSpan Lifetime = TimeSpan.FromDays(3650);
    static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);

    ServingCertificate(string authorityPem, X509Certificate2 certificate)
    {
        AuthorityPem = authorityPem;
        Certificate = certificate;
    }

    public string AuthorityPem { get; }

    public X509Certificate2 Certificate { get; }

    /// <summary>Reads the certificates of a data directory, or makes them for loopback and the given address.</summary>
    public static ServingCertificate LoadOrCreate(DataDirectory directory, IPAddress address, DateTimeOffset now)
    {
        var (authorityFile, servingFile) = (directory.File("ca.crt"), directory.File("serving.pem"));
        if (File.Exists(authorityFile) && File.Exists(servingFile))
        {
            var pem = File.ReadAllText(servingFile);
            var certificate = X509Certificate2.CreateFromPem(pem, pem);
            if (certificate.NotAfter.ToUniversalTime() > now.UtcDateTime + RenewBefore && Covers(certificate, address))
                return new ServingCertificate(File.ReadAllText(authorityFile), certificate);
        }

        using var authority = CreateAuthority(now);
        var (serving, key) = Issue(authority, address, now);
        var servingPem = $"{serving.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n";
        DataDirectory.WritePrivate(servingFile, Encoding.ASCII.GetBytes(servingPem));
        DataDirectory.WritePrivate(authorityFile, Encoding.ASCII.GetBytes(authority.ExportCertificatePem() + "\n"));
        // The authority's key is not kept: it has nothing else to sign.
        return new ServingCertificate(authority.ExportCertificatePem() + "\n", X509Certificate2.CreateFromPem(servingPem, servingPem));
    }

    static bool Covers(X509Certificate2 certificate, IPAddress address) =>
        certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().Any(names => names.EnumerateIPAddresses().Contains(address));

    static X509Certificate2 CreateAuthority(DateTimeOffset now)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=framelease-ca", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(now.AddHours(-1), now + Lifetime);
    }

    static (X509Certificate2 Certificate, ECDsa Key) Issue(X509Certificate2 authority, IPAddress address, DateTimeOffset now)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=framelease-apiserver", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in (ReadOnlySpan<string>)["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"])
            names.AddDnsName(host);
        foreach (var ip in new HashSet<IPAddress> { IPAddress.Loopback, IPAddress.IPv6Loopback, address })
            names.AddIpAddress(ip);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;
        return (request.Create(authority, now.AddHours(-1), now + Lifetime - TimeSpan.FromHours(2), serial), key);
    }
}
