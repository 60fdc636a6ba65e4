using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Hosting.Tests.Tcp;

/// <summary>Clients that reconnect, are slow or connect twice, and full streams. No item is lost or accepted twice.</summary>
public class ReconnectingClientTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite")]
    public async Task AReconnectingClientIsToldItsLastFrameAlsoAfterARestart(string kind)
    {
        await using var stores = new Stores(kind);
        await using (Listener listener = await Listener.StartAsync(await stores.OpenAsync()))
        {
            (TcpProbe probe, long last) = await TcpProbe.HelloAsync(listener.Address, "till 4");
            Assert.Equal(0, last);
            for (int i = 1; i <= 10; i++) await probe.SendAsync($"{i} item {i}");
            await probe.AcknowledgedAsync(10);
            probe.Abort();
            Assert.Equal(10, (await listener.EndAsync()).Length);
        }
        await using (Listener listener = await Listener.StartAsync(await stores.OpenAsync()))
        {
            (TcpProbe probe, long last) = await TcpProbe.HelloAsync(listener.Address, "till 4");
            await using TcpProbe one = probe;
            Assert.Equal(10, last);
            await one.SendAsync("10 item 10"); // the client repeats a frame whose acknowledgement it may have missed
            await one.SendAsync("11 item 11");
            await one.AcknowledgedAsync(11);
            (TcpProbe other, long none) = await TcpProbe.HelloAsync(listener.Address, "till 5");
            await using TcpProbe two = other;
            Assert.Equal(0, none);
            Assert.Equal(["item 11"], await listener.EndAsync());
        }
    }

    [Theory]
    [InlineData("memory", 3000)]
    [InlineData("sqlite", 1500)]
    public async Task BrokenConnectionsNeitherLoseNorRepeatItems(string kind, int items)
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("SLUICE_SEED"), CultureInfo.InvariantCulture, out int given) ? given
            : Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        await using var stores = new Stores(kind);
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(),
            stream: new() { Partitions = 1, MaxItems = 100 });

        await Task.WhenAll(Enumerable.Range(0, 3).Select(client => SendAllAsync(listener, $"client-{client}", items,
            new Random(HashCode.Combine(seed, client)))));
        string[] processed = await listener.EndAsync();
        for (int client = 0; client < 3; client++)
            Assert.Equal(Enumerable.Range(1, items).Select(i => $"client-{client}/{i}"),
                processed.Where(text => text.StartsWith($"client-{client}/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task AnEarlierConnectionOfAClientIsFenced()
    {
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync());
        (TcpProbe earlier, _) = await TcpProbe.HelloAsync(listener.Address, "client");
        await using TcpProbe zombie = earlier;
        await zombie.SendAsync("1 a");
        await zombie.AcknowledgedAsync(1);

        (TcpProbe later, long last) = await TcpProbe.HelloAsync(listener.Address, "client");
        await using TcpProbe heir = later;
        Assert.Equal(1, last);
        await zombie.SendAsync("2 zombie");
        string? told = await zombie.ReceiveAsync(); // either the newer connection or the store refuses it
        Assert.StartsWith("error 2 This ", told);
        Assert.Contains("superseded", told, StringComparison.Ordinal);
        await heir.SendAsync("2 b");
        await heir.AcknowledgedAsync(2);
        Assert.Equal(["a", "b"], await listener.EndAsync());
    }

    [Fact]
    public async Task AnEarlierConnectionToAnotherProcessIsFencedByTheStore()
    {
        await using var stores = new Stores("memory");
        await using Listener one = await Listener.StartAsync(await stores.OpenAsync());
        await using Listener another = await Listener.StartAsync(await stores.OpenAsync(), starts: false);
        (TcpProbe earlier, _) = await TcpProbe.HelloAsync(one.Address, "client");
        (TcpProbe later, _) = await TcpProbe.HelloAsync(another.Address, "client");
        await using TcpProbe zombie = earlier, heir = later;

        await zombie.SendAsync("1 zombie");
        string? told = await zombie.ReceiveAsync();
        Assert.StartsWith("error 1 ", told);
        Assert.Contains("superseded", told, StringComparison.Ordinal);
        await heir.SendAsync("1 a");
        await heir.AcknowledgedAsync(1);
        await one.Texts.WaitForIdleAsync();
        while (one.Processed.IsEmpty) await Task.Yield(); // the first process sees the item when it leases it
        Assert.Equal(["a"], one.Processed);
    }

    [Theory]
    [InlineData("client")]
    [InlineData(null)]
    public async Task AClientIsToldThatTheStreamIsFull(string? client)
    {
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), starts: false,
            stream: new() { Partitions = 1, MaxItems = 1 });
        (TcpProbe probe, _) = await TcpProbe.HelloAsync(listener.Address, client);
        await using TcpProbe one = probe;

        await one.SendAsync("1 a");
        await one.AcknowledgedAsync(1);
        await one.SendAsync("2 b");
        Assert.Equal("full", await one.ReceiveAsync());
        await listener.Texts.StartAsync();
        await one.AcknowledgedAsync(2);
        Assert.Equal(["a", "b"], await listener.EndAsync());
    }

    /// <summary>One read brings more frames than two appends take: the last ones wait for a place, and not for their acceptance.</summary>
    [Theory]
    [InlineData("client")]
    [InlineData(null)]
    public async Task AClientThatHasSentManyFramesIsToldThatTheStreamIsFullAndWhatWasAccepted(string? client)
    {
        using var mayEnd = new SemaphoreSlim(0);
        var processed = new ConcurrentQueue<string>();
        await using var texts = new Consecutor<string>("texts", source => source | (async (string text) =>
        {
            await mayEnd.WaitAsync(Cancellation);
            processed.Enqueue(text);
        }), new() { Store = new MemoryStreamStore(), Stream = new() { Partitions = 1, MaxItems = 8 } });
        var listening = new TaskCompletionSource<IPEndPoint>(TaskCreationOptions.RunContinuationsAsynchronously);
        PipelineRun run = (Source.Tcp(0, new TcpOptions { OnListening = listening.SetResult }) | texts).Start(new RunOptions());
        (TcpProbe probe, _) = await TcpProbe.HelloAsync(await listening.Task, client);
        await using TcpProbe one = probe;
        for (int number = 1; number <= 8; number++)
        {
            await one.SendAsync($"{number} {number}");
            await one.AcknowledgedAsync(number);
        }
        await one.SendRawAsync(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(9, 200).Select(static i => $"{i} {i}\n"))));
        Assert.Equal("full", await one.ReceiveAsync());
        await texts.StartAsync();
        mayEnd.Release(20);
        await one.AcknowledgedAsync(24);             // of 28 for which there was room
        Assert.InRange(processed.Count, 1, 20);
        mayEnd.Release(1000);
        await one.AcknowledgedAsync(208);
        Assert.Equal(0, (await texts.WaitForIdleAsync()).Unaccounted);
        Assert.Equal(Enumerable.Range(1, 208).Select(static i => $"{i}"), processed);
        await run.CancelAsync();
    }

    /// <summary>A client that reads no answers is given up, and nothing of what it has sent is added behind its back.</summary>
    [Fact]
    public async Task AClientThatLeavesWhileItsFramesWaitForAPlaceLeavesNothingBehind()
    {
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), new() { IdleTimeout = TimeSpan.FromDays(1) },
            starts: false, stream: new() { Partitions = 1, MaxItems = 8 });
        (TcpProbe probe, _) = await TcpProbe.HelloAsync(listener.Address, "client");
        await probe.SendRawAsync(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, 200).Select(static i => $"{i} a\n"))));
        Assert.Equal("full", await probe.ReceiveAsync());
        (TcpProbe again, long last) = await TcpProbe.HelloAsync(listener.Address, "client");
        await using TcpProbe one = again;
        probe.Abort();
        Assert.InRange(last, 1, 8);
        await listener.Texts.StartAsync();
        for (long number = last + 1; number <= 20; number++) await one.SendAsync($"{number} b");
        await one.AcknowledgedAsync(20);
        string[] all = await listener.EndAsync();
        Assert.Equal([.. Enumerable.Repeat("a", (int)last), .. Enumerable.Repeat("b", 20 - (int)last)], all);
    }

    [Fact]
    public async Task AFrameOfAClientThatLeftWhileWaitingIsNotAccepted()
    {
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), new() { IdleTimeout = TimeSpan.FromDays(1) },
            starts: false, stream: new() { Partitions = 1, MaxItems = 1 });
        (TcpProbe probe, _) = await TcpProbe.HelloAsync(listener.Address, "client");
        await probe.SendAsync("1 a");
        await probe.AcknowledgedAsync(1);
        await probe.SendAsync("2 b");
        Assert.Equal("full", await probe.ReceiveAsync());
        probe.Abort();

        (TcpProbe again, long last) = await TcpProbe.HelloAsync(listener.Address, "client");
        await using TcpProbe one = again;
        Assert.Equal(1, last);
        await one.SendAsync("2 c"); // the client may change a frame that was not acknowledged
        Assert.Equal("full", await one.ReceiveAsync());
        await listener.Texts.StartAsync();
        await one.AcknowledgedAsync(2);
        Assert.Equal(["a", "c"], await listener.EndAsync());
    }

    [Fact]
    public async Task ASilentOrTricklingClientIsDisconnected()
    {
        var clock = new TestClock();
        await using var stores = new Stores("memory");
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(),
            new() { IdleTimeout = TimeSpan.FromSeconds(60) }, time: clock);
        (TcpProbe silent, _) = await TcpProbe.HelloAsync(listener.Address);
        (TcpProbe trickling, _) = await TcpProbe.HelloAsync(listener.Address);
        (TcpProbe alive, _) = await TcpProbe.HelloAsync(listener.Address);
        await using TcpProbe one = silent, two = trickling, three = alive;

        await clock.WaitForTimersAsync(3, TestContext.Current.CancellationToken);
        Task<string?> toSilent = silent.ReceiveAsync(), toTrickling = trickling.ReceiveAsync();
        int rounds = 0;
        for (; !toSilent.IsCompleted || !toTrickling.IsCompleted; rounds++)                 // the server may start its timeout late
        {
            await trickling.SendRawAsync([(byte)'1']);                                      // never a complete frame
            await alive.SendRawAsync("\n"u8.ToArray());                                     // an empty frame keeps the connection alive
            await alive.SendAsync($"{rounds + 1} {rounds}");
            await alive.AcknowledgedAsync(rounds + 1);
            clock.Advance(TimeSpan.FromSeconds(10));
        }
        Assert.True(rounds >= 6, $"{rounds}");
        Assert.StartsWith("error 1 No whole frame has come for 60 seconds", await toSilent);
        Assert.StartsWith("error 1 No whole frame has come for 60 seconds", await toTrickling);
        await alive.SendAsync($"{rounds + 1} last");
        await alive.AcknowledgedAsync(rounds + 1);
        Assert.Equal(rounds + 1, (await listener.EndAsync()).Length);
    }

    private static async Task SendAllAsync(Listener listener, string client, int items, Random random)
    {
        while (true)
        {
            (TcpProbe probe, long last) = await TcpProbe.HelloAsync(listener.Address, client);
            await using TcpProbe one = probe;
            if (last == items) return;
            int upTo = (int)Math.Min(items, last + random.Next(1, 200));
            string frames = string.Concat(Enumerable.Range((int)last + 1, upTo - (int)last).Select(i => $"{i} {client}/{i}\n"));
            byte[] bytes = System.Text.Encoding.UTF8.GetBytes(frames)[..^random.Next(frames.Length / 2)];
            await one.SendRawAsync(bytes);
            if (random.Next(3) == 0)
            {
                one.Abort();
                continue;
            }
            one.EndSending();
            int most = random.Next(1, 4);
            while (most-- > 0 && await one.ReceiveAsync() is { } answer && !answer.StartsWith("ok", StringComparison.Ordinal))
            {
            }
        }
    }
}
