using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Membership;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>The status of a run says which of its processors have no host, and for how long.</summary>
public class HostWatchTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(9);
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Processor Later = new("later") { Inputs = ["y"], Outputs = ["z"], Wait = true };

    private readonly TestClock clock = new();

    [Fact]
    public async Task TheStatusSaysHowLongAProcessorHasHadNoHost()
    {
        await using var store = new MemoryStreamStore(clock);
        var beating = new BeatingStore(store);
        await using Supervisor starter = Join(store, "starter");
        await using FlowRun run = await starter.StartAsync(Flow.From(Work, Later).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        FlowRunInfo status = await run.GetStatusAsync(FlowLab.Cancellation);
        Assert.All(status.Processors, processor => Assert.Equal((FlowStatus.Waiting, TimeSpan.Zero),
            (processor.Status, processor.NoHostFor)));
        Assert.Contains("waiting (no host), y 0", status.ToText(), StringComparison.Ordinal);

        clock.Advance(TimeSpan.FromSeconds(34));
        status = await run.GetStatusAsync(FlowLab.Cancellation);
        Assert.All(status.Processors, processor => Assert.Equal(TimeSpan.FromSeconds(34), processor.NoHostFor));
        foreach (string picture in new[] { status.ToText(), status.ToMermaid(), status.ToDot() })
            Assert.Contains("no host for 34 s", picture, StringComparison.Ordinal);

        // The processor later has a host now, and waits for its inputs.
        await using Supervisor host = Join(beating, "host");
        host.Register(Later, async (IO<int> y, IOWriter<int> z) => await z.WriteAsync(await y.FirstAsync()));
        await beating.BeatsAsync(1);
        clock.Advance(TimeSpan.FromMinutes(5));
        status = await run.GetStatusAsync(FlowLab.Cancellation);
        Assert.Equal([TimeSpan.FromSeconds(334), null], status.Processors.Select(processor => processor.NoHostFor));
        Assert.Contains("waiting (no host for 5 min), y 0", status.ToText(), StringComparison.Ordinal);
        Assert.Contains("waiting, z 0", status.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheStarterIsWarnedOfAProcessorWithoutAHost()
    {
        await using var store = new MemoryStreamStore(clock);
        var beating = new BeatingStore(store);
        var warnings = new ConcurrentQueue<string>();
        await using Supervisor host = Join(beating, "host");
        host.Register(Later, async (IO<int> y, IOWriter<int> z) => await z.WriteAsync(await y.FirstAsync()));
        await beating.BeatsAsync(1);
        await using Supervisor starter = Supervisor.Attach(store,
            new() { Name = "starter", Time = clock, LeaseDuration = Lease, OnWarning = warnings.Enqueue });
        await using FlowRun run = await starter.StartAsync(Flow.From(Work, Later).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        clock.Advance(Lease - TimeSpan.FromSeconds(1));
        Assert.Empty(warnings);
        clock.Advance(TimeSpan.FromSeconds(1));
        while (warnings.IsEmpty) await Task.Yield();
        Assert.Equal(
            $"No service hosts the processor 'work', so the run {run.Id} waits. Start a service that registers 'work', or compare the "
                + "names. GetStatusAsync shows which processors wait; CancelAsync ends the run.", Assert.Single(warnings));
    }

    [Fact]
    public async Task AHostWhoseProcessHasEndedHereIsMissingAtTheFirstLook()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Supervisor starter = Join(store, "starter");
        await using FlowRun run = await starter.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);

        // A process id that the kernel never gives stands for a process that has ended.
        string[] parts = new MemberInstance().Id.Split('/');
        Assert.SkipUnless(parts[0].Length > 0, "Other systems do not tell which processes have ended.");
        string ended = string.Join('/', [parts[0], $"{int.MaxValue}", "1", .. parts[3..]]);
        await store.HeartbeatAsync(new(FlowNames.Hosts("work"), "killed", ended, Lease), FlowLab.Cancellation);
        Assert.Contains("waiting (no host), y 0", (await run.GetStatusAsync(FlowLab.Cancellation)).ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADeadHostIsNoticedAfterTheLeaseDuration()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Supervisor starter = Join(store, "starter");
        Supervisor dying = Join(store, "dying");
        dying.Register(Work, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await y.WriteAsync(1, cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        await using FlowRun run = await starter.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        await dying.AbandonAsync();

        Assert.Null(await LookAsync());
        clock.Advance(Lease - TimeSpan.FromSeconds(1));
        Assert.Null(await LookAsync());
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Lease, await LookAsync());
        Assert.Contains("running (no host for 9 s), y 1", (await run.GetStatusAsync(FlowLab.Cancellation)).ToText(),
            StringComparison.Ordinal);

        async Task<TimeSpan?> LookAsync() => (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].NoHostFor;
    }

    private Supervisor Join(IStreamStore store, string name)
        => Supervisor.Attach(store, new() { Name = name, Time = clock, LeaseDuration = Lease });
}
