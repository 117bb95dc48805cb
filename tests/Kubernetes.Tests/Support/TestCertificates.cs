// An authority of this test run, and what it issues; valid for years, as the tests' own clock may be ahead.
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Framelease.Kubernetes.Tests.Support;

static class TestCertificates
{
    public static X509Certificate2 Authority { get; } = MakeAuthority();

    public static X509Certificate2 Other { get; } = MakeAuthority();

    public static X509Certificate2 Issue(string name, X509Certificate2? by = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        names.AddIpAddress(IPAddress.Parse("127.9.9.9"));
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(
            by ?? Authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddYears(9), RandomNumberGenerator.GetBytes(8));
        using var withKey = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }

    public static byte[] Pem(X509Certificate2 certificate) => Encoding.UTF8.GetBytes(certificate.ExportCertificatePem());

    public static byte[] KeyPem(X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        return Encoding.UTF8.GetBytes(key.ExportPkcs8PrivateKeyPem());
    }

    static X509Certificate2 MakeAuthority()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(10));
    }
}
