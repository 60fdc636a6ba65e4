using System.Globalization;
using System.Text.RegularExpressions;
using System.Threading.Channels;
using Sluice.Shared;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Redis.Tests;

/// <summary>A server that is away for a while: one warning says so, and another one that it answers again.</summary>
public sealed class OutageWarningTests
{
    private static readonly TimeSpan Never = TimeSpan.FromHours(1);      // a busy machine is no outage
    private readonly Channel<string> warnings = Channel.CreateUnbounded<string>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private RedisStoreOptions Options => new() { OnWarning = text => warnings.Writer.TryWrite(text) };

    [Fact]
    public async Task AStoreThatIsOpenedBeforeItsServerSaysThatItWaits()
    {
        await using RedisServer server = await RedisServer.StartAsync("--requirepass", "right-secret");
        await server.KillAsync();
        Task<RedisStreamStore> opening = RedisStreamStore.ConnectAsync($"{server.Address},password=right-secret",
            Options with { Timeout = TimeSpan.FromMinutes(1), NoticeAfter = Never }).AsTask();
        Assert.Equal($"The Redis server at {server.Address} is not connected yet; trying for 60 s.", await NextAsync());
        await server.StartAgainAsync();
        await using RedisStreamStore store = await opening;
        Assert.Matches($@"^The Redis server at {server.Address} is connected now, after \d+(\.\d)? s\.$", await NextAsync());
        await store.PrepareAsync();
        Assert.False(warnings.Reader.TryRead(out _));
    }

    [Fact]
    public async Task AStoreWhoseServerIsThereSaysNothing()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using (RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
            Options with { NoticeAfter = Never, OpeningNoticeAfter = Never })) await store.PrepareAsync();
        Assert.False(warnings.Reader.TryRead(out _));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task EachOutageIsToldOnceHoweverManyCallsWait(bool isKilled)
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, Options with
        {
            Timeout = TimeSpan.FromMinutes(1),
        });
        await store.PrepareAsync();
        string begins = $@"^The Redis server at {server.Address} has not answered since \d\d:\d\d:\d\d UTC\. Calls that can be repeated "
            + @"wait for up to 60 s each \(RedisStoreOptions\.Timeout\); others fail\. Is it running, and can it be reached\?$";
        string ends = $@"^The Redis server at {server.Address} answers again, \d+(\.\d)? s after the first call without an answer "
            + @"\(\d\d:\d\d:\d\d UTC\)\. No caller has had an error so far\.$";
        while (warnings.Reader.TryRead(out _)) { }           // the opening was slow
        for (int outage = 1; outage <= 2; outage++)
        {
            await (isKilled ? server.KillAsync() : server.PauseAsync());
            Task<string[]>[] reading = [.. Enumerable.Range(0, 100).Select(_ => Task.Run(() => store.ReadAsync(Rows.Orders)))];
            Assert.Matches(begins, await NextAsync());
            await (isKilled ? server.StartAgainAsync() : server.ResumeAsync());
            await Task.WhenAll(reading).WaitAsync(Cancellation);
            Assert.Matches(ends, await NextAsync());
            // The 100 answers take a busy machine more than a second: another outage, with a warning for each of its ends.
            while (warnings.Reader.TryRead(out string? more))
            {
                Assert.Matches(begins, more);
                Assert.True(warnings.Reader.TryRead(out string? end), more);
                Assert.Matches(ends, end);
            }
        }
    }

    [Fact]
    public async Task CallsThatHaveFailedAreCounted()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        await using (RedisStreamStore patient = await RedisStreamStore.ConnectAsync(server.Address, new() { Timeout = Never }))
            await patient.PrepareAsync();
        RedisStreamStore? opened = null;
        var tries = new Rounds(1_000);
        while (opened is null)                       // it has no patience when it is opened either
        {
            Assert.True(await tries.GoOnAsync(), "The store cannot be opened.");
            try
            {
                opened = await RedisStreamStore.ConnectAsync(server.Address, Options with
                {
                    Timeout = TimeSpan.Zero,
                    NoticeAfter = TimeSpan.FromMilliseconds(1),  // so that the first failure is of the outage that is told
                }, Cancellation);
            }
            catch (StreamStoreException)
            {
            }
        }
        await using RedisStreamStore store = opened;
        await server.KillAsync();
        while (warnings.Reader.TryRead(out _)) { }           // the opening was slow
        int failed = 0;
        string? first;
        for (; !warnings.Reader.TryRead(out first); failed++)
            await Assert.ThrowsAsync<StreamStoreException>(() => store.ReadAsync(Rows.Orders));
        Assert.Contains("has not answered since", first, StringComparison.Ordinal);
        await server.StartAgainAsync();
        while (await Record.ExceptionAsync(() => store.ReadAsync(Rows.Orders)) is { } failure)
        {
            Assert.IsType<StreamStoreException>(failure);
            failed++;
        }
        string count = failed.ToString("N0", CultureInfo.InvariantCulture);
        Assert.EndsWith($"Calls that have failed: {count}; their callers have the errors.", await NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AHandlerThatThrowsFailsNoCall()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        var told = new TaskCompletionSource();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, new()
        {
            Timeout = TimeSpan.FromMinutes(1),
            OnWarning = _ =>
            {
                told.TrySetResult();
                throw new InvalidOperationException("no log");
            },
        });
        await store.PrepareAsync();
        await store.AppendAsync(1, "a");
        await server.KillAsync();
        Task<string[]> reading = store.ReadAsync(Rows.Orders);
        await told.Task.WaitAsync(Cancellation);
        await server.StartAgainAsync();
        Assert.Equal(["a"], await reading);
    }

    [Fact]
    public async Task ARefusalIsAnAnswer()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendonly", "no");
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, Options with
        {
            Timeout = TimeSpan.FromMinutes(1),
            OpeningNoticeAfter = Never,
        });
        Assert.Equal($"The Redis server at {server.Address} has no append-only file (appendonly no): what it has acknowledged since its "
            + "last snapshot is lost when the server dies. Set appendonly yes in its configuration.", await NextAsync());
        Assert.False(warnings.Reader.TryRead(out _));
        await store.PrepareAsync();
        await server.KillAsync();
        while (warnings.Reader.TryRead(out string? slow))        // a busy machine may have an outage of its own
            Assert.Matches(" has not answered since | answers again, ", slow);
        Task<string[]> reading = store.ReadAsync(Rows.Orders);
        Assert.Contains("has not answered since", await NextAsync(), StringComparison.Ordinal);
        await server.StartAgainAsync();              // without its data
        await Assert.ThrowsAsync<StoreRolledBackException>(() => reading);
        Assert.Contains("answers again, ", await NextAsync(), StringComparison.Ordinal);
    }

    // Its connection was replaced, and nobody will answer it.
    [Fact]
    public void ACallThatWaitsWhileOthersAreAnsweredIsNoOutage()
    {
        ServerSilence silence = New();
        long begun = TimeProvider.System.GetTimestamp();
        silence.Answer();
        silence.Miss(begun, new TimeoutException());
        silence.Answer();
        Assert.False(warnings.Reader.TryRead(out _));
        silence.Miss(TimeProvider.System.GetTimestamp(), new TimeoutException());
        Assert.True(warnings.Reader.TryRead(out _));
    }

    [Fact]
    public async Task AServerThatRefusesCallsIsQuoted()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, Options with
        {
            Timeout = TimeSpan.FromMinutes(1),
        });
        await store.PrepareAsync();
        await SetAsync("1");
        Task<AppendResult> appending = store.AppendAsync(1, "a");
        string refusal = await NextAsync();
        // A busy machine may have an outage of its own, in which refusals are not told.
        for (int n = 2; Regex.IsMatch(refusal, " has not answered since | answers again, "); n++)
        {
            await SetAsync("0");
            await appending;
            while (warnings.Reader.TryRead(out _)) { }
            await SetAsync("1");
            appending = store.AppendAsync(n, "a");
            refusal = await NextAsync();
        }
        Assert.Matches($@"^The Redis server at {server.Address} has refused calls \(NOREPLICAS [^()]*\) since \d\d:\d\d:\d\d UTC\. Calls",
            refusal);
        await SetAsync("0");
        Assert.Equal(AppendStatus.Accepted, (await appending).Status);
        Assert.Contains("answers again, ", await NextAsync(), StringComparison.Ordinal);

        Task SetAsync(string number) => store.Connection.Database.ExecuteAsync("CONFIG", "SET", "min-replicas-to-write", number);
    }

    [Fact]
    public async Task AppendsThatAFullMemoryRefusesAreToldOnceThoughReadsAreAnswered()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        TestClock clock = new();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, Options with
        {
            Time = clock,
            NoticeAfter = Never,
            OpeningNoticeAfter = Never,
        });
        await store.PrepareAsync();
        await store.Connection.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "1mb");
        for (int i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<StreamStoreException>(() => store.AppendAsync(1, "a"));
            Assert.Empty(await store.ReadAsync(Rows.Orders));
        }
        Assert.Matches($@"^The Redis server at {server.Address} has refused calls since \d\d:\d\d:\d\d UTC; appends fail, and "
            + "their callers have the errors: OOM command not allowed", await NextAsync());
        await store.Connection.Database.ExecuteAsync("CONFIG", "SET", "maxmemory", "0");
        await store.AppendAsync(1, "a");
        Assert.False(warnings.Reader.TryRead(out _));            // the memory may be full again in a moment
        clock.Advance(TimeSpan.FromSeconds(5));
        await store.AppendAsync(2, "b");
        Assert.Matches($@"^The Redis server at {server.Address} takes appends again, 5 s after the first refusal \(\d\d:\d\d:\d\d UTC\)\. "
            + "Appends that it has refused: 3\\.$", await NextAsync());
        Assert.False(warnings.Reader.TryRead(out _));
    }

    /// <summary>
    /// On a busy machine, the first connection may take a second or two. So a store that is opened warns later than one that is open.
    /// </summary>
    [Fact]
    public void AStoreThatIsOpenedSaysSoLaterThanOneThatIsOpen()
    {
        WatchedServer server = Options.Watch(ServerAddress.Parse("localhost,password=secret"));
        Assert.Equal((TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(1)), (server.OpeningNoticeAfter, server.NoticeAfter));
        var silence = new ServerSilence(server with { NoticeAfter = TimeSpan.Zero, OpeningNoticeAfter = TimeSpan.FromHours(1) });
        silence.Miss(TimeProvider.System.GetTimestamp(), null);
        Assert.False(warnings.Reader.TryRead(out _));
        silence.Open();
        silence.Miss(TimeProvider.System.GetTimestamp(), null);
        Assert.True(warnings.Reader.TryRead(out _));
    }

    private ServerSilence New()
    {
        RedisStoreOptions options = Options with { NoticeAfter = TimeSpan.Zero };
        var silence = new ServerSilence(options.Watch(ServerAddress.Parse("localhost,password=secret")));
        silence.Open();
        return silence;
    }

    // Warnings come within seconds; the test's own time limit ends a wait for one that never comes.
    private async Task<string> NextAsync()
    {
        string text = await warnings.Reader.ReadAsync(Cancellation);
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
        return text;
    }
}
