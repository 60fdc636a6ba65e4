using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Stores over TLS: with a certificate that is trusted, with one that is not, and with a server that has none.</summary>
public sealed class TlsTests(SharedServer plain)
{
    private const string Untrusted = ": its certificate is not trusted, or made for another host.";

    [Fact]
    public async Task AStoreTrustsTheCertificateThatItWasGivenAndNamesEachOtherReason()
    {
        string authority = "";
        await using PostgresServer server = await PostgresServer.StartAsync(directory => authority = Certify(directory), "ssl=on",
            "ssl_cert_file=../server.crt", "ssl_key_file=../server.key");
        PostgresStoreOptions options = new() { Timeout = TimeSpan.FromSeconds(60) };         // none of the failures waits for it
        string safe = $"{server.Address};SSL Mode=VerifyFull;Root Certificate={authority}";
        await using (PostgresStreamStore store = await PostgresStreamStore.OpenAsync(safe, options))
        {
            await store.OpenStreamAsync("orders");
            Assert.Equal(true, await server.AskAsync("SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                + "WHERE application_name = 'Sluice'"));
        }
        await RefusedAsync($"{server.Address};SSL Mode=VerifyFull", Untrusted);
        await RefusedAsync(safe.Replace("127.0.0.1", "localhost", StringComparison.Ordinal), Untrusted);
        await RefusedAsync($"{server.Address};SSL Mode=VerifyFull".Replace("Host=127.0.0.1",
            $"Host=127.0.0.1:{server.Port},localhost:{server.Port}", StringComparison.Ordinal), Untrusted);

        var without = await Assert.ThrowsAsync<StreamStoreException>(
            async () => await PostgresStreamStore.OpenAsync($"{plain.Address};SSL Mode=Require", options));
        Assert.Contains("the server does not offer TLS to this host", without.Message, StringComparison.Ordinal);

        async Task RefusedAsync(string address, string reason)
        {
            var refused = await Assert.ThrowsAsync<StreamStoreException>(
                async () => await PostgresStreamStore.OpenAsync(address, options));
            Assert.StartsWith("There is no TLS connection to the PostgreSQL server at ", refused.Message, StringComparison.Ordinal);
            Assert.True(refused.Message.Contains(reason, StringComparison.Ordinal), refused.Message);
            Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>Makes a certificate for 127.0.0.1 that no authority has signed.</summary>
    /// <returns>The file of the certificate.</returns>
    private static string Certify(string directory)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=sluice", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        string file = Path.Combine(directory, "server.crt"), secret = Path.Combine(directory, "server.key");
        File.WriteAllText(file, certificate.ExportCertificatePem());
        File.WriteAllText(secret, key.ExportPkcs8PrivateKeyPem());
        PostgresServer.KeepSecret(secret);
        return file;
    }
}
