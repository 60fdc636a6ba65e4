using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Hosting.Tests;

/// <summary>What the check of readiness says about stalls, growth, old items and a store that is away, in virtual time.</summary>
public sealed class HealthTests : HealthTestBase
{
    [Fact]
    public async Task AStoreThatHangsIsReportedWithinTheTimeout()
    {
        var store = new Hanging(new MemoryStreamStore());
        using IHost host = Build(new() { StoreTimeout = TimeSpan.FromSeconds(1) }, store);
        await host.StartAsync(Cancellation);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        store.Hangs = true;
        Task<HealthReportEntry> first = CheckAsync(host), second = CheckAsync(host);
        while (store.Asked == 0) await Task.Yield();
        Assert.False(first.IsCompleted);
        // A check may begin to wait after the Clock has gone on: then it waits for a later second.
        for (int round = 0; !first.IsCompleted || !second.IsCompleted; round++, await Task.Yield())
            if (round % 1_000 == 0) Clock.Advance(TimeSpan.FromSeconds(1));
        const string Reason = "The store does not answer: it is silent for 1 second (HealthOptions.StoreTimeout).";
        Assert.Equal((HealthStatus.Unhealthy, Reason), Told(await first));
        Assert.Equal((HealthStatus.Unhealthy, Reason), Told(await second));
        Assert.Equal(1, store.Asked);                             // checks do not pile up in front of a store that hangs
        Assert.Equal(0L, (await first).Data["numbers.backlog"]);

        store.Release();
        HealthReportEntry now = await CheckAsync(host);
        while (now.Status != HealthStatus.Healthy) now = await CheckAsync(host);
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task AConsecutorThatTheProgramHasStoppedIsReported()
    {
        using IHost host = Build(new(), new MemoryStreamStore());
        await host.StartAsync(Cancellation);
        await host.Services.GetRequiredService<Consecutor<int>>().StopAsync(cancellation: Cancellation);
        Assert.Equal((HealthStatus.Degraded, "the consecutor numbers: The program has stopped it, and it takes nothing until the process "
            + "starts again."), Told(await CheckAsync(host)));
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task AnItemThatNeverEndsIsReportedWithItsNode()
    {
        using IHost host = Build(new(), new MemoryStreamStore(), HangAsync);
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.SendAsync(1, Cancellation);
        while (numbers.Snapshot() is not { InFlight: 1, Run: { } run } || run["HangAsync"].In == 0) await Task.Yield();
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal((HealthStatus.Degraded,
            "the consecutor numbers is stalled: it has 1 item in flight, and none has moved for 5 minutes. Look at 'HangAsync'."),
            Told(await CheckAsync(host)));
        Release.SetResult();
        await numbers.WaitForIdleAsync(Cancellation);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task APipelineThatStandsStillIsReportedWithItsNode()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSingleton<TimeProvider>(Clock);
        PipelineRun? run = null;
        builder.Services.AddSluice().AddPipeline("copy", _ => Source.From([1, 2]) | HangAsync,
            new() { OnStarted = started => run = started });
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        while (run!.Snapshot()["HangAsync"].In == 0) await Task.Yield();
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal((HealthStatus.Degraded,
            "the pipeline copy is stalled: it has items in work, and none has moved for 6 minutes. Look at 'HangAsync'."),
            Told(await CheckAsync(host)));
        Release.SetResult();
        await run.Completion;
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task APipelineThatWaitsForItsSourceIsNotStalled()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSingleton<TimeProvider>(Clock);
        PipelineRun? run = null;
        builder.Services.AddSluice().AddPipeline("copy", _ => Source.From(OneThenWaitAsync()) | (n => n) | (static _ => { }),
            new() { OnStarted = started => run = started });
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        while (run!.Snapshot().Nodes is var nodes && (nodes[2].Out == 0 || nodes.Any(static node => node.Activity == NodeActivity.Running)))
            await Task.Yield();
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal((HealthStatus.Healthy, null), (await CheckAsync(host)) is var seen ? (seen.Status, seen.Description) : default);
            Clock.Advance(TimeSpan.FromMinutes(5));
        }
        Release.SetResult();
        await host.StopAsync(Cancellation);

        async IAsyncEnumerable<int> OneThenWaitAsync()
        {
            yield return 1;
            await Release.Task;
        }
    }

    [Fact]
    public async Task AnItemThatIsOutstandingForTooLongIsReported()
    {
        using IHost host = Build(new() { MaxOutstandingDuration = TimeSpan.FromMinutes(10) }, new MemoryStreamStore(Clock));
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.PauseAsync(Cancellation);
        await numbers.SendAsync(1, Cancellation);
        Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        Clock.Advance(TimeSpan.FromMinutes(1));
        HealthReportEntry old = await CheckAsync(host);
        Assert.Equal((HealthStatus.Degraded, "the consecutor numbers has an item that was accepted 11 minutes ago and has not ended; the "
            + "limit is 10 minutes."), Told(old));
        Assert.Equal(660L, old.Data["numbers.oldest_seconds"]);
        await numbers.ResumeAsync(Cancellation);
        await numbers.WaitForIdleAsync(Cancellation);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task AnOldestItemThatCannotBeReadDoesNotMakeTheStoreSeemAway()
    {
        var store = new Hanging(new MemoryStreamStore(Clock)) { IsDamaged = true };
        using IHost host = Build(new() { MaxOutstandingDuration = TimeSpan.FromMinutes(10) }, store);
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.PauseAsync(Cancellation);
        await numbers.SendAsync(1, Cancellation);
        Assert.Equal((HealthStatus.Degraded, "the consecutor numbers: its oldest item cannot be read: The entry is damaged."),
            Told(await CheckAsync(host)));
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task AProblemOfAConsecutorIsReported()
    {
        using IHost host = Build(new(), new MemoryStreamStore(), configure: static options => options with
        {
            Stream = new() { Partitions = 1, MaxItems = 1 }
        });
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.PauseAsync(Cancellation);
        await numbers.SendAsync(1, Cancellation);
        Task second = numbers.SendAsync(2, Cancellation).AsTask();
        HealthReportEntry now = await CheckAsync(host);
        while (now.Status == HealthStatus.Healthy) now = await CheckAsync(host);
        Assert.StartsWith("the consecutor numbers: ", now.Description, StringComparison.Ordinal);
        Assert.Contains("full", now.Description, StringComparison.Ordinal);
        await numbers.ResumeAsync(Cancellation);
        await second;
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task AStoreThatRefusesAppendsIsReportedUntilItTakesThem()
    {
        var store = new HookedStore(new MemoryStreamStore());
        using IHost host = Build(new(), store);
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        store.Before = static () => throw new StreamStoreException("It is full.") { IsPermanent = true };
        await Assert.ThrowsAsync<StreamStoreException>(async () => await numbers.SendAsync(1, Cancellation));
        Assert.Equal((HealthStatus.Degraded, "The store has refused the last append: It is full."), Told(await CheckAsync(host)));
        Clock.Advance(TimeSpan.FromMinutes(6));          // nobody sends
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        await Assert.ThrowsAsync<StreamStoreException>(async () => await numbers.SendAsync(1, Cancellation));
        Assert.Equal(HealthStatus.Degraded, (await CheckAsync(host)).Status);
        Clock.Advance(TimeSpan.FromSeconds(1));
        store.Before = static () => Task.CompletedTask;
        await numbers.SendAsync(2, Cancellation);
        await numbers.WaitForIdleAsync(Cancellation);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task APausedConsecutorSaysForHowLong()
    {
        using IHost host = Build(new(), new MemoryStreamStore(Clock));
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        Assert.DoesNotContain("numbers.paused_seconds", (await CheckAsync(host)).Data.Keys);
        await numbers.PauseAsync(Cancellation);
        while (numbers.Snapshot().PausedAt is null) await Task.Yield();
        Clock.Advance(TimeSpan.FromMinutes(20));
        HealthReportEntry now = await CheckAsync(host);
        Assert.Equal((HealthStatus.Healthy, 1200L), (now.Status, now.Data["numbers.paused_seconds"]));
        await host.StopAsync(Cancellation);
    }

    private sealed class Hanging(IStreamStore store) : StreamStoreWrapper(store)
    {
        private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int asked;

        public bool Hangs { get; set; }

        public bool IsDamaged { get; set; }

        public int Asked => Volatile.Read(ref asked);

        public void Release()
        {
            Hangs = false;
            released.SetResult();
        }

        public override ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
            => IsDamaged ? throw new StreamStoreException("The entry is damaged.") : base.ReadAsync(request, cancellation);

        public override async ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
        {
            if (Hangs)
            {
                Interlocked.Increment(ref asked);
                await released.Task;
            }
            return await base.FindStreamAsync(stream, cancellation);
        }
    }
}
