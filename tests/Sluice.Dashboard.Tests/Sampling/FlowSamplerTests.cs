using Sluice.Dashboard.Sampling;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Sampling;

/// <summary>The list of runs: what it reads again, and what a store that fails does to it.</summary>
public sealed class FlowSamplerTests : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly MemoryStreamStore store = new();
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RunsThatEndAndRunsThatAreGoneAreSeenAtTheNextLook()
    {
        await using Supervisor service = Supervisor.Attach(store, new() { Name = "here" });
        await using FlowRun run = await StartAsync(service, "waits");
        await using var flow = new Doubling(store);
        await flow.RunAsync("done", keepsInput: false, "a");
        var sampler = new FlowSampler(store, clock);
        Assert.Equal([("waits", FlowStatus.Waiting), ("done", FlowStatus.Completed)], await LookAsync(sampler));
        await run.CancelAsync("enough");
        await store.DeleteStreamAsync("flow/done", Cancellation);
        Assert.Equal([("waits", FlowStatus.Cancelled)], await LookAsync(sampler));
    }

    [Fact]
    public async Task AnIdThatIsUsedAgainIsReadAgainWithinAMinute()
    {
        await using (var flow = new Doubling(store)) await flow.RunAsync("same", keepsInput: false, "a");
        var sampler = new FlowSampler(store, clock);
        Assert.Equal([("same", FlowStatus.Completed)], await LookAsync(sampler));
        foreach (string stream in await store.ListStreamsAsync("flow", Cancellation)) await store.DeleteStreamAsync(stream, Cancellation);
        await using (var flow = new Doubling(store, "shop-2")) await flow.RunAsync("same", keepsInput: false, "poison");
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal([("same", FlowStatus.Failed)], await LookAsync(sampler));
    }

    [Fact]
    public async Task ALookThatFailsLosesNoRun()
    {
        await using var flow = new Doubling(store);
        for (int i = 0; i < 5; i++) await flow.RunAsync($"run-{i}", keepsInput: false, "a");
        var watched = new WatchedStore(store);
        var sampler = new FlowSampler(watched, clock);
        int calls = 0;
        watched.Before = name => watched.Failure = name == "ReadAsync" && ++calls == 3 ? new TimeoutException("away") : null;
        await Assert.ThrowsAsync<TimeoutException>(() => LookAsync(sampler));
        watched.Before = null;
        watched.Failure = null;
        Assert.Equal(5, (await LookAsync(sampler)).Count);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private async Task<List<(string, FlowStatus)>> LookAsync(FlowSampler sampler)
    {
        clock.Advance(Interval);
        RunLines lines = await sampler.LookAsync(0, 100, Interval, Cancellation);
        Assert.Empty(lines.Problems);
        return [.. lines.Lines.Select(static one => (one.Run, one.Status))];
    }

    // Nobody hosts its processor, so it waits.
    private static Task<FlowRun> StartAsync(Supervisor service, string id) => service.StartAsync(
        Flow.From(new Processor("nobody") { Inputs = ["a"], Outputs = ["b"] }).Resolve(), [IOVal.Of("a", 1)], run: id,
        cancellation: Cancellation);
}
