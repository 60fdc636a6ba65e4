using Sluice.Flows;
using Sluice.Testing;
using Sluice.Tests.Delivery;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>Processors with an executor of their own, instead of a function in the service.</summary>
public class OwnExecutorTests
{
    private static readonly Processor First = new("first") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Processor Second = new("second") { Inputs = ["y"], Outputs = ["z"] };

    [Fact]
    public async Task AFlowMayMixAFunctionOfTheServiceWithProcessorsOfOtherExecutors()
    {
        await using var lab = new FlowLab();
        var third = new Processor("third") { Inputs = ["z"], Outputs = ["sum"] };
        Supervisor service = lab.Join();
        service.Register(First, MessageExecutor.Of(new() { { First, AddAsync(First, 1) } }));
        service.Register(Second, AddAsync(Second, 10));
        service.Register(new ProcessorFunctions { { third, MessageExecutor.Of(new() { { third, AddAsync(third, 100) } }) } });
        await using FlowRun run = await service.StartAsync(Flow.From(First, Second, third).Resolve(),
            Enumerable.Range(0, 700).Select(i => IOVal.Of("x", i)), cancellation: FlowLab.Cancellation);
        Assert.Equal(Enumerable.Range(111, 700),
            await FlowLab.ReadAsync(run.Output<int>("sum")).WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        await run.Completion;
        Assert.Empty(lab.Warnings);
    }

    [Fact]
    public async Task AnExecutorOfSeveralProcessorsIsDisposedOnceWithTheSupervisor()
    {
        await using var lab = new FlowLab();
        var shared = new Countdown();
        Supervisor service = lab.Join(options => options with { Executor = shared });
        service.Register(First, shared);
        service.Register(Second, shared);
        Assert.Equal(0, shared.Disposals);
        await service.DisposeAsync();
        Assert.Equal(1, shared.Disposals);
    }

    [Fact]
    public async Task AnExecutorWhoseDisposalFailsIsAWarning()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(First, new Ending(static () => Task.FromException(new IOException("no connection"))));
        service.Register(Second, new Ending(static () => throw new FormatException("at once")));
        Assert.Empty(await service.StopAsync(cancellation: FlowLab.Cancellation));
        await service.DisposeAsync();
        Assert.Equal(["The DisposeAsync of the executor Ending of service-1 has failed with FormatException: at once",
            "The DisposeAsync of the executor Ending of service-1 has failed with IOException: no connection"],
            lab.Warnings.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task AnExecutorWhoseDisposalHangsIsNamedAndNoInputIs()
    {
        var clock = new TestClock();
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var hasBegun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Supervisor service = lab.Join(options => options with { Time = clock });
        service.Register(First, new Ending(() =>
        {
            hasBegun.SetResult();
            return end.Task;
        }));
        Task<IReadOnlyList<string>> stopping = service.StopAsync(TimeSpan.FromSeconds(30), FlowLab.Cancellation);
        await hasBegun.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        clock.Advance(TimeSpan.FromSeconds(30));
        IReadOnlyList<string> left = await stopping.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        end.SetResult();
        Assert.Empty(left);
        Assert.Equal("service-1 was to stop within 30 s, and the DisposeAsync of Ending has not ended in that time. "
            + "All processors were handed over.", Assert.Single(lab.Warnings));
    }

    /// <summary>Others take over the processor, and not the disposal.</summary>
    [Fact]
    public async Task AnExecutorWhoseDisposalHangsIsNamedBesideTheProcessorsThatAreLeft()
    {
        var clock = new TestClock();
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var store = new FrozenStore(lab.Store);
        var (hasBegun, disposes) = (new SemaphoreSlim(0), new SemaphoreSlim(0));
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Supervisor service = lab.Join(options => options with
        {
            Time = clock,
            LeaseDuration = TimeSpan.FromHours(1),
            Executor = new Ending(() =>
            {
                disposes.Release();
                return end.Task;
            }),
        }, store);
        service.Register(First, async (IO<int> x, CancellationToken cancellation) =>
        {
            hasBegun.Release();
            await Task.Delay(Timeout.Infinite, cancellation);
            return 0;
        });
        await service.StartAsync(Flow.From(First).Resolve(), [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        Assert.True(await hasBegun.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        store.Freeze();
        Task<IReadOnlyList<string>> stopping = service.StopAsync(TimeSpan.FromSeconds(30), FlowLab.Cancellation);
        Assert.True(await store.Stuck.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        clock.Advance(TimeSpan.FromSeconds(27));     // the time of the store
        Assert.True(await disposes.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        clock.Advance(TimeSpan.FromSeconds(3));
        IReadOnlyList<string> left = await stopping.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        end.SetResult();
        store.Thaw();
        Assert.Equal(["first"], left);
        Assert.Contains("service-1 was to stop within 30 s, and not everything was handed over in that time: first. The store has not "
            + "answered. Others take over when this service has been silent for the lease duration. The DisposeAsync of Ending has not "
            + "ended, either.", lab.Warnings);
    }

    private sealed class Ending(Func<Task> end) : IExecutor, IAsyncDisposable
    {
        public Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation) => call.RunHereAsync(cancellation);

        public ValueTask DisposeAsync() => new(end());
    }

    [Fact]
    public async Task ASecondRegistrationReplacesTheExecutorWithAWarningAndBothAreDisposed()
    {
        await using var lab = new FlowLab();
        var before = new Countdown();
        Supervisor service = lab.Join();
        service.Register(First, before);
        service.Register(First, AddAsync(First, 1));
        Assert.Contains("The processor first was registered before", Assert.Single(lab.Warnings), StringComparison.Ordinal);
        await using FlowRun run = await service.StartAsync(Flow.From(First).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal(2, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        await run.Completion;
        Assert.Equal(0, before.Disposals);
        await service.DisposeAsync();
        Assert.Equal(1, before.Disposals);
        Assert.Throws<ObjectDisposedException>(() => service.Register(Second, before));
    }

    /// <summary>The worker runs an earlier version of the program. It would leave out the values of an input without a word.</summary>
    [Fact]
    public async Task AWorkerThatDoesNotDeclareAnInputFailsTheRun()
    {
        await using var lab = new FlowLab();
        Processor priced = new("first") { Inputs = ["x", "rates"], Outputs = ["y"] };
        Supervisor service = lab.Join();
        service.Register(priced, MessageExecutor.Of(new() { { First, AddAsync(First, 1) } }));
        await using FlowRun run = await service.StartAsync(Flow.From(priced).Resolve(), [IOVal.Of("x", 1), IOVal.Of("rates", 2)],
            cancellation: FlowLab.Cancellation);
        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.Contains("The processor first has the input rates in the flow, and not in this worker, which would ignore its values.",
            failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnExecutorWithoutAFunctionCannotRunItHere()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(First, new Countdown());
        await using FlowRun run = await service.StartAsync(Flow.From(First).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.Contains("The processor first was registered with an executor, and without a function for RunHereAsync.", failure.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnExecutorOfNullIsRefusedWhereItIsGiven()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        Assert.Equal("executor", Assert.Throws<ArgumentNullException>(() => service.Register(First, (IExecutor)null!)).ParamName);
        Assert.Equal("executor",
            Assert.Throws<ArgumentNullException>(() => new ProcessorFunctions().Add(First, (IExecutor)null!)).ParamName);
        Assert.Equal("processor", Assert.Throws<ArgumentNullException>(() => service.Register(null!, new Countdown())).ParamName);
    }

    private static ProcessorFunction AddAsync(Processor processor, int more)
    {
        return Run;

        async IAsyncEnumerable<IOVal> Run(ProcessorContext context,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            await foreach (int value in context.Input<int>(processor.Inputs[0]).StreamAsync(cancellation))
                yield return IOVal.Of(processor.Outputs[0], value + more);
        }
    }

    private sealed class Countdown : IExecutor, IAsyncDisposable
    {
        public int Disposals { get; private set; }

        public Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation) => call.RunHereAsync(cancellation);

        public ValueTask DisposeAsync()
        {
            Disposals++;
            return ValueTask.CompletedTask;
        }
    }
}
