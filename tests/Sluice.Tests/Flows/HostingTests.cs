using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>Which service hosts which processor: sharing, handover, takeover from a dead service, MaxStarts.</summary>
public class HostingTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();

    [Fact]
    public async Task TwoHundredConcurrentRunsDoNotMixTheirValues()
    {
        const int Runs = 200;
        await using var lab = new FlowLab();
        Supervisor[] services = [lab.Join(), lab.Join()];
        foreach (Supervisor service in services) service.Register(Work, StartTests.CopyAsync);
        FlowRun[] runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(i =>
            services[i % 2].StartAsync(Working, Enumerable.Range(0, 20).Select(k => IOVal.Of("x", (1000 * i) + k)),
            cancellation: FlowLab.Cancellation)));
        for (int i = 0; i < Runs; i++) Assert.Equal(Enumerable.Range(1000 * i, 20), await FlowLab.ReadAsync(runs[i].Output<int>("y")));
        await Task.WhenAll(runs.Select(run => run.Completion)).WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        foreach (FlowRun run in runs) await run.DisposeAsync();
    }

    /// <remarks>Regression: it ran in that context for ever: in the culture and with the tenant of one request, in a scope that was
    /// over.</remarks>
    [Fact]
    public async Task AFunctionDoesNotSeeTheContextOfItsRegistration()
    {
        var tenant = new AsyncLocal<string?>();
        await using var lab = new FlowLab();
        await RegisterAsync();
        await using FlowRun run = await lab.Join().StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        Assert.Equal(["none"], await FlowLab.ReadAsync(run.Output<string>("y")));

        async Task RegisterAsync()
        {
            tenant.Value = "registration";
            lab.Join().Register(Work, async (IO<int> x) =>
            {
                await x.FirstAsync();
                return tenant.Value ?? "none";
            });
            await Task.CompletedTask;
        }
    }

    [Fact]
    public async Task AServiceStoppedBeforeItJoinsEndsWithoutAWarning()
    {
        await using var lab = new FlowLab();
        var closed = new HookedStore(lab.Store);
        var opened = new TaskCompletionSource();
        closed.BeforeOpen = async cancellation =>
        {
            opened.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
        };
        Supervisor service = lab.Join(store: closed);
        service.Register(Work, StartTests.CopyAsync);
        await opened.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await service.DisposeAsync().AsTask().WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Empty(lab.Warnings);
    }

    /// <summary>The container of a service is disposed before its supervisor: its services are gone, and the run is well.</summary>
    [Fact]
    public async Task AStartInADisposedContainerIsHandedOver()
    {
        await using var lab = new FlowLab();
        var container = new DisposedServices();
        Supervisor first = lab.Join(options => options with { Services = container });
        first.Register(Work, StartTests.CopyAsync);
        await using FlowRun run = await lab.Join().StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await container.Asked.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        for (int looks = 0; looks < 100; looks++)
            Assert.Equal(FlowStatus.Running, (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].Status);
        await first.DisposeAsync();
        lab.Join().Register(Work, StartTests.CopyAsync);
        Assert.Equal([1], await FlowLab.ReadAsync(run.Output<int>("y")));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    [Fact]
    public async Task AHandedOverProcessorGoesOnElsewhereWithoutAnExtraStart()
    {
        await using var lab = new FlowLab();
        Supervisor first = lab.Join();
        first.Register(Work, async (IO<int> x, CancellationToken cancellation) =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return 0;
        });
        Supervisor starter = lab.Join();
        await using FlowRun run = await starter.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await lab.UntilAsync($"flow/{run.Id}", async () => (await run.GetStatusAsync(FlowLab.Cancellation)).Status == FlowStatus.Running);
        await first.DisposeAsync();
        Assert.Equal(FlowStatus.Waiting, (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].Status);

        lab.Join().Register(Work, (ProcessorFunction)SecondAsync);
        Assert.Equal([1], await FlowLab.ReadAsync(run.Output<int>("y")));

        static async IAsyncEnumerable<IOVal> SecondAsync(ProcessorContext context,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            await Task.Yield();
            yield return IOVal.Of("y", context.Start);
        }
    }

    [Fact]
    public async Task AHostThatIsSilentForALeaseDurationLosesItsProcessors()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        SupervisorOptions Named(string name) => new() { Name = name, Time = clock, LeaseDuration = TimeSpan.FromSeconds(9) };
        await using var starter = Supervisor.Attach(store, Named("starter"));
        var dying = Supervisor.Attach(store, Named("dying"));
        dying.Register(Work, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await y.WriteAsync(1, cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        await using FlowRun run = await starter.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        IAsyncEnumerator<int> values = run.Output<int>("y").StreamAsync(FlowLab.Cancellation).GetAsyncEnumerator(FlowLab.Cancellation);
        Assert.True(await values.MoveNextAsync());
        await dying.AbandonAsync();

        var beating = new BeatingStore(store);
        var heirs = new BeatingClock(clock, TimeSpan.FromSeconds(3));
        await using var heir = Supervisor.Attach(beating, Named("heir") with { Time = heirs });
        heir.Register(Work, (ProcessorFunction)AgainAsync);
        await beating.BeatsAsync(1);
        await heirs.BegunAsync();
        Task<bool> more = values.MoveNextAsync().AsTask();
        for (int third = 1; !more.IsCompleted; third++)
        {
            if (third <= 3) Assert.NotEqual("heir", (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].Host);
            clock.Advance(TimeSpan.FromSeconds(3));
            await Task.WhenAny(more, beating.BeatsAsync(third + 1));
        }
        Assert.True(await more);
        Assert.Equal(2, values.Current);
        Assert.False(await values.MoveNextAsync());
        await values.DisposeAsync();
        ProcessorInfo status = (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0];
        Assert.Equal(("heir", 2), (status.Host, status.Starts));

        // In the end the dead service leaves the group.
        for (int round = 0; (await store.FindGroupAsync(FlowNames.Hosts("work"), FlowLab.Cancellation))!.Members.Count > 1; round++)
        {
            Assert.True(round < 40, "the dead one stays");
            int beats = beating.Beats;
            clock.Advance(TimeSpan.FromSeconds(3));
            await beating.BeatsAsync(beats + 1);
        }

        static async IAsyncEnumerable<IOVal> AgainAsync(ProcessorContext context,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            await Task.Yield();
            yield return IOVal.Of("y", 1);
            yield return IOVal.Of("y", context.Start);
        }
    }

    [Fact]
    public async Task ASlowInputMayContinueWhileItsStarterSendsHeartbeats()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        var beating = new BeatingStore(store);
        await using var starter = Supervisor.Attach(beating, new() { Name = "starter", Time = clock });
        await using var service = Supervisor.Attach(store, new() { Name = "service", Time = clock });
        service.Register(Work, StartTests.CopyAsync);
        var isPuttingIn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var dead = new TaskCompletionSource();
        FlowRun run = await starter.StartAsync(Working, [IOVal.Stream("x", HangAsync())], run: "fed", cancellation: FlowLab.Cancellation);
        await isPuttingIn.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await using FlowRun seen = (await service.FindAsync("fed", FlowLab.Cancellation))!;
        Task completion = seen.Completion;
        for (int beat = 1; beat <= 12; beat++)
        {
            await beating.BeatsAsync(beat);
            clock.Advance(TimeSpan.FromSeconds(5));
        }
        Assert.False(completion.IsCompleted);        // the starter is slow, and sends heartbeats
        dead.SetResult();
        await completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await run.DisposeAsync();

        async IAsyncEnumerable<int> HangAsync()
        {
            yield return 1;
            isPuttingIn.SetResult();
            await dead.Task;
        }
    }

    [Fact]
    public async Task AProcessorThatKillsItsHostsFailsAfterMaxStarts()
    {
        await using var store = new MemoryStreamStore();
        await using var starter = Supervisor.Attach(store, new() { Name = "starter" });
        await using FlowRun run = await starter.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        for (int life = 0; life < 3; life++)
        {
            var host = Supervisor.Attach(store, new() { Name = "host", MaxStarts = 3 });
            var isRunning = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            host.Register(Work, async (CancellationToken cancellation) =>
            {
                isRunning.SetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            });
            await isRunning.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            await host.AbandonAsync();
        }
        await using var last = Supervisor.Attach(store, new() { Name = "host", MaxStarts = 3 });
        last.Register(Work, () => Task.CompletedTask);
        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Equal(
            $"The run {run.Id} has failed: the processor work has: It was started 3 times without progress, and each time its host was "
                + "gone before it had "
                + $"ended (SupervisorOptions.MaxStarts).", failure.Message);
    }

    [Fact]
    public async Task AReplayReadsTheRecordedTime()
    {
        await using var store = new MemoryStreamStore();
        await using var starter = Supervisor.Attach(store, new() { Name = "starter" });
        var dying = Supervisor.Attach(store, new() { Name = "host", Time = new TestClock() });
        dying.Register(Work, async (IOWriter<DateTimeOffset> y, TimeProvider time, CancellationToken cancellation) =>
        {
            await y.WriteAsync(time.GetUtcNow(), cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        await using FlowRun run = await starter.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        DateTimeOffset first = await run.Output<DateTimeOffset>("y").FirstAsync(FlowLab.Cancellation);
        await dying.AbandonAsync();
        await using var again = Supervisor.Attach(store, new() { Name = "host" });
        again.Register(Work, async (IOWriter<DateTimeOffset> y, TimeProvider time) =>
        {
            await y.WriteAsync(time.GetUtcNow());
            await y.WriteAsync(time.GetUtcNow());
        });
        List<DateTimeOffset> times = await FlowLab.ReadAsync(run.Output<DateTimeOffset>("y"));
        Assert.Equal(first, times[0]);
        Assert.NotEqual(first, times[1]);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    [Fact]
    public async Task EndedRunsAreRemovedAfterTheRetentionDuration()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await using var service = Supervisor.Attach(store, new() { Time = clock, RunRetentionDuration = TimeSpan.FromMinutes(10) });
        service.Register(Work, StartTests.CopyAsync);
        await using FlowRun ended = await service.StartAsync(Working, [IOVal.Of("x", 1)], run: "ended", cancellation: FlowLab.Cancellation);
        await ended.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await using FlowRun waiting = await service.StartAsync(Flow.From(new Processor("nobody") { Inputs = ["x"] }).Resolve(),
            [IOVal.Of("x", 1)], run: "waiting", cancellation: FlowLab.Cancellation);
        for (int minute = 0; minute < 12; minute++) await clock.AdvanceAsync(TimeSpan.FromMinutes(1));
        while (await service.FindAsync("ended", FlowLab.Cancellation) is { } still)
        {
            await still.DisposeAsync();
            clock.Advance(TimeSpan.FromMinutes(1));
            await Task.Yield();
        }
        Assert.NotNull(await service.FindAsync("waiting", FlowLab.Cancellation));
        Assert.DoesNotContain(await store.ListStreamsAsync("", FlowLab.Cancellation),
            stream => stream.Contains("ended", StringComparison.Ordinal));
    }

    private sealed class DisposedServices : ProcessorServices
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override bool IsDisposed => true;

        public override bool Has(Type service) => false;

        public override (IServiceProvider Services, IAsyncDisposable Lifetime) Open()
        {
            Asked.TrySetResult();
            throw new ObjectDisposedException(nameof(IServiceProvider));
        }
    }
}
