using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Hosting.Tests;

/// <summary>What the check of readiness says about backlogs and about several problems at once, in virtual time.</summary>
public sealed class HealthOfBacklogsTests : HealthTestBase
{
    [Fact]
    public async Task ABacklogThatGrowsWithoutAPauseIsReported()
    {
        using IHost host = await GrowingAsync();
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        for (int minute = 0; minute < 10; minute++)
        {
            Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
            await numbers.SendAllAsync([1, 2], Cancellation);
            Clock.Advance(TimeSpan.FromMinutes(1));
        }
        Assert.Equal((HealthStatus.Degraded, "the consecutor numbers has a growing backlog: from 0 to 20 items in 10 minutes. Items come "
            + "faster than they end."), Told(await CheckAsync(host)));
        Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);      // it has not grown in this minute
        Release.SetResult();
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task TwoLooksAloneShowNoGrowth()
    {
        using IHost host = await GrowingAsync();
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        await numbers.SendAllAsync([1, 2], Cancellation);
        Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
        Release.SetResult();
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task ABacklogThatGrowsInAPauseIsMeantTo()
    {
        using IHost host = Build(new() { MaxGrowingDuration = TimeSpan.FromMinutes(10) }, new MemoryStreamStore(Clock));
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.PauseAsync(Cancellation);
        for (int minute = 0; minute < 20; minute++)
        {
            Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host)).Status);
            await numbers.SendAllAsync([1, 2], Cancellation);
            Clock.Advance(TimeSpan.FromMinutes(1));
        }
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task TheBacklogContainsWhatAnotherProcessSends()
    {
        await using var store = new MemoryStreamStore(Clock);
        using IHost host = Build(new() { MaxBacklog = 10, MaxStalledDuration = TimeSpan.FromDays(1) }, new StreamStoreWrapperOf(store),
            HangAsync, options => options with { MaxInFlight = 100, Run = new() { Time = Clock } });
        await host.StartAsync(Cancellation);
        await using (var sender = new Consecutor<int>("numbers", static source => source | (static _ => { }),
            new() { Store = store, InstanceId = "web", Run = new() { Time = Clock } }))
            await sender.SendAllAsync([.. Enumerable.Range(0, 500)], Cancellation);
        while (host.Services.GetRequiredService<Consecutor<int>>().Snapshot().InFlight == 0) await Task.Yield();
        HealthReportEntry now = await CheckAsync(host);
        while (now.Status == HealthStatus.Healthy)
        {
            long before = await BeatsAsync();
            Clock.Advance(TimeSpan.FromSeconds(10));
            while (await BeatsAsync() == before) await Task.Yield();
            now = await CheckAsync(host);
        }
        Assert.StartsWith("the consecutor numbers has a backlog of ", now.Description, StringComparison.Ordinal);
        Release.SetResult();
        await host.StopAsync(Cancellation);

        async Task<long> BeatsAsync() => (await store.FindGroupAsync(new("numbers", "numbers"), Cancellation))!.Members[0].Heartbeats;
    }

    [Fact]
    public async Task ALossHidesNoLaterProblem()
    {
        using IHost host = Build(new(), new StreamStoreWrapperOf(new MemoryStreamStore(Clock), "Two minutes are lost."));
        await host.StartAsync(Cancellation);
        Assert.Equal((HealthStatus.Degraded, "the consecutor numbers: Two minutes are lost."), Told(await CheckAsync(host)));
        await host.Services.GetRequiredService<Consecutor<int>>().StopAsync(cancellation: Cancellation);
        Assert.Equal((HealthStatus.Degraded, "the consecutor numbers: Two minutes are lost. The program has stopped it, and it takes "
            + "nothing until the process starts again."), Told(await CheckAsync(host)));
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public async Task AnItemThatIsAcceptedDuringTheCheckIsNotYoungerThanNow()
    {
        using IHost host = Build(new() { MaxOutstandingDuration = TimeSpan.FromMinutes(10) },
            new StreamStoreWrapperOf(new MemoryStreamStore(Clock)) { IsAskedEarlier = true });
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.PauseAsync(Cancellation);
        await numbers.SendAsync(1, Cancellation);
        Assert.Equal(0L, (await CheckAsync(host)).Data["numbers.oldest_seconds"]);
        await host.StopAsync(Cancellation);
    }

    /// <summary>A host whose consecutor has one item in work, which does not end: what comes then waits.</summary>
    private async Task<IHost> GrowingAsync()
    {
        IHost host = Build(new() { MaxGrowingDuration = TimeSpan.FromMinutes(10), MaxStalledDuration = TimeSpan.FromDays(1) },
            new MemoryStreamStore(Clock), HangAsync, static options => options with { MaxInFlight = 1, Stream = new() { Partitions = 1 } });
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.SendAsync(0, Cancellation);
        while (numbers.Snapshot().InFlight == 0) await Task.Yield();
        return host;
    }

    private sealed class StreamStoreWrapperOf(IStreamStore inner, string? loss = null) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        /// <summary>Whether time goes on between the question for the time and the next one.</summary>
        public bool IsAskedEarlier { get; init; }

        public override string? Loss => loss;

        public override async ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default)
            => await base.GetTimeAsync(cancellation) - (IsAskedEarlier ? TimeSpan.FromSeconds(10) : TimeSpan.Zero);
    }
}
