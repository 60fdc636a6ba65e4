using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Sluice.Testing;

namespace Sluice.Hosting.Tests.Tcp;

/// <summary>The protocol of <c>Source.Tcp</c>: when frames are acknowledged, and how they are refused.</summary>
public class FrameTests
{
    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite")]
    public async Task FramesAreAcknowledgedWhenTheyAreDurable(string kind)
    {
        await using var stores = new Stores(kind);
        var writing = new TaskCompletionSource();
        var store = new HookedStore(await stores.OpenAsync()) { Before = () => writing.Task };
        await using Listener listener = await Listener.StartAsync(store);
        (TcpProbe probe, long last) = await TcpProbe.HelloAsync(listener.Address);
        await using TcpProbe one = probe;

        Assert.Equal(0, last);
        await one.SendAsync("1 a");
        await one.SendAsync("2 b c\r");
        Task<string?> answer = one.ReceiveAsync();
        (TcpProbe other, _) = await TcpProbe.HelloAsync(listener.Address); // the server answers this client, but not yet the first one
        await using TcpProbe two = other;
        Assert.False(answer.IsCompleted);
        writing.SetResult();
        Assert.StartsWith("ok ", await answer);
        if (await answer == "ok 1") await one.AcknowledgedAsync(2);
        Assert.Equal(["a", "b c"], await listener.EndAsync());
    }

    [Fact]
    public async Task LengthPrefixedFramesCarryLineFeedsAndLongTexts()
    {
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), new() { Framing = TcpFraming.Length });
        (TcpProbe probe, _) = await TcpProbe.HelloAsync(listener.Address, "client", TcpFraming.Length);
        await using TcpProbe one = probe;

        await one.SendAsync(1, "a\nb"u8.ToArray());
        await one.SendAsync(2, Encoding.UTF8.GetBytes(new string('x', 100_000)));
        await one.AcknowledgedAsync(2);
        await one.SendAsync(3, [0xFF]);
        Assert.StartsWith("error 3 The frame 3 is malformed:", await one.ReceiveAsync());
        Assert.Equal(["a\nb", new string('x', 100_000)], await listener.EndAsync());
    }

    [Fact]
    public async Task AConnectionCanUseTls()
    {
        using X509Certificate2 certificate = NewCertificate();
        await using var stores = new Stores("memory");
        ConcurrentQueue<string> warnings = new();
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(),
            new() { Tls = new SslServerAuthenticationOptions { ServerCertificate = certificate }, OnWarning = warnings.Enqueue });

        await using (TcpProbe plain = await TcpProbe.ConnectAsync(listener.Address))
        {
            await plain.SendAsync("hello");
            await plain.SendAsync("1 a");
            Assert.DoesNotContain(await plain.RestAsync(), answer => answer.StartsWith("ok", StringComparison.Ordinal));
        }
        Assert.Contains("A client and this side found no common TLS: AuthenticationException: ", Assert.Single(warnings),
            StringComparison.Ordinal);
        await using TcpProbe probe = await TcpProbe.ConnectAsync(listener.Address, certificate: certificate.GetCertHashString());
        await probe.SendAsync("hello");
        Assert.Equal("hello 0", await probe.ReceiveAsync());
        await probe.SendAsync("1 b");
        await probe.AcknowledgedAsync(1);
        await probe.SendAsync("7 c");
        Assert.StartsWith("error 2 ", await probe.ReceiveAsync());
        Assert.Equal(["b"], await listener.EndAsync());
    }

    [Fact]
    public async Task AClientThatDoesNotEndItsHandshakeIsTold()
    {
        using X509Certificate2 certificate = NewCertificate();
        var clock = new TestClock();
        var told = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Listener listener = await Listener.StartAsync(null,
            new() { Tls = new SslServerAuthenticationOptions { ServerCertificate = certificate }, OnWarning = told.SetResult },
            time: clock);
        await using TcpProbe probe = await TcpProbe.ConnectAsync(listener.Address);
        for (Task<List<string>> rest = probe.RestAsync(); !rest.IsCompleted; await Task.Yield()) clock.Advance(TimeSpan.FromSeconds(10));
        Assert.EndsWith("A client has not ended its TLS handshake within 60 seconds.", await told.Task, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hi\n1 a\n", "error 1 The first frame is no hello")]
    [InlineData("hello \n1 a\n", "error 1 The client's id has 0 characters")]
    [InlineData("", "error 1 The connection has ended before its hello")]
    [InlineData("hello\n1 a\n3 c\n", "hello 0|ok 1|error 2 The frame has the number 3; 2 is the next one.")]
    [InlineData("hello\n1 a\n0 c\n", "hello 0|ok 1|error 2 The frame has the number 0; 2 is the next one.")]
    [InlineData("hello\n1 a\nb\n", "hello 0|ok 1|error 2 A line does not begin with its number")]
    [InlineData("hello\n1 a\n2\n", "hello 0|ok 1|error 2 A line does not begin with its number")]
    [InlineData("hello\n1 a\n99999999999999999999 b\n", "hello 0|ok 1|error 2 A line does not begin with its number")]
    [InlineData("hello\n1 a\n2 b", "hello 0|ok 1|error 2 The connection has ended in the middle of a frame.")]
    [InlineData("hello\n1 a\n2 0123456789012345678901234567890123456789\n3 c\n", "hello 0|ok 1|error 2 A frame is longer than 20 bytes.")]
    [InlineData("hello\n1 a\n2 012345678901234567890\n", "hello 0|ok 1|error 2 A frame is longer than 20 bytes.")]
    [InlineData("hello\n1 a\n2 \u00ff\n", "hello 0|ok 1|error 2 The frame 2 is malformed:")]
    [InlineData("hello\n\n\n1 a\n\n1 b\n", "hello 0|ok 1")]
    public async Task AMalformedFrameIsReportedAfterTheAcceptedOnes(string sent, string told)
    {
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), new() { MaxFrameBytes = 20 });
        await using TcpProbe probe = await TcpProbe.ConnectAsync(listener.Address);

        await probe.SendRawAsync(Encoding.Latin1.GetBytes(sent));
        probe.EndSending();
        List<string> answers = await probe.RestAsync();
        string[] expected = told.Split('|');
        List<string> distinct = [.. answers.Distinct()]; // frames that arrive in pieces may be acknowledged twice
        Assert.Equal(expected.Length, distinct.Count);
        for (int i = 0; i < expected.Length; i++) Assert.StartsWith(expected[i], distinct[i]);
        Assert.Equal(told.Contains("ok", StringComparison.Ordinal) ? ["a"] : [], await listener.EndAsync());
    }

    [Fact]
    public async Task AConnectionAboveTheLimitIsRefused()
    {
        await using var stores = new Stores("memory");
        ConcurrentQueue<string> warnings = new();
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(),
            new() { MaxConnections = 2, OnWarning = warnings.Enqueue });
        (TcpProbe one, _) = await TcpProbe.HelloAsync(listener.Address);
        (TcpProbe two, _) = await TcpProbe.HelloAsync(listener.Address);
        await using TcpProbe first = one, second = two;

        await using (TcpProbe third = await TcpProbe.ConnectAsync(listener.Address))
            Assert.StartsWith("error 0 There are 2 connections already", (await third.RestAsync()).Single());
        Assert.EndsWith("A connection was refused, because there are 2 already (TcpOptions.MaxConnections).", Assert.Single(warnings),
            StringComparison.Ordinal);
        first.EndSending();
        Assert.Empty(await first.RestAsync());
        await second.SendAsync("1 a");
        await second.AcknowledgedAsync(1);
        Assert.Equal(["a"], await listener.EndAsync());
    }

    [Fact]
    public async Task ADrainClosesTheConnectionsAndThePort()
    {
        await using var stores = new Stores("sqlite");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync());
        (TcpProbe probe, _) = await TcpProbe.HelloAsync(listener.Address);
        await using TcpProbe one = probe;

        await one.SendAsync("1 a");
        await one.AcknowledgedAsync(1);
        Assert.True(await listener.Run.StopAsync(TimeSpan.FromSeconds(30)));
        Assert.Empty(await one.RestAsync());
        await Assert.ThrowsAnyAsync<System.Net.Sockets.SocketException>(() => TcpProbe.ConnectAsync(listener.Address));
        Assert.Equal(["a"], await listener.EndAsync());
    }

    [Fact]
    public async Task TheRunFailsWhenItsConsecutorHasEnded()
    {
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync());
        (TcpProbe probe, _) = await TcpProbe.HelloAsync(listener.Address);
        await using TcpProbe one = probe;

        await listener.Texts.StopAsync();
        await one.SendAsync("1 a");
        Assert.Contains("has ended", await one.ReceiveAsync(), StringComparison.Ordinal);
        Assert.Contains("has ended", (await Assert.ThrowsAsync<PipelineException>(() => listener.Run.Completion)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStageBetweenTheTcpSourceAndItsConsecutorIsRefused()
    {
        await using var stores = new Stores("memory");
        await using var consecutor = new Consecutor<int>("lengths", source => source | (_ => { }),
            new() { Store = await stores.OpenAsync() });

        Pipeline pipeline = Source.Tcp(0) | (text => text.Length) | consecutor;
        Assert.Contains("directly in front", (await Assert.ThrowsAnyAsync<Exception>(() => pipeline.RunAsync())).ToString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task ATcpSourceWithoutAConsecutorFeedsAnOrdinaryPipeline()
    {
        var listening = new TaskCompletionSource<IPEndPoint>();
        List<string> seen = [];
        PipelineRun run = (Source.Tcp(0, new() { OnListening = listening.SetResult }) | (text => text.ToUpperInvariant())
            | (text => seen.Add(text))).Start();
        (TcpProbe probe, _) = await TcpProbe.HelloAsync(await listening.Task, "somebody");
        await using TcpProbe one = probe;

        for (int i = 1; i <= 1000; i++) await one.SendAsync($"{i} a{i}");
        await one.AcknowledgedAsync(1000);
        Assert.True(await run.StopAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(Enumerable.Range(1, 1000).Select(i => $"A{i}"), seen);
    }

    private static X509Certificate2 NewCertificate()
    {
        using RSA key = RSA.Create(2048);
        return new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
