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
        string picture = (await run.GetStatusAsync(FlowLab.Cancellation)).ToText();
        Assert.Contains("running on dying, which is silent (no host for 9 s), y 1", picture, StringComparison.Ordinal);

        async Task<TimeSpan?> LookAsync() => (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].NoHostFor;
    }

    /// <remarks>Formerly the time of the answer counted as silence of the host.</remarks>
    [Fact]
    public async Task AHostIsNotSilentBecauseTheStoreAnswersLate()
    {
        await using var store = new MemoryStreamStore(clock);
        var late = new LateStore(store);
        await using Supervisor starter = Join(late, "starter");
        await using FlowRun run = await starter.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        await store.HeartbeatAsync(new(FlowNames.Hosts("work"), "elsewhere", "instance", Lease), FlowLab.Cancellation);
        Assert.Null(await LookAsync());
        late.OnAnswer = () => clock.Advance(Lease);
        Assert.Null(await LookAsync());              // what the store had read is as old as the heartbeat
        late.OnAnswer = null;
        Assert.Equal(Lease, await LookAsync());

        async Task<TimeSpan?> LookAsync() => (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].NoHostFor;
    }

    [Fact]
    public async Task TheStarterIsWarnedOnceOfEachHostThatHasDiedInTheMiddle()
    {
        await using var store = new MemoryStreamStore(clock);
        var warnings = new ConcurrentQueue<string>();
        await using Supervisor starter = Supervisor.Attach(store,
            new() { Name = "starter", Time = clock, LeaseDuration = Lease, OnWarning = warnings.Enqueue });
        Supervisor first = await HostAsync("first");
        await using FlowRun run = await starter.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)], run: "order-7",
            cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        for (int i = 0; i < 12; i++) await GoOnAsync("first");
        Assert.Empty(warnings);

        await first.AbandonAsync();
        while (warnings.IsEmpty) await GoOnAsync(null);
        Assert.Matches("^The processor 'work' of the run order-7 has had no living host for [0-9]+ (seconds|minutes): first, which had it, "
            + "is silent. Start a service that registers 'work': the run goes on there by itself. CancelAsync ends the run.$",
            Assert.Single(warnings));
        for (int i = 0; i < 12; i++) await GoOnAsync(null);
        Assert.Single(warnings);

        Supervisor second = await HostAsync("second");
        while ((await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0] is not { Starts: 2, NoHostFor: null })
            await GoOnAsync("second");
        await second.AbandonAsync();
        while (warnings.Count < 2) await GoOnAsync(null);
        Assert.Equal(["first", "second"], warnings.Select(static text => text.Split(": ")[1].Split(',')[0]));

        // A third of a lease duration: the living host sends a heartbeat, and the starter may look.
        async Task GoOnAsync(string? living)
        {
            MemberInfo? before = living is null ? null : await MemberAsync(living);
            clock.Advance(Lease / 3);
            while (living is not null && await MemberAsync(living) == before) await Task.Yield();
            for (int turn = 0; turn < 500; turn++) await Task.Yield();
            FlowLab.Cancellation.ThrowIfCancellationRequested();
        }

        async Task<MemberInfo?> MemberAsync(string name)
            => (await store.FindGroupAsync(FlowNames.Hosts("work"), FlowLab.Cancellation))?.Members
                .Select(static member => (MemberInfo?)member).FirstOrDefault(member => member!.Value.Name == name);

        // A host that sends a heartbeat whenever the clock is moved by a third of a lease duration. One that has just joined may not yet.
        async Task<Supervisor> HostAsync(string name)
        {
            var beating = new BeatingClock(clock, Lease / 3);
            Supervisor host = Supervisor.Attach(store, new() { Name = name, Time = beating, LeaseDuration = Lease });
            host.Register(Work, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
            {
                await y.WriteAsync(1, cancellation);
                await Task.Delay(Timeout.Infinite, cancellation);
            });
            await beating.BegunAsync();
            return host;
        }
    }

    [Fact]
    public async Task ALookWithoutAServiceSeesAHostWhoseProcessHasEndedHere()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Supervisor starter = Join(store, "starter");
        await using Supervisor host = Join(store, "host");
        host.Register(Work, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await y.WriteAsync(1, cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        await using FlowRun run = await starter.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        FlowRunInfo status = (await FlowInspector.FindAsync(store, run.Id, FlowLab.Cancellation))!;
        Assert.Null(status.Processors[0].NoHostFor);
        Assert.Contains("running, y 1", status.ToText(), StringComparison.Ordinal);

        await host.AbandonAsync();
        MemberInfo silent = (await store.FindGroupAsync(FlowNames.Hosts("work"), FlowLab.Cancellation))!.Members.Single();
        string[] parts = silent.Instance.Split('/');
        Assert.SkipUnless(parts[0].Length > 0, "Other systems do not tell which processes have ended.");
        string ended = string.Join('/', [parts[0], $"{int.MaxValue}", "1", .. parts[3..]]);
        await store.HeartbeatAsync(new(FlowNames.Hosts("work"), "host", ended, Lease) { Replaces = silent }, FlowLab.Cancellation);
        status = (await FlowInspector.FindAsync(store, run.Id, FlowLab.Cancellation))!;
        Assert.Equal(TimeSpan.Zero, status.Processors[0].NoHostFor);
        Assert.Contains("running on host, which is silent (no host), y 1", status.ToText(), StringComparison.Ordinal);
    }

    private Supervisor Join(IStreamStore store, string name)
        => Supervisor.Attach(store, new() { Name = name, Time = clock, LeaseDuration = Lease });

    /// <summary>A store whose answer about a group arrives after the test has let time pass.</summary>
    private sealed class LateStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public Action? OnAnswer { get; set; }

        public override async ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
        {
            GroupInfo? answer = await base.FindGroupAsync(group, cancellation);
            OnAnswer?.Invoke();
            return answer;
        }
    }
}
