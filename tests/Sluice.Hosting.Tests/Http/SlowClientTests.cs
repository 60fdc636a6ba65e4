using Sluice.Testing;

namespace Sluice.Hosting.Tests.Http;

/// <summary>
/// Clients that are slow, stop in the middle, or disconnect. Only whole requests are accepted, and other clients are not delayed.
/// </summary>
public class SlowClientTests
{
    private const string Body = """{"Id":"a","Quantity":1}""";

    private static readonly string Head =
        $"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\n";

    [Fact]
    public async Task ARequestSentByteByByteIsAccepted()
    {
        await using var stores = new Stores("memory");
        await using Service service = await Service.StartAsync(await stores.OpenAsync());
        using RawClient client = await RawClient.ConnectAsync(service.Address);

        foreach (char one in $"{Head}\r\n{Body}") await client.SendAsync(one.ToString());
        Assert.Equal((202, """{"accepted":1}"""), await client.ReceiveAsync());
        Assert.Equal(1, (await service.EndAsync()).Accepted);
    }

    [Fact]
    public async Task AnIncompleteRequestIsAnswered408AfterTheReceiveTimeout()
    {
        var clock = new TestClock();
        await using var stores = new Stores("memory");
        await using Service service = await Service.StartAsync(await stores.OpenAsync(),
            new() { Time = clock, ReceiveTimeout = TimeSpan.FromSeconds(30) });
        using RawClient client = await RawClient.ConnectAsync(service.Address);

        await client.SendAsync($"{Head}\r\n{Body[..10]}");
        await clock.WaitForTimersAsync(1, TestContext.Current.CancellationToken);
        Assert.Equal(202, (int)(await service.PostAsync(Body)).StatusCode);     // other clients are not delayed
        clock.Advance(TimeSpan.FromSeconds(31));
        (int status, string problem) = await client.ReceiveAsync();
        Assert.Equal(408, status);
        Assert.Contains("30 seconds", problem, StringComparison.Ordinal);
        await client.SendAsync(Body[10..]);
        Assert.Equal((0, ""), await client.ReceiveAsync());                     // the connection is closed; the rest is no request
        Assert.Equal(1, (await service.EndAsync()).Accepted);
    }

    /// <summary>The host waits for requests before it stops anything else: a body that trickles in must not use up its time.</summary>
    [Fact]
    public async Task AnIncompleteRequestDoesNotHoldUpTheStop()
    {
        var clock = new TestClock();
        await using var stores = new Stores("memory");
        await using Service service = await Service.StartAsync(await stores.OpenAsync(),
            new() { Time = clock, ReceiveTimeout = TimeSpan.FromHours(1) });
        using RawClient client = await RawClient.ConnectAsync(service.Address);
        await client.SendAsync($"{Head}\r\n{Body[..10]}");
        await clock.WaitForTimersAsync(1, TestContext.Current.CancellationToken);
        Task stopping = service.StopAsync();
        Task<(int Status, string Text)> answer = client.ReceiveAsync();
        // The stop sets the timer of an hour anew.
        while (clock.NextDue is not { } due || due > clock.GetUtcNow() + TimeSpan.FromSeconds(1)) await Task.Yield();
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(503, (await answer).Status);
        Assert.Contains("The service stops, and the body had not arrived; nothing was accepted.", (await answer).Text,
            StringComparison.Ordinal);
        await stopping;
        Assert.Equal(0, (await service.EndAsync()).Accepted);
    }

    [Theory]
    [InlineData("end")]
    [InlineData("abort")]
    public async Task ATruncatedRequestIsNotAccepted(string how)
    {
        await using var stores = new Stores("memory");
        await using Service service = await Service.StartAsync(await stores.OpenAsync());

        for (int length = 0; length < Body.Length; length++)
        {
            using RawClient client = await RawClient.ConnectAsync(service.Address);
            await client.SendAsync($"{Head}\r\n{Body[..length]}");
            if (how == "abort") client.Abort();
            else
            {
                client.EndSending();
                Assert.NotEqual(202, (await client.ReceiveAsync()).Status);
            }
        }
        using RawClient chunked = await RawClient.ConnectAsync(service.Address);
        await chunked.SendAsync(
            "POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
                + $"{Body.Length + 1:x}\r\n{Body}\n\r\n");
        chunked.EndSending();                                                    // whole lines, but the body is not complete
        Assert.NotEqual(202, (await chunked.ReceiveAsync()).Status);

        Assert.Equal(202, (int)(await service.PostAsync(Body)).StatusCode);
        Assert.Equal(1, (await service.EndAsync()).Accepted);
    }

    [Fact]
    public async Task AnEndlessBodyIsRefusedAtTheLimit()
    {
        await using var stores = new Stores("memory");
        await using Service service = await Service.StartAsync(await stores.OpenAsync(), new() { MaxBodyBytes = 10_000 });
        using RawClient client = await RawClient.ConnectAsync(service.Address);

        await client.SendAsync(
            "POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n");
        string chunk = $"{Body.Length + 1:x}\r\n{Body}\n\r\n";
        for (int sent = 0; sent <= 11_000; sent += Body.Length + 1) await client.SendAsync(chunk);
        Assert.Equal(413, (await client.ReceiveAsync()).Status);
        Assert.Equal(0, (await service.EndAsync()).Accepted);
    }

    [Fact]
    public async Task RequestsAbortedBeforeTheAnswerAreAcceptedOnceWhenRepeated()
    {
        await using var stores = new Stores("sqlite");
        await using Service service = await Service.StartAsync(await stores.OpenAsync());

        for (int i = 0; i < 20; i++)
        {
            using RawClient client = await RawClient.ConnectAsync(service.Address);
            await client.SendAsync($"{Head}Idempotency-Key: key-{i}\r\n\r\n{Body}");
            client.Abort();
        }
        for (int i = 0; i < 20; i++) Assert.StartsWith("202", await IdempotencyTests.PostAsync(service, Body, $"key-{i}"));
        Assert.Equal(20, (await service.EndAsync()).Accepted);
    }
}
