using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Sluice.Redis.Tests;

/// <summary>A self-signed certificate for localhost, in files for a server.</summary>
internal sealed class TestCertificate : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-tls-");
    private readonly X509Certificate2 certificate;

    public TestCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(Path, certificate.ExportCertificatePem());
        File.WriteAllText(KeyPath, key.ExportPkcs8PrivateKeyPem());
    }

    public string Path => System.IO.Path.Combine(directory.FullName, "server.crt");
    public string KeyPath => System.IO.Path.Combine(directory.FullName, "server.key");

    /// <summary>Trusts this certificate and no other.</summary>
    public bool IsTheOne(object sender, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors)
        => shown is not null && (errors & SslPolicyErrors.RemoteCertificateNameMismatch) == 0
        && shown.GetRawCertData().AsSpan().SequenceEqual(certificate.RawData);

    /// <summary>Shows this certificate to a server.</summary>
    public X509Certificate Select(object sender, string host, X509CertificateCollection locals, X509Certificate? remote, string[] issuers)
        => certificate;

    public void Dispose()
    {
        certificate.Dispose();
        directory.Delete(recursive: true);
    }
}
